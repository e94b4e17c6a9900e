//! The stand-alone binary `message-server`; everything stands in the library, which `changeover` carries too.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    changeover_message_server::run(changeover_message_server::Arguments::parse()).into()
}
