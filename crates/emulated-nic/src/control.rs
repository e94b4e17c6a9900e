//! Owns the client of whoever runs an emulated network: pulls and plugs cables, delays and fails commands,
//! loses announcements, and watches from outside the components who holds the Virtual IP. What each fault
//! does is decided in `network-emulator`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::emulated::{ANSWER_WAIT, Conversation, ask, unexpected};
use crate::protocol::{Answer, Request};
use crate::{NetworkError, Observation};

/// Observations that wait for their reader; beyond them the emulator's own memory (10,000) serves.
const OBSERVATIONS: usize = 1024;

/// Controls one emulated network. Cheap to clone; every call is a connection of its own.
#[derive(Debug, Clone)]
pub struct Control {
    socket: PathBuf,
}

impl Control {
    /// The network behind `socket`, after asking whether it is there.
    ///
    /// # Errors
    /// When the emulator cannot be reached or speaks another version.
    pub async fn connect(socket: &Path) -> Result<Self, NetworkError> {
        let control = Self {
            socket: socket.to_owned(),
        };
        control
            .order("reaching the emulator", Request::Hello)
            .await?;
        Ok(control)
    }

    /// Plugs the NIC's cable in; connections that were silent go on, held bytes arrive.
    ///
    /// # Errors
    /// When there is no such host or NIC, or the emulator is gone.
    pub async fn plug(&self, host: &str, interface: &str) -> Result<(), NetworkError> {
        let request = Request::Plug {
            host: host.to_owned(),
            interface: interface.to_owned(),
        };
        self.order("plugging a NIC", request).await
    }

    /// Pulls the NIC's cable; its connections go silent both ways.
    ///
    /// # Errors
    /// When there is no such host or NIC, or the emulator is gone.
    pub async fn unplug(&self, host: &str, interface: &str) -> Result<(), NetworkError> {
        let request = Request::Unplug {
            host: host.to_owned(),
            interface: interface.to_owned(),
        };
        self.order("unplugging a NIC", request).await
    }

    /// Every later command on the host starts that much late, at most an hour; zero ends it.
    ///
    /// # Errors
    /// When there is no such host, or the emulator is gone.
    pub async fn delay_commands(&self, host: &str, delay: Duration) -> Result<(), NetworkError> {
        let request = Request::DelayCommands {
            host: host.to_owned(),
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
        };
        self.order("delaying commands", request).await
    }

    /// The next `count` commands on the host fail without an effect; zero ends it.
    ///
    /// # Errors
    /// When there is no such host, or the emulator is gone.
    pub async fn fail_commands(&self, host: &str, count: u32) -> Result<(), NetworkError> {
        let request = Request::FailCommands {
            host: host.to_owned(),
            count,
        };
        self.order("failing commands", request).await
    }

    /// The host's next `count` announcements are lost on the way; zero ends it.
    ///
    /// # Errors
    /// When there is no such host, or the emulator is gone.
    pub async fn drop_announcements(&self, host: &str, count: u32) -> Result<(), NetworkError> {
        let request = Request::DropAnnouncements {
            host: host.to_owned(),
            count,
        };
        self.order("dropping announcements", request).await
    }

    /// The host that a station's ARP table names for an address; `None` without an entry. A station is a
    /// host of the site or one of its neighbours; clients outside the site count as `neighbour`.
    ///
    /// # Errors
    /// When there is no such station, or the emulator is gone.
    pub async fn arp_entry(
        &self,
        station: &str,
        address: IpAddr,
    ) -> Result<Option<String>, NetworkError> {
        let request = Request::ArpEntry {
            station: station.to_owned(),
            address,
        };
        match self.ask("reading an ARP table", request).await? {
            Answer::ArpEntry(entry) => Ok(entry),
            other => Err(unexpected("reading an ARP table", &other)),
        }
    }

    /// Where a site's address is on this machine: clients outside the emulated network (`sci`, a probe, a
    /// SIP tool) use that one, with the same port.
    ///
    /// # Errors
    /// When the block has no room for another address, or the emulator is gone.
    pub async fn real_address(&self, address: IpAddr) -> Result<IpAddr, NetworkError> {
        let request = Request::RealAddress { address };
        match self.ask("finding a real address", request).await? {
            Answer::Real(real) => Ok(real),
            other => Err(unexpected("finding a real address", &other)),
        }
    }

    /// Everything the emulator knows: hosts, NICs, addresses, ARP tables, faults, counters, the mapping.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub async fn state(&self) -> Result<serde_json::Value, NetworkError> {
        match self.ask("reading the state", Request::State).await? {
            Answer::State(state) => Ok(state),
            other => Err(unexpected("reading the state", &other)),
        }
    }

    /// Follows who holds the watched addresses: first everything since observation `after` that is still
    /// remembered (0: all; the first is the state at start-up), then each change as it comes.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub async fn observe(&self, after: u64) -> Result<Observations, NetworkError> {
        let request = Request::Observe { after };
        let mut conversation = Conversation::open(&self.socket, None, "observing", request).await?;
        let (sender, receiver) = mpsc::channel(OBSERVATIONS);
        tokio::spawn(async move {
            loop {
                let answer = tokio::select! {
                    answer = conversation.answer() => answer,
                    () = sender.closed() => return,
                };
                let Ok(Answer::Observed(observation)) = answer else {
                    return;
                };
                if sender.send(observation).await.is_err() {
                    return;
                }
            }
        });
        Ok(Observations { receiver })
    }

    async fn order(&self, operation: &str, request: Request) -> Result<(), NetworkError> {
        match self.ask(operation, request).await? {
            Answer::Done => Ok(()),
            other => Err(unexpected(operation, &other)),
        }
    }

    async fn ask(&self, operation: &str, request: Request) -> Result<Answer, NetworkError> {
        ask(&self.socket, None, operation, request, ANSWER_WAIT).await
    }
}

/// Observations as they come; dropping it ends the watch.
#[derive(Debug)]
pub struct Observations {
    receiver: mpsc::Receiver<Observation>,
}

impl Observations {
    /// The next observation; `None` when the emulator is gone. Cancelling loses none.
    pub async fn next(&mut self) -> Option<Observation> {
        self.receiver.recv().await
    }

    /// The next observation if one has arrived already.
    pub fn try_next(&mut self) -> Option<Observation> {
        self.receiver.try_recv().ok()
    }
}
