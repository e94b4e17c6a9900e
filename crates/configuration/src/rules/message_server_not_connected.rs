//! Rule `message-server-not-connected`: every SIP Server of a pair connects to the Message Server.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "message-server-not-connected",
    severity: Severity::Error,
    about: "Every SIP Server of a pair connects to the Message Server.",
    why: "its events would reach nobody, so no Alarm Condition would see that it changed its mode",
    fix: "add the Message Server to connections, the same one for both",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let message_server = &context.environment.management_layer.message_server;
    for (_, member) in context.sip_members() {
        if !member.connections.contains(message_server) {
            report.at(
                &format!("applications.{}.connections", member.name),
                format!("{} has no connection to {message_server}", member.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_backup_without_the_connection_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"applications: {SIP_SERVER_BACKUP: {connections: []}}
"#)
                )]
            ),
            ["SIP_SERVER_BACKUP has no connection to MessageServer"]
        );
    }

    #[test]
    fn a_further_connection_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {connections: [SCS, MessageServer]}}
"#
                    )
                )]
            )
            .is_empty()
        );
    }
}
