//! Rule `script-not-covered`: control scripts consist of what emulated hosts can carry out.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use crate::script_facts::TrialEnd;

pub(super) static RULE: Rule = Rule {
    name: "script-not-covered",
    severity: Severity::Warning,
    about: "Control scripts consist of what emulated hosts can carry out.",
    why: "neither a rehearsal nor this check can say what the script does from there on",
    fix: "write the line in another way, or rehearse on real hosts",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        let said = script.runs().find_map(|run| match &run.end {
            TrialEnd::NotCovered(said) => Some(said),
            TrialEnd::Exit(_) | TrialEnd::OverTime | TrialEnd::NotStarted(_) => None,
        });
        if let Some(said) = said {
            report.at(&script.path(), format!("{}: {said}", script.name()));
        }
    }
}
