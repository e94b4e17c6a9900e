//! Owns the words of `wlbs.exe` between an emulated host and the emulator: what is asked of an NLB cluster, and what each of
//! its hosts did. How that is typed and shown is `emulated-host`'s, what it means for traffic `network-emulator`'s.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::protocol::{Answer, Request};
use crate::{EmulatedNic, NetworkError, emulated::unexpected};

/// One command to an NLB cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NlbCall {
    /// Its name or IP; without one every cluster of the host.
    pub cluster: Option<String>,
    /// Whom it is for.
    pub target: NlbTarget,
    /// What is asked.
    pub verb: NlbVerb,
}

/// Whom a command is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NlbTarget {
    /// The host on which it is typed.
    Local,
    /// A host of the cluster by its id, name or own address.
    Host(String),
    /// Every host of the cluster.
    Global,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NlbVerb {
    /// Take part in the cluster.
    Start,
    /// Do not.
    Stop,
    /// Answer the traffic of the port's rule; `None`: of all rules.
    Enable(Option<u16>),
    /// Do not.
    Disable(Option<u16>),
    /// The state of the cluster.
    Query,
    /// The state of the port's rule.
    QueryPort(u16),
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NlbAnswer {
    /// There is no such cluster within reach.
    NoSuchCluster,
    /// The cluster has no such host.
    NoSuchHost,
    /// One entry per host that was meant.
    Hosts(Vec<NlbHostAnswer>),
}

/// What a host of the cluster did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NlbHostAnswer {
    /// The cluster's name.
    pub cluster: String,
    /// Its IP.
    pub address: IpAddr,
    /// The host's id.
    pub id: u8,
    /// The host's name.
    pub host: String,
    /// What it did.
    pub outcome: NlbOutcome,
}

/// What a host of the cluster did with a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NlbOutcome {
    /// It is so now.
    Done,
    /// It was so already.
    AlreadySo,
    /// No rule is about the port.
    NoRule,
    /// It does not take part, so its rules cannot be changed.
    Stopped,
    /// Its adapter has no link: the command is ignored.
    Ignored,
    /// It cannot be reached from the host on which it was typed.
    Silent,
    /// For [`NlbVerb::Query`].
    State {
        /// Whether it takes part.
        started: bool,
        /// Whether the hosts have agreed.
        converged: bool,
        /// Ids of the hosts that take part and hear each other, in order.
        members: Vec<u8>,
    },
    /// For [`NlbVerb::QueryPort`].
    Rule {
        /// First port.
        first: u16,
        /// Last port.
        last: u16,
        /// Whether this host answers its traffic.
        enabled: bool,
        /// Datagrams and dials that it took by this rule.
        accepted: u64,
        /// Those that another host took by it.
        dropped: u64,
    },
}

impl EmulatedNic {
    /// Gives a command to an NLB cluster.
    ///
    /// # Errors
    /// When the emulator cannot be reached.
    pub async fn nlb(&self, call: NlbCall) -> Result<NlbAnswer, NetworkError> {
        let operation = "a command to the NLB cluster";
        match self.ask(operation, Request::Nlb(call)).await? {
            Answer::Nlb(answer) => Ok(answer),
            other => Err(unexpected(operation, &other)),
        }
    }
}
