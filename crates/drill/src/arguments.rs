//! Owns the command line of `changeover drill` (INTERFACE, changeover). What it leads to is in `course.rs`.

use crate::fault::Kind;
use changeover_rehearsal::{Format, NetworkKind, Trouble};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// `changeover drill`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  sudo changeover drill east.yaml --network netns --minutes 10\n  \
    sudo changeover drill east.yaml --network netns --minutes 10 --seed 7 --report page\n  \
    sudo changeover drill east.yaml --network netns --minutes 1 --only freeze-host\n  \
    sudo changeover drill --network netns --switchovers 1000     the built-in Linux site\n\n\
    Exit codes: 0 everything held; 1 an invariant is broken, or a rule of severity error; 2 unusable input, or no root; \
    130 interrupted: the report so far is written, and all is taken down."
)]
pub struct DrillArguments {
    /// Environment file; without it the built-in Linux site, hot standby
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where the site runs: real faults need real hosts, so only netns (root) will do
    #[arg(long, value_enum, default_value_t = NetworkKind::Netns, value_name = "NETWORK")]
    pub network: NetworkKind,
    /// How long faults are made; the last one is healed and judged [default: 10]
    #[arg(long, value_parser = minutes, value_name = "N")]
    pub minutes: Option<Duration>,
    /// Instead of faults so many manual switchovers, back to back
    #[arg(long, conflicts_with_all = ["minutes", "only", "at_once"], value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
    pub switchovers: Option<u32>,
    /// The same seed chooses the same faults, as long as the site offers the same ones [default: by the clock]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Only faults of this kind (repeatable) [default: all that this machine can do]
    #[arg(long, value_enum, value_name = "KIND")]
    pub only: Vec<Kind>,
    /// Never more faults than this at once; of two there is one round in five
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2), value_name = "N")]
    pub at_once: u8,
    /// Write the report, DIR/drill.txt and DIR/drill.json
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

/// Faults are made for so long unless asked otherwise.
const USUAL: Duration = Duration::from_secs(600);

impl DrillArguments {
    /// How long faults are made.
    pub(crate) fn time(&self) -> Duration {
        self.minutes.unwrap_or(USUAL)
    }

    /// Refuses what a drill cannot be made on.
    pub(crate) fn refuse(&self) -> Result<(), Trouble> {
        match self.network {
            NetworkKind::Netns => Ok(()),
            NetworkKind::Loopback => Err(Trouble::Unusable(
                "a drill stops processes, fills disks and breaks wires of real hosts, and the emulated network of \
                 loopback has none of these: run it as root with --network netns; for faults without root there is \
                 `changeover simulate`"
                    .to_owned(),
            )),
        }
    }
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text
        .parse()
        .map_err(|_| format!("{text} is no number of minutes"))?;
    if !(0.05..=10_080.0).contains(&minutes) {
        return Err("from 0.05 minutes to a week (10080)".to_owned());
    }
    Ok(Duration::from_secs_f64(minutes * 60.0))
}
