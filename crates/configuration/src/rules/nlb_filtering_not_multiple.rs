//! Rule `nlb-filtering-not-multiple`: The port rule of the SIP port has filtering `multiple`.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::NlbFiltering;

pub(super) static RULE: Rule = Rule {
    name: "nlb-filtering-not-multiple",
    severity: Severity::Error,
    about: "The port rule of the SIP port has filtering `multiple`.",
    why: "with a single host it is the priority that decides who answers, and a disabled port answers nobody: enabling it on the primary has no effect",
    fix: "write filtering: multiple, on both hosts of the cluster",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for clustered in context.clustered() {
        if let Some((_, rule)) = clustered.rule
            && rule.filtering != NlbFiltering::Multiple
        {
            let what = format!("the rule of the SIP port has filtering {}", rule.filtering);
            clustered.report(report, "filtering", &what);
        }
    }
}
