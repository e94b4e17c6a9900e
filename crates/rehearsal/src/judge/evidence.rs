//! Owns what the rules of the steps are made of: each function looks for one kind of evidence and says what it found
//! and what it missed.

use super::witness::{OwnSighting, SeenEntry, Witness};
use crate::outcome::EventOutcome;
use changeover_model::message::{ReactionState, RecordKind, Step};
use changeover_model::{
    ApplicationName, ConditionName, HostName, LogEventId, RunMode, ScriptAction,
};

/// What a rule found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Finding {
    pub(crate) events: Vec<EventOutcome>,
    /// What was expected and is not there; empty = the step passed.
    pub(crate) missing: Vec<String>,
    /// What was seen instead.
    pub(crate) seen: Vec<String>,
}

impl Finding {
    /// Both together.
    #[must_use]
    pub(crate) fn and(mut self, other: Finding) -> Self {
        self.events.extend(other.events);
        self.missing.extend(other.missing);
        self.seen.extend(other.seen);
        self
    }

    pub(super) fn miss(&mut self, expected: impl Into<String>) {
        self.missing.push(expected.into());
    }
}

/// The first entry for which something holds becomes an event; without one it is missing.
pub(super) fn first(
    witness: &Witness,
    expected: &str,
    holds: impl Fn(&SeenEntry) -> bool,
) -> Finding {
    let mut finding = Finding::default();
    match witness.entries.iter().find(|entry| holds(entry)) {
        Some(entry) => finding.events.push(entry.event()),
        None => finding.miss(expected),
    }
    finding
}

/// The operator asked.
pub(crate) fn requested(witness: &Witness) -> Finding {
    let mut finding = first(
        witness,
        "the operator's request in the SCS's timeline",
        |entry| entry.step == Step::Requested,
    );
    for own in &witness.own {
        if let OwnSighting::Refused(why) = own {
            finding.miss("the request is carried out");
            finding.seen.push(why.clone());
        }
    }
    finding
}

/// A run mode was ordered and obeyed.
pub(crate) fn ordered(witness: &Witness, server: &ApplicationName, mode: RunMode) -> Finding {
    let expected = format!("the SCS orders {server} to {mode}");
    let mut finding = first(witness, &expected, |entry| {
        entry.step == Step::RunModeOrdered(server.clone(), mode)
    });
    let ordered_ms = finding.events.first().map(|event| event.at_ms);
    let obeyed = witness
        .entries
        .iter()
        .find(|entry| entry.step == Step::RunModeAcknowledged(server.clone(), mode));
    match (obeyed, ordered_ms, finding.events.first_mut()) {
        (Some(obeyed), Some(ordered_ms), Some(event)) => {
            event.evidence = format!("acknowledged after {:.1} ms", obeyed.at_ms - ordered_ms);
        }
        (Some(_), _, _) => {}
        (None, _, _) => finding.miss(format!("{server} acknowledges {mode}")),
    }
    for entry in &witness.entries {
        if entry.step == Step::RunModeFailed(server.clone(), mode) {
            finding.seen.push(described(entry));
        }
    }
    finding
}

/// A server logged an event to the Message Server.
pub(crate) fn logged(witness: &Witness, server: &ApplicationName, event: LogEventId) -> Finding {
    let expected = format!("{server} logs {} to the Message Server", event.wire_form());
    let mut finding = first(witness, &expected, |entry| {
        entry.step == Step::EventLogged(server.clone(), event)
    });
    if !finding.missing.is_empty() {
        for entry in &witness.entries {
            if let Step::EventLogged(of, other) = &entry.step
                && of == server
            {
                finding
                    .seen
                    .push(format!("{server} logged {}", other.wire_form()));
            }
        }
    }
    finding
}

/// The SCS said an event for a server that knows none.
pub(crate) fn said_by_scs(
    witness: &Witness,
    server: &ApplicationName,
    event: LogEventId,
) -> Finding {
    let mut finding = logged(witness, server, event);
    for missing in &mut finding.missing {
        *missing = format!(
            "the SCS says {} for {server} to the Message Server",
            event.wire_form()
        );
    }
    finding
}

