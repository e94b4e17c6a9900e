//! Owns the streams of a command: what it reads, where its output and its errors go, pipes between commands.

use super::Machine;
use super::interpreter::{Carried, Flow, Interpreter};
use super::lexer::{Redirect, Target};
use super::parser::Command;

/// The streams of a command.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) input: Vec<u8>,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    /// What is written goes to the console after every line.
    pub(super) console: bool,
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

/// Where a stream ends up.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sink {
    Out,
    Err,
    Nowhere,
    File(String),
}

impl<M: Machine> Interpreter<'_, M> {
    pub(super) fn pipe(&mut self, parts: &[Command], streams: &mut Streams) -> Carried {
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

    pub(super) fn redirected(
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
}

fn is_nul(name: &str) -> bool {
    name.trim_end_matches(':').eq_ignore_ascii_case("nul")
}
