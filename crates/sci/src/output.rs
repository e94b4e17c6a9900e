//! Where results go: standard output, as text or JSON; everything else goes to standard error.

use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};

/// Form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One document, or one object a line for streams.
    Json,
}

/// Prints a result. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| {
            if text.ends_with('\n') {
                Ok(())
            } else {
                out.write_all(b"\n")
            }
        })
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

/// Prints one JSON document.
pub(crate) fn print_json<T: Serialize>(value: &T) {
    print(
        &serde_json::to_string_pretty(value)
            .expect("these types have no keys that JSON cannot write"),
    );
}

/// Prints one JSON object on a line of its own.
pub(crate) fn print_json_line<T: Serialize>(value: &T) {
    print(&serde_json::to_string(value).expect("these types have no keys that JSON cannot write"));
}

/// Says something that is not the result.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    if writeln!(out, "{text}").is_err() {
        tracing::debug!("standard error is closed");
    }
}

/// Asks a question on the terminal; `None` without one.
pub(crate) fn ask(question: &str) -> Option<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    let mut out = std::io::stderr().lock();
    write!(out, "{question} [y/N] ")
        .and_then(|()| out.flush())
        .ok()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    Some(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// True if colour is welcome on standard output.
pub(crate) fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
