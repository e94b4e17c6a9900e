//! The command line of `sci` (INTERFACE, The live system).

use crate::output::Format;
use changeover_model::{LogEventId, LogLevel, parse_duration};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Asks the Solution Control Server and tells it what to do.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "sci",
    version,
    about = "Operator's console of a Changeover site",
    after_help = "Examples:\n  \
        sci status                               the picture now\n  \
        sci switchover SIP_EAST --dry-run        would it go ahead?\n  \
        sci switchover SIP_EAST --reason patch   planned change of the primary\n  \
        sci why SIP_EAST                         what happened last, in one sentence\n  \
        sci alarm test ALRM_PRIMARY_4561_HABackup --dry-run\n\n\
        Exit codes: 0 done; 1 done, and the answer is bad; 2 unusable input; 3 the SCS cannot be reached."
)]
pub struct Arguments {
    /// The SCS's address
    #[arg(
        long,
        global = true,
        env = "SCI_SCS",
        default_value = "http://127.0.0.1:7770",
        value_name = "ADDR"
    )]
    pub scs: String,
    /// Folder with ca.pem, cert.pem and key.pem for mutual TLS
    #[arg(long, global = true, env = "SCI_TLS", value_name = "DIR")]
    pub tls: Option<PathBuf>,
    /// Talk in the clear to another address than loopback
    #[arg(long, global = true)]
    pub insecure: bool,
    /// Form of the output
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub format: Format,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be asked.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// The whole site in one screen
    #[command(
        after_help = "Examples:\n  sci status\n  sci status --check && echo all pairs ok\n  sci status --watch"
    )]
    Status {
        /// End with 1 if a pair is not ok
        #[arg(long)]
        check: bool,
        /// Follow
        #[command(flatten)]
        watch: Watch,
    },
    /// Hosts; or confirm that silent ones are really lost
    #[command(
        after_help = "Examples:\n  sci hosts\n  sci hosts confirm-lost host1 host2",
        args_conflicts_with_subcommands = true
    )]
    Hosts {
        /// Confirm.
        #[command(subcommand)]
        action: Option<HostAction>,
        /// Follow
        #[command(flatten)]
        watch: Watch,
    },
    /// Applications
    #[command(after_help = "Example:\n  sci applications --format json")]
    Applications {
        /// Follow
        #[command(flatten)]
        watch: Watch,
    },
    /// Pairs
    #[command(after_help = "Example:\n  sci pairs --watch")]
    Pairs {
        /// Follow
        #[command(flatten)]
        watch: Watch,
    },
    /// Planned change of a pair's primary
    #[command(
        after_help = "Examples:\n  sci switchover SIP_EAST\n  sci switchover 10.10.11.103 --to host2 --reason 'kernel update'\n  sci switchover SIP_EAST --dry-run"
    )]
    Switchover(Switchover),
    /// Start an application
    #[command(after_help = "Example:\n  sci start SIP_SERVER_PRIMARY")]
    Start {
        /// Which
        application: String,
        /// How long to wait for the outcome
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop an application; a pair's primary hands over first
    #[command(
        after_help = "Examples:\n  sci stop SIP_SERVER_PRIMARY\n  sci stop SIP_SERVER_PRIMARY --no-handover"
    )]
    Stop(Stop),
    /// Stop and start an application; a pair's primary hands over first
    #[command(after_help = "Example:\n  sci restart SIP_SERVER_BACKUP")]
    Restart(Stop),
    /// Active alarms
    #[command(after_help = "Examples:\n  sci alarms\n  sci alarms --history")]
    Alarms {
        /// Past ones too
        #[arg(long)]
        history: bool,
    },
    /// Clear an alarm, list Alarm Conditions, test one
    #[command(subcommand)]
    Alarm(Alarm),
    /// Run the reactions that bring the VIP back in line with the run modes
    #[command(after_help = "Example:\n  sci realign SIP_EAST")]
    Realign {
        /// Name, either application, or VIP of the pair
        pair: String,
        /// How long to wait for the outcome
        #[command(flatten)]
        wait: Wait,
    },
    /// The Message Server's log
    #[command(
        after_help = "Examples:\n  sci log --application SIP_SERVER_PRIMARY --since 1h\n  sci log --event 4563 --follow"
    )]
    Log(Log),
    /// A switchover (or anything else that happened), step by step
    #[command(
        after_help = "Examples:\n  sci timeline last\n  sci timeline 12\n  sci timeline SIP_EAST"
    )]
    Timeline {
        /// Number, `last`, or a pair; without it a list
        which: Option<String>,
    },
    /// Why it happened, or did not, in one sentence
    #[command(after_help = "Examples:\n  sci why\n  sci why SIP_EAST\n  sci why 12")]
    Why {
        /// Number, `last`, or a pair
        which: Option<String>,
    },
    /// Stop failover, restarts and realignment of a pair or host for a while
    #[command(
        after_help = "Examples:\n  sci maintenance on SIP_EAST --for 2h\n  sci maintenance off SIP_EAST"
    )]
    Maintenance(Maintenance),
    /// The reactions of the pairs, newest first
    #[command(after_help = "Examples:\n  sci reactions\n  sci reactions --follow")]
    Reactions {
        /// Follow as they change
        #[arg(long)]
        follow: bool,
    },
    /// Calls, registrations and the HA link of a SIP Server; with --trace its SIP messages as they come and go
    #[command(
        after_help = "Examples:\n  sci calls SIP_SERVER_PRIMARY\n  sci calls SIP_SERVER_BACKUP --format json\n  sci calls SIP_SERVER_PRIMARY --trace\n  sci calls SIP_SERVER_PRIMARY --trace --call 5b0c0c37-3-12"
    )]
    Calls(Calls),
    /// Put a log event into the Message Server, to try a condition
    #[command(after_help = "Example:\n  sci log-event 4561 --application SIP_SERVER_PRIMARY --yes")]
    LogEvent(LogEvent),
}

