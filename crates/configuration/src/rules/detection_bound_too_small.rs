//! Rule `detection-bound-too-small`: the detection bound of a host (two ADDP timeouts) is at least 50ms.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::show_duration;
use std::time::Duration;

pub(super) static RULE: Rule = Rule {
    name: "detection-bound-too-small",
    severity: Severity::Warning,
    about: "The detection bound of a host (two ADDP timeouts) is at least 50ms.",
    why: "an ordinary pause of a busy or virtual machine would count as the loss of the host",
    fix: "raise addp-timeout; 1.5s is the default, 50ms (a bound of 100ms) suits dedicated machines",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for host in context.environment.hosts.values() {
        let bound = host.detection_bound();
        if bound < Duration::from_millis(50) {
            report.at(
                &format!("hosts.{}.addp.addp-timeout", host.name),
                format!(
                    "{}: counts as lost after {} of silence",
                    host.name,
                    show_duration(bound)
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
    fn forty_milliseconds_are_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    "address: 10.10.11.102}",
                    "address: 10.10.11.102, addp: {addp-timeout: 20ms}}"
                )]
            ),
            ["host2: counts as lost after 40ms of silence"]
        );
    }

    #[test]
    fn a_bound_of_a_hundred_is_fine() {
        assert!(
            messages(
                &RULE,
                &[(
                    "address: 10.10.11.102}",
                    "address: 10.10.11.102, addp: {addp-timeout: 50ms}}"
                )]
            )
            .is_empty()
        );
    }
}
