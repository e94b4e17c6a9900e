//! Owns how a script is carried out: line after line, frames of called files and labels, and the bound on statements.
//! Conditions and loops are in `conditions.rs`, redirections and pipes in `streams.rs`, the commands that are `cmd`'s
//! own in `builtins.rs`.

use std::rc::Rc;

use super::expansion::{delayed, expand};
use super::parser::{Command, Simple, Unparsed, parse};
use super::scope::Scope;
use super::source::{Source, label_of};
use super::streams::Streams;
use super::variables::Variables;
use super::{Machine, NO_SUCH_COMMAND, Place, STATEMENT_BUDGET, Start, Stop};

/// Files and labels that call each other.
const DEEPEST: usize = 64;
/// `cmd` takes no longer line, its variables included.
const LONGEST_LINE: usize = 8191;

/// Carries one script out on a machine.
pub(crate) struct Interpreter<'m, M: Machine> {
    pub(super) machine: &'m mut M,
    pub(super) variables: Variables,
    pub(super) error_level: i32,
    /// What the last command ended with, for `&&` and `||`; `echo` changes this and not the error level.
    pub(super) last: i32,
    pub(super) echo: bool,
    pub(super) delayed: bool,
    /// The current folder.
    pub(super) folder: String,
    pub(super) folders: Vec<String>,
    pub(super) frames: Vec<Frame>,
    spent: u32,
}

/// A file, or a label of one, that is being carried out.
pub(super) struct Frame {
    pub(super) source: Rc<Source>,
    /// Position of the next line, from 0.
    next: usize,
    /// Position of the line being carried out.
    line: usize,
    /// The script as it was called, then its arguments with their quotes.
    pub(super) arguments: Vec<String>,
    /// The arguments in one, which `shift` leaves alone.
    pub(super) tail: String,
    /// What each `setlocal` brings back.
    pub(super) saved: Vec<(Variables, String, bool)>,
}

/// Where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Goto(String),
    /// This file or label is over.
    EndFrame,
    /// The script is over.
    Quit,
}

pub(super) type Carried = Result<Flow, Stop>;

impl<'m, M: Machine> Interpreter<'m, M> {
    /// An interpreter whose scripts begin in `folder` with these variables.
    pub(crate) fn new(
        machine: &'m mut M,
        folder: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut known = Variables::default();
        for (name, value) in variables {
            known.set(&name, &value);
        }
        Self {
            machine,
            variables: known,
            error_level: 0,
            last: 0,
            echo: true,
            delayed: false,
            folder: folder.to_owned(),
            folders: Vec::new(),
            frames: Vec::new(),
            spent: 0,
        }
    }

    /// Runs a command line as `cmd /c` does: a batch file with its arguments, or a command. Its exit code.
    ///
    /// # Errors
    /// When it came to something that is not covered, or did not end.
    pub(crate) fn command_line(&mut self, line: &str) -> Result<i32, Stop> {
        let source = Source::new("cmd /c", "", line.as_bytes());
        let mut streams = Streams {
            console: true,
            ..Streams::default()
        };
        self.echo = false;
        let result = self.within(
            source,
            String::new(),
            |this, streams| {
                this.echo = false;
                this.frame(streams)
            },
            &mut streams,
        );
        self.flush(&mut streams);
        result.map(|_| self.error_level)
    }

    fn flush(&mut self, streams: &mut Streams) {
        if streams.console {
            self.machine.show(&streams.out, &streams.err);
            streams.out.clear();
            streams.err.clear();
        }
    }

    /// Does something in a frame of its own.
    fn within(
        &mut self,
        source: Source,
        tail: String,
        work: impl FnOnce(&mut Self, &mut Streams) -> Carried,
        streams: &mut Streams,
    ) -> Carried {
        let mut arguments = vec![source.called.clone()];
        arguments.extend(split_arguments(&tail));
        let frame = Frame {
            source: Rc::new(source),
            next: 0,
            line: 0,
            arguments,
            tail,
            saved: Vec::new(),
        };
        self.enter(frame, work, streams)
    }

    fn enter(
        &mut self,
        frame: Frame,
        work: impl FnOnce(&mut Self, &mut Streams) -> Carried,
        streams: &mut Streams,
    ) -> Carried {
        if self.frames.len() >= DEEPEST {
            return Err(Stop::Endless {
                place: self.place(0),
            });
        }
        self.frames.push(frame);
        let flow = work(self, streams);
        if let Some(frame) = self.frames.pop()
            && let Some((variables, folder, delayed)) = frame.saved.into_iter().next()
        {
            self.variables = variables;
            self.folder = folder;
            self.delayed = delayed;
        }
        flow
    }

