//! Words of the field with a closed set of values. Unknown wire values become the `Unknown` of their word.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! word {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $type { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }

        impl $type {
            /// Every value.
            pub const ALL: &'static [$type] = &[$($type::$variant,)*];
            /// The word as JSON and files write it.
            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $text,)* }
            }
            /// The value with this text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($type::$variant),)* _ => None }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

word!(
    /// What an application of a pair is there for.
    RunMode {
        /// Serves.
        Primary = "Primary",
        /// Stands by.
        Backup = "Backup",
        /// Is told to end; a stop arrives as this.
        Exiting = "Exiting",
        /// Not known, or an application without run modes.
        Unknown = "Unknown",
    }
);

word!(
    /// Status of an application (later model, exact names). Text for people says "Started" for Running.
    ApplicationStatus {
        /// Nothing is known: its LCA is away.
        Unknown = "Unknown",
        /// A start is ordered, nothing seen yet.
        StartPending = "StartPending",
        /// The process runs, it has not registered yet.
        StartTransition = "StartTransition",
        /// It has registered and is getting ready.
        Initializing = "Initializing",
        /// It runs but cannot serve.
        ServiceUnavailable = "ServiceUnavailable",
        /// It runs and can serve.
        Running = "Running",
        /// A stop is ordered, nothing seen yet.
        StopPending = "StopPending",
        /// It is ending.
        StopTransition = "StopTransition",
        /// It does not run.
        Stopped = "Stopped",
        /// It finishes what it has before it stops serving.
        Suspending = "Suspending",
        /// It runs and serves nobody.
        Suspended = "Suspended",
    }
);

impl ApplicationStatus {
    /// The word an operator reads: the status, with Started for Running.
    pub fn for_people(self) -> &'static str {
        match self {
            ApplicationStatus::Running => "Started",
            ApplicationStatus::ServiceUnavailable => "Service Unavailable",
            ApplicationStatus::StartPending => "Start Pending",
            ApplicationStatus::StartTransition => "Start Transition",
            ApplicationStatus::StopPending => "Stop Pending",
            ApplicationStatus::StopTransition => "Stop Transition",
            ApplicationStatus::Unknown
            | ApplicationStatus::Initializing
            | ApplicationStatus::Stopped
            | ApplicationStatus::Suspending
            | ApplicationStatus::Suspended => self.as_str(),
        }
    }

    /// True while a process of the application is (or may be) there.
    pub fn is_up(self) -> bool {
        match self {
            ApplicationStatus::StartTransition
            | ApplicationStatus::Initializing
            | ApplicationStatus::ServiceUnavailable
            | ApplicationStatus::Running
            | ApplicationStatus::StopPending
            | ApplicationStatus::StopTransition
            | ApplicationStatus::Suspending
            | ApplicationStatus::Suspended => true,
            ApplicationStatus::Unknown
            | ApplicationStatus::StartPending
            | ApplicationStatus::Stopped => false,
        }
    }
}

word!(
    /// Status of a host as the SCS sees it.
    HostStatus {
        /// Its LCA is connected.
        Running = "Running",
        /// The host refused the connection: it lives, its LCA does not (8000).
        Disconnected = "Disconnected",
        /// Nothing was heard for the detection bound (8002).
        Unavailable = "Unavailable",
        /// There is no route to it (8003).
        Unreachable = "Unreachable",
        /// Not judged yet, or no LCA is needed there.
        Unknown = "Unknown",
    }
);

word!(
    /// Redundancy type of a pair.
    Redundancy {
        /// Hot Standby: calls and states are synchronised.
        Hot = "hot",
        /// Warm Standby: nothing is synchronised.
        Warm = "warm",
    }
);

word!(
    /// How the VIP follows the primary.
    Takeover {
        /// IP Address Takeover.
        IpAddress = "ip_address",
        /// Windows NLB Cluster.
        WindowsNlb = "windows_nlb",
        /// A network device polls by SIP OPTIONS.
        NetworkDevice = "network_device",
        /// Both on one host; no VIP.
        SingleHost = "single_host",
    }
);

word!(
    /// Operation mode of an NLB cluster.
    NlbMode {
        /// The hosts share one MAC, and do not hear each other over their cluster adapters.
        Unicast = "unicast",
        /// The hosts keep their MACs and share a multicast one.
        Multicast = "multicast",
    }
);

word!(
    /// Protocols of an NLB port rule.
    NlbProtocol {
        /// UDP and TCP.
        Both = "both",
        /// UDP.
        Udp = "udp",
        /// TCP.
        Tcp = "tcp",
    }
);

word!(
    /// Filtering mode of an NLB port rule.
    NlbFiltering {
        /// Clients are shared out among the hosts.
        Multiple = "multiple",
        /// One host answers all: the one with the lowest id.
        Single = "single",
        /// Nobody answers.
        Disabled = "disabled",
    }
);

word!(
    /// What ties a client to a host of an NLB cluster.
    NlbAffinity {
        /// Its address and port together.
        None = "none",
        /// Its address.
        Single = "single",
        /// The first 24 bits of its address.
        ClassC = "class_c",
    }
);

word!(
    /// State of a host in an NLB cluster.
    NlbState {
        /// It takes part.
        Started = "started",
        /// It does not.
        Stopped = "stopped",
    }
);

word!(
    /// Operating system of a Host object.
    OperatingSystem {
        /// Linux.
        Linux = "linux",
        /// Windows.
        Windows = "windows",
        /// AIX.
        Aix = "aix",
        /// Solaris.
        Solaris = "solaris",
    }
);

word!(
    /// Type of an Application object.
    ApplicationType {
        /// A SIP Server.
        SipServer = "SIPServer",
        /// Any program.
        ThirdPartyServer = "ThirdPartyServer",
        /// The Solution Control Server itself, as a sender of log events.
        SolutionControlServer = "SolutionControlServer",
        /// The Message Server.
        MessageServer = "MessageServer",
    }
);

word!(
    /// Which of a pair the configuration calls primary; says nothing about run modes.
    ConfiguredAs {
        /// Configured as the primary.
        Primary = "primary",
        /// Configured as the backup.
        Backup = "backup",
    }
);

word!(
    /// What a control script does to the VIP on its host.
    ScriptAction {
        /// Bring the VIP up on this host.
        Enable = "enable",
        /// Take the VIP down on this host.
        Disable = "disable",
    }
);

word!(
    /// Level of a log event.
    LogLevel {
        /// For developers.
        Debug = "debug",
        /// Details of processing.
        Trace = "trace",
        /// An exchange between components.
        Interaction = "interaction",
        /// What an operator would act or wonder about. The HA events have this level (FACTS 3).
        Standard = "standard",
        /// An alarm of the Management Layer.
        Alarm = "alarm",
    }
);
