//! A SIP program that knows nothing of run modes, played: it answers OPTIONS wherever it is told to, primary or not,
//! and only the VIP decides who asks it. What a rehearsal starts in the place of a site's own Third Party Server.

mod responder;

use crate::Arguments;
use crate::server::{Interrupt, Interrupts};
use anyhow::Context as _;
use changeover_component::ExitCode;
use changeover_emulated_nic::{Datagrams, Network};
use responder::Responder;
use std::net::SocketAddr;
use std::time::Duration;

/// Pause before a socket that cannot be opened is tried again.
const REOPEN: Duration = Duration::from_secs(1);

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::take().context("signals cannot be taken over")?;
    let network = Network::from_environment().await?;
    let responder = Responder {
        name: arguments
            .application
            .unwrap_or_else(|| "stand-in".to_owned()),
    };
    for at in arguments.answer {
        tokio::spawn(answer(network.clone(), at, responder.clone()));
    }
    tracing::info!(
        name = responder.name,
        "answering in the place of a site's program"
    );
    while !matches!(interrupts.next().await, Interrupt::End) {}
    Ok(ExitCode::Good)
}

async fn answer(network: Network, at: SocketAddr, responder: Responder) {
    loop {
        match network.datagrams(at).await {
            Ok(socket) => receive(socket, &responder).await,
            Err(error) => {
                tracing::error!(%at, %error, "the SIP socket cannot be opened; trying again");
            }
        }
        tokio::time::sleep(REOPEN).await;
    }
}

/// Answers datagrams until the socket is lost.
async fn receive(mut socket: Datagrams, responder: &Responder) {
    loop {
        let datagram = match socket.receive().await {
            Ok(datagram) => datagram,
            Err(error) => {
                tracing::warn!(%error, "receiving failed");
                return;
            }
        };
        let Some(answer) = responder.answer(&datagram.payload, datagram.from) else {
            continue;
        };
        if let Err(error) = socket.send(datagram.from, &answer).await {
            tracing::debug!(%error, "an answer could not be sent: the VIP is not here any more");
        }
    }
}
