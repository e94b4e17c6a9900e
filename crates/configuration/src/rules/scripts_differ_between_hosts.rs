//! Rule `scripts-differ-between-hosts`: the scripts of both hosts of a takeover pair do the same.

use super::scripts::same_but_for_interfaces;
use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::{ScriptAction, Takeover};

pub(super) static RULE: Rule = Rule {
    name: "scripts-differ-between-hosts",
    severity: Severity::Warning,
    about: "The scripts of both hosts of a takeover pair do the same.",
    why: "the one that is used rarely keeps the mistake that was corrected in the other, until the night it is needed",
    fix: "use the same file on both hosts, with what differs taken from CHANGEOVER_INTERFACE and the like",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.takeover != Takeover::IpAddress {
            continue;
        }
        for action in [ScriptAction::Enable, ScriptAction::Disable] {
            let of = |host| {
                context.scripted().into_iter().find(|script| {
                    script.pair.name == pair.name && script.host == host && script.action == action
                })
            };
            let (Some(one), Some(other)) = (of(&pair.primary_host), of(&pair.backup_host)) else {
                continue;
            };
            if one.windows == other.windows && !same_but_for_interfaces(&one, &other) {
                report.at(
                    &other.path(),
                    format!(
                        "{}: {} on {} and {} on {} differ",
                        pair.name,
                        one.file(),
                        one.host,
                        other.file(),
                        other.host
                    ),
                );
            }
        }
    }
}
