//! What a scrape of an LCA says about what passed its shell.

use super::*;
use changeover_lca_core::{ConnectionId, StartCheck, StartProcess};
use changeover_metrics::exposition;
use changeover_model::environment::Probe;
use changeover_model::message::{
    AddressObservation, ApplicationState, FromLca, HeldOn, ScriptOutcome,
};
use changeover_model::{Epoch, Incarnation, Refusal, RefusalCode, Revision, Ticket};

const NOW: Timestamp = Timestamp(1_000_000);

fn scraped(catalogue: &Catalogue) -> BTreeMap<String, f64> {
    let text = catalogue.text();
    assert_eq!(exposition::faults(&text), Vec::<String>::new(), "{text}");
    exposition::samples(&text)
}

fn key(number: u64, application: &str) -> OrderKey {
    OrderKey {
        pair: Some("SIP_EAST".into()),
        epoch: Epoch(3),
        application: application.into(),
        incarnation: None,
        number: OrderNumber(number),
    }
}

fn report(body: LcaReport) -> LcaOutput {
    LcaOutput::ToScs(FromLca {
        sent_at: Timestamp(0),
        cause: None,
        body,
    })
}

fn script(number: u64, result: ScriptResult) -> LcaOutput {
    report(LcaReport::ControlScriptFinished {
        key: key(number, "A_VIP_DOWN"),
        outcome: ScriptOutcome {
            result,
            exit: None,
            duration: Duration::from_millis(4),
            observed: String::new(),
            output: "megabytes of text".to_owned(),
        },
    })
}

fn start(run: u64, kind: ProcessKind) -> LcaOutput {
    LcaOutput::StartProcess(Box::new(StartProcess {
        run: RunId(run),
        application: "A".into(),
        kind,
        program: "sip-server".to_owned(),
        arguments: Vec::new(),
        working_directory: String::new(),
        environment: Vec::new(),
    }))
}

fn exited(run: u64, exit: ExitStatus) -> LcaInput {
    LcaInput::ProcessExited {
        run: RunId(run),
        exit,
        output: String::new(),
    }
}

fn claim(address: &str) -> LcaInput {
    LcaInput::RivalSighted {
        address: address.parse().expect("an address"),
        interface: "eth0".to_owned(),
        mac: "02:00:00:00:00:01".to_owned(),
    }
}

#[test]
fn starts_ends_scripts_orders_and_claims_are_counted_once_each() {
    let mut catalogue = Catalogue::new("lca", "test");
    let mut observer = Observer::new(Flows::new(&mut catalogue));
    observer.acts(NOW, &start(1, ProcessKind::Managed));
    observer.took(NOW, &exited(1, ExitStatus::Signal(9)));
    observer.acts(NOW, &start(2, ProcessKind::Managed));
    // A script and a command are processes too, and not the application's.
    observer.acts(NOW, &start(3, ProcessKind::ControlScript));
    observer.took(NOW, &exited(3, ExitStatus::Code(1)));
    observer.acts(NOW, &script(7, ScriptResult::Succeeded));
    observer.acts(NOW, &script(7, ScriptResult::Succeeded));
    observer.acts(NOW, &script(8, ScriptResult::TimedOut));
    observer.acts(
        NOW,
        &report(LcaReport::OrderAnswered {
            key: key(9, "A"),
            outcome: OrderOutcome::Refused(Refusal::new(RefusalCode::StaleEpoch, "for people")),
        }),
    );
    observer.took(NOW, &claim("10.10.11.103"));
    observer.took(
        NOW,
        &LcaInput::AddressesRemoved {
            ticket: Ticket(1),
            result: Err("for people".to_owned()),
        },
    );

    let samples = scraped(&catalogue);
    for (series, value) in [
        (
            r#"changeover_lca_application_starts_total{application="A"}"#,
            2.0,
        ),
        (
            r#"changeover_lca_application_exits_total{application="A",exit="signal"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_control_scripts_total{application="A_VIP_DOWN",result="succeeded"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_control_scripts_total{application="A_VIP_DOWN",result="timed-out"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_control_script_duration_seconds_count{application="A_VIP_DOWN"}"#,
            2.0,
        ),
        (
            r#"changeover_lca_orders_total{code="stale-epoch",outcome="refused"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_foreign_claims_total{vip="10.10.11.103"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_forced_releases_total{outcome="failed"}"#,
            1.0,
        ),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}");
    }
    let exits = samples
        .keys()
        .filter(|name| name.starts_with("changeover_lca_application_exits_total"));
    assert_eq!(exits.count(), 1);
}

