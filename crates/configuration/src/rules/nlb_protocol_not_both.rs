//! Rule `nlb-protocol-not-both`: The port rule of the SIP port is for UDP and TCP.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::NlbProtocol;

pub(super) static RULE: Rule = Rule {
    name: "nlb-protocol-not-both",
    severity: Severity::Warning,
    about: "The port rule of the SIP port is for UDP and TCP.",
    why: "SIP over the other protocol would follow the default host instead of the primary",
    fix: "write protocol: both",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for clustered in context.clustered() {
        if let Some((_, rule)) = clustered.rule
            && rule.protocol != NlbProtocol::Both
        {
            let what = format!("the rule of the SIP port is for {} only", rule.protocol);
            clustered.report(report, "protocol", &what);
        }
    }
}
