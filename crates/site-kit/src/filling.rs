//! Fills a template: `{{name}}` becomes a value, a line that holds nothing but `{{?name}}` … `{{/name}}` around others
//! keeps or drops them. Nothing more, so that a template stays readable as what it makes.

use crate::KitError;
use std::collections::BTreeMap;

/// Values and switches by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    texts: BTreeMap<&'static str, String>,
    switches: BTreeMap<&'static str, bool>,
}

impl Values {
    pub(crate) fn text(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.texts.insert(name, value.into());
        self
    }

    pub(crate) fn switch(mut self, name: &'static str, on: bool) -> Self {
        self.switches.insert(name, on);
        self
    }

    /// The filled template; `name` is for the complaint.
    pub(crate) fn fill(&self, name: &'static str, template: &str) -> Result<String, KitError> {
        let unknown = |value: &str| KitError::Template {
            template: name,
            value: value.to_owned(),
        };
        let mut filled = String::with_capacity(template.len());
        // One entry per section that is open: whether it stays.
        let mut open: Vec<bool> = Vec::new();
        for line in template.lines() {
            let mark = line.trim();
            if let Some(switch) = mark
                .strip_prefix("{{?")
                .and_then(|rest| rest.strip_suffix("}}"))
            {
                let on = self.switches.get(switch).ok_or_else(|| unknown(switch))?;
                open.push(*on);
            } else if mark.starts_with("{{/") {
                open.pop().ok_or_else(|| unknown(mark))?;
            } else if open.iter().all(|on| *on) {
                filled.push_str(&self.line(line).map_err(|value| unknown(&value))?);
                filled.push('\n');
            }
        }
        if open.is_empty() {
            Ok(filled)
        } else {
            Err(unknown("an end of a section"))
        }
    }

    fn line(&self, line: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, behind) = after.split_once("}}").ok_or_else(|| after.to_owned())?;
            filled.push_str(before);
            filled.push_str(self.texts.get(name).ok_or_else(|| name.to_owned())?);
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> Result<String, String> {
        Values::default()
            .text("vip", "10.10.11.103")
            .switch("shell", true)
            .switch("builtin", false)
            .fill("t", template)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_stand_where_their_names_stood_and_sections_stay_or_go() {
        let template = "a {{vip}}:{{vip}}\n  {{?shell}}\nb\n{{/shell}}\n{{?builtin}}\nc {{vip}}\n{{/builtin}}\nd\n";
        assert_eq!(
            fill(template).as_deref(),
            Ok("a 10.10.11.103:10.10.11.103\nb\nd\n")
        );
    }

    #[test]
    fn a_name_that_nobody_gives_is_named() {
        for (template, name) in [
            ("{{host}}", "'host'"),
            ("{{?nlb}}\n{{/nlb}}", "'nlb'"),
            ("{{?shell}}\n", "an end of a section"),
            ("{{vip", "'vip'"),
        ] {
            let said = fill(template).expect_err("it cannot be filled");
            assert!(said.contains(name), "{template}: {said}");
        }
    }
}