    /// Carries a batch file out; its frame ends with it.
    pub(super) fn batch_file(
        &mut self,
        called: &str,
        path: &str,
        tail: &str,
        streams: &mut Streams,
    ) -> Carried {
        let bytes = match self.machine.read(&self.folder, path) {
            Ok(bytes) => bytes,
            Err(complaint) => {
                streams.complain(&complaint);
                self.ended(1);
                return Ok(Flow::On);
            }
        };
        let source = Source::new(called, path, &bytes);
        // A batch file starts with echo on, as `cmd` is by itself.
        if self.frames.len() <= 1 {
            self.echo = true;
        }
        let flow = self.within(source, tail.trim().to_owned(), Self::frame, streams)?;
        Ok(match flow {
            Flow::Quit => Flow::Quit,
            Flow::On | Flow::Goto(_) | Flow::EndFrame => Flow::On,
        })
    }

    /// `call :label`
    pub(super) fn label(&mut self, label: &str, tail: &str, streams: &mut Streams) -> Carried {
        let Some(frame) = self.frames.last() else {
            return Ok(Flow::On);
        };
        let source = Rc::clone(&frame.source);
        let Some(next) = source.after_label(label, frame.next) else {
            streams.complain(&format!(
                "The system cannot find the batch label specified - {label}"
            ));
            self.ended(1);
            return Ok(Flow::On);
        };
        let tail = tail.trim().to_owned();
        let mut arguments = vec![format!(":{label}")];
        arguments.extend(split_arguments(&tail));
        let frame = Frame {
            line: next,
            source,
            next,
            arguments,
            tail,
            saved: Vec::new(),
        };
        let flow = self.enter(frame, Self::frame, streams)?;
        Ok(match flow {
            Flow::Quit => Flow::Quit,
            Flow::On | Flow::Goto(_) | Flow::EndFrame => Flow::On,
        })
    }

    /// Lines up to the end of the frame.
    fn frame(&mut self, streams: &mut Streams) -> Carried {
        while let Some((text, commands)) = self.logical_line()? {
            if self.echo && !text.trim_start().starts_with('@') {
                streams.say(&format!("\r\n{}>{}", self.folder, text.trim()));
            }
            for command in &commands {
                match self.carry_out(command, streams)? {
                    Flow::On => {}
                    Flow::Goto(label) => {
                        let Some(frame) = self.frames.last_mut() else {
                            break;
                        };
                        let Some(next) = frame.source.after_label(&label, frame.next) else {
                            streams.complain(&format!(
                                "The system cannot find the batch label specified - {label}"
                            ));
                            self.ended(1);
                            return Ok(Flow::EndFrame);
                        };
                        frame.next = next;
                        break;
                    }
                    over @ (Flow::EndFrame | Flow::Quit) => {
                        self.flush(streams);
                        return Ok(over);
                    }
                }
            }
            self.flush(streams);
        }
        Ok(Flow::EndFrame)
    }

    /// The next line with its variables in; several of the file where parentheses or `^` join them.
    fn logical_line(&mut self) -> Result<Option<(String, Vec<Command>)>, Stop> {
        let mut text = String::new();
        loop {
            let Some(frame) = self.frames.last_mut() else {
                return Ok(None);
            };
            let Some(line) = frame.source.line(frame.next).map(str::to_owned) else {
                if text.is_empty() {
                    return Ok(None);
                }
                return Err(self.not_covered(0, "a parenthesis is never closed"));
            };
            if text.is_empty() {
                frame.line = frame.next;
            }
            frame.next += 1;
            let is_label = label_of(&line).is_some() || line.trim_start().starts_with("::");
            if text.is_empty() && (is_label || line.trim().is_empty()) {
                continue;
            }
            text.push_str(&expand(&line, &self.names()));
            if text.chars().count() > LONGEST_LINE {
                return Err(self.too_long(0));
            }
            let carets = text.chars().rev().take_while(|one| *one == '^').count();
            if carets % 2 == 1 {
                text.push('\n');
                continue;
            }
            match parse(&text) {
                Ok(commands) => return Ok(Some((text, commands))),
                Err(Unparsed::Incomplete) => text.push('\n'),
                Err(Unparsed::Wrong(why)) => return Err(self.not_covered(0, &why)),
            }
        }
    }

