//! A SIP OPTIONS request (RFC 3261, 11) over UDP or TCP: any final response within the wanted range passes, since it
//! shows that the server's transaction layer lives. Over UDP it is sent again as 17.1.2.1 says.

use super::Outcome;
use changeover_emulated_nic::Network;
use changeover_model::environment::{SipTransport, StatusRange};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;

/// T1 of RFC 3261: the first pause before a retransmission; it doubles.
const T1: Duration = Duration::from_millis(500);
/// Longest pause, T2.
const T2: Duration = Duration::from_secs(4);
/// Longest response that is read.
const MOST: usize = 65_535;

/// Where a request leaves from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    pub(super) network: &'p Network,
    pub(super) host: IpAddr,
}

pub(super) async fn ask(
    place: Place<'_>,
    transport: SipTransport,
    to: SocketAddr,
    status: StatusRange,
    within: Duration,
) -> Outcome {
    match transport {
        SipTransport::Udp => over_udp(place, to, status).await,
        SipTransport::Tcp => over_tcp(place.network, to, status, within).await,
    }
}

/// A request with what its response must carry.
struct Request {
    text: String,
    branch: String,
}

impl Request {
    fn new(transport: SipTransport, local: SocketAddr, to: SocketAddr) -> Self {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let branch = format!("z9hG4bK{unique}");
        let (word, parameter) = match transport {
            SipTransport::Udp => ("UDP", ""),
            SipTransport::Tcp => ("TCP", ";transport=tcp"),
        };
        let text = format!(
            "OPTIONS sip:{to}{parameter} SIP/2.0\r\n\
             Via: SIP/2.0/{word} {local};branch={branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:changeover@{from}>;tag={tag}\r\n\
             To: <sip:{to}{parameter}>\r\n\
             Call-ID: {unique}\r\n\
             CSeq: 1 OPTIONS\r\n\
             Contact: <sip:changeover@{local}{parameter}>\r\n\
             Accept: application/sdp\r\n\
             User-Agent: changeover\r\n\
             Content-Length: 0\r\n\r\n",
            from = bare(local.ip()),
            tag = unique.get(..8).unwrap_or("1"),
        );
        Self { text, branch }
    }

    /// The status line of a final response to this request; `None` for provisional ones and anything else.
    fn final_response(&self, bytes: &[u8]) -> Option<(u16, String)> {
        let text = String::from_utf8_lossy(bytes);
        let head = text.split("\r\n\r\n").next()?;
        if !head.contains(&self.branch) {
            return None;
        }
        let line = head.lines().next()?.strip_prefix("SIP/2.0 ")?;
        let status: u16 = line.get(..3)?.parse().ok()?;
        (status >= 200).then(|| (status, line.trim().to_owned()))
    }
}

