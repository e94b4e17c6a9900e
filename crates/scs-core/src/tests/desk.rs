//! The harness: a site of two hosts and one pair, an SCS, and a hand that plays the LCAs and the Message Server.

use super::show::show;
pub(super) use super::site::{site, store_of_epoch_1};
use crate::{ScsCore, ScsIdentity, ScsInput, ScsOutput, StoredState};
use changeover_model::environment::Environment;
use changeover_model::message::{
    AddressObservation, AlarmDetected, AlarmMatch, ApplicationState, FromLca, FromMessageServer,
    HeldOn, LcaOrder, LcaReport, LcaState, LogEvent, LogOrigin, MatchRole, Operator,
    OperatorCommand, OperatorRole, OrderKey, OrderOutcome, PairState, ScriptOutcome, ScriptResult,
    SoleMark, SourceId, SwitchoverRequest,
};
use changeover_model::{
    ApplicationName, ApplicationStatus, ConditionName, Core, Epoch, Incarnation, LogEventId,
    LogLevel, PairName, RequestId, Revision, RunMode, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(super) const A: &str = "SIP_SERVER_PRIMARY";
pub(super) const B: &str = "SIP_SERVER_BACKUP";
pub(super) const VIP: [u8; 4] = [10, 10, 11, 103];

/// A server as its LCA sees it.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) host: &'static str,
    pub(super) state: ApplicationState,
    pub(super) holds: bool,
    pub(super) carrier: bool,
}

pub(super) struct Desk {
    pub(super) core: ScsCore,
    pub(super) now: Timestamp,
    pub(super) servers: BTreeMap<&'static str, Server>,
    /// Writes come back at once.
    pub(super) disk_works: bool,
    pub(super) kept: StoredState,
    /// Hosts whose LCA answers beats.
    pub(super) beating: Vec<&'static str>,
    /// Marks that the LCAs tell of with their state.
    pub(super) soles: Vec<SoleMark>,
    /// Epochs that the last beat to each host supported.
    pub(super) grants: BTreeMap<String, Vec<u64>>,
    orders: Vec<(String, OrderKey, LcaOrder)>,
    /// Who was ordered to be primary, per epoch: never two.
    promoted: BTreeMap<Epoch, ApplicationName>,
    connections: BTreeMap<String, u64>,
    requests: u64,
    events: u64,
    /// What came out and is worth a line, since the last look.
    lines: Vec<String>,
    /// The VIPs of the pair.
    vips: Vec<std::net::IpAddr>,
    /// A VIP that does not come up on a host.
    pub(super) refused: Option<(&'static str, std::net::IpAddr)>,
}

fn server(name: &str, host: &'static str, run_mode: RunMode, epoch: u64) -> Server {
    let mut state = crate::applications::never_started(&name.into(), Timestamp(0));
    state.status = ApplicationStatus::Running;
    state.run_mode = run_mode;
    state.epoch = Epoch(epoch);
    state.incarnation = Incarnation(1);
    state.in_step = true;
    state.reason = String::new();
    Server {
        host,
        state,
        holds: run_mode == RunMode::Primary,
        carrier: true,
    }
}

impl Desk {
    /// An SCS that has its environment, its Message Server, and nothing else yet.
    pub(super) fn started(environment: Environment, kept: StoredState) -> Self {
        let now = Timestamp(1_000_000_000);
        let identity = ScsIdentity {
            version: "test".into(),
            session: 7,
        };
        let mut desk = Self {
            core: ScsCore::new(now, identity, kept.clone()),
            now,
            servers: [
                (A, server(A, "host1", RunMode::Primary, 1)),
                (B, server(B, "host2", RunMode::Backup, 1)),
            ]
            .into_iter()
            .collect(),
            disk_works: true,
            kept,
            beating: Vec::new(),
            soles: Vec::new(),
            grants: BTreeMap::new(),
            orders: Vec::new(),
            promoted: BTreeMap::new(),
            connections: BTreeMap::new(),
            requests: 0,
            events: 0,
            lines: Vec::new(),
            vips: environment.pairs["EAST"]
                .virtual_ips
                .iter()
                .map(|vip| vip.address)
                .collect(),
            refused: None,
        };
        desk.feed(ScsInput::EnvironmentLoaded(Arc::new(environment)));
        desk.feed(ScsInput::MessageServerConnected);
        let revision = Revision(0);
        desk.feed(ScsInput::MessageServerMessage(Box::new(
            FromMessageServer::Hello {
                version: "test".into(),
                revision,
            },
        )));
        desk
    }