    /// The place of a line of the present frame, `lines` after its first.
    pub(super) fn place(&self, lines: usize) -> Place {
        let Some(frame) = self.frames.last() else {
            return Place {
                file: String::new(),
                line: 0,
                text: String::new(),
            };
        };
        let line = frame.line + lines;
        Place {
            file: frame.source.called.clone(),
            line: line + 1,
            text: frame.source.line(line).unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn not_covered(&self, lines: usize, why: &str) -> Stop {
        Stop::NotCovered {
            place: self.place(lines),
            why: why.to_owned(),
        }
    }

    fn too_long(&self, lines: usize) -> Stop {
        let why = format!("with its variables in it has more than {LONGEST_LINE} characters");
        self.not_covered(lines, &why)
    }

    pub(super) fn names(&self) -> Scope<'_, M> {
        Scope {
            machine: &*self.machine,
            variables: &self.variables,
            error_level: self.error_level,
            folder: &self.folder,
            frame: self.frames.last(),
        }
    }

    /// A command has ended with a code that counts.
    pub(super) fn ended(&mut self, code: i32) {
        self.error_level = code;
        self.last = code;
    }

    pub(super) fn carry_out(&mut self, command: &Command, streams: &mut Streams) -> Carried {
        match command {
            Command::Simple(simple) => self.simple(simple, streams),
            Command::Block { body, redirects } => {
                self.redirected(redirects, streams, |this, streams| {
                    for command in body {
                        let flow = this.carry_out(command, streams)?;
                        if flow != Flow::On {
                            return Ok(flow);
                        }
                    }
                    Ok(Flow::On)
                })
            }
            Command::Chain {
                first,
                if_bad,
                second,
            } => {
                let flow = self.carry_out(first, streams)?;
                if flow == Flow::On && (self.last != 0) == *if_bad {
                    return self.carry_out(second, streams);
                }
                Ok(flow)
            }
            Command::Pipe(parts) => self.pipe(parts, streams),
            Command::If {
                line,
                negated,
                condition,
                then,
                otherwise,
            } => {
                self.spend(*line)?;
                let holds = self.holds(condition, *line)?;
                match (holds != *negated, otherwise) {
                    (true, _) => self.carry_out(then, streams),
                    (false, Some(otherwise)) => self.carry_out(otherwise, streams),
                    (false, None) => Ok(Flow::On),
                }
            }
            Command::For {
                line,
                variable,
                over,
                body,
            } => self.repeat(*line, *variable, over, body, streams),
        }
    }

    pub(super) fn spend(&mut self, line: usize) -> Result<(), Stop> {
        self.spent += 1;
        if self.spent > STATEMENT_BUDGET {
            return Err(Stop::Endless {
                place: self.place(line),
            });
        }
        Ok(())
    }

    fn simple(&mut self, simple: &Simple, streams: &mut Streams) -> Carried {
        self.spend(simple.line)?;
        let text = if self.delayed {
            delayed(&simple.text, &self.names())
        } else {
            simple.text.clone()
        };
        if text.chars().count() > LONGEST_LINE {
            return Err(self.too_long(simple.line));
        }
        self.redirected(&simple.redirects, streams, |this, streams| {
            this.run(&text, simple.line, false, streams)
        })
    }

    /// A command by its text; `called`: a batch file comes back here.
    pub(super) fn run(
        &mut self,
        text: &str,
        line: usize,
        called: bool,
        streams: &mut Streams,
    ) -> Carried {
        let text = text.trim_start_matches([' ', '\t', ',', ';', '=']);
        if text.trim().is_empty() {
            return Ok(Flow::On);
        }
        if let Some(flow) = self.builtin(text, line, streams)? {
            return Ok(flow);
        }
        let (name, tail) = program_and_tail(text);
        let name = name.replace('"', "");
        match self.machine.run(&self.folder, &name, tail, &streams.input) {
            Start::Ran(ran) => {
                streams.out.extend_from_slice(&ran.out);
                streams.err.extend_from_slice(&ran.err);
                self.ended(ran.code);
                Ok(Flow::On)
            }
            Start::BatchFile(path) => {
                let flow = self.batch_file(&name, &path, tail, streams)?;
                // Without `call` the other file takes this one's place.
                if called || flow == Flow::Quit {
                    Ok(flow)
                } else {
                    Ok(Flow::EndFrame)
                }
            }
            Start::Stopped(stop) => Err(*stop),
            Start::NotCovered(why) => Err(self.not_covered(line, &why)),
            Start::Unknown => {
                self.ended(NO_SUCH_COMMAND);
                Err(self.not_covered(
                    line,
                    &format!(
                        "`{name}` is neither a command that is emulated nor a file of this host"
                    ),
                ))
            }
        }
    }
}

/// Where a program's name ends: at a space or a switch, quotes respected.
fn program_and_tail(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.char_indices().find(|(_, letter)| {
        if *letter == '"' {
            quoted = !quoted;
        }
        !quoted && matches!(letter, ' ' | '\t' | '/' | ',' | ';' | '=')
    });
    text.split_at(end.map_or(text.len(), |(position, _)| position))
}

/// Arguments with their quotes; `,`, `;` and `=` part them as spaces do.
pub(super) fn split_arguments(tail: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for letter in tail.chars() {
        match letter {
            ' ' | '\t' | ',' | ';' | '=' if !quoted => {
                if !word.is_empty() {
                    arguments.push(std::mem::take(&mut word));
                }
            }
            _ => {
                quoted ^= letter == '"';
                word.push(letter);
            }
        }
    }
    if !word.is_empty() {
        arguments.push(word);
    }
    arguments
}
