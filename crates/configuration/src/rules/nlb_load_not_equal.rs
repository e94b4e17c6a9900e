//! Rule `nlb-load-not-equal`: Both hosts of an NLB cluster have the same load weight for the SIP port.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "nlb-load-not-equal",
    severity: Severity::Warning,
    about: "Both hosts of an NLB cluster have the same load weight for the SIP port.",
    why: "a host of weight 0 gets nothing even as the only one that is enabled; other weights mean nothing where one host answers",
    fix: "write load_weight: equal, or leave it out",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for clustered in context.clustered() {
        let Some((_, rule)) = clustered.rule else {
            continue;
        };
        let mut weights = rule.load_weight.values();
        let first = weights.next();
        if weights.any(|weight| Some(weight) != first) {
            clustered.report(
                report,
                "load_weight",
                "the hosts have different load weights",
            );
        }
    }
}
