//! Rule `sip-pass-check-unreadable`: `TServer/sip-pass-check` is true or false, the same on both.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "sip-pass-check-unreadable",
    severity: Severity::Warning,
    about: "`TServer/sip-pass-check` is true or false, the same on both.",
    why: "only `true` switches SIP traffic monitoring on; any other word leaves the SIP network unwatched",
    fix: "write sip-pass-check: true or false, under server.options.TServer",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, member) in context.sip_members() {
        if let Some(text) = member.option("TServer", "sip-pass-check")
            && !["true", "false"]
                .iter()
                .any(|word| text.trim().eq_ignore_ascii_case(word))
        {
            report.at(
                &format!(
                    "applications.{}.options.tserver.sip-pass-check",
                    member.name
                ),
                format!("{}: sip-pass-check is `{text}`", member.name),
            );
        }
    }
    for (pair, [primary, backup]) in context.pairs() {
        if primary.sip_pass_check() != backup.sip_pass_check() {
            report.at(
                &format!(
                    "applications.{}.options.tserver.sip-pass-check",
                    backup.name
                ),
                format!("{}: sip-pass-check is on for one member only", pair.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn yes_is_not_true() {
        assert_eq!(
            messages(
                &RULE,
                &[("sip-port: 5060", "sip-port: 5060, sip-pass-check: yes")]
            ),
            [
                "SIP_SERVER_PRIMARY: sip-pass-check is `yes`",
                "SIP_SERVER_BACKUP: sip-pass-check is `yes`"
            ]
        );
    }

    #[test]
    fn one_watching_member_is_not_enough() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {options: {TServer: {sip-pass-check: true}}}}
"#
                    )
                )]
            ),
            ["SIP_SERVER: sip-pass-check is on for one member only"]
        );
    }

    #[test]
    fn true_in_any_case_is_fine() {
        assert!(
            messages(
                &RULE,
                &[("sip-port: 5060", "sip-port: 5060, sip-pass-check: TRUE")]
            )
            .is_empty()
        );
    }
}
