//! What arrives at an end of a connection, and which input it becomes there.

use super::event::{Connection, Dial, End, Payload};
use super::{HostIndex, Life, World};
use changeover_lca_core::{ConnectionId as LcaConnection, LcaInput};
use changeover_message_server_core::{ConnectionId as MessageServerConnection, Input};
use changeover_scs_core::{LinkLoss, ScsInput};

/// The SCS speaks with the Message Server over two streams that live and die together.
pub(crate) fn alarm_stream(connection: Connection) -> MessageServerConnection {
    MessageServerConnection(2 * connection)
}

pub(crate) fn log_stream(connection: Connection) -> MessageServerConnection {
    MessageServerConnection(2 * connection + 1)
}

impl World {
    /// Something arrives at a side of a connection, if both are still there.
    pub(crate) fn arrive(&mut self, connection: Connection, side: usize, payload: Payload) {
        let Some(link) = self.link(connection) else {
            return;
        };
        let (end, dial, up) = (link.ends[side], link.dial, link.up);
        let lost = link.reset && !matches!(payload, Payload::Closed(_));
        if !link.open[side] || lost || !self.is_alive(end) {
            return;
        }
        if let Payload::Closed(loss) = payload {
            self.mark_closed(connection, side);
            self.closed(connection, end, dial, up, loss);
            self.forget_closed(connection);
            return;
        }
        match end {
            End::Scs(life) => self.arrive_at_scs(connection, life, dial, payload),
            End::Lca(host, life) => self.arrive_at_lca(connection, host, life, dial, payload),
            End::MessageServer(life) => {
                self.arrive_at_message_server(connection, life, dial, payload);
            }
            End::Server(host, run) => {
                if matches!(payload, Payload::Opened) {
                    self.connection_stands(connection);
                }
                self.arrive_at_server(host, run, connection, payload);
            }
        }
    }

    fn closed(&mut self, connection: Connection, end: End, dial: Dial, up: bool, loss: LinkLoss) {
        match end {
            End::Scs(life) => {
                if !up {
                    self.dial_failed(dial, LinkLoss::Refused);
                    return;
                }
                if let Dial::ScsToLca(_, host) = dial {
                    self.scs.links.remove(&host);
                    let host = self.hosts[host].name.clone();
                    let input = ScsInput::LcaDisconnected {
                        host,
                        connection,
                        loss,
                    };
                    self.scs_input(life, input);
                } else {
                    self.scs.message_server = None;
                    self.scs_input(life, ScsInput::MessageServerDisconnected);
                }
                self.dial_again(dial);
            }
            End::Lca(host, life) if matches!(dial, Dial::LcaToLca(..)) => {
                self.peer_closed(connection, host, life, dial, up);
            }
            End::Lca(host, life) => {
                let number = LcaConnection(connection);
                let input = if matches!(dial, Dial::ScsToLca(..)) {
                    LcaInput::ScsDisconnected { connection: number }
                } else {
                    LcaInput::ApplicationDisconnected { connection: number }
                };
                self.lca_input(host, life, input);
            }
            End::MessageServer(life) => self.message_server_lost(connection, life, dial),
            End::Server(host, run) => self.server_lost(host, run, connection, dial),
        }
    }

    /// A witness link is gone, at one of its ends.
    fn peer_closed(
        &mut self,
        connection: Connection,
        host: HostIndex,
        life: Life,
        dial: Dial,
        up: bool,
    ) {
        let Dial::LcaToLca(from, _, to) = dial else {
            return;
        };
        let number = LcaConnection(connection);
        let peer = |other: HostIndex| self.hosts[other].name.clone();
        if host != from {
            let (peer, connection) = (peer(from), number);
            let input = LcaInput::WitnessDisconnected { peer, connection };
            self.lca_input(host, life, input);
            return;
        }
        if up {
            let (peer, connection) = (peer(to), number);
            let input = LcaInput::PeerDisconnected { peer, connection };
            self.lca_input(host, life, input);
        }
        self.dial_again(dial);
    }

    fn arrive_at_peer(
        &mut self,
        connection: Connection,
        host: HostIndex,
        life: Life,
        between: (HostIndex, HostIndex),
        payload: Payload,
    ) {
        let (from, to) = between;
        let number = LcaConnection(connection);
        let name = |other: HostIndex| self.hosts[other].name.clone();
        let input = match payload {
            Payload::Opened if host == from => {
                let peer = name(to);
                self.connection_stands(connection);
                LcaInput::PeerConnected {
                    peer,
                    connection: number,
                }
            }
            Payload::Opened => {
                self.connection_accepted(connection);
                self.send(connection, 0, Payload::Opened);
                return;
            }
            Payload::ToPeer(message) => LcaInput::WitnessMessage {
                peer: name(from),
                connection: number,
                message: *message,
            },
            Payload::FromPeer(message) => LcaInput::PeerMessage {
                peer: name(to),
                connection: number,
                message: *message,
            },
            Payload::Closed(_)
            | Payload::ToLca(_)
            | Payload::FromLca(_)
            | Payload::ToMessageServer(_)
            | Payload::FromMessageServer(_)
            | Payload::Log(_)
            | Payload::LogAcknowledged(_)
            | Payload::ToApplication(_)
            | Payload::FromApplication(_) => return,
        };
        self.lca_input(host, life, input);
    }