/// The Message Server found these conditions and told the SCS.
pub(crate) fn found(witness: &Witness, conditions: &[ConditionName]) -> Finding {
    let mut finding = Finding::default();
    for condition in conditions {
        let entry = witness.entries.iter().find(|entry| match &entry.step {
            Step::ConditionsFound(found) => found.contains(condition),
            _ => false,
        });
        match entry {
            Some(entry) => push_once(&mut finding.events, entry),
            None => finding.miss(format!("the Message Server finds {condition}")),
        }
    }
    if conditions.is_empty() {
        finding.miss("an enabled Alarm Condition for the event");
    }
    finding
}

/// The SCS activated these conditions.
pub(crate) fn activated(witness: &Witness, conditions: &[ConditionName]) -> Finding {
    let mut finding = Finding::default();
    for condition in conditions {
        let entry = witness.entries.iter().find(|entry| match &entry.step {
            Step::AlarmActivated(_, active) => active == condition,
            _ => false,
        });
        match entry {
            Some(entry) => push_once(&mut finding.events, entry),
            None => finding.miss(format!("{condition} becomes active")),
        }
    }
    finding
}

/// The reactions that start these control scripts were requested.
pub(crate) fn triggered(witness: &Witness, scripts: &[ApplicationName]) -> Finding {
    let mut finding = Finding::default();
    for script in scripts {
        let entries: Vec<&SeenEntry> = witness
            .entries
            .iter()
            .filter(|entry| match &entry.step {
                Step::ReactionRequested { application, .. } => application.as_ref() == Some(script),
                _ => false,
            })
            .collect();
        for entry in &entries {
            push_once(&mut finding.events, entry);
            if let Step::ReactionRequested {
                state: ReactionState::Refused | ReactionState::Superseded,
                ..
            } = entry.step
            {
                finding.seen.push(described(entry));
            }
        }
        if entries.is_empty() {
            finding.miss(format!("a reaction that starts {script}"));
        }
    }
    if scripts.is_empty() {
        finding.miss("reaction scripts that start control scripts");
    }
    finding
}

/// A control script was launched on its host, ended well, and did what it is for.
pub(crate) fn launched(witness: &Witness, host: &HostName, action: ScriptAction) -> Finding {
    let mut finding = Finding::default();
    let Some(script) = witness.cast.script(host, action) else {
        finding.miss(format!(
            "a control script that can {action} the VIP on {host}"
        ));
        return finding;
    };
    let mut launches = 0;
    let mut good = None;
    for entry in &witness.entries {
        match &entry.step {
            Step::Launched(application, _) if *application == script => launches += 1,
            Step::Finished(application, _, true) if *application == script && good.is_none() => {
                good = Some(entry)
            }
            Step::Finished(application, _, false) | Step::CannotLaunch(application, _)
                if *application == script =>
            {
                finding.seen.push(described(entry));
            }
            _ => {}
        }
    }
    if launches == 0 {
        finding.miss(format!("{script} is launched through the LCA of {host}"));
    }
    match good {
        Some(entry) => finding.events.push(entry.event()),
        None => finding.miss(format!("{script} ends with the VIP as wanted")),
    }
    finding
}

/// A control script could not be launched, because its host is lost.
pub(crate) fn could_not_launch(
    witness: &Witness,
    host: &HostName,
    action: ScriptAction,
) -> Finding {
    let Some(script) = witness.cast.script(host, action) else {
        return Finding::default();
    };
    let expected = format!("{script} cannot be launched, and the timeline says so");
    first(witness, &expected, |entry| match &entry.step {
        Step::CannotLaunch(application, _) => *application == script,
        _ => false,
    })
}

/// An application died, as its LCA saw it.
pub(crate) fn died(witness: &Witness, server: &ApplicationName) -> Finding {
    first(
        witness,
        &format!("the LCA reports the end of {server}"),
        |entry| entry.step == Step::ApplicationDied(server.clone()),
    )
}

