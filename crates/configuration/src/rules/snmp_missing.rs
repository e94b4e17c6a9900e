//! Rule `snmp-missing`: reactions that send SNMP traps need `snmp` in management_layer.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::ReactionType;

pub(super) static RULE: Rule = Rule {
    name: "snmp-missing",
    severity: Severity::Warning,
    about: "Reactions that send SNMP traps need `snmp` in management_layer.",
    why: "the reaction would fail every time; the VIP moves all the same",
    fix: "write management_layer: {…, snmp: {target: \"nms.example.net:162\", community: public}}",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    if context.environment.management_layer.snmp.is_some() {
        return;
    }
    for script in context.environment.scripts.values() {
        if matches!(script.reaction, ReactionType::SendSnmpTrap) {
            report.at(
                &format!("scripts.{}.reaction", script.name),
                format!(
                    "{} sends an SNMP trap, but management_layer has no snmp",
                    script.name
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
    fn nowhere_to_send_it_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"scripts: {TELL: {reaction: {send_snmp_trap: {}}}}
"#)
                )]
            ),
            ["TELL sends an SNMP trap, but management_layer has no snmp"]
        );
    }

    #[test]
    fn with_a_receiver_it_is_fine() {
        assert!(
            messages(
                &RULE,
                &[
                    (
                        END,
                        &and(r#"scripts: {TELL: {reaction: {send_snmp_trap: {}}}}
"#)
                    ),
                    (
                        r#"
hosts:"#,
                        r#"
  snmp: {target: "nms.example.net:162", community: public}

hosts:"#
                    )
                ]
            )
            .is_empty()
        );
    }
}
