//! Rule `unused-host`: every host carries something.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unused-host",
    severity: Severity::Warning,
    about: "Every host carries something.",
    why: "it is watched for nothing; often an application names the wrong host",
    fix: "remove the host, or name it where it was meant",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let environment = context.environment;
    for host in environment.hosts.keys() {
        let layer = &environment.management_layer;
        let used = &layer.scs_host == host
            || &layer.message_server_host == host
            || environment
                .applications
                .values()
                .any(|application| &application.host == host);
        if !used {
            report.at(&format!("hosts.{host}"), format!("nothing runs on {host}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn an_empty_host_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "  mgmt1: {",
                    r#"  host3: {os: linux, address: 10.10.11.109}
  mgmt1: {"#
                )]
            ),
            ["nothing runs on host3"]
        );
    }

    #[test]
    fn a_host_with_a_single_program_is_not_empty() {
        assert!(messages(&RULE, &[("  mgmt1: {", r#"  host3: {os: linux, address: 10.10.11.109}
  mgmt1: {"#), (END, &and(r#"applications: {X: {type: ThirdPartyServer, host: host3, start_info: {command_line: x}}}
"#))]).is_empty());
    }
}
