//! Owns the `Addresses` trait on an emulated NIC: each operation is one conversation with the emulator, a
//! watch is one that stays open. What the operations mean is `virtual-ip`'s; what they change is decided in
//! `network-emulator`.

use std::net::IpAddr;
use std::time::Duration;

use changeover_virtual_ip::{
    AddressError, AddressEvent, Addresses, Change, Guarded, Pending, ProbeAnswer, Snapshot,
    VirtualAddress,
};
use tokio::sync::mpsc;

use crate::emulated::{ANSWER_WAIT, Conversation};
use crate::protocol::{Answer, Request};
use crate::{EmulatedNic, NetworkError};

/// Events that wait for a slow reader; beyond them the emulator merges states.
const EVENTS: usize = 16;

impl Addresses for EmulatedNic {
    fn snapshot(&self) -> Pending<'_, Snapshot> {
        Box::pin(async move {
            let operation = "reading the addresses";
            match self.addresses_ask(operation, Request::Snapshot).await? {
                Answer::Snapshot(snapshot) => Ok(snapshot),
                other => Err(unexpected(operation, &other)),
            }
        })
    }

    fn watch(&self, guarded: Vec<Guarded>) -> Pending<'_, mpsc::Receiver<AddressEvent>> {
        Box::pin(async move {
            let operation = "watching the addresses";
            let mut conversation = self
                .converse(operation, Request::Watch { guarded })
                .await
                .map_err(|error| translate(operation, error))?;
            let first = next_event(&mut conversation, operation).await?;
            let (sender, receiver) = mpsc::channel(EVENTS);
            tokio::spawn(follow(conversation, first, sender));
            Ok(receiver)
        })
    }

    fn add<'a>(&'a self, wanted: &'a VirtualAddress) -> Pending<'a, Change> {
        Box::pin(async move {
            let operation = format!("adding {wanted}");
            let request = Request::Add {
                wanted: wanted.clone(),
            };
            match self.addresses_ask(&operation, request).await? {
                Answer::Changed(change) => Ok(change),
                other => Err(unexpected(&operation, &other)),
            }
        })
    }

    fn remove(&self, address: IpAddr) -> Pending<'_, Change> {
        Box::pin(async move {
            let operation = format!("removing {address}");
            match self
                .addresses_ask(&operation, Request::Remove { address })
                .await?
            {
                Answer::Changed(change) => Ok(change),
                other => Err(unexpected(&operation, &other)),
            }
        })
    }

    fn renew(&self, address: IpAddr, lifetime: Option<Duration>) -> Pending<'_, Change> {
        Box::pin(async move {
            let operation = format!("renewing {address}");
            let seconds = |lifetime: Duration| lifetime.as_secs().max(1);
            let request = Request::Renew {
                address,
                lifetime_ms: lifetime.map(|lifetime| seconds(lifetime).saturating_mul(1000)),
            };
            match self.addresses_ask(&operation, request).await? {
                Answer::Changed(change) => Ok(change),
                other => Err(unexpected(&operation, &other)),
            }
        })
    }

    fn announce<'a>(&'a self, address: IpAddr, interface: &'a str) -> Pending<'a, ()> {
        Box::pin(async move {
            let operation = format!("announcing {address} on {interface}");
            let request = Request::Announce {
                address,
                interface: interface.to_owned(),
            };
            match self.addresses_ask(&operation, request).await? {
                Answer::Done => Ok(()),
                other => Err(unexpected(&operation, &other)),
            }
        })
    }

    fn probe<'a>(
        &'a self,
        address: IpAddr,
        interface: &'a str,
        wait: Duration,
    ) -> Pending<'a, ProbeAnswer> {
        Box::pin(async move {
            let operation = format!("probing for {address} on {interface}");
            let request = Request::Probe {
                address,
                interface: interface.to_owned(),
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            };
            let bound = wait.saturating_add(ANSWER_WAIT);
            let answer = self
                .ask_within(&operation, request, bound)
                .await
                .map_err(|error| translate(&operation, error))?;
            match address_error(answer)? {
                Answer::Probed(answer) => Ok(answer),
                other => Err(unexpected(&operation, &other)),
            }
        })
    }
}

impl EmulatedNic {
    async fn addresses_ask(
        &self,
        operation: &str,
        request: Request,
    ) -> Result<Answer, AddressError> {
        let answer = self
            .ask(operation, request)
            .await
            .map_err(|error| translate(operation, error))?;
        address_error(answer)
    }
}

/// Hands events on until the emulator or the reader is gone. A reader that is slow holds up this task, and
/// with it the connection; the emulator then sends only the newest state.
async fn follow(
    mut conversation: Conversation,
    first: AddressEvent,
    events: mpsc::Sender<AddressEvent>,
) {
    let mut next = first;
    loop {
        if events.send(next).await.is_err() {
            return;
        }
        next = tokio::select! {
            event = next_event(&mut conversation, "watching the addresses") => match event {
                Ok(event) => event,
                Err(error) => {
                    tracing::debug!(%error, "the watch ends");
                    return;
                }
            },
            () = events.closed() => return,
        };
    }
}

async fn next_event(
    conversation: &mut Conversation,
    operation: &str,
) -> Result<AddressEvent, AddressError> {
    let answer = conversation
        .answer()
        .await
        .map_err(|error| translate(operation, error))?;
    match address_error(answer)? {
        Answer::Event(event) => Ok(event),
        other => Err(unexpected(operation, &other)),
    }
}

fn address_error(answer: Answer) -> Result<Answer, AddressError> {
    match answer {
        Answer::AddressError(error) => Err(error),
        other => Ok(other),
    }
}

fn translate(operation: &str, error: NetworkError) -> AddressError {
    match error {
        NetworkError::Addresses(error) => error,
        NetworkError::Refused { reason, .. } => AddressError::Refused {
            operation: operation.to_owned(),
            reason,
        },
        other => AddressError::Unreachable {
            operation: operation.to_owned(),
            reason: other.to_string(),
        },
    }
}

fn unexpected(operation: &str, answer: &Answer) -> AddressError {
    AddressError::Unreachable {
        operation: operation.to_owned(),
        reason: format!("the emulator answered with something else: {answer:?}"),
    }
}
