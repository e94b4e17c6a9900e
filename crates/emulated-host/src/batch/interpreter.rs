//! Owns how a script is carried out: line after line, frames of called files and labels, redirections and pipes,
//! conditions with `errorlevel` as `cmd` means it, and the bound on statements. The commands that are `cmd`'s own
//! are in `builtins.rs`.

use std::rc::Rc;

use super::expansion::{Names, delayed, expand};
use super::lexer::{Redirect, Target};
use super::parser::{Command, Comparison, Condition, Over, Simple, Unparsed, parse};
use super::source::{Source, label_of};
use super::variables::Variables;
use super::{Entry, Machine, NO_SUCH_COMMAND, Place, STATEMENT_BUDGET, Start, Stop, WallTime};

/// Files and labels that call each other.
const DEEPEST: usize = 64;

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
    tail: String,
    /// What each `setlocal` brings back.
    pub(super) saved: Vec<(Variables, String, bool)>,
}

/// The streams of a command.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) input: Vec<u8>,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    /// What is written goes to the console after every line.
    console: bool,
}

impl Streams {
    pub(super) fn say(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    pub(super) fn complain(&mut self, line: &str) {
        self.err.extend_from_slice(line.as_bytes());
        self.err.extend_from_slice(b"\r\n");
    }
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

/// Where a stream ends up.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sink {
    Out,
    Err,
    Nowhere,
    File(String),
}

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
        while let Some(commands) = self.logical_line()? {
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
    fn logical_line(&mut self) -> Result<Option<Vec<Command>>, Stop> {
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
            let carets = text.chars().rev().take_while(|one| *one == '^').count();
            if carets % 2 == 1 {
                text.push('\n');
                continue;
            }
            match parse(&text) {
                Ok(commands) => return Ok(Some(commands)),
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

    fn spend(&mut self, line: usize) -> Result<(), Stop> {
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
        if self.echo && !simple.quiet {
            streams.say(&format!("\r\n{}>{}", self.folder, text.trim()));
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

    fn pipe(&mut self, parts: &[Command], streams: &mut Streams) -> Carried {
        let mut carried = std::mem::take(&mut streams.input);
        for (position, part) in parts.iter().enumerate() {
            let mut inner = Streams {
                input: carried,
                ..Streams::default()
            };
            let done = self.carry_out(part, &mut inner);
            streams.err.append(&mut inner.err);
            if position + 1 == parts.len() || done.is_err() {
                streams.out.append(&mut inner.out);
            }
            carried = inner.out;
            if done? == Flow::Quit {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn redirected(
        &mut self,
        redirects: &[Redirect],
        streams: &mut Streams,
        work: impl FnOnce(&mut Self, &mut Streams) -> Carried,
    ) -> Carried {
        if redirects.is_empty() {
            return work(self, streams);
        }
        let (mut out, mut err) = (Sink::Out, Sink::Err);
        let mut inner = Streams {
            input: std::mem::take(&mut streams.input),
            ..Streams::default()
        };
        for redirect in redirects {
            let sink = match &redirect.to {
                Target::Stream(1) => out.clone(),
                Target::Stream(_) => err.clone(),
                Target::File(name) | Target::EndOf(name) if is_nul(name) => Sink::Nowhere,
                Target::File(name) if redirect.stream == 0 => {
                    match self.machine.read(&self.folder, name) {
                        Ok(bytes) => inner.input = bytes,
                        Err(complaint) => return self.cannot_open(&complaint, streams),
                    }
                    continue;
                }
                Target::File(name) | Target::EndOf(name) => {
                    let append = matches!(redirect.to, Target::EndOf(_));
                    if let Err(complaint) = self.machine.write(&self.folder, name, append, b"") {
                        return self.cannot_open(&complaint, streams);
                    }
                    let (path, _) = self.machine.look(&self.folder, name);
                    Sink::File(path)
                }
            };
            match redirect.stream {
                0 => {}
                1 => out = sink,
                _ => err = sink,
            }
        }
        let done = work(self, &mut inner);
        self.pour(&out, &inner.out, streams);
        self.pour(&err, &inner.err, streams);
        done
    }

    fn cannot_open(&mut self, complaint: &str, streams: &mut Streams) -> Carried {
        streams.complain(complaint);
        self.ended(1);
        Ok(Flow::On)
    }

    fn pour(&mut self, sink: &Sink, bytes: &[u8], streams: &mut Streams) {
        match sink {
            Sink::Out => streams.out.extend_from_slice(bytes),
            Sink::Err => streams.err.extend_from_slice(bytes),
            Sink::Nowhere => {}
            Sink::File(path) => {
                if let Err(complaint) = self.machine.write("", path, true, bytes) {
                    streams.complain(&complaint);
                }
            }
        }
    }

    fn holds(&mut self, condition: &Condition, line: usize) -> Result<bool, Stop> {
        let delay = |this: &Self, text: &str| {
            if this.delayed {
                delayed(text, &this.names())
            } else {
                text.to_owned()
            }
        };
        match condition {
            Condition::ErrorLevel(number) => match number.parse::<i32>() {
                Ok(number) => Ok(self.error_level >= number),
                Err(_) => Err(self.not_covered(line, "`if errorlevel` needs a number")),
            },
            Condition::Exist(path) => {
                let path = delay(self, path);
                let (_, entry) = self.machine.look(&self.folder, &path);
                let wants_folder = path.ends_with(['\\', '/']);
                Ok(match entry {
                    Some(Entry::File) => !wants_folder,
                    Some(Entry::Folder) => true,
                    None => false,
                })
            }
            Condition::Defined(name) => Ok(self.names().variable(name).is_some()),
            Condition::Compare {
                left,
                how,
                right,
                any_case,
            } => Ok(compare(
                &delay(self, left),
                *how,
                &delay(self, right),
                *any_case,
            )),
        }
    }

    fn repeat(
        &mut self,
        line: usize,
        variable: char,
        over: &Over,
        body: &Command,
        streams: &mut Streams,
    ) -> Carried {
        let words: Vec<String> = match over {
            Over::Words(words) => words.clone(),
            Over::Numbers(list) => match numbers(list) {
                Some(words) => words,
                None => return Err(self.not_covered(line, "`for /l` needs (start,step,end)")),
            },
        };
        for word in words {
            self.spend(line)?;
            let flow = self.carry_out(&with_variable(body, variable, &word), streams)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }
}

fn is_nul(name: &str) -> bool {
    name.trim_end_matches(':').eq_ignore_ascii_case("nul")
}

/// The numbers of `for /l`, at most as many as there are statements.
fn numbers(list: &str) -> Option<Vec<String>> {
    let parts: Vec<i64> = list
        .split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [start, step, end] = parts[..] else {
        return None;
    };
    let mut words = Vec::new();
    let mut number = start;
    while words.len() <= STATEMENT_BUDGET as usize
        && ((step >= 0 && number <= end) || (step < 0 && number >= end))
    {
        words.push(number.to_string());
        number = number.checked_add(step)?;
    }
    Some(words)
}

/// The body of a `for` with its variable in.
fn with_variable(body: &Command, variable: char, word: &str) -> Command {
    let put = |text: &str| {
        text.replace(&format!("%~{variable}"), word.trim_matches('"'))
            .replace(&format!("%{variable}"), word)
    };
    let inside = |command: &Command| Box::new(with_variable(command, variable, word));
    match body {
        Command::Simple(simple) => Command::Simple(Simple {
            text: put(&simple.text),
            redirects: simple
                .redirects
                .iter()
                .map(|redirect| Redirect {
                    stream: redirect.stream,
                    to: match &redirect.to {
                        Target::Stream(stream) => Target::Stream(*stream),
                        Target::File(name) => Target::File(put(name)),
                        Target::EndOf(name) => Target::EndOf(put(name)),
                    },
                })
                .collect(),
            ..simple.clone()
        }),
        Command::Block { body, redirects } => Command::Block {
            body: body.iter().map(|one| *inside(one)).collect(),
            redirects: redirects.clone(),
        },
        Command::Chain {
            first,
            if_bad,
            second,
        } => Command::Chain {
            first: inside(first),
            if_bad: *if_bad,
            second: inside(second),
        },
        Command::Pipe(parts) => Command::Pipe(parts.iter().map(|one| *inside(one)).collect()),
        Command::If {
            line,
            negated,
            condition,
            then,
            otherwise,
        } => Command::If {
            line: *line,
            negated: *negated,
            condition: match condition {
                Condition::ErrorLevel(text) => Condition::ErrorLevel(put(text)),
                Condition::Exist(text) => Condition::Exist(put(text)),
                Condition::Defined(text) => Condition::Defined(put(text)),
                Condition::Compare {
                    left,
                    how,
                    right,
                    any_case,
                } => Condition::Compare {
                    left: put(left),
                    how: *how,
                    right: put(right),
                    any_case: *any_case,
                },
            },
            then: inside(then),
            otherwise: otherwise.as_ref().map(|one| inside(one)),
        },
        Command::For {
            line,
            variable: own,
            over,
            body,
        } => Command::For {
            line: *line,
            variable: *own,
            over: match over {
                Over::Words(words) => Over::Words(words.iter().map(|one| put(one)).collect()),
                Over::Numbers(list) => Over::Numbers(put(list)),
            },
            body: inside(body),
        },
    }
}

fn compare(left: &str, how: Comparison, right: &str, any_case: bool) -> bool {
    let same = |left: &str, right: &str| {
        if any_case {
            left.to_lowercase() == right.to_lowercase()
        } else {
            left == right
        }
    };
    if how == Comparison::Same {
        return same(left, right);
    }
    let order = match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ if any_case => left.to_lowercase().cmp(&right.to_lowercase()),
        _ => left.cmp(right),
    };
    match how {
        Comparison::Same | Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
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

/// What names mean where the script stands.
pub(super) struct Scope<'a, M: Machine> {
    machine: &'a M,
    variables: &'a Variables,
    error_level: i32,
    folder: &'a str,
    frame: Option<&'a Frame>,
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
