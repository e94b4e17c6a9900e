//! Owns the command lines of `changeover rehearse`, `changeover up` and of the janitor that both start of their
//! own binary (INTERFACE, changeover). What they lead to is in `rehearse.rs` and `up.rs`.

use crate::faults::Fault;
use crate::workflows::WorkflowName;
use changeover_model::{Redundancy, parse_duration};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// `changeover rehearse`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  changeover rehearse                              the built-in Linux site, hot and warm\n  \
    changeover rehearse --workflow primary-failure   one workflow\n  \
    changeover rehearse east.yaml --report page      a site of your own, and a page to show\n  \
    changeover rehearse windows.yaml --fault netsh-time=platform\n  \
    sudo changeover rehearse --network netns --repeat 20\n\n\
    Exit codes: 0 all pass; 1 a workflow failed, or a rule of severity error; 2 unusable input; 130 interrupted."
)]
pub struct RehearseArguments {
    /// Environment file; without it the built-in Linux site, hot and warm standby
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where the site runs: on loopback without root, or in network namespaces as root
    #[arg(long, value_enum, default_value_t, value_name = "NETWORK")]
    pub network: NetworkKind,
    /// Redundancy type of the built-in site [default: both]; with FILE the one its pairs have
    #[arg(long, value_enum, value_name = "TYPE")]
    pub redundancy: Option<RedundancyChoice>,
    /// Only this workflow (repeatable) [default: all that apply to the site]
    #[arg(long = "workflow", value_enum, value_name = "NAME")]
    pub workflows: Vec<WorkflowName>,
    /// Carry a named workflow out on sites to which it does not apply too, to see it fail there: a negative control
    #[arg(long, requires = "workflows")]
    pub regardless: bool,
    /// How many times, each on a fresh site
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    pub repeat: u32,
    /// Write one self-contained page, DIR/index.html
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Show every workflow step by step
    #[arg(long)]
    pub verbose: bool,
    /// Detection bound of the built-in site's hosts, such as 100ms [default: 3s]
    #[arg(long, value_parser = bound, value_name = "D")]
    pub bound: Option<Duration>,
    /// What goes wrong, or slowly, on the emulated network (repeatable): netsh-time=2s (or 1s-5s, or platform),
    /// properties-dialog=HOST, drop-announcements=HOST:N, nlb-convergence=2s; the file's `rehearsal` section says the same
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<Fault>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// `changeover up`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  changeover up                        the built-in Linux site, hot standby\n  \
    changeover up east.yaml              a site of your own\n\nCtrl-C takes everything down."
)]
pub struct UpArguments {
    /// Environment file; without it the built-in Linux site
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where the site runs: on loopback without root, or in network namespaces as root
    #[arg(long, value_enum, default_value_t, value_name = "NETWORK")]
    pub network: NetworkKind,
    /// Redundancy type of the built-in site [default: hot]; with FILE the one its pairs have
    #[arg(long, value_enum, value_name = "TYPE")]
    pub redundancy: Option<RedundancyChoice>,
    /// Detection bound of the built-in site's hosts, such as 100ms [default: 3s]
    #[arg(long, value_parser = bound, value_name = "D")]
    pub bound: Option<Duration>,
}

/// The hidden subcommand under which the binary starts itself again to look after a run's end.
pub(crate) const JANITOR_COMMAND: &str = "janitor";

/// Arguments of the hidden subcommand `janitor`.
#[derive(Clone, Debug, Args)]
pub struct JanitorArguments {
    /// Id of the run
    #[arg(long)]
    pub run: String,
    /// Its folder
    #[arg(long)]
    pub folder: PathBuf,
}

/// Where a site runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum NetworkKind {
    /// Emulated subnet on loopback, no root
    #[default]
    Loopback,
    /// Network namespaces, root
    Netns,
}

impl NetworkKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            NetworkKind::Loopback => "loopback",
            NetworkKind::Netns => "netns",
        }
    }
}

/// Which redundancy types of the built-in site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RedundancyChoice {
    /// Hot standby
    Hot,
    /// Warm standby
    Warm,
    /// Both, one after the other
    Both,
}

impl RedundancyChoice {
    pub(crate) fn types(self) -> &'static [Redundancy] {
        match self {
            RedundancyChoice::Hot => &[Redundancy::Hot],
            RedundancyChoice::Warm => &[Redundancy::Warm],
            RedundancyChoice::Both => &[Redundancy::Hot, Redundancy::Warm],
        }
    }
}

/// Form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One document
    Json,
}

fn bound(text: &str) -> Result<Duration, String> {
    let bound = parse_duration(text).map_err(|error| error.to_string())?;
    if bound < Duration::from_millis(20) {
        return Err(format!(
            "a detection bound of {text} would take every pause of the machine for a lost host: 20ms at least"
        ));
    }
    Ok(bound)
}
