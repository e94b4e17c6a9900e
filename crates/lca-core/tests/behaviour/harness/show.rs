//! Outputs as lines. Leaves out what a situation does not turn on: send times, causes, clocks.

use super::Lca;
use changeover_lca_core::{Durability, LcaOutput, ProcessSignal, StartProcess, StateChange};
use changeover_model::message::{
    AddressObservation, ApplicationState, LcaReport, OrderKey, OrderOutcome, ToApplication,
};

pub(crate) fn output(lca: &mut Lca, output: &LcaOutput) -> String {
    match output {
        LcaOutput::ToScs(report) => format!("scs: {}", self::report(&report.body)),
        LcaOutput::ToApplication { message, .. } => format!("application: {}", told(message)),
        LcaOutput::CloseApplication { connection } => format!("close connection {connection}"),
        LcaOutput::StartProcess(start) => process(lca, start),
        LcaOutput::WatchUnits(units) => {
            let all: Vec<&str> = units.iter().map(|(_, unit)| unit.as_str()).collect();
            format!("watch units {}", all.join(" "))
        }
        LcaOutput::StartElsewhere {
            start, elsewhere, ..
        } => {
            format!("{} by {elsewhere:?}", process(lca, start))
        }
        LcaOutput::SignalProcess {
            run,
            signal,
            all_descendants,
        } => {
            let signal = match signal {
                ProcessSignal::Term => "SIGTERM",
                ProcessSignal::Kill => "SIGKILL",
            };
            let reach = if *all_descendants { " to all" } else { "" };
            format!("{signal} run{}{reach}", lca.run_number(*run))
        }
        LcaOutput::WatchAddresses(watched) => {
            let all: Vec<String> = watched
                .iter()
                .map(|vip| vip.address.address.to_string())
                .collect();
            format!("watch {}", all.join(" "))
        }
        LcaOutput::ReadAddresses { ticket } => {
            lca.ticket_number(*ticket);
            "read addresses".to_owned()
        }
        LcaOutput::RemoveAddresses {
            ticket, addresses, ..
        } => {
            lca.ticket_number(*ticket);
            let all: Vec<String> = addresses
                .iter()
                .map(|vip| vip.address.to_string())
                .collect();
            format!("remove {}", all.join(" "))
        }
        LcaOutput::RenewAddresses { .. }
        | LcaOutput::DialPeers(_)
        | LcaOutput::ToPeer { .. }
        | LcaOutput::ClosePeer { .. }
        | LcaOutput::ToWitnessed { .. } => fencing(output),
        LcaOutput::Announce { addresses } => {
            let all: Vec<String> = addresses
                .iter()
                .map(|vip| format!("{} on {}", vip.address, vip.interface))
                .collect();
            format!("announce {}", all.join(", "))
        }
        LcaOutput::Persist { change, durability } => {
            let how = match durability {
                Durability::Fast => "fast",
                Durability::Durable(_) => "disk",
            };
            format!("write {how}: {}", self::change(lca, change))
        }
        LcaOutput::StartCheck(start) => {
            let run = lca.run_number(start.run);
            format!("check run{run} \"{}\" starts", start.name)
        }
        LcaOutput::EndCheck { run } => format!("check run{} is to end", lca.run_number(*run)),
        LcaOutput::WatchLinks(interfaces) => format!("watch links {}", interfaces.join(" ")),
        LcaOutput::HostStopped => "host stopped".to_owned(),
    }
}

/// What fencing asks for.
fn fencing(output: &LcaOutput) -> String {
    match output {
        LcaOutput::RenewAddresses {
            addresses,
            lifetime,
            ..
        } => {
            let all: Vec<String> = addresses
                .iter()
                .map(|vip| vip.address.to_string())
                .collect();
            let lifetime = lifetime.map_or("ever".to_owned(), |time| format!("{time:?}"));
            format!("renew {} for {lifetime}", all.join(" "))
        }
        LcaOutput::DialPeers(peers) => {
            let all: Vec<String> = peers
                .iter()
                .map(|(host, at)| format!("{host} {at}"))
                .collect();
            format!("dial {}", all.join(", "))
        }
        LcaOutput::ToPeer { peer, message, .. } => format!("{peer}: {message:?}"),
        LcaOutput::ClosePeer { peer, connection } => format!("close {peer} {connection}"),
        LcaOutput::ToWitnessed { peer, message, .. } => format!("witnessed {peer}: {message:?}"),
        other => format!("{other:?}"),
    }
}

fn process(lca: &mut Lca, start: &StartProcess) -> String {
    format!(
        "start run{} {:?} {}: {} {}",
        lca.run_number(start.run),
        start.kind,
        start.application,
        start.program,
        start.arguments.join(" ")
    )
    .trim_end()
    .to_owned()
}

