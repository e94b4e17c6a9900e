//! `show`, `schema`: commands that need no running site.

use crate::arguments::{Format, Show};
use crate::read;
use changeover_component::ExitCode;
use changeover_configuration::Loaded;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        // The reader has gone away (`| head`).
        std::process::exit(0);
    }
}

pub(crate) fn print_json(value: &serde_json::Value) {
    print(&format!("{value:#}\n"));
}

pub(crate) fn load(file: &Path, format: Format) -> Result<Loaded, ExitCode> {
    let text = read(file)?;
    changeover_configuration::load(&file.display().to_string(), &text).map_err(|problems| {
        match format {
            Format::Text => {
                let colour =
                    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
                eprint!("{}", problems.render(colour));
            }
            Format::Json => print_json(&problems.to_json()),
        }
        ExitCode::Unusable
    })
}

pub(crate) fn show(arguments: &Show) -> ExitCode {
    match load(&arguments.file, arguments.format) {
        Ok(loaded) => {
            match arguments.format {
                Format::Text => print(&changeover_configuration::show(&loaded)),
                Format::Json => print_json(&changeover_configuration::show_json(&loaded)),
            }
            ExitCode::Good
        }
        Err(code) => code,
    }
}

pub(crate) fn schema() -> ExitCode {
    print_json(&changeover_configuration::json_schema());
    ExitCode::Good
}
