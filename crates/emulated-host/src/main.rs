//! The commands as a program of their own: under a command's name, or with it as the first argument. The
//! `changeover` binary does the same before anything else.

use std::path::Path;
use std::process::ExitCode;

use changeover_emulated_host::{Platform, run_as};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    let name = Path::new(&called)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let platforms = [
        Platform::Linux,
        Platform::Windows,
        Platform::Aix,
        Platform::Solaris,
    ];
    let known = |name: &str| {
        platforms
            .iter()
            .any(|platform| platform.commands().contains(&name))
    };
    let name = if known(&name) {
        name
    } else {
        let first = arguments.next().unwrap_or_default();
        first.to_string_lossy().into_owned()
    };
    match run_as(&name, arguments) {
        Some(code) => ExitCode::from(code),
        None => {
            eprintln!("emulated-host: {name:?} is no command of this host");
            ExitCode::from(2)
        }
    }
}
