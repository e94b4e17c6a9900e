//! Owns why a rehearsal cannot go on, one variant per operation that failed, and the exit code of each.

use changeover_component::ExitCode;
use std::path::PathBuf;
use std::time::Duration;

/// Why a rehearsal, or one of its sites, broke off.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Arguments or file that cannot be used; nothing was done.
    #[error("{0}")]
    Unusable(String),
    /// The file is valid, and a rule of severity error speaks against it.
    #[error("{0}")]
    AgainstTheRules(String),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted; everything that was started is taken down again")]
    Interrupted,
    /// A file or folder of the run.
    #[error("cannot {what} {path}: {source}")]
    File {
        what: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    /// A process could not be started.
    #[error("cannot start {what}: {source}")]
    Start {
        what: String,
        source: std::io::Error,
    },
    /// A command that sets the site up went wrong.
    #[error("{command} ended with {status}: {said}")]
    Command {
        command: String,
        status: String,
        said: String,
    },
    /// Something took longer than it may.
    #[error("{what} took longer than {}", changeover_model::show_duration(*.bound))]
    TooLong { what: String, bound: Duration },
    /// The emulated network.
    #[error("the emulated network: {0}")]
    Emulator(#[from] changeover_network_emulator::EmulatorError),
    /// The emulated network's controls.
    #[error("the emulated network: {0}")]
    Network(#[from] changeover_emulated_nic::NetworkError),
    /// No block of loopback addresses.
    #[error("the emulated network: {0}")]
    Block(#[from] changeover_network_emulator::BlockError),
    /// A network namespace could not be entered.
    #[error("cannot work inside the network namespace {name}: {source}")]
    Namespace {
        name: String,
        source: std::io::Error,
    },
    /// The addresses of a host could not be watched.
    #[error("cannot watch the addresses of {host}: {source}")]
    Watch {
        host: String,
        source: changeover_virtual_ip::AddressError,
    },
    /// Certificates.
    #[error("cannot make the run's certificates: {0}")]
    Certificates(#[from] changeover_certificates::CertificateError),
    /// The SCS did not answer an operator's request as it should.
    #[error("{what}: {said}")]
    Operator { what: String, said: String },
    /// A component ended although nobody asked it to.
    #[error("{name} ended by itself with {status}\n{log}")]
    ComponentEnded {
        name: String,
        status: String,
        log: String,
    },
    /// The site did not reach the state in which a workflow may begin.
    #[error("the site did not reach {state} within {}: {missing}{logs}", changeover_model::show_duration(*.bound))]
    NotReached {
        state: String,
        bound: Duration,
        missing: String,
        logs: String,
    },
    /// What was started could not all be taken down.
    #[error("not everything could be taken down: {0}; look for it with `ps` and `ip netns list`")]
    TakeDown(String),
}

impl Trouble {
    /// The exit code it leads to (INTERFACE).
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Trouble::Unusable(_) => ExitCode::Unusable,
            Trouble::Interrupted => ExitCode::Interrupted,
            _ => ExitCode::Bad,
        }
    }

    /// Wraps an error about a file of the run.
    pub(crate) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
