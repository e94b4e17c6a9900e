//! Owns the kinds of evidence that come from SIP itself: what endpoints saw of their call, what SCI showed meanwhile,
//! the cable of the SIP NIC, and that nothing happened where nothing must.

use super::evidence::Finding;
use super::witness::{CallStep, OwnSighting, Witness};
use crate::moment::ms;
use crate::outcome::EventOutcome;
use crate::probe::ProbeAnswer;
use changeover_model::message::Step;
use changeover_model::{ApplicationName, HostName};
use std::time::Duration;

/// How much earlier than T a silence may be seen: the last message heard may have come a little before the cable was
/// out, and clocks are compared.
const EARLY: Duration = Duration::from_millis(100);

fn event(at_ms: f64, who: &str, what: impl Into<String>, evidence: &str) -> EventOutcome {
    EventOutcome {
        at_ms,
        who: who.to_owned(),
        what: what.into(),
        evidence: evidence.to_owned(),
    }
}

/// The endpoints did this with their call, and saw what they should.
pub(crate) fn called(witness: &Witness, wanted: CallStep) -> Finding {
    let mut finding = Finding::default();
    let found = witness.own.iter().find_map(|own| match own {
        OwnSighting::Call {
            step,
            at_ms,
            who,
            evidence,
            missing,
            instead,
        } if *step == wanted => Some((*at_ms, who, evidence, missing, instead)),
        _ => None,
    });
    match found {
        Some((at_ms, who, evidence, missing, instead)) => {
            if missing.is_empty() {
                finding
                    .events
                    .push(event(at_ms, who, wanted.name(), evidence));
            }
            finding.missing.extend(missing.iter().cloned());
            finding.seen.extend(instead.iter().cloned());
        }
        None => finding
            .missing
            .push(format!("the endpoints {}", wanted.name())),
    }
    if wanted == CallStep::Release {
        for own in &witness.own {
            if let OwnSighting::CallFault(fault) = own {
                finding
                    .missing
                    .push("no endpoint is sent what it should not".to_owned());
                finding.seen.push(fault.clone());
            }
        }
    }
    finding
}

/// SCI showed the roles as they should be.
pub(crate) fn roles_shown(witness: &Witness) -> Finding {
    let mut finding = Finding::default();
    let found = witness.own.iter().find_map(|own| match own {
        OwnSighting::Roles {
            at_ms,
            shown,
            as_wanted,
        } => Some((*at_ms, shown, *as_wanted)),
        _ => None,
    });
    match found {
        Some((at_ms, shown, true)) => {
            finding
                .events
                .push(event(at_ms, "sci", "the roles as they are now", shown));
        }
        Some((_, shown, false)) => {
            finding
                .missing
                .push(format!("{} as primary", witness.cast.server_2));
            finding.seen.push(shown.clone());
        }
        None => finding.missing.push("a look at the roles".to_owned()),
    }
    finding
}

/// SIP reaches this server; with a network device that device has chosen its host.
pub(crate) fn reaches(
    witness: &Witness,
    server: &ApplicationName,
    chosen: Option<&HostName>,
) -> Finding {
    let mut finding = Finding::default();
    if let Some(host) = chosen
        && witness.neighbour.as_deref() != Some(host.as_str())
    {
        let seen = witness.neighbour.as_deref().unwrap_or("nobody");
        finding.missing.push(format!(
            "the network device sends the VIP's traffic to {host}"
        ));
        finding.seen.push(format!("it sends it to {seen}"));
    }
    let by_it = |answer: &&ProbeAnswer| {
        answer.at >= witness.start
            && answer
                .server
                .as_deref()
                .is_none_or(|name| name.contains(server.as_str()))
    };
    let last = witness.last_answer();
    match (last.filter(by_it), witness.answers.iter().find(by_it)) {
        (Some(_), Some(first)) => finding.events.push(event(
            first.at.ms_since(witness.start),
            "probe",
            format!("answered by {server}"),
            &match chosen {
                Some(host) => format!("the network device sends to {host}"),
                None => "at the SIP address".to_owned(),
            },
        )),
        _ => {
            let seen = last.and_then(|answer| answer.server.as_deref());
            finding.missing.push(format!("{server} answers"));
            finding
                .seen
                .push(format!("{} answers", seen.unwrap_or("nobody")));
        }
    }
    finding
}

/// The cable of a host's SIP NIC was moved.
pub(crate) fn sip_cable(witness: &Witness, host: &HostName, plugged: bool) -> Finding {
    let mut finding = Finding::default();
    let word = if plugged { "put back" } else { "pulled" };
    let wanted = OwnSighting::SipCable {
        host: host.clone(),
        plugged,
    };
    if witness.own.contains(&wanted) {
        let evidence = if plugged {
            "carrier; the management NIC was never touched"
        } else {
            "no carrier; the management NIC keeps its own"
        };
        let what = format!("cable of the SIP NIC of {host} {word}");
        finding.events.push(event(0.0, "rehearsal", what, evidence));
    } else {
        finding
            .missing
            .push(format!("the cable of the SIP NIC of {host} is {word}"));
    }
    finding
}

/// A server heard no SIP for T and said so, not sooner.
pub(crate) fn silent_for(witness: &Witness, server: &ApplicationName, period: Duration) -> Finding {
    let mut finding = Finding::default();
    let said = witness
        .entries
        .iter()
        .find(|entry| entry.step == Step::ApplicationUnavailable(server.clone()));
    match said {
        Some(entry) if entry.at_ms < ms(period.saturating_sub(EARLY)) => {
            finding.missing.push(format!(
                "{server} hears no SIP for T = {} before it reports SERVICE_UNAVAILABLE",
                changeover_model::show_duration(period)
            ));
            finding
                .seen
                .push(format!("it reported after {:.0} ms", entry.at_ms));
        }
        Some(entry) => finding.events.push(entry.event()),
        None => finding
            .missing
            .push(format!("{server} reports SERVICE_UNAVAILABLE")),
    }
    finding
}

/// Nothing changed for as long as it was watched.
pub(crate) fn unchanged(witness: &Witness, what: &str) -> Finding {
    let mut finding = Finding::default();
    let found = witness.own.iter().find_map(|own| match own {
        OwnSighting::Unchanged {
            at_ms,
            watched,
            changes,
        } if watched == what => Some((*at_ms, changes)),
        _ => None,
    });
    match found {
        Some((at_ms, changes)) if changes.is_empty() => {
            let evidence = format!("watched for {at_ms:.0} ms");
            finding
                .events
                .push(event(at_ms, "rehearsal", what, &evidence));
        }
        Some((_, changes)) => {
            finding.missing.push(what.to_owned());
            finding.seen.extend(changes.iter().cloned());
        }
        None => finding.missing.push(format!("{what}, watched")),
    }
    finding
}
