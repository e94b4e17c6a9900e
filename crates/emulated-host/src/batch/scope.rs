//! Owns what a name between percent signs means where the script stands: variables, the ones that `cmd` makes up
//! (`%time%`, `%errorlevel%`), arguments, and the script's own path.

use super::expansion::Names;
use super::interpreter::Frame;
use super::variables::Variables;
use super::{Machine, WallTime};

/// What names mean where the script stands.
pub(super) struct Scope<'a, M: Machine> {
    pub(super) machine: &'a M,
    pub(super) variables: &'a Variables,
    pub(super) error_level: i32,
    pub(super) folder: &'a str,
    pub(super) frame: Option<&'a Frame>,
}

impl<M: Machine> Names for Scope<'_, M> {
    fn variable(&self, name: &str) -> Option<String> {
        if let Some(value) = self.variables.get(name) {
            return Some(value.to_owned());
        }
        match name.to_ascii_lowercase().as_str() {
            "errorlevel" => Some(self.error_level.to_string()),
            "cd" => Some(self.folder.to_owned()),
            "time" => Some(time(self.machine.now())),
            "date" => Some(date(self.machine.now())),
            "random" => Some(self.machine.random().to_string()),
            _ => None,
        }
    }

    fn argument(&self, number: usize) -> Option<String> {
        self.frame?.arguments.get(number).cloned()
    }

    fn all_arguments(&self) -> String {
        self.frame
            .map_or_else(String::new, |frame| frame.tail.clone())
    }

    fn full_path(&self, path: &str) -> String {
        // %~dp0 means the script, wherever it was called from and whatever was changed to since.
        if let Some(frame) = self.frame
            && frame.arguments.first().is_some_and(|called| called == path)
        {
            return frame.source.path.clone();
        }
        self.machine.look(self.folder, path).0
    }
}

/// `%time%`: the hour without a zero before it.
pub(super) fn time(now: WallTime) -> String {
    format!(
        "{:>2}:{:02}:{:02}.{:02}",
        now.hour, now.minute, now.second, now.hundredth
    )
}

/// `%date%` of an English Windows.
pub(super) fn date(now: WallTime) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let day = DAYS.get(usize::from(now.weekday)).copied().unwrap_or("Sun");
    format!("{day} {:02}/{:02}/{:04}", now.month, now.day, now.year)
}
