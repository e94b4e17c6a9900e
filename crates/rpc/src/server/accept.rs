//! Accepts connections: their bound, the TLS handshake, and who is at the other end.

use super::MOST_CONNECTIONS;
use super::listener::Listener;
use crate::connection::{Bytes, Connection, prepare};
use crate::identity::{Peer, PeerIdentity};
use crate::notices::Notices;
use crate::tls::{MutualTls, identity_of_certificate};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Pause after the system could not accept (no file descriptor left), so that it can recover.
const BREATH: Duration = Duration::from_millis(50);
/// How long a refused client may take to read why.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// Accepts until dropped.
pub(super) async fn run(
    listener: Listener,
    tls: Option<MutualTls>,
    ready: mpsc::Sender<io::Result<Connection>>,
    cut: watch::Receiver<bool>,
) -> Infallible {
    let notices = Notices::default();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    // Dropped with this future: a handshake does not outlive its server.
    let mut handshakes = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = handshakes.join_next() => continue,
        };
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(at = %listener, %error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(
                at = %listener,
                "more than {MOST_CONNECTIONS} connections: a new one was closed"
            );
            continue;
        };
        let (tls, ready, cut) = (tls.clone(), ready.clone(), cut.clone());
        let notices = notices.clone();
        handshakes.spawn(async move {
            if let Some((bytes, peer)) = introduce(accepted, tls, &notices).await {
                let connection = Connection::new(bytes, cut).of_server(peer, place);
                // An error means that the server has just ended.
                ready.send(Ok(connection)).await.unwrap_or_default();
            }
        });
    }
}

async fn introduce(
    accepted: Accepted,
    tls: Option<MutualTls>,
    notices: &Notices,
) -> Option<(Box<dyn Bytes>, Peer)> {
    match accepted {
        Accepted::Unix(stream) => {
            let process = stream.peer_cred().ok().and_then(|peer| peer.pid());
            let peer = Peer {
                identity: PeerIdentity::Local,
                address: None,
                process: process.and_then(|pid| u32::try_from(pid).ok()),
            };
            Some((Box::new(stream), peer))
        }
        Accepted::Tcp(stream, address) => {
            if let Err(error) = prepare(&stream) {
                tracing::debug!(%address, %error, "a connection broke at once");
                return None;
            }
            let peer = |identity| Peer {
                identity,
                address: Some(address),
                process: None,
            };
            let Some(tls) = tls else {
                return Some((Box::new(stream), peer(PeerIdentity::Local)));
            };
            match tokio::time::timeout(HANDSHAKE, secured(&tls, stream)).await {
                Ok(Ok((bytes, identity))) => Some((bytes, peer(identity))),
                Ok(Err(Some(reason))) => {
                    tls.look_for_new_files();
                    if let Some(withheld) = notices.due(&format!("{} {reason}", address.ip())) {
                        tracing::warn!(%address, reason, withheld, "a TLS connection was refused");
                    }
                    None
                }
                Ok(Err(None)) => {
                    tracing::debug!(%address, "a connection ended before its TLS handshake");
                    None
                }
                Err(_) => {
                    tracing::warn!(%address, "a TLS handshake took longer than {HANDSHAKE:?}");
                    None
                }
            }
        }
    }
}

/// The secured stream, or why not; `None` when the caller only wanted to know whether this host lives.
async fn secured(
    tls: &MutualTls,
    stream: TcpStream,
) -> Result<(Box<dyn Bytes>, PeerIdentity), Option<String>> {
    let (acceptor, sides) = tls.acceptor().map_err(|error| Some(error.to_string()))?;
    let stream = match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => stream,
        Err((error, _)) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(None),
        Err((error, stream)) => {
            let reason =
                crate::tls::trouble(&error, Some(&sides)).unwrap_or_else(|| error.to_string());
            farewell(stream).await;
            return Err(Some(reason));
        }
    };
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first())
        .ok_or_else(|| Some("it presented no certificate".to_owned()))?;
    let identity = identity_of_certificate(certificate)
        .map_err(|reason| Some(format!("its certificate cannot be used: {reason}")))?;
    Ok((Box::new(stream), PeerIdentity::Certified(identity)))
}

/// Lets a refused client read the alert: closing with unread data would reset the connection, and the reason with
/// it.
async fn farewell(mut stream: TcpStream) {
    let reading = async {
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(FAREWELL, reading).await {
        tracing::trace!(%error, "a refused client went away");
    }
}