fn change(lca: &mut Lca, change: &StateChange) -> String {
    match change {
        StateChange::Slice(slice) => format!("slice {}", slice.revision),
        StateChange::Pair(record) => format!(
            "pair {} epoch {}{}{}{}",
            record.pair,
            record.epoch,
            if record.maintenance {
                " maintenance"
            } else {
                ""
            },
            if record.voted > changeover_model::Epoch(0) {
                format!(" voted {}", record.voted)
            } else {
                String::new()
            },
            if record.sole.is_some() { " sole" } else { "" },
        ),
        StateChange::Application(record) => format!(
            "{} {} start {} {} of epoch {}{}",
            record.application,
            record.status,
            record.incarnation,
            record.run_mode,
            record.epoch,
            if record.stopped_as_asked {
                " stopped-as-asked"
            } else {
                ""
            }
        ),
        StateChange::ApplicationForgotten(name) => format!("{name} forgotten"),
        StateChange::Run(record) => {
            let pid = record.process.as_ref().map(|process| process.pid);
            format!(
                "run{} of {} pid {pid:?}",
                lca.run_number(record.run),
                record.application
            )
        }
        StateChange::RunGone(run) => format!("run{} gone", lca.run_number(*run)),
        StateChange::Rewrite => "everything again".to_owned(),
    }
}

fn told(message: &ToApplication) -> String {
    match message {
        ToApplication::Registered(registered) => format!(
            "registered: {} of epoch {}, start {}, order {}, {} option sections",
            registered.run_mode,
            registered.epoch,
            registered.incarnation,
            registered.number,
            registered.options.len()
        ),
        ToApplication::RegistrationRefused(refusal) => format!("registration refused: {refusal}"),
        ToApplication::SetRunMode {
            number,
            epoch,
            run_mode,
            ..
        } => {
            format!("enter {run_mode} of epoch {epoch}, order {number}")
        }
        ToApplication::OptionChanged {
            section,
            option,
            value,
        } => {
            format!("option {section}/{option} = {value}")
        }
        ToApplication::Heartbeat { sequence } => format!("heartbeat {sequence}"),
    }
}

fn report(report: &LcaReport) -> String {
    match report {
        LcaReport::Hello(state) => {
            let applications: Vec<String> = state.applications.iter().map(application).collect();
            format!(
                "hello revision {}, {} scripts; {}",
                state.revision,
                state.scripts.len(),
                applications.join("; ")
            )
        }
        LcaReport::BeatAnswered { sequence } => format!("beat {sequence}"),
        LcaReport::Configured { revision } => format!("configured {revision}"),
        LcaReport::ApplicationChanged(state) => application(state),
        LcaReport::OrderAnswered { key, outcome } => {
            format!("order {} {}", name(key), self::outcome(outcome))
        }
        LcaReport::ControlScriptFinished { key, outcome } => {
            let exit = outcome
                .exit
                .map_or("never ran".to_owned(), |exit| exit.to_string());
            format!(
                "script {} {:?} ({exit}): {}",
                name(key),
                outcome.result,
                outcome.observed
            )
        }
        LcaReport::AddressesObserved(all) => {
            let all: Vec<String> = all.iter().map(address).collect();
            format!("addresses {}", all.join(", "))
        }
        LcaReport::CommandFinished { key, outcome } => {
            format!(
                "command {} succeeded {}: {}",
                name(key),
                outcome.succeeded,
                outcome.output
            )
        }
        LcaReport::RivalSighted { address, mac, .. } => format!("rival of {address} at {mac}"),
        LcaReport::HostStopping => "host is stopping".to_owned(),
        LcaReport::Voted {
            epoch,
            released,
            quiet,
            ..
        } => {
            let how = if *released { ", released" } else { "" };
            let quiet = quiet.map_or("never".to_owned(), |quiet| format!("{quiet:?}"));
            format!("vote for epoch {epoch}{how}, quiet {quiet}")
        }
        LcaReport::VoteRefused { epoch, refusal, .. } => {
            format!("no vote for epoch {epoch}: {refusal}")
        }
        LcaReport::SoleMarked { mark, sole } => {
            format!("sole {} epoch {}: {sole}", mark.host, mark.epoch)
        }
        LcaReport::Fenced { epoch, reason, .. } => format!("let go in epoch {epoch}: {reason}"),
    }
}

fn name(key: &OrderKey) -> String {
    format!("{} {}", key.number, key.application)
}

fn address(observation: &AddressObservation) -> String {
    let held = observation
        .held
        .as_ref()
        .map_or("not here".to_owned(), |held| held.interface.clone());
    format!("{} {held}", observation.address)
}

fn outcome(outcome: &OrderOutcome) -> String {
    match outcome {
        OrderOutcome::Done { incarnation } => format!("done, start {incarnation}"),
        OrderOutcome::Refused(refusal) => format!("refused, {refusal}"),
        OrderOutcome::Failed { reason } => format!("failed, {reason}"),
    }
}

fn application(state: &ApplicationState) -> String {
    let mut text = format!(
        "{} {} {}/{} start {}",
        state.application, state.status, state.run_mode, state.epoch, state.incarnation
    );
    for (mark, there) in [
        ("in-step", state.in_step),
        ("hung", state.hung),
        ("as-asked", state.stopped_as_asked),
    ] {
        if there {
            text.push(' ');
            text.push_str(mark);
        }
    }
    format!("{text} ({})", state.reason)
}
