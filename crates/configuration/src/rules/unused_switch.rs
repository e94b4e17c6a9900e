//! Rule `unused-switch`: every switch belongs to a server.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unused-switch",
    severity: Severity::Warning,
    about: "Every switch belongs to a server.",
    why: "it stands for nothing; often a server names the wrong one",
    fix: "remove the switch, or name it where it was meant",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for switch in context.environment.switches.keys() {
        let used = context
            .environment
            .applications
            .values()
            .any(|application| application.switch.as_ref() == Some(switch));
        if !used {
            report.at(
                &format!("switches.{switch}"),
                format!("no application names the switch {switch}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn a_switch_without_server_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "  SIP_Switch: {}",
                    r#"  SIP_Switch: {}
  Old: {}"#
                )]
            ),
            ["no application names the switch Old"]
        );
    }

    #[test]
    fn the_one_of_the_pair_is_used() {
        assert!(messages(&RULE, &[("SIP_Switch", "West")]).is_empty());
    }
}
