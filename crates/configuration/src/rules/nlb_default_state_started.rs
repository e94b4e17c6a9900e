//! Rule `nlb-default-state-started`: Hosts of an NLB cluster start in the state `stopped`.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::NlbState;

pub(super) static RULE: Rule = Rule {
    name: "nlb-default-state-started",
    severity: Severity::Warning,
    about: "Hosts of an NLB cluster start in the state `stopped`.",
    why: "a host that comes back after a failure would take part, with its port enabled, before anybody told it that it is the backup",
    fix: "write default_state: stopped, or leave it out",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for clustered in context.clustered() {
        if clustered.cluster.default_state == NlbState::Started {
            let name = &clustered.pair.name;
            report.at(
                &format!("pairs.{name}.nlb.default_state"),
                format!(
                    "{name}: the hosts take part in {} from their start",
                    clustered.cluster.name
                ),
            );
        }
    }
}
