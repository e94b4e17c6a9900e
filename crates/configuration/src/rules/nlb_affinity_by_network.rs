//! Rule `nlb-affinity-by-network`: The port rule of the SIP port has affinity `none` or `single`.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::NlbAffinity;

pub(super) static RULE: Rule = Rule {
    name: "nlb-affinity-by-network",
    severity: Severity::Warning,
    about: "The port rule of the SIP port has affinity `none` or `single`.",
    why: "while both hosts answer for a moment, affinity by network sends all phones of a site to the same host, the wrong one as likely as not",
    fix: "write affinity: single, or none",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for clustered in context.clustered() {
        if let Some((_, rule)) = clustered.rule
            && rule.affinity == NlbAffinity::ClassC
        {
            clustered.report(
                report,
                "affinity",
                "the rule of the SIP port has affinity class_c",
            );
        }
    }
}
