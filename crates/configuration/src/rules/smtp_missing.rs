//! Rule `smtp-missing`: reactions that send e-mail need `smtp` in management_layer.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::ReactionType;

pub(super) static RULE: Rule = Rule {
    name: "smtp-missing",
    severity: Severity::Warning,
    about: "Reactions that send e-mail need `smtp` in management_layer.",
    why: "the reaction would fail every time; the VIP moves all the same",
    fix: "write management_layer: {…, smtp: {server: \"mail.example.net:25\", from: scs@example.net}}",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    if context.environment.management_layer.smtp.is_some() {
        return;
    }
    for script in context.environment.scripts.values() {
        if matches!(script.reaction, ReactionType::SendEmail { .. }) {
            report.at(
                &format!("scripts.{}.reaction", script.name),
                format!(
                    "{} sends an e-mail, but management_layer has no smtp",
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
                    &and(
                        r#"scripts: {TELL: {reaction: {send_email: {to: a@example.net, subject: s}}}}
"#
                    )
                )]
            ),
            ["TELL sends an e-mail, but management_layer has no smtp"]
        );
    }

    #[test]
    fn with_a_receiver_it_is_fine() {
        assert!(messages(&RULE, &[(END, &and(r#"scripts: {TELL: {reaction: {send_email: {to: a@example.net, subject: s}}}}
"#)), (r#"
hosts:"#, r#"
  smtp: {server: "mail.example.net:25", from: scs@example.net}

hosts:"#)]).is_empty());
    }
}
