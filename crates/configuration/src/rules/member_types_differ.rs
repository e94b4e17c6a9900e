//! Rule `member-types-differ`: the two members of a pair have different types.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "member-types-differ",
    severity: Severity::Error,
    about: "The two members of a pair have different types.",
    why: "one cannot carry on what the other did",
    fix: "give both the same type",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, [primary, backup]) in context.pairs() {
        if primary.application_type != backup.application_type {
            report.at(
                &format!("applications.{}.type", backup.name),
                format!(
                    "{}: {} is a {}, {} a {}",
                    pair.name,
                    primary.name,
                    primary.application_type,
                    backup.name,
                    backup.application_type
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_sip_server_cannot_back_up_for_a_third_party_server() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {type: ThirdPartyServer}}
"#
                    )
                )]
            ),
            ["SIP_SERVER: SIP_SERVER_PRIMARY is a SIPServer, SIP_SERVER_BACKUP a ThirdPartyServer"]
        );
    }

    #[test]
    fn the_same_type_written_again_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"applications: {SIP_SERVER_BACKUP: {type: SIPServer}}
"#)
                )]
            )
            .is_empty()
        );
    }
}