/// Following.
#[derive(Clone, Copy, Debug, Args)]
pub struct Watch {
    /// Show it again whenever it changes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

/// Waiting.
#[derive(Clone, Copy, Debug, Args)]
pub struct Wait {
    /// How long to wait for the outcome; the procedure goes on afterwards
    #[arg(long, default_value = "30s", value_parser = duration, value_name = "D")]
    pub timeout: Duration,
}

/// `sci hosts …`.
#[derive(Clone, Debug, Subcommand)]
pub enum HostAction {
    /// These hosts are really lost: ends the doubt after more than half went silent at once
    ConfirmLost {
        /// Which
        #[arg(required = true)]
        hosts: Vec<String>,
    },
}

/// `sci switchover`.
#[derive(Clone, Debug, Args)]
pub struct Switchover {
    /// Name, either application, or VIP of the pair
    pub pair: String,
    /// Application or host that shall be primary; without it the roles are swapped
    #[arg(long, value_name = "APPLICATION|HOST")]
    pub to: Option<String>,
    /// Why, for the timeline
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "TEXT"
    )]
    pub reason: String,
    /// Only say whether it would go ahead
    #[arg(long)]
    pub dry_run: bool,
    /// Go ahead in spite of what can be overridden
    #[arg(long)]
    pub force: bool,
    /// How long to wait for the outcome.
    #[command(flatten)]
    pub wait: Wait,
}

/// `sci stop`, `sci restart`.
#[derive(Clone, Debug, Args)]
pub struct Stop {
    /// Which
    pub application: String,
    /// Leave the pair without a primary
    #[arg(long)]
    pub no_handover: bool,
    /// How long to wait for the outcome.
    #[command(flatten)]
    pub wait: Wait,
}

/// `sci alarm …`.
#[derive(Clone, Debug, Subcommand)]
pub enum Alarm {
    /// Clear an alarm; reactions that run go on
    #[command(after_help = "Example:\n  sci alarm clear 41")]
    Clear {
        /// Its number
        #[arg(value_parser = number)]
        id: u64,
    },
    /// List the Alarm Conditions
    Conditions,
    /// Run a condition's reactions as if its event had come (this moves the VIP)
    #[command(
        after_help = "Examples:\n  sci alarm test ALRM_PRIMARY_4561_HABackup --dry-run\n  sci alarm test ALRM_BACKUP_4563_HAPrimary --yes"
    )]
    Test {
        /// Which condition
        condition: String,
        /// Reporting application, for conditions that are not selected by application
        #[arg(long, value_name = "APPLICATION")]
        application: Option<String>,
        /// Only say what would run and who would hold the VIP
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// How long to wait for the outcome.
        #[command(flatten)]
        wait: Wait,
    },
}

/// `sci log`.
#[derive(Clone, Debug, Args)]
pub struct Log {
    /// Only of this application
    #[arg(long, value_name = "APPLICATION")]
    pub application: Option<String>,
    /// Only with this log event ID
    #[arg(long, value_parser = event_id, value_name = "ID")]
    pub event: Option<LogEventId>,
    /// At least of this level: debug, trace, interaction, standard, alarm
    #[arg(long, value_parser = level, value_name = "LEVEL")]
    pub level: Option<LogLevel>,
    /// Only the last time, as in 1h
    #[arg(long, value_parser = duration, value_name = "D")]
    pub since: Option<Duration>,
    /// Most past events to show
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub limit: u32,
    /// Go on with new ones
    #[arg(long, short)]
    pub follow: bool,
}

/// `sci maintenance`.
#[derive(Clone, Debug, Args)]
pub struct Maintenance {
    /// on or off
    #[arg(value_parser = ["on", "off"])]
    pub switch: String,
    /// A pair (name, application, VIP) or a host
    pub target: String,
    /// For how long, as in 2h; without it until switched off
    #[arg(long = "for", value_parser = duration, value_name = "D")]
    pub duration: Option<Duration>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `sci calls`.
#[derive(Clone, Debug, Args)]
pub struct Calls {
    /// The SIP Server
    pub application: String,
    /// Most calls and most registrations to list
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub most: u32,
    /// SIP messages from now on, until Ctrl-C; credentials are left out
    #[arg(long)]
    pub trace: bool,
    /// Only messages of this call: its key, or a Call-ID
    #[arg(long, value_name = "ID", requires = "trace")]
    pub call: Option<String>,
}

/// `sci log-event`.
#[derive(Clone, Debug, Args)]
pub struct LogEvent {
    /// Log event ID, 4561 or 00-04561
    #[arg(value_parser = event_id)]
    pub id: LogEventId,
    /// In whose name
    #[arg(long, value_name = "APPLICATION")]
    pub application: String,
    /// Text of the event
    #[arg(long, default_value = "", hide_default_value = true)]
    pub text: String,
    /// Run its reactions even if they contradict the intended run modes
    #[arg(long)]
    pub yes: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

fn event_id(text: &str) -> Result<LogEventId, String> {
    LogEventId::parse(text)
        .ok_or_else(|| format!("'{text}' is no log event ID: write 4561 or 00-04561"))
}

fn level(text: &str) -> Result<LogLevel, String> {
    LogLevel::parse(text).ok_or_else(|| {
        format!("'{text}' is no level: debug, trace, interaction, standard or alarm")
    })
}

fn number(text: &str) -> Result<u64, String> {
    text.trim_start_matches('#')
        .parse()
        .map_err(|_| format!("'{text}' is no alarm number: write 41 or #41"))
}
