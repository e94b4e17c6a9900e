//! Rule `script-names-another-cluster`: NLB control scripts name the cluster, the host ids and the SIP port of the file.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "script-names-another-cluster",
    severity: Severity::Error,
    about: "NLB control scripts name the cluster, the host ids and the SIP port of the file.",
    why: "the port of another cluster would be switched, or that of the wrong host; scripts copied from another site are like this",
    fix: "write the names of the file, or correct nlb in the pair",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for script in context.scripted() {
        let Some(clustered) = context
            .clustered()
            .into_iter()
            .find(|clustered| clustered.pair.name == script.pair.name)
        else {
            continue;
        };
        if let Some((line, what)) = script.other_cluster(clustered.cluster, clustered.sip_port) {
            report.at(
                &script.path(),
                format!("{}: {}:{line} names {what}", script.name(), script.file()),
            );
        }
    }
}