    /// Both LCAs have reported: A is primary in epoch 1 with the VIP, B stands by.
    pub(super) fn running() -> Self {
        Self::running_with(site())
    }

    pub(super) fn running_with(environment: Environment) -> Self {
        let mut desk = Self::started(environment, store_of_epoch_1());
        desk.connect("host1");
        desk.connect("host2");
        desk.wait(10);
        desk.seen();
        desk
    }

    pub(super) fn feed(&mut self, input: ScsInput) {
        let mut outputs = Vec::new();
        self.core.handle(self.now, input, &mut outputs);
        self.take(outputs);
    }

    fn take(&mut self, outputs: Vec<ScsOutput>) {
        let mut after = Vec::new();
        for output in outputs {
            if let Some(line) = show(&output) {
                self.lines.push(line);
            }
            match output {
                ScsOutput::ToLca {
                    host,
                    connection,
                    message,
                } => {
                    if let LcaOrder::Beat { sequence, .. } = message.body
                        && self.beating.contains(&host.as_str())
                    {
                        after.push(ScsInput::LcaMessage {
                            host: host.clone(),
                            connection,
                            message: Box::new(FromLca {
                                sent_at: self.now,
                                cause: None,
                                body: LcaReport::BeatAnswered { sequence },
                            }),
                        });
                    }
                    if let LcaOrder::Beat { grants, .. } = &message.body {
                        let epochs = grants.iter().map(|grant| grant.epoch.0).collect();
                        self.grants.insert(host.to_string(), epochs);
                    }
                    self.check_promotion(&message.body);
                    if let Some(key) = key_of(&message.body) {
                        self.orders.push((host.to_string(), key, message.body));
                    }
                }
                ScsOutput::Persist { ticket, changes } => {
                    if self.disk_works {
                        for change in changes {
                            self.kept.apply(change);
                        }
                        after.push(ScsInput::Persisted(ticket));
                    } else {
                        assert!(!changes.is_empty(), "an empty write");
                        after.push(ScsInput::PersistFailed {
                            ticket,
                            reason: "no space left on device".into(),
                        });
                    }
                }
                ScsOutput::CloseLca { .. }
                | ScsOutput::ProbeHost { .. }
                | ScsOutput::ToMessageServer(_)
                | ScsOutput::SendLog(_)
                | ScsOutput::Reply { .. }
                | ScsOutput::SendEmail { .. }
                | ScsOutput::SendSnmpTrap { .. }
                | ScsOutput::RunCommand { .. }
                | ScsOutput::PictureChanged
                | ScsOutput::ReactionChanged(_) => {}
            }
        }
        for input in after {
            self.feed(input);
        }
    }

    /// One primary per epoch, written before it is ordered, and only a server that was Started.
    fn check_promotion(&mut self, order: &LcaOrder) {
        let LcaOrder::SetRunMode {
            key,
            run_mode: RunMode::Primary,
        } = order
        else {
            return;
        };
        let name = key.application.clone();
        let first = self.promoted.entry(key.epoch).or_insert(name.clone());
        assert_eq!(*first, name, "two primaries ordered in epoch {}", key.epoch);
        let reserved = self.kept.pairs[&PairName::from("EAST")].reserved;
        assert!(key.epoch <= reserved, "epoch {} is not on disk", key.epoch);
    }

