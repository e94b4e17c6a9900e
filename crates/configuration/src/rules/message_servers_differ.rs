//! Rule `message-servers-differ`: no member of a pair connects to a Message Server beside the one of the Management Layer.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::ApplicationType;

pub(super) static RULE: Rule = Rule {
    name: "message-servers-differ",
    severity: Severity::Error,
    about: "No member of a pair connects to a Message Server beside the one of the Management Layer.",
    why: "events that go to another Message Server are matched against nothing, and no Alarm Condition of the pair is raised",
    fix: "connect both members to the Message Server that management_layer names",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    let environment = context.environment;
    let right = &environment.management_layer.message_server;
    for (_, members) in context.pairs() {
        for member in members {
            for connection in &member.connections {
                let other = environment.applications.get(connection).is_some_and(|it| {
                    it.application_type == ApplicationType::MessageServer && it.name != *right
                });
                if other {
                    report.at(
                        &format!("applications.{}.connections", member.name),
                        format!(
                            "{} connects to the Message Server {connection}; that of the site is {right}",
                            member.name
                        ),
                    );
                }
            }
        }
    }
}
