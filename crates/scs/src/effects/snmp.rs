//! SNMP v2c traps (RFC 3416) by UDP: one per reaction, not acknowledged by anybody.
//!
//! Names: `ROOT` = 1.3.6.1.4.1.8072.9999.9999, the arc that Net-SNMP keeps free for everybody's own use (the
//! project has no enterprise number). The notification is `ROOT.0.1`; its objects are `ROOT.1.1` alarm number,
//! `.2` condition, `.3` category, `.4` application, `.5` host, `.6` log event ID, `.7` text.

use changeover_reaction_engine::Trap;
use rasn::types::{Integer, ObjectIdentifier};
use rasn_smi::v1::TimeTicks;
use rasn_smi::v2::{ApplicationSyntax, ObjectSyntax, SimpleSyntax};
use rasn_snmp::v2::{Pdu, Trap as TrapPdu, VarBind, VarBindValue};
use rasn_snmp::v2c::Message;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use tokio::net::UdpSocket;

const ROOT: [u32; 9] = [1, 3, 6, 1, 4, 1, 8072, 9999, 9999];
const SYS_UP_TIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];
const SNMP_TRAP_OID: [u32; 11] = [1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// For name look-up and sending.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a trap did not go out.
#[derive(Debug, thiserror::Error)]
pub(super) enum TrapError {
    /// The receiver's name has no address.
    #[error("'{target}' of management_layer.snmp.target has no address: {reason}")]
    Target {
        /// As configured.
        target: String,
        /// Why not.
        reason: String,
    },
    /// The trap cannot be encoded.
    #[error("the trap cannot be encoded: {0}")]
    Encode(String),
    /// It could not be sent.
    #[error("the trap to {target} was not sent: {source}")]
    Send {
        /// The receiver.
        target: SocketAddr,
        /// What happened.
        source: std::io::Error,
    },
}

/// Sends a trap.
pub(super) async fn send(trap: Trap) -> Result<String, TrapError> {
    let target = resolved(&trap.snmp.target).await?;
    let datagram = encoded(&trap, host_uptime())?;
    transmitted(target, &datagram)
        .await
        .map_err(|source| TrapError::Send { target, source })?;
    Ok(format!("sent to {target}; nobody acknowledges traps"))
}

async fn resolved(target: &str) -> Result<SocketAddr, TrapError> {
    let failed = |reason: String| TrapError::Target {
        target: target.to_owned(),
        reason,
    };
    match tokio::time::timeout(TIMEOUT, tokio::net::lookup_host(target)).await {
        Ok(Ok(mut addresses)) => addresses
            .next()
            .ok_or_else(|| failed("the name is known without one".to_owned())),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {} s", TIMEOUT.as_secs()))),
    }
}

async fn transmitted(target: SocketAddr, datagram: &[u8]) -> std::io::Result<()> {
    let own = match (target.ip(), target.ip().is_loopback()) {
        (IpAddr::V4(_), true) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        (IpAddr::V4(_), false) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        (IpAddr::V6(_), true) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        (IpAddr::V6(_), false) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((own, 0)).await?;
    socket.send_to(datagram, target).await?;
    Ok(())
}

fn encoded(trap: &Trap, uptime: u32) -> Result<Vec<u8>, TrapError> {
    static NEXT_REQUEST: AtomicI32 = AtomicI32::new(1);
    let notification = ObjectSyntax::Simple(SimpleSyntax::ObjectId(name(&ROOT, &[0, 1])));
    let ticks = ObjectSyntax::ApplicationWide(ApplicationSyntax::Ticks(TimeTicks(uptime)));
    let shown = |text: Option<String>| text.unwrap_or_default();
    let texts = [
        (2, shown(trap.condition.as_ref().map(ToString::to_string))),
        (3, shown(trap.category.map(|category| category.to_string()))),
        (4, shown(trap.application.as_ref().map(ToString::to_string))),
        (5, shown(trap.host.as_ref().map(ToString::to_string))),
        (6, shown(trap.event.map(|event| event.wire_form()))),
        (7, trap.text.clone()),
    ];
    let alarm = trap.alarm.map_or(0, |alarm| alarm.0);
    let mut bindings = vec![
        binding(name(&SYS_UP_TIME, &[]), ticks),
        binding(name(&SNMP_TRAP_OID, &[]), notification),
        binding(
            name(&ROOT, &[1, 1]),
            ObjectSyntax::Simple(SimpleSyntax::Integer(Integer::from(alarm))),
        ),
    ];
    bindings.extend(texts.into_iter().map(|(number, text)| {
        let bytes = text.into_bytes();
        binding(
            name(&ROOT, &[1, number]),
            ObjectSyntax::Simple(SimpleSyntax::String(bytes.into())),
        )
    }));
    let message = Message {
        version: Integer::from(Message::<TrapPdu>::VERSION),
        community: trap.snmp.community.as_bytes().to_vec().into(),
        data: TrapPdu(Pdu {
            request_id: NEXT_REQUEST.fetch_add(1, Ordering::Relaxed),
            error_status: Pdu::ERROR_STATUS_NO_ERROR,
            error_index: 0,
            variable_bindings: bindings,
        }),
    };
    rasn::ber::encode(&message).map_err(|error| TrapError::Encode(error.to_string()))
}

fn name(arc: &[u32], below: &[u32]) -> ObjectIdentifier {
    let arcs: Vec<u32> = arc.iter().chain(below).copied().collect();
    ObjectIdentifier::new_unchecked(arcs.into())
}

fn binding(name: ObjectIdentifier, value: ObjectSyntax) -> VarBind {
    VarBind {
        name,
        value: VarBindValue::Value(value),
    }
}

/// Hundredths of a second that the host is up, as sysUpTime counts them (it wraps after 497 days); 0 where the
/// kernel does not tell.
fn host_uptime() -> u32 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let (seconds, rest) = text.split_once('.').unwrap_or(("0", "0"));
    let hundredths: u64 = rest.get(..2).and_then(|two| two.parse().ok()).unwrap_or(0);
    let total = seconds.parse::<u64>().unwrap_or(0) * 100 + hundredths;
    u32::try_from(total % (1 << 32)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_model::environment::{AlarmCategory, Snmp};
    use changeover_model::{AlarmId, LogEventId};

    fn trap(target: String) -> Trap {
        Trap {
            snmp: Snmp {
                target,
                community: "public".into(),
            },
            alarm: Some(AlarmId(41)),
            condition: Some("ALRM_PRIMARY_4561_HABackup".into()),
            category: Some(AlarmCategory::Critical),
            application: Some("SIP_SERVER_PRIMARY".into()),
            host: Some("host1".into()),
            event: Some(LogEventId(4561)),
            text: "Hot Standby (backup) mode activated".into(),
        }
    }

    #[tokio::test]
    async fn the_receiver_gets_a_v2c_trap_with_uptime_name_and_objects() {
        let receiver = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let target = receiver.local_addr().expect("bound");
        let sent = send(trap(target.to_string())).await;
        assert_eq!(
            sent.map_err(|error| error.to_string()),
            Ok(format!("sent to {target}; nobody acknowledges traps"))
        );
        let mut buffer = [0; 2048];
        let length = receiver.recv(&mut buffer).await.expect("a datagram");
        let message: Message<TrapPdu> = rasn::ber::decode(&buffer[..length]).expect("a v2c trap");
        assert_eq!(message.version, Integer::from(1));
        assert_eq!(&message.community[..], b"public");
        let bindings = &message.data.0.variable_bindings;
        assert_eq!(bindings[0].name, name(&SYS_UP_TIME, &[]));
        let values: Vec<String> = bindings[1..]
            .iter()
            .map(|binding| match &binding.value {
                VarBindValue::Value(ObjectSyntax::Simple(SimpleSyntax::String(bytes))) => {
                    String::from_utf8_lossy(bytes).into_owned()
                }
                VarBindValue::Value(ObjectSyntax::Simple(SimpleSyntax::Integer(number))) => {
                    number.to_string()
                }
                other => format!(
                    "{}",
                    *other
                        == VarBindValue::Value(ObjectSyntax::Simple(SimpleSyntax::ObjectId(name(
                            &ROOT,
                            &[0, 1]
                        )),))
                ),
            })
            .collect();
        assert_eq!(
            values,
            [
                "true",
                "41",
                "ALRM_PRIMARY_4561_HABackup",
                "Critical",
                "SIP_SERVER_PRIMARY",
                "host1",
                "00-04561",
                "Hot Standby (backup) mode activated"
            ]
        );
    }

    #[tokio::test]
    async fn a_target_without_a_port_is_named() {
        let why = send(trap("127.0.0.1".into()))
            .await
            .expect_err("no port")
            .to_string();
        assert!(
            why.starts_with("'127.0.0.1' of management_layer.snmp.target has no address: "),
            "{why}"
        );
    }
}