#[test]
fn a_link_that_was_replaced_before_it_ended_stands() {
    let mut catalogue = Catalogue::new("lca", "test");
    let mut observer = Observer::new(Flows::new(&mut catalogue));
    // The SCS came back before its old connection was seen to have ended.
    for connection in [1, 2] {
        observer.took(
            NOW,
            &LcaInput::ScsConnected {
                connection: ConnectionId(connection),
            },
        );
    }
    observer.took(
        NOW,
        &LcaInput::ScsDisconnected {
            connection: ConnectionId(1),
        },
    );
    let samples = scraped(&catalogue);
    let of = |name: &str| samples[&format!("{name}{{peer=\"SCS\",role=\"scs\"}}")];
    assert_eq!(of("changeover_link_up"), 1.0);
    assert_eq!(of("changeover_link_connects_total"), 2.0);
}

/// One primary that holds the first of its two VIPs.
fn state() -> LcaState {
    let address = |address: &str, held: bool, carrier| AddressObservation {
        pair: "SIP_EAST".into(),
        address: address.parse().expect("an address"),
        held: held.then(|| HeldOn {
            interface: "eth0".to_owned(),
            label: None,
            prefix: 24,
        }),
        carrier,
    };
    LcaState {
        host: "host1".into(),
        version: String::new(),
        boot: String::new(),
        session: 1,
        revision: Revision(4),
        applications: vec![ApplicationState {
            application: "A".into(),
            status: ApplicationStatus::Running,
            run_mode: RunMode::Primary,
            incarnation: Incarnation(3),
            epoch: Epoch(2),
            pid: Some(1),
            since: Timestamp(0),
            reason: "for people".to_owned(),
            in_step: true,
            hung: false,
            stopped_as_asked: false,
            last_exit: None,
            last_output: String::new(),
            health: Vec::new(),
        }],
        epochs: vec![("SIP_EAST".into(), Epoch(2))],
        addresses: vec![
            address("10.10.11.103", true, Some(true)),
            address("fd00::103", false, None),
        ],
        scripts: Vec::new(),
        soles: Vec::new(),
    }
}

#[test]
fn a_state_becomes_gauges() {
    let mut catalogue = Catalogue::new("lca", "test");
    let levels = Levels::new(&mut catalogue);
    levels.show(&state(), true);
    let samples = scraped(&catalogue);
    for (series, value) in [
        (
            r#"changeover_lca_application_run_mode{application="A",run_mode="Primary"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_application_run_mode{application="A",run_mode="Backup"}"#,
            0.0,
        ),
        (
            r#"changeover_lca_application_status{application="A",status="Running"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_application_incarnation{application="A"}"#,
            3.0,
        ),
        (r#"changeover_lca_pair_epoch{pair="SIP_EAST"}"#, 2.0),
        (
            r#"changeover_lca_vip_held{pair="SIP_EAST",vip="10.10.11.103"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_vip_held{pair="SIP_EAST",vip="fd00::103"}"#,
            0.0,
        ),
        (
            r#"changeover_lca_vip_carrier{pair="SIP_EAST",vip="fd00::103"}"#,
            0.0,
        ),
        ("changeover_lca_in_contact", 1.0),
        ("changeover_environment_revision", 4.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}");
    }
}

#[test]
fn a_health_check_counts_by_its_result_unless_it_was_ended_with_its_application() {
    let mut catalogue = Catalogue::new("lca", "0.1.0");
    let mut observer = Observer::new(Flows::new(&mut catalogue));
    let start = |run| {
        LcaOutput::StartCheck(Box::new(StartCheck {
            run: RunId(run),
            application: "A".into(),
            name: "options".to_owned(),
            probe: Probe::Tcp {
                address: ([127, 0, 0, 1], 5060).into(),
            },
            timeout: Duration::from_millis(500),
            working_directory: String::new(),
            environment: Vec::new(),
        }))
    };
    let ended = |run, result: Result<&str, &str>| LcaInput::CheckEnded {
        run: RunId(run),
        result: result.map(str::to_owned).map_err(str::to_owned),
    };
    observer.acts(NOW, &start(1));
    observer.took(NOW + Duration::from_millis(3), &ended(1, Ok("200 OK")));
    // It overran: a failure.
    let late = NOW + Duration::from_millis(500);
    observer.acts(NOW, &start(2));
    observer.acts(late, &LcaOutput::EndCheck { run: RunId(2) });
    observer.took(late, &ended(2, Err("ended")));
    // Its application was stopped: nothing.
    observer.acts(NOW, &start(3));
    observer.acts(NOW, &LcaOutput::EndCheck { run: RunId(3) });
    observer.took(NOW, &ended(3, Err("ended")));

    let samples = scraped(&catalogue);
    let of = |result: &str| {
        let labels = format!("{{application=\"A\",check=\"options\",result=\"{result}\"}}");
        samples[&format!("changeover_lca_health_checks_total{labels}")]
    };
    assert_eq!((of("passed"), of("failed")), (1.0, 1.0));
}
