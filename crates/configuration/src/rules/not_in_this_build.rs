//! Rule `not-in-this-build`: what the file may say but this build cannot do yet.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Takeover;

pub(super) static RULE: Rule = Rule {
    name: "not-in-this-build",
    severity: Severity::Error,
    about: "What the file may say but this build cannot do yet.",
    why: "the site would come up and then not do what this line promises",
    fix: "choose a value that this build can carry out, or use a release that has it",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        let path = format!("pairs.{}", pair.name);
        let takeover = match pair.takeover {
            Takeover::NetworkDevice => Some(pair.takeover),
            Takeover::IpAddress | Takeover::WindowsNlb | Takeover::SingleHost => None,
        };
        if let Some(takeover) = takeover {
            report.at(
                &format!("{path}.takeover"),
                format!(
                    "{}: takeover {takeover} is not in this build yet",
                    pair.name
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
    fn every_policy_without_a_controller_is_there() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {on_controller_loss: quorum}
"#)
                )]
            )
            .is_empty()
        );
    }
}
