//! The core itself: its state, who gets which input, one timer table. What is done about an input stands in the
//! file of its situation; what may leave, and when, in `commit.rs`.

use crate::call::{Call, Leg, LegId};
use crate::checks::Checks;
use crate::clients::Clients;
use crate::commit::{Behind, Held, Outgoing};
use crate::config::SipConfig;
use crate::ids::{CallKey, Ids};
use crate::inputs::SipInput;
use crate::limits::{Budget, Counters};
use crate::message::Message;
use crate::message::parse::{Parsed, parse};
use crate::message::via;
use crate::net::{Peer, Transport};
use crate::outputs::{SipOutput, Standing};
use crate::registrar::Registrar;
use crate::sync::SyncState;
use crate::transactions::{ClientRecord, ServerRecord};
use crate::watch::Watch;
use changeover_model::{Core, Epoch, RunMode, TimerTable, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// What a deadline is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The earliest deadline of a call.
    Call(CallKey),
    /// A non-INVITE server transaction is forgotten.
    Server(String),
    /// A non-INVITE client transaction repeats or gives up.
    Client(String),
    /// A binding of this address of record runs out.
    Bindings(String),
    /// The backup has not acknowledged for the commit wait.
    Commit,
    /// The HA link is polled.
    Beat,
    /// The HA link has been silent for its time.
    LinkSilent,
    /// SIP traffic monitoring.
    Watch,
    /// Active out-of-service detection of a DN.
    Check(String),
    /// A client has gone and has not come back.
    Absent(String),
}

/// A call with what is not replicated.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) call: Box<Call>,
    /// Number of its latest record: nothing of it leaves before that is acknowledged.
    pub(crate) recorded: u64,
}

/// The deciding part of a SIP Server.
#[derive(Clone, Debug)]
pub struct SipCore {
    pub(crate) config: SipConfig,
    pub(crate) now: Timestamp,
    pub(crate) outputs: Vec<SipOutput>,
    pub(crate) run_mode: RunMode,
    pub(crate) epoch: Epoch,
    pub(crate) ids: Ids,
    pub(crate) calls: BTreeMap<CallKey, Entry>,
    /// How many of them are over, and only remembered.
    pub(crate) tombstones: usize,
    /// Local tag of each leg.
    pub(crate) dialogs: BTreeMap<String, (CallKey, LegId)>,
    pub(crate) invite_servers: BTreeMap<String, (CallKey, LegId)>,
    pub(crate) invite_clients: BTreeMap<String, (CallKey, LegId)>,
    /// Requests outside of a dialog whose transactions live, by what is the same on every way they may have come.
    pub(crate) origins: BTreeSet<String>,
    pub(crate) servers: BTreeMap<String, ServerRecord>,
    pub(crate) clients: BTreeMap<String, ClientRecord>,
    pub(crate) registrar: Registrar,
    pub(crate) audience: Clients,
    pub(crate) sync: SyncState,
    pub(crate) watch: Watch,
    pub(crate) checks: Checks,
    pub(crate) timers: TimerTable<Timer>,
    pub(crate) changed: BTreeSet<CallKey>,
    pub(crate) changed_bindings: BTreeSet<String>,
    pub(crate) gone: Vec<CallKey>,
    pub(crate) pending: Vec<(Behind, Outgoing)>,
    pub(crate) held: Held,
    pub(crate) refusals: Budget,
    pub(crate) counters: Counters,
    pub(crate) told: Option<Standing>,
}

impl SipCore {
    /// A server that has no run mode yet and holds nothing.
    pub fn new(config: SipConfig) -> Self {
        Self {
            ids: Ids::new(config.node, config.seed),
            watch: Watch::new(&config),
            checks: Checks::new(&config),
            refusals: Budget::new(config.limits.refusals_per_second),
            sync: SyncState::new(&config),
            now: Timestamp::default(),
            outputs: Vec::new(),
            run_mode: RunMode::Unknown,
            epoch: Epoch(0),
            calls: BTreeMap::new(),
            tombstones: 0,
            dialogs: BTreeMap::new(),
            invite_servers: BTreeMap::new(),
            invite_clients: BTreeMap::new(),
            origins: BTreeSet::new(),
            servers: BTreeMap::new(),
            clients: BTreeMap::new(),
            registrar: Registrar::default(),
            audience: Clients::default(),
            timers: TimerTable::default(),
            changed: BTreeSet::new(),
            changed_bindings: BTreeSet::new(),
            gone: Vec::new(),
            pending: Vec::new(),
            held: Held::default(),
            counters: Counters::default(),
            told: None,
            config,
        }
    }

