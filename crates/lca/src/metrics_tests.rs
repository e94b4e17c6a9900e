//! What a scrape of an LCA says about what passed its shell.

use super::*;
use changeover_lca_core::{ConnectionId, StartProcess};
use changeover_metrics::exposition;
use changeover_model::message::{
    AddressObservation, ApplicationState, FromLca, HeldOn, ScriptOutcome,
};
use changeover_model::{Epoch, Incarnation, Refusal, RefusalCode, Revision, Ticket, Timestamp};
use std::time::Duration;

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

#[test]
fn starts_ends_scripts_orders_and_rivals_are_counted_once_each() {
    let mut catalogue = Catalogue::new("lca", "test");
    let mut observer = Observer::new(Flows::new(&mut catalogue));
    observer.acts(&start(1, ProcessKind::Managed));
    observer.took(&exited(1, ExitStatus::Signal(9)));
    observer.acts(&start(2, ProcessKind::Managed));
    // A script and a command are processes too, and not the application's.
    observer.acts(&start(3, ProcessKind::ControlScript));
    observer.took(&exited(3, ExitStatus::Code(1)));
    observer.acts(&script(7, ScriptResult::Succeeded));
    observer.acts(&script(7, ScriptResult::Succeeded));
    observer.acts(&script(8, ScriptResult::TimedOut));
    observer.acts(&report(LcaReport::OrderAnswered {
        key: key(9, "A"),
        outcome: OrderOutcome::Refused(Refusal::new(RefusalCode::StaleEpoch, "for people")),
    }));
    observer.took(&LcaInput::RivalSighted {
        address: "10.10.11.103".parse().expect("an address"),
        interface: "eth0".to_owned(),
        mac: "02:00:00:00:00:01".to_owned(),
    });
    observer.took(&LcaInput::AddressesRemoved {
        ticket: Ticket(1),
        result: Err("for people".to_owned()),
    });
    // The SCS came back before its old connection was seen to have ended.
    for connection in [1, 2] {
        observer.took(&LcaInput::ScsConnected {
            connection: ConnectionId(connection),
        });
    }
    observer.took(&LcaInput::ScsDisconnected {
        connection: ConnectionId(1),
    });

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
            r#"changeover_lca_rivals_sighted_total{vip="10.10.11.103"}"#,
            1.0,
        ),
        (
            r#"changeover_lca_forced_releases_total{outcome="failed"}"#,
            1.0,
        ),
        (r#"changeover_link_up{peer="SCS",role="scs"}"#, 1.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}");
    }
    let exits = samples
        .keys()
        .filter(|name| name.starts_with("changeover_lca_application_exits_total"));
    assert_eq!(exits.count(), 1);
}

#[test]
fn a_state_becomes_gauges() {
    let mut catalogue = Catalogue::new("lca", "test");
    let levels = Levels::new(&mut catalogue);
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
    let state = LcaState {
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
        }],
        epochs: vec![("SIP_EAST".into(), Epoch(2))],
        addresses: vec![
            address("10.10.11.103", true, Some(true)),
            address("fd00::103", false, None),
        ],
        scripts: Vec::new(),
    };
    levels.show(&state, true);
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
