//! Rule `log-not-network`: sIP Servers of a pair send their log events to the Message Server.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "log-not-network",
    severity: Severity::Error,
    about: "SIP Servers of a pair send their log events to the Message Server.",
    why: "without log/standard = network and log/verbose = all no HA event reaches the Message Server, and no Alarm Condition moves the VIP",
    fix: "remove the log options, they are derived; or write log: {verbose: all, standard: network}; network may stand in a list with files",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, member) in context.sip_members() {
        for (name, wanted) in [("standard", "network"), ("verbose", "all")] {
            let value = member.option("log", name);
            let holds = value.is_some_and(|list| {
                list.split(',')
                    .any(|item| item.trim().eq_ignore_ascii_case(wanted))
            });
            if !holds {
                report.at(
                    &format!("applications.{}.options.log.{name}", member.name),
                    format!(
                        "{}: log/{name} is {}, not {wanted}",
                        member.name,
                        value.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"))
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn a_log_that_goes_to_files_only_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {options: {log: {standard: /logs/sip}}}}
"#
                    )
                )]
            ),
            ["SIP_SERVER_BACKUP: log/standard is `/logs/sip`, not network"]
        );
    }

    #[test]
    fn a_log_below_level_all_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_PRIMARY: {options: {log: {verbose: standard}}}}
"#
                    )
                )]
            ),
            ["SIP_SERVER_PRIMARY: log/verbose is `standard`, not all"]
        );
    }

    #[test]
    fn a_list_with_network_in_any_case_is_fine() {
        assert!(messages(&RULE, &[(END, &and(r#"applications: {SIP_SERVER_BACKUP: {options: {LOG: {Standard: "/logs/sip, Network"}}}}
"#))]).is_empty());
    }
}
