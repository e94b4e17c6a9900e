//! A SIP program that knows nothing of run modes, played: it answers OPTIONS wherever it is told to, primary or not,
//! and only the VIP decides who asks it. What a rehearsal starts in the place of a site's own Third Party Server.

use crate::Arguments;
use crate::metrics::{Metrics, Said};
use crate::options::Responder;
use crate::server::{Interrupt, Interrupts, receive};
use anyhow::Context as _;
use changeover_component::ExitCode;
use changeover_emulated_nic::Network;
use changeover_model::RunMode;
use std::net::SocketAddr;

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::take().context("signals cannot be taken over")?;
    let network = Network::from_environment().await?;
    let responder = Responder {
        name: arguments
            .application
            .unwrap_or_else(|| "stand-in".to_owned()),
        // It serves whoever asks: a mode is its LCA's affair.
        run_mode: RunMode::Primary,
    };
    for at in arguments.answer {
        let said = Metrics::new().said;
        tokio::spawn(answer(network.clone(), at, responder.clone(), said));
    }
    tracing::info!(
        name = responder.name,
        "answering in the place of a site's program"
    );
    while !matches!(interrupts.next().await, Interrupt::End) {}
    Ok(ExitCode::Good)
}

async fn answer(network: Network, at: SocketAddr, responder: Responder, said: Said) {
    loop {
        let mut socket = match network.datagrams(at).await {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::error!(%at, %error, "the SIP socket cannot be opened; trying again");
                None
            }
        };
        // Without a socket this is the pause before the next attempt.
        receive(&mut socket, &responder, &said).await;
    }
}
