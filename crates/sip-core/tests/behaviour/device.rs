//! A pair behind a network device, which asks both servers by OPTIONS who is primary.

use changeover_model::{Core as _, Epoch, RunMode, Timestamp};
use changeover_sip_core::{Message, SipConfig, SipCore, SipInput, SipOutput, Transport};
use std::net::SocketAddr;

const DEVICE: &str = "10.0.0.104:5070";

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// The status codes with which a server in this run mode answers a request.
fn answers(run_mode: RunMode, method: &str, from: &str) -> Vec<u16> {
    let mut config = SipConfig::new("S", at("10.0.0.100:5060"));
    config.network_device = true;
    config.device = Some(at(DEVICE).ip());
    config.hot = false;
    let mut core = SipCore::new(config);
    let mut outputs = Vec::new();
    let epoch = Epoch(1);
    core.handle(
        Timestamp(1),
        SipInput::SetRunMode { run_mode, epoch },
        &mut outputs,
    );
    outputs.clear();
    let request = Message::request(method, "sip:10.0.0.101:5060")
        .with("Via", format!("SIP/2.0/UDP {from};branch=z9hG4bK-1;rport"))
        .with("Max-Forwards", "70")
        .with("From", "<sip:device@10.0.0.104>;tag=1")
        .with("To", "<sip:10.0.0.101:5060>")
        .with("Call-ID", "1@device")
        .with("CSeq", format!("1 {method}"));
    let received = SipInput::Received {
        transport: Transport::Udp,
        from: at(from),
        bytes: request.to_bytes(),
    };
    core.handle(Timestamp(2), received, &mut outputs);
    outputs
        .iter()
        .filter_map(|output| match output {
            SipOutput::Send { to, bytes } => {
                assert_eq!(to.address, at(from), "to who asked");
                Message::read(bytes)?.code()
            }
            _ => None,
        })
        .collect()
}

#[test]
fn the_primary_answers_the_device_with_200_and_the_backup_with_503_so_that_it_is_not_chosen() {
    assert_eq!(answers(RunMode::Primary, "OPTIONS", DEVICE), [200]);
    assert_eq!(answers(RunMode::Backup, "OPTIONS", DEVICE), [503]);
}

#[test]
fn a_backup_says_nothing_to_anybody_else_and_nothing_but_that() {
    assert!(answers(RunMode::Backup, "OPTIONS", "10.0.0.9:5060").is_empty());
    assert!(answers(RunMode::Backup, "MESSAGE", DEVICE).is_empty());
    assert!(answers(RunMode::Unknown, "OPTIONS", DEVICE).is_empty());
}