/// The process that was killed has ended, as /proc and its pidfd say.
pub(crate) fn process_ended(witness: &Witness, server: &ApplicationName) -> Finding {
    let mut finding = Finding::default();
    let killed = witness.own.iter().find_map(|own| match own {
        OwnSighting::Killed { pid, ended_ms } => Some((*pid, *ended_ms)),
        _ => None,
    });
    match killed {
        Some((pid, Some(ended_ms))) => finding.events.push(EventOutcome {
            at_ms: 0.0,
            who: "rehearsal".to_owned(),
            what: format!("kill -9 of {server}"),
            evidence: format!("process {pid} ended after {ended_ms:.1} ms"),
        }),
        Some((pid, None)) => finding.miss(format!("process {pid} ends when it is killed")),
        None => finding.miss(format!("a process of {server} to kill")),
    }
    finding
}

/// A host was lost (or came back), as the SCS saw it; the cable as the rehearsal moved it.
pub(crate) fn host_lost(witness: &Witness, host: &HostName, lost: bool) -> Finding {
    let mut finding = Finding::default();
    let word = if lost { "pulled" } else { "put back" };
    let cable = OwnSighting::Cable {
        host: host.clone(),
        plugged: !lost,
    };
    if witness.own.contains(&cable) {
        finding.events.push(EventOutcome {
            at_ms: 0.0,
            who: "rehearsal".to_owned(),
            what: format!("cable of {host} {word}"),
            evidence: if lost {
                "no carrier".to_owned()
            } else {
                "carrier".to_owned()
            },
        });
    } else {
        finding.miss(format!("the cable of {host} is {word}"));
    }
    let expected = if lost {
        format!("the SCS loses {host}")
    } else {
        format!("the SCS sees {host} again")
    };
    let seen = witness.entries.iter().find(|entry| match &entry.step {
        Step::HostLost(name, was_lost) | Step::AgentLost(name, was_lost) => {
            name == host && *was_lost == lost
        }
        _ => false,
    });
    match seen {
        Some(entry) => finding.events.push(entry.event()),
        None => finding.miss(expected),
    }
    finding
}

/// The SCS found both primary.
pub(crate) fn two_primaries(witness: &Witness) -> Finding {
    first(witness, "the SCS finds both servers primary", |entry| {
        entry.step == Step::TwoPrimariesFound
    })
}

/// A host's LCA has let go of the VIP by its own decision, under a fencing policy, and told the SCS.
pub(crate) fn released_by_itself(witness: &Witness, host: &HostName) -> Finding {
    let mut finding = Finding::default();
    let step = Step::ForcedRelease(host.clone());
    match witness.entries.iter().find(|entry| entry.step == step) {
        Some(entry) => finding.events.push(entry.event()),
        None => finding.miss(format!("the LCA of {host} has let go of the VIP by itself")),
    }
    if witness.holding.holds(host.as_str()) {
        finding.miss(format!("the observer sees the VIP nowhere on {host}"));
    }
    finding
}

/// The VIP moved: the timeline says so, and so does the observer.
pub(crate) fn moved(witness: &Witness, off: Option<&HostName>, on: Option<&HostName>) -> Finding {
    let mut finding = Finding::default();
    for (host, gets, word) in [(off, false, "off"), (on, true, "on")] {
        let Some(host) = host else {
            continue;
        };
        let step = if gets {
            Step::VipSeen(host.clone())
        } else {
            Step::VipGone(host.clone())
        };
        if !witness.entries.iter().any(|entry| entry.step == step) {
            finding.miss(format!("the LCA of {host} sees the VIP {word}"));
        }
        match witness.holding.change(host.as_str(), gets, witness.start) {
            Some((at, cause)) => finding.events.push(EventOutcome {
                at_ms: at.ms_since(witness.start),
                who: "VIP".to_owned(),
                what: format!("{word} {host}"),
                evidence: format!("observer: {cause}"),
            }),
            None => finding.miss(format!("the observer sees the VIP go {word} on {host}")),
        }
    }
    finding
}

