//! Rule `message-server-on-pair-host`: the Message Server runs on a host of a pair.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Takeover;

pub(super) static RULE: Rule = Rule {
    name: "message-server-on-pair-host",
    severity: Severity::Warning,
    about: "The Message Server runs on a host of a pair.",
    why: "when that host dies the events of the survivor reach nobody, and its VIP moves only by realignment",
    fix: "move message_server to a host that carries no member",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let host = &context.environment.management_layer.message_server_host;
    for (pair, _) in context.pairs() {
        if pair.takeover != Takeover::SingleHost
            && (&pair.primary_host == host || &pair.backup_host == host)
        {
            report.at(
                "management_layer.message_server.host",
                format!(
                    "the Message Server runs on {host}, a host of pair {}",
                    pair.name
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn the_message_server_on_a_members_host_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "name: MessageServer, host: mgmt1",
                    "name: MessageServer, host: host1"
                )]
            ),
            ["the Message Server runs on host1, a host of pair SIP_SERVER"]
        );
    }

    #[test]
    fn the_scs_there_is_another_rules_business() {
        assert!(
            messages(
                &RULE,
                &[(
                    "solution_control_server: {host: mgmt1",
                    "solution_control_server: {host: host1"
                )]
            )
            .is_empty()
        );
    }
}
