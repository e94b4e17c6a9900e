//! Rule `pass-check-without-service-dn`: SIP traffic monitoring (`sip-pass-check=true`) has a service DN that is asked in quiet times.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "pass-check-without-service-dn",
    severity: Severity::Error,
    about: "SIP traffic monitoring (`sip-pass-check=true`) has a service DN that is asked in quiet times.",
    why: "the time without traffic that counts as a failure comes from oos-check and oos-force of the service DNs; without one the network is never judged",
    fix: "give a DN of the switch oos-check and oos-force, such as the trunk to the gateway",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, member) in context.sip_members() {
        if !member.sip_pass_check() {
            continue;
        }
        let switch = member.switch.as_ref();
        let service = switch
            .and_then(|name| context.environment.switches.get(name))
            .is_some_and(|switch| switch.dns.values().any(|dn| dn.oos_check.is_some()));
        if !service {
            report.at(
                &format!(
                    "applications.{}.options.tserver.sip-pass-check",
                    member.name
                ),
                format!(
                    "{} watches SIP traffic, but no DN of its switch has oos-check",
                    member.name
                ),
            );
        }
    }
}
