//! The commands of a host on the emulated network: site scripts run unchanged there, and what they start by
//! the names `ifconfig`, `ip`, `arping`, `ping`, `hostname` or `vipctl` is this crate under that name. Which
//! platform's commands they are is in the environment (`surroundings.rs`): Linux's are here, those of Windows in
//! `windows.rs` with the interpreters of its scripts in `batch.rs` and `vbs.rs`, those of AIX and Solaris in `unix.rs`.
//!
//! Owns what each command makes of its arguments and what it prints, as the original would; what the orders
//! do is decided by the emulator, reached through `emulated-nic`.

mod arping;
mod batch;
mod hostname;
mod ifconfig;
mod ip;
mod patience;
mod ping;
mod surroundings;
mod terminal;
mod unix;
mod vbs;
mod windows;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use changeover_emulated_nic::protocol::CommandStart;
use changeover_emulated_nic::{EmulatedNic, NETWORK_HOST_VARIABLE, NETWORK_VARIABLE, NetworkError};
use changeover_virtual_ip::{AddressError, Addresses, Kernel};

pub use batch::{ENDLESS, NOT_COVERED};
pub use surroundings::{
    DIALOG_VARIABLE, FOLDER_VARIABLE, NETSH_TIME_VARIABLE, PLATFORM_VARIABLE, Platform,
    START_FOLDER_VARIABLE, WRITTEN_VARIABLE,
};
pub use windows::find_script;

use surroundings::Surroundings;
use terminal::Terminal;

/// The commands of Linux by the names they are called under; those of other platforms: [`Platform::commands`].
pub const COMMANDS: [&str; 6] = ["ifconfig", "ip", "arping", "ping", "hostname", "vipctl"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Ifconfig,
    Ip,
    Arping,
    Ping,
    Hostname,
    Vipctl,
}

impl Command {
    fn by_name(name: &str) -> Option<Self> {
        match name {
            "ifconfig" => Some(Self::Ifconfig),
            "ip" => Some(Self::Ip),
            "arping" => Some(Self::Arping),
            "ping" => Some(Self::Ping),
            "hostname" => Some(Self::Hostname),
            "vipctl" => Some(Self::Vipctl),
            _ => None,
        }
    }

    /// What it says and ends with when the kernel does not let it (an ordered failure).
    const fn not_permitted(self) -> (&'static str, u8) {
        match self {
            Self::Ifconfig => ("SIOCSIFFLAGS: Operation not permitted", 255),
            Self::Ip => ("RTNETLINK answers: Operation not permitted", 2),
            Self::Arping => ("arping: socket: Operation not permitted", 2),
            Self::Ping => ("ping: socket: Operation not permitted", 2),
            Self::Hostname => ("hostname: Operation not permitted", 1),
            Self::Vipctl => ("vipctl: not permitted; this needs root or CAP_NET_ADMIN", 3),
        }
    }
}

/// Runs the command called `name` (the last part of argv\[0\]) with `arguments` (without argv\[0\]) on the
/// emulated host that the environment names; its exit code, or `None` when there is no such command. Without
/// an emulated network only `vipctl` works, on the kernel's addresses; the others are the platform's own.
///
/// Starts a tokio runtime of its own, so it must not be called from within one.
pub fn run_as(name: &str, arguments: impl IntoIterator<Item = OsString>) -> Option<u8> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let surroundings = Surroundings::of_environment();
    if surroundings.platform == Platform::Windows
        && let Some(nic) = nic_of_environment()
    {
        return windows::run_as(name, &arguments, nic, surroundings);
    }
    let command = Command::by_name(name)?;
    let mut terminal = Terminal::standard();
    let Some(nic) = nic_of_environment() else {
        if command == Command::Vipctl {
            return Some(vipctl(arguments, || {
                Kernel::open().map(|kernel| Arc::new(kernel) as Arc<dyn Addresses>)
            }));
        }
        terminal.complain(&format!(
            "{name}: this is the command of an emulated host; {NETWORK_VARIABLE} and \
             {NETWORK_HOST_VARIABLE} must say which one"
        ));
        return Some(1);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal.complain(&format!("{name}: cannot start: {error}"));
            return Some(1);
        }
    };
    let words: Vec<String> = arguments
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let ended = runtime.block_on(begin_and_run(
        command,
        &mut terminal,
        &nic,
        &surroundings,
        &words,
    ));
    drop(runtime);
    Some(match ended {
        Ok(Some(code)) => code,
        Ok(None) => vipctl(arguments, || Ok(Arc::new(nic))),
        Err(error) => {
            terminal.complain(&format!("{name}: {error}"));
            1
        }
    })
}

fn nic_of_environment() -> Option<EmulatedNic> {
    let socket = PathBuf::from(std::env::var_os(NETWORK_VARIABLE)?);
    let host = std::env::var(NETWORK_HOST_VARIABLE).ok()?;
    Some(EmulatedNic::unasked(&socket, &host))
}

/// `None`: `vipctl` may begin, which starts a runtime itself.
async fn begin_and_run(
    command: Command,
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    surroundings: &Surroundings,
    words: &[String],
) -> Result<Option<u8>, NetworkError> {
    let typed = format!("{command:?} {}", words.join(" "));
    if nic.begin_command(&typed).await? == CommandStart::Fail {
        let (complaint, code) = command.not_permitted();
        terminal.complain(complaint);
        return Ok(Some(code));
    }
    match (command, surroundings.platform) {
        (Command::Ifconfig, Platform::Aix | Platform::Solaris) => {
            return unix::ifconfig(terminal, nic, surroundings, words)
                .await
                .map(Some);
        }
        (Command::Ping, Platform::Solaris) => {
            return unix::solaris_ping(terminal, nic, surroundings, words)
                .await
                .map(Some);
        }
        _ => {}
    }
    match command {
        Command::Ifconfig => ifconfig::run(terminal, nic, words).await.map(Some),
        Command::Ip => ip::run(terminal, nic, words).await.map(Some),
        Command::Arping => arping::run(terminal, nic, words).await.map(Some),
        Command::Ping => ping::run(terminal, nic, words).await.map(Some),
        Command::Hostname => hostname::run(terminal, nic, words).await.map(Some),
        Command::Vipctl => Ok(None),
    }
}

fn vipctl(
    arguments: Vec<OsString>,
    addresses: impl FnOnce() -> Result<Arc<dyn Addresses>, AddressError>,
) -> u8 {
    let words = std::iter::once(OsString::from("vipctl")).chain(arguments);
    changeover_virtual_ip::vipctl::run(words, addresses)
}
