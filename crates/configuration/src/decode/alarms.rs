//! Scripts and Alarm Conditions.

use super::{Reader, contradiction};
use crate::problem::{Collector, Problem};
use crate::tree::Entry;
use crate::values;
use changeover_model::ApplicationType;
use changeover_model::environment::{
    AlarmCategory, AlarmCondition, ReactionType, Script, Selection, SwitchoverWhen,
};
use std::time::Duration;

/// A script.
pub(super) fn script(entry: &Entry) -> Option<Script> {
    Some(Script {
        name: entry.key.as_str().into(),
        reaction: reaction(Reader::of(entry.value.get("reaction")?))?,
    })
}

fn reaction(reader: Reader<'_>) -> Option<ReactionType> {
    let entry = reader.node.entries().first()?;
    let below = Reader::of(&entry.value);
    Some(match entry.key.as_str() {
        "start_application" => ReactionType::StartApplication(entry.value.text()?.into()),
        "shut_down_application" => ReactionType::ShutDownApplication(entry.value.text()?.into()),
        "restart_application" => ReactionType::RestartReportingApplication,
        "switchover" => ReactionType::Switchover(match below.text("when") {
            Some("primary") => SwitchoverWhen::Primary,
            Some("backup") => SwitchoverWhen::Backup,
            _ => SwitchoverWhen::Any,
        }),
        "os_command" => ReactionType::OsCommand {
            command_line: below.text("command_line")?.to_owned(),
            on_application_host: below.text("on") == Some("application-host"),
        },
        "change_option" => ReactionType::ChangeOption {
            application: below.name("application"),
            section: below.text("section")?.to_owned(),
            option: below.text("option")?.to_owned(),
            value: below.text("value")?.to_owned(),
        },
        "send_email" => ReactionType::SendEmail {
            to: match below.text("to") {
                Some(one) => vec![one.to_owned()],
                None => below.texts("to"),
            },
            subject: below.text("subject")?.to_owned(),
            body: below.owned("body"),
        },
        "send_snmp_trap" => ReactionType::SendSnmpTrap,
        _ => return None,
    })
}

/// An Alarm Condition.
pub(super) fn condition(entry: &Entry, problems: &mut Collector) -> Option<AlarmCondition> {
    let reader = Reader::of(&entry.value);
    let detect = reader.below("detect")?;
    let event = |node| values::event_id(node).ok();
    Some(AlarmCondition {
        name: entry.key.as_str().into(),
        description: reader.owned("description"),
        category: match reader.text("category")? {
            "Critical" => AlarmCategory::Critical,
            "Major" => AlarmCategory::Major,
            "Minor" => AlarmCategory::Minor,
            _ => return None,
        },
        detect: detect.node.get("log_event_id").and_then(event)?,
        selection: selection(detect, problems)?,
        cancel: reader.node.at(&["cancel", "log_event_id"]).and_then(event),
        cancel_timeout: reader.duration("cancel_timeout", Duration::from_secs(3600)),
        reaction_scripts: reader.names("reaction_scripts"),
        clearance_scripts: reader.names("clearance_scripts"),
        enabled: reader.boolean("enabled").unwrap_or(true),
    })
}

fn selection(detect: Reader<'_>, problems: &mut Collector) -> Option<Selection> {
    let word = detect.text("selection")?;
    let unused = match word {
        "any" => &["application", "type"][..],
        "type" => &["application"],
        _ => &["type"],
    };
    for key in unused {
        if let Some(entry) = detect.node.entries().iter().find(|e| e.key == *key) {
            // An override of `selection` leaves the derived `application` behind; it then means nothing.
            if entry.value.written {
                problems.push(
                    contradiction(
                        entry.key_span,
                        format!("`{key}` has no use with `selection: {word}`"),
                    )
                    .help(format!("remove it, or write selection: {key}")),
                );
            }
        }
    }
    let needed = |key: &str| {
        Problem::new(
            "missing-key",
            detect.span("selection"),
            format!("`selection: {word}` needs the key `{key}`"),
        )
        .help(format!("write {key}: … beside it"))
    };
    match word {
        "any" => Some(Selection::Any),
        "type" => match detect.text("type") {
            Some(text) => ApplicationType::parse(text).map(Selection::ApplicationType),
            None => {
                problems.push(needed("type"));
                None
            }
        },
        "application" => match detect.name("application") {
            Some(name) => Some(Selection::Application(name)),
            None => {
                problems.push(needed("application"));
                None
            }
        },
        _ => None,
    }
}
