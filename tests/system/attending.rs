//! Clients of a live pair over gRPC: one program on both servers under one name; and registrations when both servers
//! have been down.

use crate::asking::{BACKUP, BOUND, PRIMARY, pid};
use crate::environment::Wishes;
use crate::serving::channel;
use crate::site::{Site, send, wait_until};
use changeover_rpc::wire::from_sip_client::{Hello, LogIn, Request, SetAgentState, Subscribe};
use changeover_rpc::wire::sip_clients_client::SipClientsClient;
use changeover_rpc::wire::to_sip_client::Event;
use changeover_rpc::wire::{FromSipClient, ToSipClient};
use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// A client's session with one server.
struct Client {
    asks: mpsc::Sender<FromSipClient>,
    told: tonic::Streaming<ToSipClient>,
}

impl Client {
    fn attends(site: &Site, address: &str) -> Self {
        let at = site.real(address, 5070);
        site.runtime.block_on(async {
            let (asks, asked) = mpsc::channel(16);
            let channel = channel(at).await;
            let hello = Request::Hello(Hello {
                name: "desktop".to_owned(),
            });
            let first = FromSipClient {
                reference: 0,
                request: Some(hello),
            };
            asks.send(first).await.expect("the queue is empty");
            let told = SipClientsClient::new(channel)
                .attend(ReceiverStream::new(asked))
                .await
                .expect("the server serves clients");
            Self {
                asks,
                told: told.into_inner(),
            }
        })
    }

    fn ask(&self, site: &Site, reference: u64, request: Request) {
        let message = FromSipClient {
            reference,
            request: Some(request),
        };
        let sent = site.runtime.block_on(self.asks.send(message));
        sent.expect("the session stands");
    }

    /// The next thing that it is told, in words.
    fn hears(&mut self, site: &Site) -> String {
        let next = site
            .runtime
            .block_on(async { tokio::time::timeout(BOUND, self.told.message()).await });
        let message = next.expect("an event in time").expect("the session stands");
        match message.and_then(|it| it.event).expect("an event") {
            Event::RunMode(it) => it.run_mode,
            Event::Done(it) => format!("done {}", it.reference),
            Event::Refused(it) => format!("refused {} {}", it.reference, it.because),
            Event::Agent(it) => {
                format!("{} {} {} {:?}", it.agent, it.dn, it.state, it.reference)
            }
            Event::Call(it) => format!("{} {}", it.dn, it.state),
        }
    }
}

#[test]
fn a_client_of_both_servers_goes_on_with_the_new_primary_as_if_nothing_had_been() {
    let mut site = Site::up(&Wishes::default());
    let mut first = Client::attends(&site, "10.10.11.101");
    let mut second = Client::attends(&site, "10.10.11.102");
    assert_eq!(first.hears(&site), "Primary");
    assert_eq!(second.hears(&site), "Backup");
    let dn = "1001".to_owned();
    first.ask(&site, 1, Request::Subscribe(Subscribe { dn: dn.clone() }));
    assert_eq!(first.hears(&site), "done 1");
    second.ask(&site, 2, Request::Subscribe(Subscribe { dn: dn.clone() }));
    assert_eq!(second.hears(&site), "refused 2 not-primary");
    let agent = "ada".to_owned();
    first.ask(
        &site,
        3,
        Request::LogIn(LogIn {
            agent: agent.clone(),
            dn,
        }),
    );
    assert_eq!(first.hears(&site), "ada 1001 not-ready Some(3)");
    let state = "ready".to_owned();
    first.ask(
        &site,
        4,
        Request::SetAgentState(SetAgentState { agent, state }),
    );
    assert_eq!(first.hears(&site), "ada 1001 ready Some(4)");
    let picture = site.picture().expect("the SCS answers");
    send(pid(&picture, PRIMARY), Signal::KILL);
    assert_eq!(second.hears(&site), "Primary");
    assert_eq!(second.hears(&site), "ada 1001 ready None");
    site.reach_ok(BACKUP);
}

#[test]
fn registrations_are_there_again_after_both_servers_were_down() {
    let mut site = Site::up(&Wishes::default());
    let at = site.real("10.10.11.103", 5060);
    let register = "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.11.1:5060;branch=z9hG4bK1;rport\r\n\
        From: <sip:1001@x>;tag=1\r\nTo: <sip:1001@x>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\
        Contact: <sip:1001@10.10.11.1:5060>\r\nMax-Forwards: 70\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n";
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.send_to(register.as_bytes(), at).expect("it is sent");
    let registered = |site: &Site| -> Vec<serde_json::Value> {
        let shown = [PRIMARY, BACKUP].map(|name| site.sci_json(&["calls", name]).expect(0).json());
        shown
            .into_iter()
            .map(|it| it["registration_list"][0]["aor"].clone())
            .collect()
    };
    let both = |site: &Site| match registered(site).as_slice() {
        [one, other] if one == "1001" && other == "1001" => Ok(()),
        other => Err(format!("registered: {other:?}")),
    };
    wait_until(BOUND, || both(&site));
    for words in [
        &["stop", BACKUP][..],
        &["stop", PRIMARY, "--no-handover"],
        &["start", PRIMARY],
        &["start", BACKUP],
    ] {
        // One thing at a time: what follows from the one before may still be under way.
        wait_until(BOUND, || match site.sci(words) {
            ran if ran.code == 0 => Ok(()),
            ran => Err(format!("{words:?}: {ran:?}")),
        });
    }
    site.reach_ok(PRIMARY);
    wait_until(BOUND, || both(&site));
}
