//! Rule `script-never-ends`: a control script ends by itself within its startup timeout.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use crate::script_facts::TrialEnd;

pub(super) static RULE: Rule = Rule {
    name: "script-never-ends",
    severity: Severity::Error,
    about: "A control script ends by itself within its startup timeout.",
    why: "the agent ends it in the middle of its work, at every switchover",
    fix: "bound its loops; an answer that does not come must not be waited for for ever",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        if script.runs().any(|run| run.end == TrialEnd::OverTime) {
            report.at(
                &script.path(),
                format!(
                    "{}: {} did not end on an emulated host",
                    script.name(),
                    script.file()
                ),
            );
        }
    }
}
