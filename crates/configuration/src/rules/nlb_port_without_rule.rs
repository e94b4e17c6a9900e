//! Rule `nlb-port-without-rule`: A port rule of the NLB cluster covers the SIP port.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "nlb-port-without-rule",
    severity: Severity::Error,
    about: "A port rule of the NLB cluster covers the SIP port.",
    why: "traffic to a port without a rule goes to the default host whatever the scripts enable and disable",
    fix: "widen the range of a port rule, or leave port_rules out: one for the SIP port is derived",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for clustered in context.clustered() {
        if clustered.rule.is_none() {
            let what = format!("no port rule covers the SIP port {}", clustered.sip_port);
            clustered.report(report, "port_rules", &what);
        }
    }
}
