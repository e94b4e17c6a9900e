//! The stand-alone `scs`.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    changeover_scs::main(changeover_scs::Arguments::parse()).into()
}
