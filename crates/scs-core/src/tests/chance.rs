//! Whatever comes in whatever order: no panic, and nothing transitional outlives its deadline.

use super::desk::{A, B, Desk, switchover_to};
use crate::{Echo, LinkLoss, ScsInput};
use changeover_model::message::{LcaReport, MaintenanceTarget, OperatorCommand, PairState};
use changeover_model::{ApplicationStatus, RunMode};
use proptest::prelude::*;

fn step(desk: &mut Desk, choice: u8, time: u64) {
    let (name, host) = if choice.is_multiple_of(2) {
        (A, "host1")
    } else {
        (B, "host2")
    };
    let status = ApplicationStatus::ALL[usize::from(choice) % ApplicationStatus::ALL.len()];
    match choice / 2 % 17 {
        0 => desk.switchover(),
        1 => desk.dies(name),
        2 => desk.server_is(name, |state| state.status = status),
        3 => desk.server_is(name, |state| {
            state.run_mode = RunMode::Primary;
            state.epoch = state.epoch.next();
        }),
        4 => desk.vip_on(host, choice > 100),
        5 => desk.carrier_on(host, choice > 100),
        6 => desk.silence(host),
        7 => desk.connect(host),
        8 => desk.feed(ScsInput::DialFailed {
            host: host.into(),
            loss: LinkLoss::Refused,
        }),
        9 => desk.feed(ScsInput::HostEchoed {
            host: host.into(),
            echo: Echo::Answered,
        }),
        10 => desk.logs(name),
        11 => {
            desk.asks(OperatorCommand::Restart {
                application: name.into(),
                no_handover: choice > 100,
            });
        }
        12 => {
            desk.asks(OperatorCommand::SetMaintenance {
                target: MaintenanceTarget::Named(host.into()),
                on: choice > 100,
                duration: None,
                confirmed: true,
            });
        }
        13 => desk.report(host, LcaReport::HostStopping),
        14 => {
            desk.asks(switchover_to(Some(name)));
        }
        15 => desk.disk_works = choice > 60,
        _ => desk.feed(ScsInput::LcaDisconnected {
            host: host.into(),
            connection: u64::from(choice),
            loss: LinkLoss::Closed,
        }),
    }
    desk.wait(time);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_no_procedure_outlives_its_deadline(
        steps in proptest::collection::vec((any::<u8>(), 0_u64..3_000), 1..60)
    ) {
        let mut desk = Desk::running();
        for (choice, time) in steps {
            step(&mut desk, choice, time);
        }
        // Nobody does anything any more: everything under way must end by itself.
        let opened_before = desk.now;
        desk.silence("host1");
        desk.silence("host2");
        desk.wait(300_000);
        let stuck: Vec<_> = desk
            .core
            .timeline(usize::MAX)
            .into_iter()
            .filter(|record| record.outcome.is_none() && record.opened_at <= opened_before)
            .map(|record| (record.id, record.title.clone(), record.kind))
            .collect();
        prop_assert!(stuck.is_empty(), "{stuck:?}");
        prop_assert_ne!(desk.state(), PairState::Switching);
    }
}
