//! The `changeover` binary: the offline tool, and every component as a subcommand, so that one binary can bring
//! a whole site up. Owns arguments and printing only; each command's work is in its own crate.
//!
//! Under another name (argv[0]: `ifconfig`, `vipctl`, …) it is that command of an emulated host; under a component's
//! name (`lca`, `sci`, …) it is that component, so that a host needs one file and links to it.

mod arguments;
mod certs;
mod checking;
mod explicit;
mod importing;
mod new_site;
mod offline;
mod simulate;

use arguments::{Arguments, Command};
use changeover_component::ExitCode;
use changeover_virtual_ip::{Addresses, Kernel};
use clap::Parser as _;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn main() -> std::process::ExitCode {
    // Decided before anything else starts, the command line's own tree included: control scripts are these, and
    // every millisecond of theirs is one of the switchover's.
    let mut words = std::env::args_os();
    let name = words.next().map(PathBuf::from).unwrap_or_default();
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "vipctl")
    {
        return vipctl(words.skip(1).collect()).into();
    }
    if let Some(command) = name.file_name().and_then(|name| name.to_str())
        && command != "changeover"
        && let Some(code) = changeover_emulated_host::run_as(command, words)
    {
        return code.into();
    }
    run(arguments(&name).command)
}

/// Installed as a link under a component's name (`lca`, `sci`, …) it is that component.
fn arguments(name: &Path) -> Arguments {
    let components = ["lca", "scs", "message-server", "sip-server", "sci"];
    let component = name.file_name().and_then(|name| name.to_str());
    match component.filter(|name| components.contains(name)) {
        Some(component) => {
            let words = std::env::args_os().skip(1);
            let front = ["changeover", component].map(OsString::from);
            Arguments::parse_from(front.into_iter().chain(words))
        }
        None => Arguments::parse(),
    }
}

/// On an emulated host the emulated network's addresses, on a real one the kernel's.
fn vipctl(words: Vec<OsString>) -> u8 {
    if std::env::var_os(changeover_emulated_nic::NETWORK_VARIABLE).is_some() {
        return changeover_emulated_host::run_as("vipctl", words)
            .unwrap_or(ExitCode::Unusable.code());
    }
    let kernel = || Kernel::open().map(|kernel| Arc::new(kernel) as Arc<dyn Addresses>);
    changeover_virtual_ip::vipctl::run(std::iter::once("vipctl".into()).chain(words), kernel)
}

fn run(command: Command) -> std::process::ExitCode {
    let code = match command {
        Command::Rehearse(arguments) => {
            rehearsal(|program| changeover_rehearsal::rehearse(arguments, program))
        }
        Command::Up(arguments) => rehearsal(|program| changeover_rehearsal::up(arguments, program)),
        Command::Drill(arguments) => {
            rehearsal(|program| changeover_drill::drill(arguments, program))
        }
        Command::Janitor(arguments) => changeover_rehearsal::janitor(&arguments),
        Command::Show(arguments) => offline::show(&arguments),
        Command::Check(arguments) => checking::check(&arguments),
        Command::Schema => offline::schema(),
        Command::New(arguments) => new_site::run(&arguments),
        Command::Import(arguments) => importing::run(&arguments),
        Command::Certs(arguments) => certs::run(&arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Lca(arguments) => changeover_lca::main(arguments),
        Command::Scs(arguments) => changeover_scs::main(arguments),
        Command::MessageServer(arguments) => changeover_message_server::run(arguments),
        Command::SipServer(arguments) => changeover_sip_server::main(arguments),
        Command::NetworkEmulator(arguments) => match changeover_network_emulator::run(&arguments) {
            Ok(()) => ExitCode::Good,
            Err(error) => {
                eprintln!("network-emulator: {error}");
                ExitCode::Unusable
            }
        },
        Command::Sci(arguments) => changeover_sci::main(arguments),
        Command::Vipctl(words) => return vipctl(words.arguments).into(),
    };
    code.into()
}

/// Rehearsals run on several threads: the probe and the observers must not wait for each other.
fn rehearsal<F>(work: impl FnOnce(PathBuf) -> F) -> ExitCode
where
    F: Future<Output = ExitCode>,
{
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => {
            eprintln!(
                "changeover: this program cannot find its own file to start the components from: {error}"
            );
            return ExitCode::Bad;
        }
    };
    match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let code = runtime.block_on(work(program));
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            code
        }
        Err(error) => {
            eprintln!("changeover: the runtime cannot start: {error}");
            ExitCode::Bad
        }
    }
}

/// Reads a file that a command names.
fn read(file: &Path) -> Result<String, ExitCode> {
    std::fs::read_to_string(file).map_err(|error| {
        eprintln!("changeover: cannot read {}: {error}", file.display());
        ExitCode::Unusable
    })
}
