//! An HTTP/1.1 GET: the status counts, and the beginning of the body where it was asked for. Bodies are read up to a
//! bound, redirects are not followed.

use super::Outcome;
use changeover_emulated_nic::Network;
use changeover_model::environment::StatusRange;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Most of a body that is looked through.
const MOST_BODY: usize = 64 * 1024;

/// What is asked for and what is well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) host: &'w str,
    pub(super) path: &'w str,
    pub(super) status: StatusRange,
    pub(super) body: Option<&'w str>,
}

pub(super) async fn ask(
    network: &Network,
    address: SocketAddr,
    wanted: Wanted<'_>,
    within: Duration,
) -> Outcome {
    let stream = network
        .dial(address, within)
        .await
        .map_err(|error| error.to_string())?;
    get(stream, wanted).await
}

async fn get(stream: TcpStream, wanted: Wanted<'_>) -> Outcome {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("no HTTP: {error}"))?;
    let request = Request::get(wanted.path)
        .header(HOST, wanted.host)
        .header(USER_AGENT, "changeover")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("the request cannot be written: {error}"))?;
    let asked = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| format!("no HTTP answer: {error}"))?;
        judge(response, wanted).await
    };
    // The connection does the reading and writing; it may close before the answer is taken out of it.
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        outcome = &mut asked => outcome,
        _ = connection => asked.await,
    }
}

async fn judge(response: Response<Incoming>, wanted: Wanted<'_>) -> Outcome {
    let status = response.status();
    if !wanted.status.holds(status.as_u16()) {
        return Err(format!("status {status}, wanted {}", wanted.status));
    }
    let Some(text) = wanted.body else {
        return Ok(format!("status {status}"));
    };
    let mut body = response.into_body();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the body broke off: {error}"))?;
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(data);
        }
        if holds(&read, text) {
            return Ok(format!("status {status}, \"{text}\" found"));
        }
        if read.len() >= MOST_BODY {
            break;
        }
    }
    Err(format!("status {status}, but no \"{text}\" in the body"))
}

fn holds(body: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    body.windows(text.len().max(1)).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Answers one request with these bytes and closes.
    async fn server(answer: Vec<u8>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut request = [0; 1024];
            let read = stream.read(&mut request).await.expect("a request");
            assert!(request[..read].starts_with(b"GET /health?deep HTTP/1.1\r\n"));
            // The client may have seen enough before all of it is written.
            drop(stream.write_all(&answer).await);
        });
        address
    }

    async fn outcome(answer: &[u8], body: Option<&str>) -> Outcome {
        let address = server(answer.to_vec()).await;
        let wanted = Wanted {
            host: "sip1:8080",
            path: "/health?deep",
            status: StatusRange::HTTP_SUCCESS,
            body,
        };
        ask(&Network::Kernel, address, wanted, Duration::from_secs(2)).await
    }

    #[tokio::test]
    async fn the_status_decides() {
        let good = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(
            outcome(good, None).await,
            Ok("status 204 No Content".to_owned())
        );
        let bad = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ndown";
        assert_eq!(
            outcome(bad, None).await,
            Err("status 503 Service Unavailable, wanted 200-299".to_owned())
        );
    }

    #[tokio::test]
    async fn a_wanted_text_is_looked_for_in_the_body() {
        let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstate: up\n";
        assert_eq!(
            outcome(ok, Some("up")).await,
            Ok("status 200 OK, \"up\" found".to_owned())
        );
        assert_eq!(
            outcome(ok, Some("ready")).await,
            Err("status 200 OK, but no \"ready\" in the body".to_owned())
        );
    }

    #[tokio::test]
    async fn an_endless_body_is_read_to_its_bound_only() {
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.resize(answer.len() + (4 << 20), b'x');
        assert_eq!(
            outcome(&answer, Some("up")).await,
            Err("status 200 OK, but no \"up\" in the body".to_owned())
        );
    }

    #[tokio::test]
    async fn something_else_than_http_is_named() {
        let outcome = outcome(b"220 mail.example.net ESMTP\r\n", None).await;
        assert!(
            outcome
                .as_ref()
                .is_err_and(|text| text.starts_with("no HTTP answer: ")),
            "{outcome:?}"
        );
    }
}
