//! The reaction types of the later model: wishes, commands, mails, traps.

use super::world::{World, condition};
use crate::{Input, Output, ReactionEngine};
use changeover_model::environment::{ReactionType, Script, SwitchoverWhen};
use changeover_model::message::{CommandOutcome, ExitStatus, LogOrigin};
use changeover_model::{Core, Redundancy, Ticket};

/// A site whose condition WATCH runs one script of this reaction type for an event of SIP_SERVER_PRIMARY.
fn reacting(reaction: ReactionType) -> World {
    World::with(Redundancy::Hot, |environment| {
        let script = Script {
            name: "X".into(),
            reaction,
        };
        environment.scripts.insert("X".into(), script);
        let watch = condition("WATCH", 9999, "SIP_SERVER_PRIMARY", &["X".to_owned()]);
        environment.alarm_conditions.insert("WATCH".into(), watch);
    })
}

fn outputs(
    engine: &mut ReactionEngine,
    world_now: changeover_model::Timestamp,
    input: Input,
) -> Vec<Output> {
    let mut outputs = Vec::new();
    engine.handle(world_now, input, &mut outputs);
    outputs
}

fn watch(world: &mut World) -> Vec<Output> {
    let request = world.event_of("WATCH", None, LogOrigin::Application);
    let now = world.now;
    outputs(&mut world.engine, now, Input::Requested(Box::new(request)))
}

fn answer(world: &mut World, ticket: u64, result: Result<&str, &str>) -> Vec<String> {
    let result = result.map(str::to_owned).map_err(str::to_owned);
    world.give(Input::EffectFinished {
        ticket: Ticket(ticket),
        result,
    })
}

#[test]
fn an_application_that_is_no_control_script_is_started_as_listed_and_not_verified() {
    let mut world = reacting(ReactionType::StartApplication("OTHER".into()));
    let request = world.event_of("WATCH", None, LogOrigin::Application);
    assert_eq!(
        world.give(Input::Requested(Box::new(request))),
        [
            "StartApplicationRequested { ticket: Ticket(1), cause: CauseId(7), application: OTHER, \
          reason: \"00-09999 of SIP_SERVER_PRIMARY\" }"
        ]
    );
    assert_eq!(
        answer(&mut world, 1, Ok("started")),
        ["settled without VIP good"]
    );
    assert_eq!(
        world.reports,
        ["finished good=true: scs | start OTHER | started, not verified"]
    );
}

#[test]
fn a_switchover_reaction_looks_at_the_run_mode_of_the_reporting_application() {
    for (when, runs) in [
        (SwitchoverWhen::Primary, true),
        (SwitchoverWhen::Backup, false),
        (SwitchoverWhen::Any, true),
    ] {
        let mut world = reacting(ReactionType::Switchover(when));
        let request = world.event_of("WATCH", None, LogOrigin::Application);
        let lines = world.give(Input::Requested(Box::new(request)));
        if runs {
            assert!(
                lines[0].starts_with("SwitchoverRequested"),
                "{when:?}: {lines:?}"
            );
            // A refused switchover is not asked for again.
            assert_eq!(
                answer(&mut world, 1, Err("backup-not-running")),
                [
                    "escalated ReactionFailed: switchover of SIP_EAST failed after 1 attempt: backup-not-running; \
                     it has not been done; do it by hand if needed",
                    "settled without VIP bad",
                ]
            );
        } else {
            assert_eq!(lines, ["settled without VIP good"], "{when:?}");
        }
    }
}

#[test]
fn a_mail_is_expanded_and_tried_again_when_it_does_not_go_out() {
    let mut world = reacting(ReactionType::SendEmail {
        to: vec!["noc@example.net".into()],
        subject: "$COND_NAME ($COND_CTGR) on $APP_NAME".into(),
        body: "$MSG_ID $MSG_DESCR by $REACT_NAME, condition $COND_ID, application $APP_ID of $APP_TYPE".into(),
    });
    let sent = watch(&mut world);
    let Some(Output::SendEmail { ticket, email }) = sent
        .iter()
        .find(|output| matches!(output, Output::SendEmail { .. }))
    else {
        panic!("no mail in {sent:?}");
    };
    assert_eq!(email.subject, "WATCH (Critical) on SIP_SERVER_PRIMARY");
    assert_eq!(
        email.body,
        "00-09999 mode activated by X, condition 5, application 1 of SIPServer"
    );
    assert_eq!((ticket.0, email.smtp.server.as_str()), (1, "mail:25"));
    assert_eq!(answer(&mut world, 1, Err("connection refused")), [""; 0]);
    assert!(world.pass(500)[0].starts_with("SendEmail { ticket: Ticket(2)"));
    assert_eq!(answer(&mut world, 1, Ok("late")), [""; 0]);
    assert_eq!(
        answer(&mut world, 2, Ok("250 queued")),
        ["settled without VIP good"]
    );
}

