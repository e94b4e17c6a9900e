//! The stand-alone `lca`.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    changeover_lca::main(changeover_lca::Arguments::parse()).into()
}