fn bare(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn judge((status, line): (u16, String), wanted: StatusRange) -> Outcome {
    if wanted.holds(status) {
        Ok(line)
    } else {
        Err(format!("answered {line}, wanted {wanted}"))
    }
}

async fn over_udp(place: Place<'_>, to: SocketAddr, status: StatusRange) -> Outcome {
    if place.network.emulated_host().is_some() && !to.ip().is_loopback() {
        return over_emulated_udp(place, to, status).await;
    }
    let any: SocketAddr = match to.ip() {
        ip if ip.is_loopback() => (ip, 0).into(),
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let failed = |error: std::io::Error| format!("{to}: {error}");
    let socket = UdpSocket::bind(any).await.map_err(failed)?;
    // Connected: a closed port is reported at once, and strangers are not heard.
    socket.connect(to).await.map_err(failed)?;
    let request = Request::new(SipTransport::Udp, socket.local_addr().map_err(failed)?, to);
    let mut buffer = vec![0; MOST];
    let mut pause = T1;
    loop {
        socket.send(request.text.as_bytes()).await.map_err(failed)?;
        let resend = tokio::time::sleep(pause);
        let mut resend = std::pin::pin!(resend);
        loop {
            let length = tokio::select! {
                received = socket.recv(&mut buffer) => received.map_err(failed)?,
                () = &mut resend => break,
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            if let Some(answer) = request.final_response(bytes) {
                return judge(answer, status);
            }
        }
        pause = (pause * 2).min(T2);
    }
}

async fn over_emulated_udp(place: Place<'_>, to: SocketAddr, status: StatusRange) -> Outcome {
    let mut socket = place
        .network
        .datagrams((place.host, 0).into())
        .await
        .map_err(|error| error.to_string())?;
    let request = Request::new(SipTransport::Udp, socket.address(), to);
    let mut pause = T1;
    loop {
        let sent = socket.send(to, request.text.as_bytes()).await;
        sent.map_err(|error| error.to_string())?;
        let resend = tokio::time::sleep(pause);
        let mut resend = std::pin::pin!(resend);
        loop {
            let datagram = tokio::select! {
                received = socket.receive() => received.map_err(|error| error.to_string())?,
                () = &mut resend => break,
            };
            if let Some(answer) = request.final_response(&datagram.payload) {
                return judge(answer, status);
            }
        }
        pause = (pause * 2).min(T2);
    }
}

async fn over_tcp(
    network: &Network,
    to: SocketAddr,
    status: StatusRange,
    within: Duration,
) -> Outcome {
    let mut stream = network
        .dial(to, within)
        .await
        .map_err(|error| error.to_string())?;
    let failed = |error: std::io::Error| format!("{to}: {error}");
    let local = stream.local_addr().map_err(failed)?;
    let request = Request::new(SipTransport::Tcp, local, to);
    stream
        .write_all(request.text.as_bytes())
        .await
        .map_err(failed)?;
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    while read.len() < MOST {
        let length = stream.read(&mut buffer).await.map_err(failed)?;
        if length == 0 {
            return Err(format!(
                "{to} closed the connection without a final response"
            ));
        }
        read.extend_from_slice(buffer.get(..length).unwrap_or_default());
        // Provisional responses have no body; what follows the empty line is the next response.
        while let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            if let Some(answer) = request.final_response(&read) {
                return judge(answer, status);
            }
            read = rest;
        }
    }
    Err(format!("{to} sent {MOST} bytes without a final response"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const WITHIN: Duration = Duration::from_secs(3);
    const PLACE: Place<'static> = Place {
        network: &Network::Kernel,
        host: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };

    fn response(request: &[u8], status: &str) -> String {
        let text = String::from_utf8_lossy(request);
        let via = text
            .lines()
            .find(|line| line.starts_with("Via: "))
            .expect("a Via");
        format!("SIP/2.0 {status}\r\n{via}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    }

    /// Answers the request that comes after `lost` ones with each of these.
    async fn udp_server(lost: usize, answers: &'static [&'static str]) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("bound");
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            for turn in 0.. {
                let (length, from) = socket.recv_from(&mut buffer).await.expect("a request");
                if turn < lost {
                    continue;
                }
                let stranger = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKother\r\n\r\n";
                socket.send_to(stranger, from).await.expect("sent");
                for status in answers {
                    let text = response(&buffer[..length], status);
                    socket.send_to(text.as_bytes(), from).await.expect("sent");
                }
            }
        });
        address
    }

    async fn udp(to: SocketAddr, status: StatusRange) -> Outcome {
        ask(PLACE, SipTransport::Udp, to, status, WITHIN).await
    }

    #[tokio::test]
    async fn any_final_response_passes_unless_a_range_is_asked_for() {
        let to = udp_server(0, &["100 Trying", "405 Method Not Allowed"]).await;
        assert_eq!(
            udp(to, StatusRange::SIP_FINAL).await,
            Ok("405 Method Not Allowed".to_owned())
        );
        assert_eq!(
            udp(to, StatusRange { from: 200, to: 299 }).await,
            Err("answered 405 Method Not Allowed, wanted 200-299".to_owned())
        );
    }

    #[tokio::test]
    async fn a_lost_request_is_sent_again() {
        let to = udp_server(1, &["200 OK"]).await;
        let began = std::time::Instant::now();
        assert_eq!(
            udp(to, StatusRange::SIP_FINAL).await,
            Ok("200 OK".to_owned())
        );
        assert!(began.elapsed() >= T1);
    }

    #[tokio::test]
    async fn a_closed_port_is_said_at_once() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let to = socket.local_addr().expect("bound");
        drop(socket);
        let outcome = udp(to, StatusRange::SIP_FINAL).await;
        assert!(
            outcome.as_ref().is_err_and(|text| text.contains("refused")),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn over_tcp_a_response_may_come_in_pieces() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let to = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut buffer = [0; 2048];
            let length = stream.read(&mut buffer).await.expect("a request");
            let all = response(&buffer[..length], "100 Trying")
                + &response(&buffer[..length], "200 Fine");
            for piece in all.as_bytes().chunks(7) {
                stream.write_all(piece).await.expect("written");
                tokio::task::yield_now().await;
            }
        });
        let outcome = ask(PLACE, SipTransport::Tcp, to, StatusRange::SIP_FINAL, WITHIN).await;
        assert_eq!(outcome, Ok("200 Fine".to_owned()));
    }
}
