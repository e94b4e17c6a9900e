//! Rule `auto-restart-off`: auto-Restart is on for both members of a pair.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "auto-restart-off",
    severity: Severity::Warning,
    about: "Auto-Restart is on for both members of a pair.",
    why: "a member that died stays down, and the next failure finds no backup",
    fix: "write auto_restart: true, or leave it out",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, members) in context.pairs() {
        for member in members {
            if !member.start_info.auto_restart {
                report.at(
                    &format!("applications.{}.start_info.auto_restart", member.name),
                    format!("{} is not restarted when it dies", member.name),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_backup_that_stays_down_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {start_info: {auto_restart: false}}}
"#
                    )
                )]
            ),
            ["SIP_SERVER_BACKUP is not restarted when it dies"]
        );
    }

    #[test]
    fn true_written_out_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {start_info: {auto_restart: true}}}
"#
                    )
                )]
            )
            .is_empty()
        );
    }
}