/// The client's neighbour entry and the last answer point to this host's server.
pub(crate) fn reaches(witness: &Witness, host: &HostName, server: &ApplicationName) -> Finding {
    let mut finding = Finding::default();
    if witness.neighbour.as_deref() == Some(host.as_str()) {
        if let Some(event) = finding.events.last_mut() {
            event.evidence = format!("{}: {host}", witness.cast.short_pointer());
        }
    } else {
        finding.miss(format!("{} names {host}", witness.cast.pointer()));
        finding.seen.push(format!(
            "it names {}",
            witness.neighbour.as_deref().unwrap_or("nobody")
        ));
    }
    match witness.last_answer() {
        Some(answer)
            if answer
                .server
                .as_deref()
                .is_none_or(|name| name.contains(server.as_str())) =>
        {
            finding.events.push(EventOutcome {
                at_ms: witness
                    .answers
                    .iter()
                    .find(|answer| {
                        answer.at >= witness.start
                            && answer
                                .server
                                .as_deref()
                                .is_some_and(|name| name.contains(server.as_str()))
                    })
                    .map_or(0.0, |first| first.at.ms_since(witness.start)),
                who: "probe".to_owned(),
                what: format!("answered by {server}"),
                evidence: format!(
                    "{}: {}",
                    witness.cast.short_pointer(),
                    witness.neighbour.as_deref().unwrap_or("none")
                ),
            });
        }
        Some(answer) => {
            finding.miss(format!("{server} answers through the VIP"));
            finding.seen.push(format!(
                "{} answers",
                answer.server.as_deref().unwrap_or("somebody")
            ));
        }
        None => finding.miss(format!("{server} answers through the VIP")),
    }
    finding
}

/// The Test activated its condition without an event and without touching a run mode.
pub(crate) fn tested(witness: &Witness, condition: &ConditionName) -> Finding {
    let mut finding = first(
        witness,
        &format!("the Test activates {condition}"),
        |entry| matches!(&entry.step, Step::AlarmActivated(_, active) if active == condition),
    );
    for entry in witness
        .entries
        .iter()
        .filter(|entry| entry.kind == RecordKind::Test)
    {
        if matches!(entry.step, Step::RunModeOrdered(..) | Step::EventLogged(..)) {
            finding.miss("a Test logs no event and orders no run mode");
            finding.seen.push(described(entry));
        }
    }
    for own in &witness.own {
        if let OwnSighting::AfterTest {
            modes_unchanged: false,
            ..
        } = own
        {
            finding.miss("both run modes stay as they are");
        }
    }
    finding
}

/// The Test left what its dry run had predicted, and the dry run had left everything alone.
pub(crate) fn as_predicted(witness: &Witness) -> Finding {
    let mut finding = Finding::default();
    let predicted = witness.own.iter().find_map(|own| match own {
        OwnSighting::DryRun {
            prediction,
            untouched,
        } => Some((prediction, *untouched)),
        _ => None,
    });
    let after = witness.own.iter().find_map(|own| match own {
        OwnSighting::AfterTest { holders, state, .. } => Some((holders, state)),
        _ => None,
    });
    let (Some((prediction, untouched)), Some((holders, state))) = (predicted, after) else {
        finding.miss("a prediction, and a Test to compare it with");
        return finding;
    };
    if !untouched {
        finding.miss("the dry run changes nothing");
    }
    for vip in &prediction.virtual_ips {
        let mut expected: Vec<String> = vip.holders.iter().map(ToString::to_string).collect();
        let mut seen = holders.clone();
        expected.sort();
        seen.sort();
        if expected != seen {
            finding.miss(format!(
                "{} on {}, as predicted",
                vip.address,
                list(&expected)
            ));
            finding.seen.push(format!("it is on {}", list(&seen)));
        }
        finding.events.push(EventOutcome {
            at_ms: witness
                .holding
                .change(witness.cast.host_1.as_str(), false, witness.start)
                .map_or(0.0, |(at, _)| at.ms_since(witness.start)),
            who: "VIP".to_owned(),
            what: format!("on {}, as predicted", list(&seen)),
            evidence: format!("pair's state: {state}"),
        });
    }
    finding
}

fn push_once(events: &mut Vec<EventOutcome>, entry: &SeenEntry) {
    let event = entry.event();
    if !events.contains(&event) {
        events.push(event);
    }
}

fn described(entry: &SeenEntry) -> String {
    if entry.evidence.is_empty() {
        format!("{}: {}", entry.who, entry.what)
    } else {
        format!("{}: {} ({})", entry.who, entry.what, entry.evidence)
    }
}

/// Host names for people.
pub(super) fn list(hosts: &[String]) -> String {
    if hosts.is_empty() {
        "no host".to_owned()
    } else {
        hosts.join(" and ")
    }
}
