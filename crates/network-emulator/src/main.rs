//! The emulator as a program of its own; the `changeover` binary carries the same [`run`] as a subcommand.

use std::process::ExitCode;

use changeover_network_emulator::{EmulatorArguments, run};
use clap::Parser;

#[derive(Parser)]
#[command(about = "An emulated IP subnet for a whole site on one machine, without root")]
struct Program {
    #[command(flatten)]
    arguments: EmulatorArguments,
}

fn main() -> ExitCode {
    match run(&Program::parse().arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("network-emulator: {error}");
            ExitCode::from(2)
        }
    }
}
