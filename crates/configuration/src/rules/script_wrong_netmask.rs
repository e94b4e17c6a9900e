//! Rule `script-wrong-netmask`: a control script sets the VIP with the prefix length of the file.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::ScriptAction;

pub(super) static RULE: Rule = Rule {
    name: "script-wrong-netmask",
    severity: Severity::Warning,
    about: "A control script sets the VIP with the prefix length of the file.",
    why: "without a netmask ifconfig takes the class of the address, /8 for 10.x, and a route for all of it",
    fix: "give ifconfig the netmask, or take it from CHANGEOVER_PREFIX",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        if script.action != ScriptAction::Enable {
            continue;
        }
        let Some((trial, _)) = script.first_exit() else {
            continue;
        };
        for vip in &script.pair.virtual_ips {
            let held = trial
                .first
                .held
                .iter()
                .find(|held| held.address == vip.address);
            if let Some(held) = held.filter(|held| held.prefix != vip.prefix) {
                report.at(
                    &script.path(),
                    format!(
                        "{}: {} sets {}/{}, the file says /{}",
                        script.name(),
                        script.file(),
                        vip.address,
                        held.prefix,
                        vip.prefix
                    ),
                );
            }
        }
    }
}
