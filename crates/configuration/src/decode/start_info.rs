//! How an application is started: a command line, one that goes into the background and leaves a pid file, or a
//! systemd unit. Owns the refusal of every other combination; what each means stands in the environment's model.

use super::contradiction;
use crate::problem::{Collector, Problem};
use crate::tree::Entry;
use changeover_model::ApplicationType;
use changeover_model::environment::StartInfo;

/// Endings that say what kind of unit is named, of those that run a program.
const SERVICE: &str = ".service";
/// Endings of units that run none.
const NO_SERVICE: [&str; 9] = [
    ".socket", ".target", ".timer", ".mount", ".path", ".slice", ".scope", ".device", ".swap",
];

/// Reports combinations of `command_line`, `pid_file` and `systemd_unit` that mean nothing.
pub(super) fn check(
    entry: &Entry,
    application_type: ApplicationType,
    control: bool,
    info: &StartInfo,
    problems: &mut Collector,
) {
    let place = Place {
        entry,
        // What stands in a pair, once for both members, is one problem there.
        who: match &entry.value.derived {
            Some(pair) => format!("{pair}.server"),
            None => entry.key.clone(),
        },
        problems,
    };
    let third_party = application_type == ApplicationType::ThirdPartyServer && !control;
    if !third_party {
        return place.only_for_third_parties(application_type, control);
    }
    let unit = &info.systemd_unit;
    if unit.is_empty() {
        if !info.pid_file.is_empty()
            && !info.pid_file.starts_with('/')
            && info.working_directory.is_empty()
        {
            place.say(
                "pid_file",
                "the pid file is a relative path without a working directory".to_owned(),
                "it would count from wherever the LCA was started",
                "write an absolute path, such as /run/kamailio/kamailio.pid",
            );
        }
        return;
    }
    place.unit(unit, info);
}

/// Where a problem is shown.
struct Place<'p> {
    entry: &'p Entry,
    who: String,
    problems: &'p mut Collector,
}

impl Place<'_> {
    fn only_for_third_parties(mut self, application_type: ApplicationType, control: bool) {
        for key in ["systemd_unit", "pid_file"] {
            if self.entry.value.at(&["start_info", key]).is_none() {
                continue;
            }
            let (what, fix) = if control {
                (
                    "a control script, which runs to its end".to_owned(),
                    "remove it: a control script is started by command_line",
                )
            } else {
                (
                    format!("a {application_type}, which its LCA starts itself and talks to"),
                    "remove it, or write type: ThirdPartyServer",
                )
            };
            let text = format!("`{key}` is for Third Party Servers; {} is {what}", self.who);
            self.push(key, text, "nothing would come of it", fix);
        }
    }

    fn unit(mut self, unit: &str, info: &StartInfo) {
        let written = [
            ("command_line", !info.command_line.is_empty()),
            ("arguments", !info.arguments.is_empty()),
            ("pid_file", !info.pid_file.is_empty()),
            ("working_directory", !info.working_directory.is_empty()),
        ];
        for (key, _) in written.into_iter().filter(|(_, written)| *written) {
            let text = format!(
                "{} has `systemd_unit` and `{key}`: exactly one way to start it",
                self.who
            );
            self.push(
                key,
                text,
                "systemd starts the program as its unit says",
                "remove this key, or remove systemd_unit and let the LCA start the program",
            );
        }
        if let Some(ending) = NO_SERVICE.iter().find(|ending| unit.ends_with(**ending)) {
            let text = format!("{unit} is a systemd {} and runs no program", &ending[1..]);
            self.push(
                "systemd_unit",
                text,
                "nothing could be watched",
                "name the service that runs the program, such as kamailio.service",
            );
        } else if !unit.ends_with(SERVICE) {
            let text = format!("{unit} has no ending that systemd knows");
            let fix = format!("write systemd_unit: {unit}{SERVICE}");
            self.push("systemd_unit", text, "systemd wants the full name", &fix);
        } else if unit.contains('/') || unit.contains("@.") {
            let text = format!("{unit} names no unit that can run");
            self.push(
                "systemd_unit",
                text,
                "a path, or a template without its instance",
                "write the unit's name, such as kamailio.service or kamailio@edge.service",
            );
        }
    }

    fn say(mut self, key: &str, text: String, label: &str, fix: &str) {
        self.push(key, text, label, fix);
    }

    fn push(&mut self, key: &str, text: String, label: &str, fix: &str) {
        let span = self
            .entry
            .value
            .at(&["start_info", key])
            .map_or(self.entry.key_span, |node| node.span);
        let problem: Problem = contradiction(span, text);
        self.problems.push(problem.label(label).help(fix));
    }
}