    pub(crate) fn is_primary(&self) -> bool {
        self.run_mode == RunMode::Primary
    }

    pub(crate) fn emit(&mut self, output: SipOutput) {
        self.outputs.push(output);
    }

    pub(crate) fn note(&mut self, important: bool, text: String) {
        self.emit(SipOutput::Noted { important, text });
    }

    /// Sends a message once what stands behind it is safe.
    pub(crate) fn send(&mut self, behind: Behind, to: Peer, bytes: Vec<u8>) {
        self.pending.push((behind, Outgoing::Sip(to, bytes)));
    }

    /// Works on a call, which is taken out of the core meanwhile.
    pub(crate) fn with_call<R>(
        &mut self,
        key: CallKey,
        act: impl FnOnce(&mut Self, &mut Call) -> R,
    ) -> Option<R> {
        let mut entry = self.calls.remove(&key)?;
        let result = act(self, &mut entry.call);
        self.keep(entry);
        Some(result)
    }

    /// Puts a call (back) into the core: indexes, deadline, and the record for the backup.
    pub(crate) fn keep(&mut self, mut entry: Entry) {
        let key = entry.call.key;
        self.settle(&mut entry.call);
        if std::mem::take(&mut entry.call.dirty) {
            self.changed.insert(key);
        }
        self.index(&entry.call);
        self.arm_call(&entry.call);
        self.calls.insert(key, entry);
    }

    pub(crate) fn arm_call(&mut self, call: &Call) {
        let deadline = call.deadline().filter(|_| self.is_primary());
        match deadline {
            Some(at) => self.timers.set(Timer::Call(call.key), at),
            None => {
                self.timers.cancel(&Timer::Call(call.key));
            }
        }
    }

    pub(crate) fn index(&mut self, call: &Call) {
        for leg in &call.legs {
            let at = (call.key, leg.id);
            if !self.dialogs.contains_key(&leg.local_tag) {
                self.dialogs.insert(leg.local_tag.clone(), at);
            }
            for server in &leg.servers {
                if !self.invite_servers.contains_key(&server.key) {
                    self.invite_servers.insert(server.key.clone(), at);
                    self.origins.insert(leg.origin_of(server));
                }
            }
            for client in &leg.clients {
                if !self.invite_clients.contains_key(&client.branch) {
                    self.invite_clients.insert(client.branch.clone(), at);
                }
            }
        }
    }

    pub(crate) fn unindex(&mut self, call: &Call) {
        for leg in &call.legs {
            self.unindex_leg(leg);
        }
    }

    pub(crate) fn unindex_leg(&mut self, leg: &Leg) {
        self.dialogs.remove(&leg.local_tag);
        for server in &leg.servers {
            self.invite_servers.remove(&server.key);
            self.origins.remove(&leg.origin_of(server));
        }
        for client in &leg.clients {
            self.invite_clients.remove(&client.branch);
        }
    }

    /// A call is taken out, for good or for a newer picture of it.
    pub(crate) fn let_go(&mut self, call: &Call) {
        if call.forget_at.is_some() {
            self.tombstones = self.tombstones.saturating_sub(1);
        }
        self.unindex(call);
    }

    /// True if no further call is taken.
    pub(crate) fn is_full(&self) -> bool {
        let (kept, limits) = (self.calls.len(), &self.config.limits);
        kept >= limits.kept_calls || kept.saturating_sub(self.tombstones) >= limits.calls
    }

    /// Removes a call for good.
    pub(crate) fn forget_call(&mut self, key: CallKey) {
        if let Some(entry) = self.calls.remove(&key) {
            self.let_go(&entry.call);
            self.changed.remove(&key);
            self.gone.push(key);
        }
        self.timers.cancel(&Timer::Call(key));
    }

