//! Owns the commands that are `cmd`'s own. Their text is read the way each of them reads it: `echo` keeps spaces,
//! `set` keeps everything behind the equals sign, `goto` takes one word.

use super::arithmetic::evaluate;
use super::expansion::expand;
use super::interpreter::{Carried, Flow, Interpreter, split_arguments};
use super::scope::{date, time};
use super::source::label_word;
use super::streams::Streams;
use super::{Entry, Machine, Stop};

/// Names that may stand directly before a dot, a slash, a colon or a parenthesis (`echo.`, `cd..`).
const BEFORE_SIGNS: [&str; 6] = ["echo", "cd", "chdir", "md", "mkdir", "type"];

/// The built-in that a text begins with, and what follows it.
fn split(text: &str) -> (String, &str) {
    let end = text
        .find(|one: char| !one.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (name, tail) = text.split_at(end);
    let name = name.to_ascii_lowercase();
    let fits = match tail.chars().next() {
        None | Some(' ' | '\t' | '/' | ',' | ';' | '=' | '"' | '(') => true,
        Some('.' | ':' | '\\' | '[' | ']' | '+') => BEFORE_SIGNS.contains(&name.as_str()),
        Some(_) => false,
    };
    if fits {
        (name, tail)
    } else {
        (String::new(), text)
    }
}

impl<M: Machine> Interpreter<'_, M> {
    /// Carries a built-in out; `None`: the text names something else.
    pub(super) fn builtin(
        &mut self,
        text: &str,
        line: usize,
        streams: &mut Streams,
    ) -> Result<Option<Flow>, Stop> {
        let (name, tail) = split(text);
        // Most of them end well and leave the error level alone.
        let before = std::mem::replace(&mut self.last, 0);
        let flow = match name.as_str() {
            "echo" => self.echo_command(tail, streams),
            "rem" | "title" | "cls" | "color" | "break" => Flow::On,
            // Nobody sits at the console of a control script.
            "pause" => {
                streams.say("Press any key to continue . . . ");
                Flow::On
            }
            "set" => self.set(tail, line, streams)?,
            "goto" => Self::goto(tail),
            "call" => self.call(tail, line, streams)?,
            "exit" => self.exit(tail),
            "shift" => {
                if let Some(frame) = self.frames.last_mut()
                    && !frame.arguments.is_empty()
                {
                    frame.arguments.remove(0);
                }
                Flow::On
            }
            "setlocal" => self.setlocal(tail),
            "endlocal" => self.endlocal(),
            "cd" | "chdir" => self.change_folder(tail, streams),
            "pushd" => {
                let from = self.folder.clone();
                let flow = self.change_folder(tail, streams);
                if self.last == 0 {
                    self.folders.push(from);
                }
                flow
            }
            "popd" => {
                if let Some(folder) = self.folders.pop() {
                    self.folder = folder;
                }
                Flow::On
            }
            "type" => self.type_files(tail, streams),
            "del" | "erase" => self.delete(tail, line)?,
            "copy" => self.copy(tail, line, streams)?,
            "md" | "mkdir" => self.make_folders(tail, streams),
            "date" | "time" => self.clock(&name, tail, line, streams)?,
            "ver" => {
                streams.say("\r\nMicrosoft Windows [Version 5.2.3790]");
                Flow::On
            }
            "cmd" => return self.nested(tail, line, streams).map(Some),
            _ => {
                self.last = before;
                return Ok(None);
            }
        };
        Ok(Some(flow))
    }

    fn echo_command(&mut self, tail: &str, streams: &mut Streams) -> Flow {
        let mut letters = tail.chars();
        let first = letters.next();
        let text = letters.as_str();
        let plain = matches!(first, None | Some(' ' | '\t' | '=' | ',' | ';'));
        match text.trim().to_ascii_lowercase().as_str() {
            "" if plain => {
                streams.say(if self.echo {
                    "ECHO is on."
                } else {
                    "ECHO is off."
                });
            }
            "on" if plain => self.echo = true,
            "off" if plain => self.echo = false,
            _ => {
                // A quote stands for itself; every other first sign only parts.
                let shown = if first == Some('"') { tail } else { text };
                streams.say(shown);
            }
        }
        Flow::On
    }

    fn set(&mut self, tail: &str, line: usize, streams: &mut Streams) -> Result<Flow, Stop> {
        let text = tail.trim_start();
        if let Some(sum) = switch(text, "/a") {
            return self.set_number(sum, line).map(|()| Flow::On);
        }
        if let Some(question) = switch(text, "/p") {
            // Standard input of a control script is empty.
            let prompt = question.split_once('=').map_or("", |(_, prompt)| prompt);
            streams
                .out
                .extend_from_slice(prompt.trim_matches('"').as_bytes());
            self.ended(1);
            return Ok(Flow::On);
        }
        let text = match text.strip_prefix('"') {
            Some(quoted) => quoted.rsplit_once('"').map_or(quoted, |(inside, _)| inside),
            None => text,
        };
        if let Some((name, value)) = text.split_once('=') {
            let removed = value.is_empty() && self.variables.get(name).is_none();
            self.variables.set(name, value);
            self.last = i32::from(removed);
            return Ok(Flow::On);
        }
        let listing = self.variables.listing(text.trim());
        if listing.is_empty() {
            streams.complain(&format!("Environment variable {} not defined", text.trim()));
            self.ended(1);
        }
        for one in listing {
            streams.say(&one);
        }
        Ok(Flow::On)
    }

    fn set_number(&mut self, text: &str, line: usize) -> Result<(), Stop> {
        for sum in text.replace('"', "").split(',') {
            let (name, rest) = match sum.split_once('=') {
                Some((name, rest)) => (name.trim(), rest),
                None => ("", sum),
            };
            // `NAME+=1`
            let (name, rest) = match name.strip_suffix(['+', '-', '*', '/', '%']) {
                Some(bare) => {
                    let sign = &name[bare.len()..];
                    (bare.trim(), format!("{}{sign}({rest})", bare.trim()))
                }
                None => (name, rest.to_owned()),
            };
            let value_of = |name: &str| {
                let value = self.variables.get(name);
                value.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
            };
            let Some(value) = evaluate(&rest, &value_of) else {
                return Err(self.not_covered(line, "this sum is not covered"));
            };
            if !name.is_empty() {
                self.variables.set(name, &value.to_string());
            }
        }
        Ok(())
    }

    fn goto(tail: &str) -> Flow {
        let label = tail.trim().trim_start_matches(':');
        if label.to_ascii_lowercase().starts_with("eof") && tail.trim().starts_with(':') {
            return Flow::EndFrame;
        }
        Flow::Goto(label_word(label).unwrap_or_default().to_owned())
    }

    fn call(&mut self, tail: &str, line: usize, streams: &mut Streams) -> Carried {
        // Variables are put in a second time.
        let text = expand(tail.trim_start(), &self.names());
        if let Some(label) = text.strip_prefix(':') {
            let word = label_word(label).unwrap_or_default().to_owned();
            let rest = label.trim_start().get(word.len()..).unwrap_or_default();
            if word.eq_ignore_ascii_case("eof") {
                return Ok(Flow::On);
            }
            return self.label(&word, rest, streams);
        }
        self.run(&text, line, true, streams)
    }

    fn exit(&mut self, tail: &str) -> Flow {
        let mut flow = Flow::Quit;
        for word in tail.replace('/', " /").split_whitespace() {
            if word.eq_ignore_ascii_case("/b") {
                flow = Flow::EndFrame;
            } else if let Ok(code) = word.parse() {
                self.ended(code);
            }
        }
        flow
    }

    fn setlocal(&mut self, tail: &str) -> Flow {
        let kept = (self.variables.clone(), self.folder.clone(), self.delayed);
        if let Some(frame) = self.frames.last_mut() {
            frame.saved.push(kept);
        }
        for word in tail.split_whitespace() {
            match word.to_ascii_lowercase().as_str() {
                "enabledelayedexpansion" => self.delayed = true,
                "disabledelayedexpansion" => self.delayed = false,
                _ => {}
            }
        }
        Flow::On
    }

    fn endlocal(&mut self) -> Flow {
        let saved = self.frames.last_mut().and_then(|frame| frame.saved.pop());
        if let Some((variables, folder, delayed)) = saved {
            self.variables = variables;
            self.folder = folder;
            self.delayed = delayed;
        }
        Flow::On
    }

    fn change_folder(&mut self, tail: &str, streams: &mut Streams) -> Flow {
        let path = tail.trim();
        let path = switch(path, "/d").unwrap_or(path).trim();
        let path = path.replace('"', "");
        if path.is_empty() {
            streams.say(&self.folder.clone());
            return Flow::On;
        }
        let (full, entry) = self.machine.look(&self.folder, &path);
        if entry == Some(Entry::Folder) {
            self.folder = full;
        } else {
            streams.complain("The system cannot find the path specified.");
            self.ended(1);
        }
        Flow::On
    }

    fn type_files(&mut self, tail: &str, streams: &mut Streams) -> Flow {
        for path in split_arguments(tail) {
            match self.machine.read(&self.folder, &path.replace('"', "")) {
                Ok(bytes) => streams.out.extend_from_slice(&bytes),
                Err(complaint) => {
                    streams.complain(&complaint);
                    self.ended(1);
                }
            }
        }
        Flow::On
    }

    fn delete(&mut self, tail: &str, line: usize) -> Carried {
        for path in split_arguments(tail) {
            if path.starts_with('/') {
                continue;
            }
            if path.contains(['*', '?']) {
                return Err(self.not_covered(line, "wildcards of `del` are not covered"));
            }
            // A file that is not there is no error to `del`.
            drop(self.machine.remove(&self.folder, &path.replace('"', "")));
        }
        Ok(Flow::On)
    }

    fn copy(&mut self, tail: &str, line: usize, streams: &mut Streams) -> Carried {
        let words: Vec<String> = split_arguments(tail)
            .into_iter()
            .filter(|word| !word.starts_with('/'))
            .map(|word| word.replace('"', ""))
            .collect();
        let [from, to] = &words[..] else {
            return Err(self.not_covered(line, "`copy` is covered with one file and one name"));
        };
        let done = self
            .machine
            .read(&self.folder, from)
            .and_then(|bytes| self.machine.write(&self.folder, to, false, &bytes));
        match done {
            Ok(()) => {
                streams.say("        1 file(s) copied.");
                self.ended(0);
            }
            Err(complaint) => {
                streams.complain(&complaint);
                self.ended(1);
            }
        }
        Ok(Flow::On)
    }

    fn make_folders(&mut self, tail: &str, streams: &mut Streams) -> Flow {
        for path in split_arguments(tail) {
            if let Err(complaint) = self
                .machine
                .make_folder(&self.folder, &path.replace('"', ""))
            {
                streams.complain(&complaint);
                self.ended(1);
            }
        }
        Flow::On
    }

    fn clock(&mut self, name: &str, tail: &str, line: usize, streams: &mut Streams) -> Carried {
        if !tail.trim().eq_ignore_ascii_case("/t") {
            return Err(self.not_covered(
                line,
                "the clock of an emulated host cannot be set; write /t to show it",
            ));
        }
        let now = self.machine.now();
        if name == "date" {
            streams.say(&format!("{} ", date(now)));
        } else {
            let shown = time(now);
            streams.say(shown.trim().get(..5).unwrap_or(&shown));
        }
        Ok(Flow::On)
    }

    /// `cmd /c LINE`
    fn nested(&mut self, tail: &str, line: usize, streams: &mut Streams) -> Carried {
        let text = tail.trim();
        let Some(inside) = switch(text, "/c") else {
            return Err(self.not_covered(line, "`cmd` is covered as `cmd /c`"));
        };
        let inside = inside.trim().trim_matches('"').to_owned();
        let flow = self.run(&inside, line, true, streams)?;
        // What it ends is itself.
        Ok(match flow {
            Flow::On | Flow::EndFrame | Flow::Quit | Flow::Goto(_) => Flow::On,
        })
    }
}

/// What follows a switch in any case, if the text begins with it.
fn switch<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.get(..name.len())?;
    head.eq_ignore_ascii_case(name)
        .then(|| text.get(name.len()..).unwrap_or_default())
}

#[cfg(test)]
mod unit {
    use super::split;

    #[test]
    fn a_built_in_ends_where_its_letters_end() {
        let table = [
            ("echo. ", "echo", ". "),
            ("cd..", "cd", ".."),
            ("SET/a x=1", "set", "/a x=1"),
            ("exit/b 1", "exit", "/b 1"),
        ];
        for (text, name, tail) in table {
            assert_eq!(split(text), (name.to_owned(), tail), "{text}");
        }
        assert_eq!(split("title.exe").0, "");
        assert_eq!(split("settings").0, "settings");
    }
}