    /// Lets time pass, with every tick that is due.
    pub(super) fn wait(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        while let Some(due) = self.core.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let mut outputs = Vec::new();
            self.core.tick(self.now, &mut outputs);
            self.take(outputs);
        }
        self.now = until;
    }

    /// The lines since the last look.
    pub(super) fn seen(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Those lines that contain one of these words.
    pub(super) fn seen_of(&mut self, words: &[&str]) -> Vec<String> {
        let mut lines = self.seen();
        lines.retain(|line| words.iter().any(|word| line.contains(word)));
        lines
    }

    pub(super) fn connect(&mut self, host: &'static str) {
        let connection = self.connections.get(host).copied().unwrap_or(0) + 1;
        self.connections.insert(host.to_owned(), connection);
        self.beating.push(host);
        self.feed(ScsInput::LcaConnected {
            host: host.into(),
            connection,
        });
        self.tells_state(host);
    }

    /// The full state, as an LCA answers each Hello.
    pub(super) fn tells_state(&mut self, host: &'static str) {
        let state = self.lca_state(host);
        self.report(host, LcaReport::Hello(state));
    }

    /// The stream and everything else of a host falls silent.
    pub(super) fn silence(&mut self, host: &str) {
        self.beating.retain(|one| *one != host);
    }

    fn lca_state(&self, host: &str) -> LcaState {
        let here: Vec<&Server> = self
            .servers
            .values()
            .filter(|one| one.host == host)
            .collect();
        LcaState {
            host: host.into(),
            version: "test".into(),
            boot: "boot".into(),
            session: 1,
            revision: Revision(1),
            applications: here.iter().map(|one| one.state.clone()).collect(),
            epochs: here
                .iter()
                .map(|one| (PairName::from("EAST"), one.state.epoch))
                .collect(),
            addresses: self.addresses(host),
            scripts: Vec::new(),
            soles: self.soles.clone(),
        }
    }

    fn addresses(&self, host: &str) -> Vec<AddressObservation> {
        let one = self.servers.values().find(|one| one.host == host);
        one.into_iter()
            .flat_map(|one| self.vips.iter().map(move |vip| (one, *vip)))
            .map(|(one, vip)| AddressObservation {
                pair: "EAST".into(),
                address: vip,
                held: (one.holds && self.refused != Some((one.host, vip))).then(|| HeldOn {
                    interface: "eth0".into(),
                    label: Some("eth0:1".into()),
                    prefix: 24,
                }),
                carrier: Some(one.carrier),
            })
            .collect()
    }

    pub(super) fn report(&mut self, host: &str, body: LcaReport) {
        let connection = self.connections.get(host).copied().unwrap_or(0);
        self.feed(ScsInput::LcaMessage {
            host: host.into(),
            connection,
            message: Box::new(FromLca {
                sent_at: self.now,
                cause: None,
                body,
            }),
        });
    }

    /// Changes a server and lets its LCA tell of it.
    pub(super) fn server_is(
        &mut self,
        name: &'static str,
        change: impl FnOnce(&mut ApplicationState),
    ) {
        let now = self.now;
        let Some(server) = self.servers.get_mut(name) else {
            return;
        };
        server.state.since = now;
        change(&mut server.state);
        let (host, state) = (server.host, server.state.clone());
        self.report(host, LcaReport::ApplicationChanged(state));
    }

    pub(super) fn dies(&mut self, name: &'static str) {
        self.server_is(name, |state| {
            state.status = ApplicationStatus::Stopped;
            state.stopped_as_asked = false;
            state.run_mode = RunMode::Unknown;
        });
    }

    /// Who holds the VIP, as both LCAs see it now.
    pub(super) fn vip_on(&mut self, host: &'static str, held: bool) {
        for server in self.servers.values_mut() {
            if server.host == host {
                server.holds = held;
            }
        }
        let addresses = self.addresses(host);
        self.report(host, LcaReport::AddressesObserved(addresses));
    }

    pub(super) fn carrier_on(&mut self, host: &'static str, carrier: bool) {
        for server in self.servers.values_mut() {
            if server.host == host {
                server.carrier = carrier;
            }
        }
        let addresses = self.addresses(host);
        self.report(host, LcaReport::AddressesObserved(addresses));
    }

    pub(super) fn take_order(
        &mut self,
        wanted: impl Fn(&OrderKey, &LcaOrder) -> bool,
    ) -> (String, OrderKey, LcaOrder) {
        let index = self
            .orders
            .iter()
            .rposition(|(_, key, order)| wanted(key, order))
            .expect("the order was given");
        self.orders.remove(index)
    }

    /// Host and key of the hook that was ordered last with this command.
    pub(super) fn hook_ordered(&mut self, command: &str) -> (String, OrderKey) {
        let (host, key, _) = self.take_order(
            |_, order| matches!(order, LcaOrder::RunHook { hook, .. } if hook.command == command),
        );
        (host, key)
    }

    /// The application obeys its last run-mode order: acknowledgement, then its event.
    pub(super) fn obeys(&mut self, name: &'static str) {
        self.acknowledges(name);
        self.logs(name);
    }

    pub(super) fn acknowledges(&mut self, name: &'static str) {
        let (host, key, order) = self.take_order(|key, order| {
            key.application.as_str() == name && matches!(order, LcaOrder::SetRunMode { .. })
        });
        let LcaOrder::SetRunMode { run_mode, .. } = order else {
            return;
        };
        let epoch = key.epoch;
        let incarnation = Incarnation(1);
        self.server_is(name, |state| {
            state.run_mode = run_mode;
            state.epoch = epoch;
        });
        let outcome = OrderOutcome::Done { incarnation };
        self.report(&host, LcaReport::OrderAnswered { key, outcome });
    }

    /// Its event comes through the Message Server.
    pub(super) fn logs(&mut self, name: &'static str) {
        let state = &self.servers[name].state;
        let id = if state.run_mode == RunMode::Primary {
            4563
        } else {
            4561
        };
        let short = if name == A { "A" } else { "B" };
        let epoch = Some(state.epoch);
        self.events += 1;
        let event = LogEvent {
            source: SourceId(format!("{name}/1").into()),
            sequence: self.events,
            application: name.into(),
            host: Some(self.servers[name].host.into()),
            id: LogEventId(id),
            level: LogLevel::Standard,
            text: "mode activated".into(),
            at: self.now,
            epoch,
            cause: None,
            origin: LogOrigin::Application,
        };
        self.detected(event, short);
    }

    pub(super) fn detected(&mut self, event: LogEvent, short: &str) {
        let condition = ConditionName::from(format!("ALRM_{short}_{}", event.id));
        self.feed(ScsInput::MessageServerMessage(Box::new(
            FromMessageServer::AlarmDetected(AlarmDetected {
                event,
                matches: vec![AlarmMatch {
                    condition,
                    role: MatchRole::Detect,
                }],
                matched_at: self.now,
            }),
        )));
    }

    /// A control script that was launched runs well: the address follows it.
    pub(super) fn script_runs(&mut self, script: &str) {
        let (host, key, _) = self.take_order(|key, order| {
            key.application.as_str() == script && matches!(order, LcaOrder::StartApplication { .. })
        });
        let host: &'static str = if host == "host1" { "host1" } else { "host2" };
        let incarnation = Incarnation(1);
        self.report(
            host,
            LcaReport::OrderAnswered {
                key: key.clone(),
                outcome: OrderOutcome::Done { incarnation },
            },
        );
        self.vip_on(host, script.ends_with("UP"));
        self.report(
            host,
            LcaReport::ControlScriptFinished {
                key,
                outcome: ScriptOutcome {
                    result: ScriptResult::Succeeded,
                    exit: None,
                    duration: Duration::from_millis(3),
                    observed: "as wanted".into(),
                    output: String::new(),
                },
            },
        );
    }

    /// A control script was ordered and has not been answered for.
    pub(super) fn was_launched(&self, script: &str) -> bool {
        self.orders.iter().any(|(_, key, order)| {
            key.application.as_str() == script && matches!(order, LcaOrder::StartApplication { .. })
        })
    }

    /// A run mode was ordered and has not been answered for.
    pub(super) fn was_ordered(&self, name: &str) -> bool {
        self.orders.iter().any(|(_, key, order)| {
            key.application.as_str() == name && matches!(order, LcaOrder::SetRunMode { .. })
        })
    }

    /// A control script that was launched does not bring one of the VIPs up, and says so.
    pub(super) fn script_leaves_one_out(&mut self, script: &str) {
        let (host, key, _) = self.take_order(|key, order| {
            key.application.as_str() == script && matches!(order, LcaOrder::StartApplication { .. })
        });
        let host: &'static str = if host == "host1" { "host1" } else { "host2" };
        self.vip_on(host, true);
        self.report(
            host,
            LcaReport::ControlScriptFinished {
                key,
                outcome: ScriptOutcome {
                    result: ScriptResult::Failed,
                    exit: None,
                    duration: Duration::from_millis(3),
                    observed: "one is missing".into(),
                    output: String::new(),
                },
            },
        );
    }

    pub(super) fn asks(&mut self, command: OperatorCommand) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.feed(ScsInput::OperatorRequested {
            request,
            operator: Operator {
                name: "root@laptop".into(),
                role: OperatorRole::Operator,
            },
            command,
        });
        request
    }