    fn message_server_lost(&mut self, connection: Connection, life: Life, dial: Dial) {
        if matches!(dial, Dial::ScsToMessageServer(_)) {
            let alarms = Input::ScsDisconnected {
                connection: alarm_stream(connection),
            };
            self.message_server_input(life, alarms);
        }
        let log = Input::SenderDisconnected {
            connection: log_stream(connection),
        };
        self.message_server_input(life, log);
    }

    fn arrive_at_scs(&mut self, connection: Connection, life: Life, dial: Dial, payload: Payload) {
        let input = match (dial, payload) {
            (Dial::ScsToLca(_, host), Payload::Opened) => {
                self.connection_stands(connection);
                self.scs.links.insert(host, connection);
                ScsInput::LcaConnected {
                    host: self.hosts[host].name.clone(),
                    connection,
                }
            }
            (Dial::ScsToLca(_, host), Payload::FromLca(message)) => {
                self.invariants.outcome_arrived(&message);
                ScsInput::LcaMessage {
                    host: self.hosts[host].name.clone(),
                    connection,
                    message,
                }
            }
            (_, Payload::Opened) => {
                self.connection_stands(connection);
                self.scs.message_server = Some(connection);
                self.scs.greeted = false;
                ScsInput::MessageServerConnected
            }
            (_, Payload::FromMessageServer(message)) => ScsInput::MessageServerMessage(message),
            (_, Payload::LogAcknowledged(acknowledged)) => {
                self.invariants.acknowledged(life, &acknowledged);
                ScsInput::LogAcknowledged(acknowledged)
            }
            _ => return,
        };
        self.scs_input(life, input);
    }

    fn arrive_at_lca(
        &mut self,
        connection: Connection,
        host: HostIndex,
        life: Life,
        dial: Dial,
        payload: Payload,
    ) {
        if let Dial::LcaToLca(from, _, to) = dial {
            self.arrive_at_peer(connection, host, life, (from, to), payload);
            return;
        }
        let number = LcaConnection(connection);
        let input = match (dial, payload) {
            (Dial::ScsToLca(..), Payload::Opened) => LcaInput::ScsConnected { connection: number },
            (Dial::ServerToLca(_, run), Payload::Opened) => {
                let process = self.hosts[host].processes.get(&run);
                LcaInput::ApplicationConnected {
                    connection: number,
                    pid: process.map_or(0, |process| process.pid),
                    of_run: process.map(|_| changeover_lca_core::RunId(run)),
                }
            }
            (_, Payload::ToLca(message)) => LcaInput::ScsMessage {
                connection: number,
                message: *message,
            },
            (_, Payload::FromApplication(message)) => LcaInput::ApplicationMessage {
                connection: number,
                message: *message,
            },
            _ => return,
        };
        let opened = matches!(
            input,
            LcaInput::ScsConnected { .. } | LcaInput::ApplicationConnected { .. }
        );
        if opened {
            self.connection_accepted(connection);
            self.send(connection, 0, Payload::Opened);
        }
        self.lca_input(host, life, input);
    }

    fn arrive_at_message_server(
        &mut self,
        connection: Connection,
        life: Life,
        dial: Dial,
        payload: Payload,
    ) {
        let input = match payload {
            Payload::Opened => {
                self.send(connection, 0, Payload::Opened);
                if !matches!(dial, Dial::ScsToMessageServer(_)) {
                    return;
                }
                Input::ScsConnected {
                    connection: alarm_stream(connection),
                }
            }
            Payload::ToMessageServer(message) => Input::ScsMessage {
                connection: alarm_stream(connection),
                message: *message,
            },
            Payload::Log(batch) => Input::BatchReceived {
                connection: log_stream(connection),
                batch,
            },
            Payload::Closed(_)
            | Payload::ToLca(_)
            | Payload::FromLca(_)
            | Payload::FromMessageServer(_)
            | Payload::LogAcknowledged(_)
            | Payload::ToApplication(_)
            | Payload::ToPeer(_)
            | Payload::FromPeer(_)
            | Payload::FromApplication(_) => return,
        };
        self.message_server_input(life, input);
    }
}
