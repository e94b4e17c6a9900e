//! Owns `cscript`: its options, and the host that a VBScript helper finds (`vbs.rs`): programs run as `cmd` runs
//! them, WMI is `wmi.rs`.

use std::time::Duration;

use super::{WindowsMachine, wmi, words_of};
use crate::batch::{Machine, Ran, Start};
use crate::vbs::{self, Query, Record, Script, ScriptHost};

/// Whether `cscript` introduces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Banner {
    /// Unless `//NoLogo` is among the words.
    AsAsked,
    Never,
}

const BANNER: &str = "Microsoft (R) Windows Script Host Version 5.6\r\nCopyright (C) Microsoft Corporation 1996-2001. All rights reserved.\r\n\r\n";

/// Runs `cscript` with these words in a folder.
pub(super) fn run(
    machine: &mut WindowsMachine,
    folder: &str,
    words: &[String],
    banner: Banner,
) -> Start {
    let mut named = None;
    let mut arguments = Vec::new();
    let mut shows_banner = banner == Banner::AsAsked;
    for word in words {
        // Options of the host begin with two slashes and may stand anywhere.
        if let Some(option) = word.strip_prefix("//") {
            let option = option.to_lowercase();
            match option.split(':').next().unwrap_or_default() {
                "nologo" => shows_banner = false,
                "logo" | "b" | "i" | "t" | "e" | "s" | "u" => {}
                _ => {
                    let text = format!("Input Error: Unknown option \"{word}\" specified.\r\n");
                    return ran(1, text.into_bytes(), Vec::new());
                }
            }
        } else if named.is_none() {
            named = Some(word.clone());
        } else {
            arguments.push(word.clone());
        }
    }
    let mut out = Vec::new();
    if shows_banner {
        out.extend_from_slice(BANNER.as_bytes());
    }
    let Some(named) = named else {
        return Start::NotCovered("`cscript` without a script is not emulated".to_owned());
    };
    let (full, _) = machine.look(folder, &named);
    let Ok(bytes) = machine.read(folder, &named) else {
        let text = format!("Input Error: Can not find script file \"{full}\".\r\n");
        out.extend_from_slice(text.as_bytes());
        return ran(1, out, Vec::new());
    };
    if !full.to_lowercase().ends_with(".vbs") {
        return Start::NotCovered(format!("`{named}` is no VBScript"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    let script = Script {
        file: named,
        text,
        arguments,
    };
    let mut host = Host {
        machine,
        folder,
        out,
        err: Vec::new(),
    };
    match vbs::run(&mut host, &script) {
        Ok(code) => ran(code, host.out, host.err),
        Err(stop) => Start::Stopped(Box::new(stop)),
    }
}

fn ran(code: i32, out: Vec<u8>, err: Vec<u8>) -> Start {
    Start::Ran(Ran { code, out, err })
}

struct Host<'a> {
    machine: &'a mut WindowsMachine,
    folder: &'a str,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl ScriptHost for Host<'_> {
    fn execute(&mut self, line: &str) -> Result<(i32, String, String), String> {
        let mut words = words_of(line);
        if words.is_empty() {
            return Err("an empty command line".to_owned());
        }
        let mut program = words.remove(0);
        // `%comspec% /c ping …`
        if program.eq_ignore_ascii_case("cmd")
            || program.eq_ignore_ascii_case("cmd.exe")
            || program.eq_ignore_ascii_case("%comspec%")
        {
            let is_switch = |word: &String| word.starts_with('/');
            while words.first().is_some_and(is_switch) {
                words.remove(0);
            }
            if words.iter().any(|word| word.contains(['>', '|', '&'])) || words.is_empty() {
                return Err(format!("the command line `{line}`"));
            }
            program = words.remove(0);
        }
        let start = self.machine.program(&program, &words, b"", self.folder);
        match start {
            Some(Start::Ran(ran)) => Ok((
                ran.code,
                String::from_utf8_lossy(&ran.out).into_owned(),
                String::from_utf8_lossy(&ran.err).into_owned(),
            )),
            Some(Start::NotCovered(why)) => Err(why),
            Some(Start::Stopped(stop)) => Err(stop.to_string()),
            Some(Start::BatchFile(_) | Start::Unknown) | None => Err(format!(
                "`{program}`, which is no command that is emulated for helpers"
            )),
        }
    }

    fn query(&mut self, query: &Query) -> Result<Vec<Record>, String> {
        wmi::answer(self.machine, query)
    }

    fn computer_name(&self) -> String {
        self.machine.nic.host().to_uppercase()
    }

    fn now(&self) -> (String, String) {
        let now = self.machine.now();
        let half = if now.hour < 12 { "AM" } else { "PM" };
        let hour = match now.hour % 12 {
            0 => 12,
            hour => hour,
        };
        (
            format!("{}/{}/{}", now.month, now.day, now.year),
            format!("{hour}:{:02}:{:02} {half}", now.minute, now.second),
        )
    }

    fn say(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    fn complain(&mut self, line: &str) {
        self.err.extend_from_slice(line.as_bytes());
        self.err.extend_from_slice(b"\r\n");
    }

    fn sleep(&mut self, time: Duration) {
        self.machine.runtime.block_on(tokio::time::sleep(time));
    }
}
