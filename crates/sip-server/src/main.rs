//! The stand-alone `sip-server`.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    changeover_sip_server::main(changeover_sip_server::Arguments::parse()).into()
}