    pub(super) fn switchover(&mut self) {
        self.asks(switchover_to(None));
    }

    pub(super) fn state(&self) -> PairState {
        self.pair().state
    }

    pub(super) fn pair(&self) -> changeover_model::message::PairPicture {
        let picture = self.core.picture(self.now).expect("an environment");
        picture.pairs.into_iter().next().expect("one pair")
    }

    /// The newest record of the pair: kind, outcome and its entries as `who: what`.
    pub(super) fn story(&self) -> (String, Vec<String>) {
        let record = self
            .core
            .find_record("EAST")
            .expect("the pair has a record");
        let outcome = record
            .outcome
            .map_or("under way".to_owned(), |outcome| format!("{outcome:?}"));
        let entries = record
            .entries
            .iter()
            .map(|entry| format!("{}: {}", entry.who, entry.what))
            .collect();
        (format!("{:?} {outcome}", record.kind), entries)
    }
}

pub(super) fn switchover_to(to: Option<&str>) -> OperatorCommand {
    OperatorCommand::Switchover(SwitchoverRequest {
        pair: "EAST".into(),
        to: to.map(str::to_owned),
        reason: String::new(),
        dry_run: false,
        force: false,
    })
}

fn key_of(order: &LcaOrder) -> Option<OrderKey> {
    match order {
        LcaOrder::StartApplication { key, .. }
        | LcaOrder::StopApplication { key, .. }
        | LcaOrder::SetRunMode { key, .. }
        | LcaOrder::ReleaseAddresses { key }
        | LcaOrder::AnnounceAddresses { key }
        | LcaOrder::ExecuteCommand { key, .. }
        | LcaOrder::RunHook { key, .. } => Some(key.clone()),
        LcaOrder::Hello { .. }
        | LcaOrder::Beat { .. }
        | LcaOrder::Configure(_)
        | LcaOrder::IntendPair { .. }
        | LcaOrder::ChangeOption { .. }
        | LcaOrder::RequestVote { .. }
        | LcaOrder::MarkSole { .. }
        | LcaOrder::HandedOver => None,
    }
}
