//! Rule `scs-on-pair-host`: the Solution Control Server runs on a host of a pair.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Takeover;

pub(super) static RULE: Rule = Rule {
    name: "scs-on-pair-host",
    severity: Severity::Error,
    about: "The Solution Control Server runs on a host of a pair.",
    why: "when that host dies the SCS dies with it, and nobody orders the failover; a third machine removes this",
    fix: "move solution_control_server to a host that carries no member, or accept it with check: {allow: [scs-on-pair-host]}",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let scs = &context.environment.management_layer.scs_host;
    for (pair, _) in context.pairs() {
        if pair.takeover != Takeover::SingleHost
            && (&pair.primary_host == scs || &pair.backup_host == scs)
        {
            report.at(
                "management_layer.solution_control_server.host",
                format!("the SCS runs on {scs}, a host of pair {}", pair.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn the_scs_on_the_primarys_host_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "solution_control_server: {host: mgmt1",
                    "solution_control_server: {host: host1"
                )]
            ),
            ["the SCS runs on host1, a host of pair SIP_SERVER"]
        );
    }

    #[test]
    fn the_message_server_there_is_another_rules_business() {
        assert!(
            messages(
                &RULE,
                &[(
                    "name: MessageServer, host: mgmt1",
                    "name: MessageServer, host: host1"
                )]
            )
            .is_empty()
        );
    }
}
