//! `prove`: arguments, refusal of a file that `check` refuses, progress, printing. What is explored, and how, is
//! `changeover-proof`'s.

use crate::arguments::Format;
use crate::offline::{load, print, print_json};
use changeover_component::ExitCode;
use changeover_configuration::{CheckOptions, Severity};
use changeover_proof::{Options, Progress};
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Prove {
    /// Environment file
    file: PathBuf,
    /// Most faults in one run
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    faults: u8,
    /// Every fault is over after this [default: longer than every timeout of the pair]
    #[arg(long, value_name = "TIME", value_parser = changeover_model::parse_duration)]
    heals_within: Option<Duration>,
    /// After the last fault has healed the site must have settled within this
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = changeover_model::parse_duration)]
    settles_within: Duration,
    /// Give up after this long; then the answer is "not finished" and the exit code 1
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = changeover_model::parse_duration)]
    within: Duration,
    /// Threads [default: one for each processor]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..))]
    threads: Option<u8>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Prove) -> ExitCode {
    let loaded = match load(&arguments.file, arguments.format) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let mut findings = changeover_configuration::check(&loaded, &CheckOptions::default());
    findings.retain(|finding| finding.severity == Severity::Error);
    if !findings.is_empty() {
        match arguments.format {
            Format::Text => eprintln!(
                "{}changeover: nothing is proved of a site that check refuses",
                changeover_configuration::render(&loaded.source, &findings, false)
            ),
            Format::Json => print_json(&changeover_configuration::findings_json(
                &loaded.source,
                &findings,
            )),
        }
        return ExitCode::Bad;
    }
    if loaded.environment.pairs.is_empty() {
        eprintln!(
            "changeover: {} has no pair to prove anything of",
            arguments.file.display()
        );
        return ExitCode::Unusable;
    }
    let options = Options {
        faults: usize::from(arguments.faults),
        heals_within: arguments.heals_within,
        settles_within: arguments.settles_within,
        within: arguments.within,
        threads: arguments
            .threads
            .map_or_else(|| Options::default().threads, usize::from),
    };
    let shows = std::io::stderr().is_terminal();
    let proof = changeover_proof::prove(&loaded.environment, &options, &|progress| {
        if shows {
            show(progress);
        }
    });
    if shows {
        eprint!("\r\x1b[K");
    }
    match arguments.format {
        Format::Text => print(&changeover_proof::text(&proof)),
        Format::Json => match serde_json::to_value(&proof) {
            Ok(value) => print_json(&value),
            Err(error) => {
                eprintln!("changeover: cannot write the proof as JSON: {error}");
                return ExitCode::Bad;
            }
        },
    }
    if proof.proved {
        ExitCode::Good
    } else {
        ExitCode::Bad
    }
}

fn show(progress: Progress) {
    let Progress {
        faults,
        runs,
        points,
    } = progress;
    let mut out = std::io::stderr().lock();
    // A terminal that does not take it loses a line of progress, no more.
    let written = write!(
        out,
        "\r\x1b[Kat most {faults} faults: {runs} runs, {points} points"
    )
    .and_then(|()| out.flush());
    drop(written);
}
