//! Rule `members-on-one-host`: both members of a pair with a moving VIP run on the same host.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Takeover;

pub(super) static RULE: Rule = Rule {
    name: "members-on-one-host",
    severity: Severity::Error,
    about: "Both members of a pair with a moving VIP run on the same host.",
    why: "the loss of that host takes both, and there is nowhere for the VIP to go",
    fix: "put the backup on a second host, or use takeover: single_host",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.takeover != Takeover::SingleHost && pair.primary_host == pair.backup_host {
            report.at(
                &format!("pairs.{}.backup.host", pair.name),
                format!(
                    "{}: both members run on {}, but takeover is {}",
                    pair.name, pair.primary_host, pair.takeover
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn one_host_for_both_cannot_take_over() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "SIP_SERVER_BACKUP, host: host2",
                    "SIP_SERVER_BACKUP, host: host1"
                )]
            ),
            ["SIP_SERVER: both members run on host1, but takeover is ip_address"]
        );
    }

    #[test]
    fn two_hosts_can() {
        assert!(messages(&RULE, &[("host2", "other")]).is_empty());
    }
}
