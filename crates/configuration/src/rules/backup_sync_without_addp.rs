//! Rule `backup-sync-without-addp`: aDDP is on for the link between hot standby members.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Redundancy;

pub(super) static RULE: Rule = Rule {
    name: "backup-sync-without-addp",
    severity: Severity::Warning,
    about: "ADDP is on for the link between hot standby members.",
    why: "without it a cut cable between the two is seen only when TCP gives up, minutes later",
    fix: "write backup-sync: {protocol: addp, addp-timeout: 3, addp-remote-timeout: 3} under server.options",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, member) in context.sip_members() {
        let addp = member
            .option("backup-sync", "protocol")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("addp"));
        if pair.redundancy == Redundancy::Hot && !addp {
            report.at(
                &format!("applications.{}.options.backup-sync.protocol", member.name),
                format!("{}: backup-sync/protocol is not addp", member.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn another_protocol_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {options: {backup-sync: {protocol: tcp}}}}
"#
                    )
                )]
            ),
            ["SIP_SERVER_BACKUP: backup-sync/protocol is not addp"]
        );
    }

    #[test]
    fn warm_standby_has_no_such_link() {
        assert!(
            messages(
                &RULE,
                &[
                    ("protocol: addp", "protocol: tcp"),
                    ("redundancy_type: hot", "redundancy_type: warm")
                ]
            )
            .is_empty()
        );
    }
}
