//! Rule `not-in-this-build`: what the file may say but this build cannot do yet.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Takeover;
use changeover_model::environment::ControllerLoss;

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
            Takeover::WindowsNlb | Takeover::NetworkDevice => Some(pair.takeover),
            Takeover::IpAddress | Takeover::SingleHost => None,
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
        let controller_loss = match pair.policy.on_controller_loss {
            ControllerLoss::Hold => None,
            ControllerLoss::ReleaseAfter(_) => Some("release-after"),
            ControllerLoss::Quorum => Some("quorum"),
        };
        if let Some(word) = controller_loss {
            report.at(
                &format!("{path}.policy.on_controller_loss"),
                format!(
                    "{}: on_controller_loss {word} is not in this build yet",
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
    fn quorum_is_announced_but_refused() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "          sync-reconnect-tout: 7",
                    r#"          sync-reconnect-tout: 7
    policy: {on_controller_loss: quorum}"#
                )]
            ),
            ["SIP_SERVER: on_controller_loss quorum is not in this build yet"]
        );
    }

    #[test]
    fn the_defaults_written_out_are_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(r#"    policy: {on_controller_loss: hold}
"#)
                )]
            )
            .is_empty()
        );
    }
}
