//! Rule `hooks-delay-failover`: hooks that run before a promotion take at most five seconds together.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::HookTime;
use changeover_model::show_duration;
use std::time::Duration;

/// Longest time that a failover may wait for them.
const LONGEST: Duration = Duration::from_secs(5);

pub(super) static RULE: Rule = Rule {
    name: "hooks-delay-failover",
    severity: Severity::Warning,
    about: "Hooks that run before a promotion take at most five seconds together.",
    why: "in a failover nobody serves until they have ended or overrun",
    fix: "write shorter timeouts, or when: after where nothing depends on the order",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, members) in context.pairs() {
        for member in members {
            let together: Duration = member
                .on_primary
                .iter()
                .filter(|hook| hook.when == HookTime::Before)
                .map(|hook| hook.timeout)
                .sum();
            if together > LONGEST {
                report.at(
                    &format!("applications.{}.on_primary", member.name),
                    format!(
                        "{}: a failover may wait {} for the hooks of on_primary",
                        member.name,
                        show_duration(together)
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn several_add_up() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "      type: SIPServer\n",
                    "      type: SIPServer\n      on_primary: [{command: a, when: before}, {command: b, when: before, timeout: 4s}]\n"
                )]
            ),
            [
                "SIP_SERVER_PRIMARY: a failover may wait 7s for the hooks of on_primary",
                "SIP_SERVER_BACKUP: a failover may wait 7s for the hooks of on_primary"
            ]
        );
    }

    #[test]
    fn hooks_afterwards_are_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    "      type: SIPServer\n",
                    "      type: SIPServer\n      on_primary: {command: a, timeout: 1m}\n"
                )]
            )
            .is_empty()
        );
    }
}
