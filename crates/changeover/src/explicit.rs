//! `--explicit`: a new site's environment file with every object written by hand. What is written is what the file that
//! derives them means, whatever kit it is from.

use changeover_configuration::{explicit, load};
use std::path::Path;

/// Why a file could not be written anew.
#[derive(Debug)]
pub(crate) struct NotWritten(String);

impl std::fmt::Display for NotWritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Replaces a file by its explicit form.
///
/// # Errors
/// When it cannot be read or written, or is no environment.
pub(crate) fn rewrite(file: &Path) -> Result<(), NotWritten> {
    let failed = |what: &str, error: std::io::Error| {
        NotWritten(format!("cannot {what} {}: {error}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed("read", error))?;
    let loaded = load(&file.display().to_string(), &text)
        .map_err(|problems| NotWritten(problems.render(false)))?;
    std::fs::write(file, explicit(&loaded)).map_err(|error| failed("write", error))
}
