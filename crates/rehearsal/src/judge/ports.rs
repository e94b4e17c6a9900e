//! Owns the kinds of evidence that only an NLB cluster gives: a port that stays enabled on a host which nobody can tell
//! otherwise, and two hosts between which clients are shared out.

use super::evidence::{Finding, first};
use super::witness::Witness;
use crate::outcome::EventOutcome;
use changeover_model::message::Step;
use changeover_model::{HostName, ScriptAction};

/// A control script was launched on its host and changed nothing there, which its LCA saw.
pub(crate) fn launched_in_vain(
    witness: &Witness,
    host: &HostName,
    action: ScriptAction,
) -> Finding {
    let Some(script) = witness.cast.script(host, action) else {
        return Finding::default();
    };
    let launched = first(
        witness,
        &format!("{script} is launched through the LCA of {host}"),
        |entry| matches!(&entry.step, Step::Launched(application, _) if *application == script),
    );
    let ended = first(
        witness,
        &format!("{script} ends, and the port is as it was"),
        |entry| matches!(&entry.step, Step::Finished(application, _, false) if *application == script),
    );
    launched.and(ended)
}

/// A host that nobody could tell to let go still has what it had, where no neighbour reaches it.
pub(crate) fn keeps(witness: &Witness, host: &HostName) -> Finding {
    let mut finding = Finding::default();
    let reachable = witness.holding.reachable_now();
    if reachable.iter().any(|one| one == host.as_str()) {
        finding.miss(format!("no neighbour reaches the port of {host}"));
        return finding;
    }
    let what = format!("still enabled on {host}");
    let expected = format!("{host} keeps its port enabled");
    holds(witness, host, what, "behind its pulled cable", expected)
}

/// A host whose cable is back still has its port enabled, beside another one: clients are shared out between them.
pub(crate) fn shares(witness: &Witness, back: &HostName, other: &HostName) -> Finding {
    let mut finding = Finding::default();
    let both = witness.holding.sightings.iter().find(|sighting| {
        let reached = |host: &HostName| {
            let mut holders = sighting.holders.iter();
            holders.any(|holder| holder.host == host.as_str() && holder.reachable)
        };
        sighting.at >= witness.start && reached(back) && reached(other)
    });
    match both {
        Some(sighting) => finding.events.push(EventOutcome {
            at_ms: sighting.at.ms_since(witness.start),
            who: "VIP".to_owned(),
            what: format!("enabled on {back} and {other}"),
            evidence: format!("observer: {}", sighting.cause),
        }),
        None => finding.miss(format!(
            "neighbours reach the port of {back}, which was never disabled"
        )),
    }
    finding
}

/// A host has what it had all the time since the start.
pub(crate) fn stays(witness: &Witness, host: &HostName) -> Finding {
    let mut finding = Finding::default();
    if let Some((at, cause)) = witness.holding.change(host.as_str(), false, witness.start) {
        finding.miss(format!("the port of {host} stays enabled"));
        let after = at.ms_since(witness.start);
        finding
            .seen
            .push(format!("off after {after:.0} ms: {cause}"));
        return finding;
    }
    let what = format!("on {host} since the cable is back");
    let expected = format!("the port of {host} stays enabled");
    holds(witness, host, what, "never off", expected)
}

/// A host has its port enabled now, wherever neighbours are.
fn holds(
    witness: &Witness,
    host: &HostName,
    what: String,
    seen: &str,
    expected: String,
) -> Finding {
    let mut finding = Finding::default();
    if witness.holding.holds(host.as_str()) {
        finding.events.push(EventOutcome {
            at_ms: 0.0,
            who: "VIP".to_owned(),
            what,
            evidence: format!("observer: {seen}"),
        });
    } else {
        finding.miss(expected);
    }
    finding
}
