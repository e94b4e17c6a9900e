//! Rule `control-script-timeout`: control scripts have a startup timeout that fits: the guide gives 8s.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "control-script-timeout",
    severity: Severity::Warning,
    about: "Control scripts have a startup timeout that fits: the guide gives 8s.",
    why: "one that is too short ends the script in the middle; one that is too long lets a hanging script hold the switchover up",
    fix: "write startup_timeout: 8s, or leave it out",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        for name in pair
            .control
            .values()
            .flat_map(|control| [&control.enable, &control.disable])
        {
            let Some(application) = context.environment.applications.get(name) else {
                continue;
            };
            let timeout = application.start_info.startup_timeout;
            let fault = if timeout < Duration::from_secs(8) {
                "less than the guide's 8s"
            } else if timeout > Duration::from_secs(30) {
                "more than 30s"
            } else {
                continue;
            };
            report.at(
                &format!("applications.{name}.start_info.startup_timeout"),
                format!(
                    "{name}: the startup timeout of {} is {fault}",
                    show_duration(timeout)
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
    fn a_script_that_is_ended_after_a_second_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_PRIMARY_VIP_DOWN: {start_info: {startup_timeout: 1s}}}
"#
                    )
                )]
            ),
            ["SIP_SERVER_PRIMARY_VIP_DOWN: the startup timeout of 1s is less than the guide's 8s"]
        );
    }

    #[test]
    fn the_timeout_of_a_server_is_too_long_for_a_script() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP_VIP_UP: {start_info: {startup_timeout: 90s}}}
"#
                    )
                )]
            ),
            ["SIP_SERVER_BACKUP_VIP_UP: the startup timeout of 90s is more than 30s"]
        );
    }

    #[test]
    fn a_little_more_is_fine() {
        assert!(messages(&RULE, &[(END, &and(r#"applications: {SIP_SERVER_BACKUP_VIP_DOWN: {start_info: {startup_timeout: 12s}}}
"#))]).is_empty());
    }
}