#[test]
fn a_mail_without_a_mail_server_is_refused_by_name() {
    let mut world = World::with(Redundancy::Hot, |environment| {
        environment.management_layer.smtp = None;
        let reaction = ReactionType::SendEmail {
            to: vec!["noc@example.net".into()],
            subject: "s".into(),
            body: String::new(),
        };
        environment.scripts.insert(
            "X".into(),
            Script {
                name: "X".into(),
                reaction,
            },
        );
        let watch = condition(
            "WATCH",
            9999,
            "SIP_SERVER_PRIMARY",
            &["X".to_owned(), "MISSING".to_owned()],
        );
        environment.alarm_conditions.insert("WATCH".into(), watch);
    });
    let request = world.event_of("WATCH", None, LogOrigin::Application);
    assert_eq!(
        world.give(Input::Requested(Box::new(request))),
        ["settled without VIP bad"]
    );
    assert_eq!(
        world.reports,
        [
            "requested Refused: reaction-engine | e-mail to noc@example.net | bad-request: X needs \
             management_layer.smtp, which the environment does not have",
            "Refused: reaction-engine | e-mail to noc@example.net | bad-request: X needs management_layer.smtp, \
             which the environment does not have",
            "requested Refused: reaction-engine | MISSING | unknown-name: there is no script MISSING in the environment",
            "Refused: reaction-engine | MISSING | unknown-name: there is no script MISSING in the environment",
        ]
    );
}

#[test]
fn a_trap_tells_condition_application_and_event() {
    let mut world = reacting(ReactionType::SendSnmpTrap);
    let sent = watch(&mut world);
    let Some(Output::SendSnmpTrap { trap, .. }) = sent
        .iter()
        .find(|output| matches!(output, Output::SendSnmpTrap { .. }))
    else {
        panic!("no trap in {sent:?}");
    };
    assert_eq!(
        format!(
            "{:?} {:?} {:?} {:?} {}",
            trap.alarm, trap.condition, trap.host, trap.event, trap.text
        ),
        "Some(AlarmId(41)) Some(WATCH) Some(host1) Some(LogEventId(9999)) mode activated"
    );
}

#[test]
fn a_command_runs_on_the_scs_host_or_on_the_applications_host() {
    let command = |on_application_host| ReactionType::OsCommand {
        command_line: "collect-traces --now".into(),
        on_application_host,
    };
    let mut world = reacting(command(false));
    let sent = watch(&mut world);
    let Some(Output::RunCommand { command: local, .. }) = sent
        .iter()
        .find(|output| matches!(output, Output::RunCommand { .. }))
    else {
        panic!("no command in {sent:?}");
    };
    let shown: Vec<String> = local
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        shown,
        [
            "CHANGEOVER_ENVIRONMENT=east",
            "CHANGEOVER_PAIR=SIP_EAST",
            "CHANGEOVER_APPLICATION=SIP_SERVER_PRIMARY",
            "CHANGEOVER_HOST=host1",
            "CHANGEOVER_PEER_HOST=host2",
            "CHANGEOVER_RUN_MODE=Primary",
            "CHANGEOVER_ACTION=",
            "CHANGEOVER_EPOCH=1",
            "CHANGEOVER_VIP=10.10.11.103",
            "CHANGEOVER_PREFIX=24",
            "CHANGEOVER_INTERFACE=eth0",
            "CHANGEOVER_EVENT_ID=9999",
            "CHANGEOVER_ALARM=WATCH",
            "CHANGEOVER_REASON=00-09999 of SIP_SERVER_PRIMARY",
            "CHANGEOVER_SWITCHOVER_ID=7",
        ]
    );

    let mut world = reacting(command(true));
    let request = world.event_of("WATCH", None, LogOrigin::Application);
    assert_eq!(
        world.give(Input::Requested(Box::new(request))),
        ["host1: execute collect-traces --now"]
    );
    let (host, key) = world.key("SIP_SERVER_PRIMARY");
    let outcome = CommandOutcome {
        exit: Some(ExitStatus::Code(0)),
        succeeded: true,
        output: "3 files\n".into(),
    };
    assert_eq!(
        world.give(Input::CommandFinished { host, key, outcome }),
        ["settled without VIP good"]
    );
    assert_eq!(
        world.reports,
        ["finished good=true: lca@host1 | OS command on host1 | exit 0 (3 files)"]
    );
}

#[test]
fn a_wish_that_nobody_answers_ends_within_its_bound() {
    let mut world = reacting(ReactionType::ShutDownApplication(
        "SIP_SERVER_PRIMARY".into(),
    ));
    watch(&mut world);
    // Shutdown timeout 90 s and the margin.
    assert_eq!(world.pass(91_999), [""; 0]);
    assert_eq!(
        world.pass(1),
        [
            "escalated ReactionFailed: shut down SIP_SERVER_PRIMARY failed after 1 attempt: outcome unknown: no \
             answer in time; it has not been done; do it by hand if needed",
            "settled without VIP bad",
        ]
    );
}

#[test]
fn the_reporting_application_is_restarted_and_an_option_changed_once_each() {
    let mut world = reacting(ReactionType::RestartReportingApplication);
    let request = world.event_of("WATCH", None, LogOrigin::Application);
    assert!(
        world.give(Input::Requested(Box::new(request)))[0]
            .starts_with("RestartApplicationRequested { ticket: Ticket(1), cause: CauseId(7), application: SIP_SERVER_PRIMARY")
    );
    let mut world = reacting(ReactionType::ChangeOption {
        application: None,
        section: "log".into(),
        option: "verbose".into(),
        value: "all".into(),
    });
    let request = world.event_of("WATCH", None, LogOrigin::Application);
    assert_eq!(
        world.give(Input::Requested(Box::new(request))),
        [
            "ChangeOptionRequested { ticket: Ticket(1), cause: CauseId(7), application: SIP_SERVER_PRIMARY, \
          section: \"log\", option: \"verbose\", value: \"all\" }"
        ]
    );
}
