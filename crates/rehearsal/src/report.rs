//! Owns what people and programs read of a rehearsal: the text (`text.rs`), the JSON of INTERFACE, one self-contained
//! page (`page.rs`), and the progress while it runs. Judges nothing.

mod page;
mod progress;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use progress::Progress;
pub(crate) use text::{network_line, text};

use crate::outcome::Rehearsal;
use crate::trouble::Trouble;
use serde::Serialize;
use serde_json::Value;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

/// A report as one JSON document; times to the microsecond.
pub fn json(report: &impl Serialize) -> String {
    let mut value =
        serde_json::to_value(report).expect("reports are plain data with names as keys");
    round(&mut value);
    format!("{value:#}\n")
}

fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(exact) = number.as_f64() {
                *value = Value::from((exact * 1e3).round() / 1e3);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        _ => {}
    }
}

/// Writes `index.html` into a folder, which is made if need be; the file's path.
///
/// # Errors
/// Names the file or folder.
pub(crate) fn write_page(rehearsal: &Rehearsal, folder: &Path) -> Result<PathBuf, Trouble> {
    std::fs::create_dir_all(folder).map_err(Trouble::file("make the folder", folder))?;
    let path = folder.join("index.html");
    std::fs::write(&path, page::page(rehearsal)).map_err(Trouble::file("write", &path))?;
    Ok(path)
}

/// Prints a result. A reader that has gone away (`| head`) is no failure.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        tracing::debug!("standard output is closed");
    }
}

/// Says why a command ended early.
pub(crate) fn complain(command: &str, trouble: &Trouble) {
    let mut out = std::io::stderr().lock();
    if writeln!(out, "changeover {command}: {trouble}").is_err() {
        tracing::debug!("standard error is closed");
    }
}

/// True if colour is welcome on standard output.
pub(crate) fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
