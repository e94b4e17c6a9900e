//! The command line of `changeover` (INTERFACE, changeover (offline)).

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Management Layer for active/standby server pairs: rehearse a site, check it, run its components.
#[derive(Debug, Parser)]
#[command(
    name = "changeover",
    version,
    after_help = "Examples:\n  \
        changeover rehearse                      every documented workflow on an emulated site\n  \
        changeover check east.yaml               what is wrong with this site?\n  \
        changeover up east.yaml                  keep it up and try sci on it\n\n\
        Exit codes: 0 done; 1 done, and the answer is bad; 2 unusable input; 3 a component cannot be reached; 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring a site up on this machine, carry out the documented workflows, judge every step
    Rehearse(changeover_rehearsal::RehearseArguments),
    /// Bring a site up on this machine until Ctrl-C
    Up(changeover_rehearsal::UpArguments),
    /// Random real faults on a site in network namespaces, and a report
    Drill(changeover_drill::DrillArguments),
    /// Every object of an environment file in full, and where it came from
    #[command(after_help = "Example:\n  changeover show east.yaml")]
    Show(Show),
    /// Errors and warnings of an environment file, with why and the fix
    #[command(
        after_help = "Example:\n  changeover check east.yaml --latency 20\n  changeover check east.yaml --format sarif >east.sarif"
    )]
    Check(Check),
    /// The JSON Schema of the environment file
    Schema,
    /// Write a complete site to start from: environment file, control scripts, checklist
    New(crate::new_site::New),
    /// Make an environment file of a keepalived.conf or a Pacemaker CIB
    Import(crate::importing::Import),
    /// Certificates for mutual TLS: make an authority, issue, show
    Certs(crate::certs::Certs),
    /// Deterministic simulation of the production cores with faults
    #[command(
        after_help = "Examples:\n  changeover simulate --seeds 0..2000\n  changeover simulate --seed 1234"
    )]
    Simulate(Simulate),
    /// The operator's console
    Sci(changeover_sci::Arguments),
    /// Run a Local Control Agent
    Lca(changeover_lca::Arguments),
    /// Run the Solution Control Server
    Scs(changeover_scs::Arguments),
    /// Run a Message Server
    MessageServer(changeover_message_server::Arguments),
    /// Run a SIP Server
    SipServer(changeover_sip_server::Arguments),
    /// Put Virtual IPs on this host or take them away
    #[command(disable_help_flag = true)]
    Vipctl(Words),
    /// The emulated subnet
    #[command(hide = true)]
    NetworkEmulator(changeover_network_emulator::EmulatorArguments),
    /// Cleans up after a rehearsal whatever happens to it
    #[command(hide = true)]
    Janitor(changeover_rehearsal::JanitorArguments),
}

/// Passed on as they are.
#[derive(Debug, Args)]
pub(crate) struct Words {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One document.
    Json,
}

/// Forms of what `check` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    #[default]
    Text,
    /// One document.
    Json,
    /// SARIF 2.1.0, for code review tools and editors.
    Sarif,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The environment file
    pub(crate) file: PathBuf,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The environment file
    pub(crate) file: PathBuf,
    /// Network latency between the hosts, milliseconds: some rules compare with it
    #[arg(long, value_name = "MS")]
    pub(crate) latency: Option<u64>,
    /// Do not report this rule; may be given several times
    #[arg(long, value_name = "RULE")]
    pub(crate) allow: Vec<String>,
    /// Do not try the control scripts on an emulated host; their files are read all the same
    #[arg(long)]
    pub(crate) no_trials: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CheckFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// One seed, with its whole trace
    #[arg(long, conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,
    /// A range of seeds, A..B without B
    #[arg(long, value_name = "A..B", default_value = "0..200")]
    pub(crate) seeds: String,
    /// Threads for a range; one per core of this machine if not given
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<std::num::NonZero<usize>>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}
