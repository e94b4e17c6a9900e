//! Rule `switch-differs`: both SIP Servers of a pair name the same Switch object.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::ApplicationType;
use changeover_model::environment::Application;

pub(super) static RULE: Rule = Rule {
    name: "switch-differs",
    severity: Severity::Error,
    about: "Both SIP Servers of a pair name the same Switch object.",
    why: "calls and devices belong to a switch; a backup with another one, or none, takes over nothing",
    fix: "write switch once, under server",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, [primary, backup]) in context.pairs() {
        if primary.application_type != ApplicationType::SipServer {
            continue;
        }
        let text = |member: &Application| {
            member.switch.as_ref().map_or_else(
                || "no switch".to_owned(),
                |switch| format!("switch {switch}"),
            )
        };
        if primary.switch.is_none() || primary.switch != backup.switch {
            report.at(
                &format!("applications.{}.switch", backup.name),
                format!(
                    "{}: {} has {}, {} has {}",
                    pair.name,
                    primary.name,
                    text(primary),
                    backup.name,
                    text(backup)
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
    fn another_switch_on_the_backup_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[
                    (
                        "  SIP_Switch: {}",
                        r#"  SIP_Switch: {}
  Other: {}"#
                    ),
                    (
                        END,
                        &and(r#"applications: {SIP_SERVER_BACKUP: {switch: Other}}
"#)
                    )
                ]
            ),
            [
                "SIP_SERVER: SIP_SERVER_PRIMARY has switch SIP_Switch, SIP_SERVER_BACKUP has switch Other"
            ]
        );
    }

    #[test]
    fn no_switch_at_all_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    r#"      switch: SIP_Switch
"#,
                    ""
                )]
            ),
            ["SIP_SERVER: SIP_SERVER_PRIMARY has no switch, SIP_SERVER_BACKUP has no switch"]
        );
    }

    #[test]
    fn third_party_members_need_none() {
        assert!(
            messages(
                &RULE,
                &[
                    (
                        r#"      switch: SIP_Switch
"#,
                        ""
                    ),
                    ("type: SIPServer", "type: ThirdPartyServer")
                ]
            )
            .is_empty()
        );
    }
}
