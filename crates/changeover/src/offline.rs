//! `show`, `schema`, `simulate`: commands that need no running site.

use crate::arguments::{Format, Show, Simulate};
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

pub(crate) fn simulate(arguments: &Simulate) -> ExitCode {
    let seeds = match (arguments.seed, seeds(&arguments.seeds)) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(seeds)) => seeds,
        (None, None) => {
            eprintln!(
                "changeover: '{}' is no range of seeds: write 0..2000",
                arguments.seeds
            );
            return ExitCode::Unusable;
        }
    };
    let mut failed = 0u64;
    let total = seeds.end - seeds.start;
    for seed in seeds {
        let run = if arguments.seed.is_some() {
            changeover_simulation::run(seed)
        } else {
            changeover_simulation::sweep(seed)
        };
        if arguments.seed.is_some() && arguments.format == Format::Text {
            print(&run.trace.join("\n"));
            print("\n");
        }
        if !run.violations.is_empty() {
            failed += 1;
            for violation in &run.violations {
                print(&format!("seed {seed}: {violation}\n"));
            }
            print(&format!("replay: {}\n", run.replay_command()));
        }
    }
    match arguments.format {
        Format::Text => print(&format!("{total} seeds, {failed} with violations\n")),
        Format::Json => print_json(
            &serde_json::json!({"seeds": total, "failed": failed, "passed": failed == 0}),
        ),
    }
    if failed == 0 {
        ExitCode::Good
    } else {
        ExitCode::Bad
    }
}

fn seeds(text: &str) -> Option<std::ops::Range<u64>> {
    let (from, to) = text.split_once("..")?;
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from < to).then_some(from..to)
}
