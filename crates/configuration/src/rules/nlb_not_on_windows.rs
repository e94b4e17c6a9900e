//! Rule `nlb-not-on-windows`: a Windows NLB Cluster has Windows hosts.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::{OperatingSystem, Takeover};

pub(super) static RULE: Rule = Rule {
    name: "nlb-not-on-windows",
    severity: Severity::Error,
    about: "A Windows NLB Cluster has Windows hosts.",
    why: "only Windows Server has the cluster and the command that enables a port in it",
    fix: "use takeover: ip_address on this platform",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        if pair.takeover != Takeover::WindowsNlb {
            continue;
        }
        for name in [&pair.primary_host, &pair.backup_host] {
            let host = context.environment.hosts.get(name);
            if let Some(host) = host.filter(|host| host.os != OperatingSystem::Windows) {
                report.at(
                    &format!("hosts.{name}.os"),
                    format!(
                        "{}: {name} of a Windows NLB Cluster runs {}",
                        pair.name, host.os
                    ),
                );
            }
        }
    }
}
