//! Rule `backup-server-wrong`: backup Server of a pair: the other application on the primary, nothing on the backup.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "backup-server-wrong",
    severity: Severity::Error,
    about: "Backup Server of a pair: the other application on the primary, nothing on the backup.",
    why: "the redundancy type and the Backup Server of the primary are what makes two applications a pair",
    fix: "write backup_server on the primary, naming the backup, and nowhere else; deriving pairs do it by themselves",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, [primary, backup]) in context.pairs() {
        if primary.backup_server.as_ref() != Some(&backup.name) {
            let found = primary
                .backup_server
                .as_ref()
                .map_or_else(|| "none".to_owned(), ToString::to_string);
            report.at(
                &format!("applications.{}.backup_server", primary.name),
                format!(
                    "{}: the Backup Server of {} is {found}, not {}",
                    pair.name, primary.name, backup.name
                ),
            );
        }
        if let Some(found) = &backup.backup_server {
            report.at(
                &format!("applications.{}.backup_server", backup.name),
                format!(
                    "{}: {} is the backup, but has the Backup Server {found}",
                    pair.name, backup.name
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
    fn a_backup_with_a_backup_of_its_own_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {backup_server: SIP_SERVER_PRIMARY}}
"#
                    )
                )]
            ),
            [
                "SIP_SERVER: SIP_SERVER_BACKUP is the backup, but has the Backup Server SIP_SERVER_PRIMARY"
            ]
        );
    }

    #[test]
    fn a_primary_that_names_itself_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_PRIMARY: {backup_server: SIP_SERVER_PRIMARY}}
"#
                    )
                )]
            ),
            [
                "SIP_SERVER: the Backup Server of SIP_SERVER_PRIMARY is SIP_SERVER_PRIMARY, not SIP_SERVER_BACKUP"
            ]
        );
    }

    #[test]
    fn the_derived_one_written_again_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_PRIMARY: {backup_server: SIP_SERVER_BACKUP}}
"#
                    )
                )]
            )
            .is_empty()
        );
    }
}
