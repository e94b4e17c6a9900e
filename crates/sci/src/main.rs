//! The stand-alone `sci`.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    changeover_sci::main(changeover_sci::Arguments::parse()).into()
}