    fn take_input(&mut self, input: SipInput) {
        match input {
            SipInput::Received {
                transport,
                from,
                bytes,
            } => self.received(transport, from, &bytes),
            SipInput::SendFailed { to } => self.send_failed(to),
            SipInput::SetRunMode { run_mode, epoch } => self.set_run_mode(run_mode, epoch),
            SipInput::SyncConnected { link, dialled } => self.sync_connected(link, dialled),
            SipInput::SyncReceived { link, message } => self.sync_received(link, message),
            SipInput::SyncDisconnected { link } => self.sync_disconnected(link),
            SipInput::SyncUnreachable => self.sync_unreachable(),
            SipInput::ContactsKept { contacts } => self.contacts_kept(contacts),
            SipInput::ClientConnected { session, name } => self.client_connected(session, name),
            SipInput::ClientRequested {
                session,
                reference,
                request,
            } => self.client_requested(session, reference, request),
            SipInput::ClientGone { session } => self.client_gone(session),
            SipInput::RouteParked { call, to } => self.route_parked(call, &to),
        }
    }

    fn received(&mut self, transport: Transport, from: SocketAddr, bytes: &[u8]) {
        if !self.is_primary() {
            self.received_as_backup(transport, from, bytes);
            return;
        }
        let source = Peer {
            transport,
            address: from,
        };
        match parse(bytes) {
            Parsed::Junk => self.counters.junk += 1,
            Parsed::Refused(mut request, code, reason) => {
                self.heard();
                let reply_to = with_source(&mut request, source);
                self.refuse(&request, reply_to, code, reason, &[]);
            }
            Parsed::Good(message) if message.code().is_some() => {
                self.heard();
                self.response(message, source);
            }
            Parsed::Good(mut request) => {
                self.heard();
                let reply_to = with_source(&mut request, source);
                self.request(request, source, reply_to);
            }
        }
    }

    fn heard(&mut self) {
        self.counters.heard += 1;
        self.traffic_heard();
    }

    /// A backup sends nothing, except to a network device that asks whether it is the primary.
    fn received_as_backup(&mut self, transport: Transport, from: SocketAddr, bytes: &[u8]) {
        if !self.config.network_device || self.run_mode != RunMode::Backup {
            return;
        }
        if self.config.device.is_some_and(|device| device != from.ip()) {
            return;
        }
        let Parsed::Good(mut request) = parse(bytes) else {
            return;
        };
        if request.method() == Some("OPTIONS") {
            let source = Peer {
                transport,
                address: from,
            };
            let reply_to = with_source(&mut request, source);
            self.refuse(&request, reply_to, 503, "Service Unavailable", &[]);
        }
    }

    fn due(&mut self, timer: Timer) {
        match timer {
            Timer::Call(key) => self.call_due(key),
            Timer::Server(key) => self.forget_server(&key),
            Timer::Client(branch) => self.client_due(branch),
            Timer::Bindings(aor) => self.bindings_due(&aor),
            Timer::Commit => self.commit_overran(),
            Timer::Beat => self.beat_due(),
            Timer::LinkSilent => self.link_silent(),
            Timer::Watch => self.watch_due(),
            Timer::Check(dn) => self.check_due(&dn),
            Timer::Absent(name) => self.client_absent(name),
        }
    }

    fn finish(&mut self, outputs: &mut Vec<SipOutput>) {
        self.commit();
        self.tell_standing();
        outputs.append(&mut self.outputs);
    }
}

/// Writes the source into the topmost Via; says where the response goes.
fn with_source(request: &mut Message, source: Peer) -> Peer {
    let Some(top) = request
        .headers
        .iter_mut()
        .find(|header| header.name == "Via")
    else {
        return source;
    };
    top.value = via::with_source(&top.value, source.address);
    via::response_target(&top.value, source.transport, source.address)
}

impl Core for SipCore {
    type Input = SipInput;
    type Output = SipOutput;

    fn handle(&mut self, now: Timestamp, input: SipInput, outputs: &mut Vec<SipOutput>) {
        self.now = self.now.max(now);
        self.take_input(input);
        self.finish(outputs);
    }

    fn tick(&mut self, now: Timestamp, outputs: &mut Vec<SipOutput>) {
        self.now = self.now.max(now);
        while let Some((_, timer)) = self.timers.pop_due(self.now) {
            self.due(timer);
        }
        self.finish(outputs);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.timers.earliest()
    }
}
