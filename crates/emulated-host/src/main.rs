//! The commands as a program of their own: under a command's name, or with it as the first argument. The
//! `changeover` binary does the same before anything else.

use std::path::Path;
use std::process::ExitCode;

use changeover_emulated_host::{COMMANDS, run_as};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    let name = Path::new(&called)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let name = if COMMANDS.contains(&name.as_str()) {
        name
    } else {
        let first = arguments.next().unwrap_or_default();
        first.to_string_lossy().into_owned()
    };
    match run_as(&name, arguments) {
        Some(code) => ExitCode::from(code),
        None => {
            eprintln!("emulated-host: {name:?} is none of {}", COMMANDS.join(", "));
            ExitCode::from(2)
        }
    }
}
