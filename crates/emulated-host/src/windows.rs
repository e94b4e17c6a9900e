//! Commands of an emulated Windows host, with the arguments, output and exit codes of Windows Server 2003. `cmd.exe`
//! carries batch files out (`batch.rs`), `cscript` VBScript helpers (`vbs.rs`); both reach the other commands here,
//! within the one process. What orders do to the network is the emulator's.

mod arp;
mod cscript;
mod find;
mod ipconfig;
mod machine;
mod netsh;
mod paths;
mod ping;
mod wlbs;
mod wmi;

pub(crate) use machine::WindowsMachine;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use changeover_emulated_nic::protocol::CommandStart;
use changeover_emulated_nic::{EmulatedNic, NetworkError};

use crate::batch::Interpreter;
use crate::surroundings::Surroundings;
use crate::terminal::Terminal;

/// A program of a Windows host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Netsh,
    Ipconfig,
    Ping,
    Arp,
    Hostname,
    Find,
    Findstr,
    Pause,
    Cscript,
    Wlbs,
}

impl Program {
    /// By its name without path and `.exe`, in lower case.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        match name {
            "netsh" => Some(Self::Netsh),
            "ipconfig" => Some(Self::Ipconfig),
            "ping" => Some(Self::Ping),
            "arp" => Some(Self::Arp),
            "hostname" => Some(Self::Hostname),
            "find" => Some(Self::Find),
            "findstr" => Some(Self::Findstr),
            "timeout" | "sleep" => Some(Self::Pause),
            "cscript" | "wscript" => Some(Self::Cscript),
            "wlbs" | "nlb" => Some(Self::Wlbs),
            _ => None,
        }
    }
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Code(i32),
    /// It was called in a way that is not emulated; in words.
    NotCovered(String),
}

impl Ended {
    fn not_covered(program: &str, what: &str) -> Self {
        Self::NotCovered(format!("`{program} {what}` is not emulated"))
    }
}

/// The longest that `timeout` and `sleep` take at their word.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Runs a program other than `cscript` on the host.
///
/// # Errors
/// When the emulator cannot be reached.
pub(crate) async fn run(
    program: Program,
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    surroundings: &Surroundings,
    words: &[String],
    input: &[u8],
) -> Result<Ended, NetworkError> {
    let typed = format!("{program:?} {}", words.join(" "));
    if nic.begin_command(&typed).await? == CommandStart::Fail {
        terminal.say("The requested operation requires elevation (Run as administrator).");
        return Ok(Ended::Code(1));
    }
    match program {
        Program::Netsh => netsh::run(terminal, nic, surroundings, words).await,
        Program::Ipconfig => ipconfig::run(terminal, nic, words).await,
        Program::Ping => ping::run(terminal, nic, words).await,
        Program::Arp => arp::run(terminal, nic, words).await,
        Program::Wlbs => wlbs::run(terminal, nic, words).await,
        Program::Hostname => {
            terminal.say(nic.host());
            Ok(Ended::Code(0))
        }
        Program::Find => Ok(find::find(terminal, words, input)),
        Program::Findstr => Ok(find::findstr(terminal, words, input)),
        Program::Pause => Ok(pause(terminal, words).await),
        Program::Cscript => Ok(Ended::not_covered("cscript", "without a script host")),
    }
}

/// `timeout /t 5 /nobreak`, `sleep 5`
async fn pause(terminal: &mut Terminal, words: &[String]) -> Ended {
    let seconds = words.iter().find_map(|word| word.parse::<u64>().ok());
    let Some(seconds) = seconds else {
        terminal.complain("ERROR: Invalid syntax.");
        return Ended::Code(1);
    };
    tokio::time::sleep(Duration::from_secs(seconds).min(LONGEST_PAUSE)).await;
    Ended::Code(0)
}

/// Runs `cmd.exe` or another program of the host under its own name, as a process; its exit code. `None`: there is no
/// such program.
pub(crate) fn run_as(
    name: &str,
    arguments: &[OsString],
    nic: EmulatedNic,
    surroundings: Surroundings,
) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    let base = name.strip_suffix(".exe").unwrap_or(&name);
    if base != "cmd" {
        Program::by_name(base)?;
    }
    let mut words: Vec<String> = arguments
        .iter()
        .map(|word| quoted(&word.to_string_lossy()))
        .collect();
    if base == "cmd" {
        while words.first().is_some_and(|word| word.starts_with('/')) {
            words.remove(0);
        }
    } else {
        words.insert(0, base.to_owned());
    }
    let mut terminal = Terminal::standard();
    let mut machine = match WindowsMachine::new(nic, surroundings) {
        Ok(machine) => machine,
        Err(error) => {
            terminal.complain(&format!("cmd: cannot start: {error}"));
            return Some(1);
        }
    };
    let folder = machine.start_folder();
    let variables = machine.variables();
    let mut interpreter = Interpreter::new(&mut machine, &folder, variables);
    let code = match interpreter.command_line(&words.join(" ")) {
        Ok(code) => code,
        Err(stop) => {
            terminal.complain(&stop.to_string());
            stop.code()
        }
    };
    // A process on this machine keeps eight bits of it: -1 becomes 255, as it would on any UNIX.
    Some(code.to_le_bytes()[0])
}

/// Where the script of a Windows host is on this machine: `command` as its Application object has it, in its working
/// directory, which is taken from `home` where it is relative and from the host's own folder where it names a drive.
#[must_use]
pub fn find_script(
    home: &Path,
    host_folder: &Path,
    working_directory: &str,
    command: &str,
) -> Option<PathBuf> {
    let home = paths::WindowsPath::of(home, Some(host_folder)).shown();
    let folder = paths::WindowsPath::new(&home, working_directory).shown();
    ["", ".bat", ".cmd", ".vbs"].iter().find_map(|ending| {
        let path = paths::WindowsPath::new(&folder, &format!("{command}{ending}"));
        let real = path.real(Some(host_folder));
        real.is_file().then_some(real)
    })
}

/// An argument as it would have been typed.
fn quoted(word: &str) -> String {
    if word.is_empty() || (word.contains([' ', '\t', '&', '|', '(', ')']) && !word.contains('"')) {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}

/// The words of a command's text, quotes gone.
pub(crate) fn words_of(tail: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for letter in tail.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' | '\r' | '\n' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}
