//! Rule `hosts-of-different-systems`: both hosts of a pair run the same operating system.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "hosts-of-different-systems",
    severity: Severity::Warning,
    about: "Both hosts of a pair run the same operating system.",
    why: "control scripts are the same files on both hosts; one that suits one system fails on the other",
    fix: "run both on one system, or write the control scripts of each host under applications",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        let hosts = &context.environment.hosts;
        if let (Some(one), Some(other)) =
            (hosts.get(&pair.primary_host), hosts.get(&pair.backup_host))
            && one.os != other.os
        {
            report.at(
                &format!("hosts.{}.os", other.name),
                format!(
                    "{}: {} runs {}, {} {}",
                    pair.name, one.name, one.os, other.name, other.os
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
    fn linux_and_windows_in_one_pair_are_a_warning() {
        assert_eq!(
            messages(&RULE, &[("host2: {os: linux", "host2: {os: windows")]),
            ["SIP_SERVER: host1 runs linux, host2 windows"]
        );
    }

    #[test]
    fn the_system_of_a_third_machine_does_not_matter() {
        assert!(messages(&RULE, &[("mgmt1: {os: linux", "mgmt1: {os: solaris")]).is_empty());
    }
}
