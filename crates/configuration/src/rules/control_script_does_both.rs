//! Rule `control-script-does-both`: enabling and disabling a VIP are two commands.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "control-script-does-both",
    severity: Severity::Warning,
    about: "Enabling and disabling a VIP are two commands.",
    why: "one command for both does the same whatever was ordered, unless it looks at CHANGEOVER_ACTION, which the guide's scripts do not",
    fix: "name the script that disables, or tell the two apart by an argument",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        for (host, control) in &pair.control {
            let find = |name| context.environment.applications.get(name);
            let (Some(enable), Some(disable)) = (find(&control.enable), find(&control.disable))
            else {
                continue;
            };
            let (up, down) = (&enable.start_info, &disable.start_info);
            let same = up.command_line == down.command_line
                && up.arguments == down.arguments
                && up.working_directory == down.working_directory;
            if same && up.command_line != "vipctl" {
                report.at(
                    &format!("applications.{}.start_info.command_line", disable.name),
                    format!(
                        "{}: {} enables and disables on {host}",
                        pair.name, up.command_line
                    ),
                );
            }
        }
    }
}
