//! Owns what people and programs read of a drill: the text, the JSON, progress on standard error. Judges nothing.

mod text;

use crate::hands::NotPossible;
use crate::judge::{Verdict, judge, two_holders_allowed};
use crate::numbers::Spread;
use crate::seen::{Case, Round, Seen};
use crate::switchovers::Switchovers;
use changeover_rehearsal::{Format, Trouble, json};
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

/// What a report is made of.
pub(crate) struct Parts<'a> {
    pub(crate) source: Option<&'a Path>,
    pub(crate) seed: u64,
    pub(crate) minutes: f64,
    pub(crate) interrupted: bool,
    pub(crate) trouble: Option<String>,
    pub(crate) control: String,
    pub(crate) not_possible: Vec<NotPossible>,
    pub(crate) switchovers: Option<Switchovers>,
    pub(crate) seen: Seen,
}

/// The report; its JSON is as it serialises, and keys are only added.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Every invariant held, and the drill went to its end or was interrupted.
    pub(crate) passed: bool,
    pub(crate) interrupted: bool,
    /// Why it broke off; null if it did not.
    pub(crate) trouble: Option<String>,
    pub(crate) source: String,
    pub(crate) pair: String,
    pub(crate) policy: String,
    pub(crate) network: &'static str,
    pub(crate) control: String,
    pub(crate) seed: u64,
    pub(crate) minutes: f64,
    /// A site is at rest again so long after the last fault.
    pub(crate) rest_bound_ms: f64,
    /// The worst times of the policy, as `check` prints them.
    pub(crate) worst_times: Vec<Case>,
    pub(crate) invariants: Vec<Verdict>,
    /// Per kind of fault.
    pub(crate) kinds: Vec<OfKind>,
    pub(crate) not_possible: Vec<NotPossible>,
    pub(crate) switchovers: Option<Switchovers>,
    /// What was done, in order.
    pub(crate) rounds: Vec<RoundReport>,
}

/// A round with its allowance.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RoundReport {
    #[serde(flatten)]
    pub(crate) round: Round,
    pub(crate) two_holders_allowed_ms: f64,
}

/// The rounds of one kind of fault.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OfKind {
    pub(crate) fault: String,
    pub(crate) rounds: usize,
    pub(crate) vip_gap_ms: Spread,
    pub(crate) no_holder_ms: Spread,
    pub(crate) two_holders_ms: Spread,
    /// The largest that was allowed in any of them.
    pub(crate) two_holders_allowed_ms: f64,
    pub(crate) rest_ms: Spread,
}

impl Report {
    /// Judges and counts.
    pub(crate) fn of(parts: Parts<'_>) -> Self {
        let seen = parts.seen;
        let invariants = judge(&seen);
        let held = invariants.iter().all(|verdict| verdict.passed);
        let switched = parts
            .switchovers
            .as_ref()
            .is_none_or(|switchovers| parts.interrupted || switchovers.passed());
        let allowed =
            |round: &Round| two_holders_allowed(&seen.promises, round).as_secs_f64() * 1e3;
        let rounds: Vec<RoundReport> = seen
            .rounds
            .iter()
            .map(|round| RoundReport {
                two_holders_allowed_ms: allowed(round),
                round: round.clone(),
            })
            .collect();
        Self {
            passed: held && switched && parts.trouble.is_none(),
            interrupted: parts.interrupted,
            trouble: parts.trouble,
            source: parts.source.map_or_else(
                || "built-in \"linux\"".to_owned(),
                |path| {
                    let name = path.file_name().unwrap_or(path.as_os_str());
                    name.to_string_lossy().into_owned()
                },
            ),
            pair: seen.promises.pair.clone(),
            policy: seen.promises.policy.clone(),
            network: "netns",
            control: parts.control,
            seed: parts.seed,
            minutes: parts.minutes,
            rest_bound_ms: seen.promises.rest_ms,
            worst_times: seen.promises.cases.clone(),
            invariants,
            kinds: kinds(&rounds),
            not_possible: parts.not_possible,
            switchovers: parts.switchovers,
            rounds,
        }
    }
}

fn kinds(rounds: &[RoundReport]) -> Vec<OfKind> {
    let mut names: Vec<String> = rounds.iter().map(|round| round.round.kind()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let of = || rounds.iter().filter(|round| round.round.kind() == name);
            OfKind {
                rounds: of().count(),
                vip_gap_ms: Spread::of(of().filter_map(|round| round.round.vip_gap_ms)),
                no_holder_ms: Spread::of(of().map(|round| round.round.no_holder_ms)),
                two_holders_ms: Spread::of(of().map(|round| round.round.two_holders_ms)),
                two_holders_allowed_ms: of()
                    .map(|round| round.two_holders_allowed_ms)
                    .fold(0.0, f64::max),
                rest_ms: Spread::of(of().filter_map(|round| round.round.rest_ms)),
                fault: name,
            }
        })
        .collect()
}

/// Writes `drill.txt` and `drill.json` into a folder, which is made if need be.
///
/// # Errors
/// Names the file or folder.
pub(crate) fn write(report: &Report, folder: &Path) -> Result<(), Trouble> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| Trouble::File { what, path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    for (name, content) in [
        ("drill.txt", text::text(report)),
        ("drill.json", json(report)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, content).map_err(failed("write", &path))?;
        remark(&format!("The report is {}", path.display()));
    }
    Ok(())
}

/// Prints the report.
pub(crate) fn print(report: &Report, format: Format) {
    changeover_rehearsal::print(&match format {
        Format::Text => text::text(report),
        Format::Json => json(report),
    });
}

/// Says why a drill could not be made.
pub(crate) fn complain(trouble: &Trouble) {
    remark(&format!("changeover drill: {trouble}"));
}

/// Something worth a line of its own.
pub(crate) fn remark(text: &str) {
    say(&format!("{text}\n"));
}

/// What is done now, on a terminal only.
pub(crate) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        say(&format!("\r\x1b[2K{text}"));
    }
}

fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::debug!("standard error is closed");
    }
}
