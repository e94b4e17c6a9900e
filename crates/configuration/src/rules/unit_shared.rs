//! Rule `unit-shared`: two applications on a host have a systemd unit each.

use super::shared::sharing;
use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unit-shared",
    severity: Severity::Error,
    about: "Two applications on a host have a systemd unit each.",
    why: "stopping or restarting one would stop the other: a pair of which both members are the same process",
    fix: "give each application a unit of its own, such as kamailio@a.service and kamailio@b.service",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let found = sharing(context, |application| {
        Some(application.start_info.systemd_unit.clone()).filter(|unit| !unit.is_empty())
    });
    for (application, first, unit) in found {
        report.at(
            &format!("applications.{application}.start_info.systemd_unit"),
            format!("{first} and {application} are the same unit {unit}"),
        );
    }
}
