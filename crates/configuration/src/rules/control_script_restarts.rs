//! Rule `control-script-restarts`: control scripts are not restarted when they end.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "control-script-restarts",
    severity: Severity::Error,
    about: "Control scripts are not restarted when they end.",
    why: "a control script ends when its work is done; restarted it moves the VIP again, whoever is primary by then",
    fix: "leave auto_restart out of the control scripts",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for application in context.environment.applications.values() {
        let control = context.environment.control_script(&application.name);
        if control.is_some() && application.start_info.auto_restart {
            report.at(
                &format!("applications.{}.start_info.auto_restart", application.name),
                format!("{} is a control script with auto_restart", application.name),
            );
        }
    }
}
