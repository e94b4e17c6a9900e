//! A small deterministic world: two servers with clocks of their own, phones, a network that can lose datagrams, an
//! HA link, and a knife that kills the primary at any boundary. Seeded; no thread, no clock.

use changeover_model::{Core as _, Epoch, RunMode, Timestamp};
use changeover_sip_core::{
    LinkId, Peer, SipConfig, SipCore, SipInput, SipOutput, Standing, SyncMessage, Transport,
};
use changeover_sip_phone::Phone;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const VIP: &str = "10.0.0.100:5060";
const HOP: Duration = Duration::from_micros(900);
const LINK: Duration = Duration::from_micros(150);

/// splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let v = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let v = (v ^ (v >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        v ^ (v >> 31)
    }
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

enum Event {
    ToServer {
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    ToPhone {
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    Sync {
        to: usize,
        link: LinkId,
        message: SyncMessage,
    },
    Promote {
        server: usize,
    },
}

pub(crate) struct Server {
    pub(crate) core: SipCore,
    pub(crate) standing: Option<Standing>,
    /// Its clock is ahead of the world's by this.
    ahead: Duration,
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) servers: [Option<Server>; 2],
    /// Who holds the VIP.
    pub(crate) holder: usize,
    pub(crate) epoch: u64,
    pub(crate) phones: BTreeMap<SocketAddr, Phone>,
    queue: BTreeMap<(Timestamp, u64), Event>,
    serial: u64,
    link: Option<LinkId>,
    next_link: u64,
    pub(crate) chance: Chance,
    /// Datagrams lost, in thousandths.
    pub(crate) loss: u64,
    /// The primary dies at this boundary.
    pub(crate) cut_at: Option<u64>,
    /// Boundaries passed.
    pub(crate) boundaries: u64,
    /// Between the death and the promotion.
    pub(crate) gap: Duration,
    pub(crate) killed_at: Option<Timestamp>,
    pub(crate) faults: Vec<String>,
    /// Branch -> the request it was used for.
    branches: BTreeMap<String, Vec<u8>>,
    /// Highest CSeq of each direction of each dialog.
    cseqs: BTreeMap<(String, String), u32>,
    pub(crate) template: SipConfig,
    pub(crate) sent: u64,
    pub(crate) trace: VecDeque<String>,
    lives: u64,
}

impl World {
    pub(crate) fn new(template: SipConfig, seed: u64) -> Self {
        let mut world = Self {
            now: Timestamp(1_000_000_000),
            servers: [None, None],
            holder: 0,
            epoch: 1,
            phones: BTreeMap::new(),
            queue: BTreeMap::new(),
            serial: 0,
            link: None,
            next_link: 1,
            chance: Chance(seed),
            loss: 0,
            cut_at: None,
            boundaries: 0,
            gap: Duration::from_millis(120),
            killed_at: None,
            faults: Vec::new(),
            branches: BTreeMap::new(),
            cseqs: BTreeMap::new(),
            template,
            sent: 0,
            trace: VecDeque::new(),
            lives: 0,
        };
        world.start(0, RunMode::Primary);
        world.start(1, RunMode::Backup);
        world.connect();
        world.run_for(Duration::from_millis(20));
        world
    }

    pub(crate) fn add_phone(&mut self, user: &str, last: u8) -> SocketAddr {
        let at: SocketAddr = format!("10.0.0.{last}:5060").parse().expect("an address");
        self.phones
            .insert(at, Phone::new(user, at, VIP.parse().expect("an address")));
        at
    }

    pub(crate) fn start(&mut self, server: usize, run_mode: RunMode) {
        self.lives += 1;
        let mut config = self.template.clone();
        config.name = format!("SIP_SERVER_{server}");
        config.node = changeover_sip_core::node_of(&config.name);
        config.seed = self.chance.next();
        let ahead = Duration::from_secs(if server == 0 { 0 } else { 7_200 });
        self.servers[server] = Some(Server {
            core: SipCore::new(config),
            standing: None,
            ahead,
        });
        self.order(server, run_mode);
    }

    pub(crate) fn order(&mut self, server: usize, run_mode: RunMode) {
        let epoch = Epoch(self.epoch);
        if run_mode == RunMode::Primary {
            self.holder = server;
        }
        self.feed(server, SipInput::SetRunMode { run_mode, epoch });
    }

    /// The backup dials the primary.
    pub(crate) fn connect(&mut self) {
        if !self.template.hot || self.servers.iter().any(Option::is_none) || self.link.is_some() {
            return;
        }
        let link = LinkId(self.next_link);
        self.next_link += 1;
        self.link = Some(link);
        let (primary, backup) = (self.holder, 1 - self.holder);
        self.feed(
            primary,
            SipInput::SyncConnected {
                link,
                dialled: false,
            },
        );
        self.feed(
            backup,
            SipInput::SyncConnected {
                link,
                dialled: true,
            },
        );
    }

    pub(crate) fn disconnect(&mut self) {
        if let Some(link) = self.link.take() {
            for server in [0, 1] {
                self.feed(server, SipInput::SyncDisconnected { link });
            }
        }
    }

    /// The primary dies; the backup is promoted after the gap.
    pub(crate) fn kill_primary(&mut self) {
        let dead = self.holder;
        self.servers[dead] = None;
        self.killed_at = Some(self.now);
        self.note(format!("server {dead} is dead"));
        let at = self.now + self.gap;
        self.post_at(at, Event::Promote { server: 1 - dead });
        if let Some(link) = self.link.take() {
            // What is on the wire still arrives; the end of the connection after it.
            self.feed_later_disconnect(1 - dead, link);
        }
    }

    fn feed_later_disconnect(&mut self, server: usize, link: LinkId) {
        let at = self.now + LINK * 2;
        self.post_at(
            at,
            Event::Sync {
                to: server,
                link: LinkId(u64::MAX - link.0),
                message: SyncMessage::Beat,
            },
        );
    }

    /// A planned switchover: the primary is demoted, then the backup promoted.
    pub(crate) fn switch_over(&mut self) {
        let old = self.holder;
        self.epoch += 1;
        self.order(old, RunMode::Backup);
        self.run_for(Duration::from_millis(2));
        self.disconnect();
        self.order(1 - old, RunMode::Primary);
        self.connect();
    }

    /// The dead server comes back as backup.
    pub(crate) fn restart_dead(&mut self) {
        for server in [0, 1] {
            if self.servers[server].is_none() {
                self.start(server, RunMode::Backup);
            }
        }
        self.connect();
    }

    pub(crate) fn primary(&self) -> Option<&SipCore> {
        self.servers[self.holder].as_ref().map(|it| &it.core)
    }

    fn post_at(&mut self, at: Timestamp, event: Event) {
        self.serial += 1;
        self.queue.insert((at, self.serial), event);
    }

    fn note(&mut self, text: String) {
        if self.trace.len() >= 400 {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{:?} {text}", self.now));
    }

    /// A boundary of the primary; false if it has just died here.
    fn passes(&mut self, server: usize) -> bool {
        if server != self.holder || self.killed_at.is_some() {
            return true;
        }
        self.boundaries += 1;
        if self.cut_at == Some(self.boundaries) {
            self.kill_primary();
            return false;
        }
        true
    }

    fn feed(&mut self, server: usize, input: SipInput) {
        let Some(it) = self.servers[server].as_mut() else {
            return;
        };
        let mut outputs = Vec::new();
        it.core.handle(self.now + it.ahead, input, &mut outputs);
        self.act(server, outputs);
    }

    fn act(&mut self, server: usize, outputs: Vec<SipOutput>) {
        for output in outputs {
            if matches!(output, SipOutput::Send { .. } | SipOutput::Sync { .. })
                && !self.passes(server)
            {
                return;
            }
            match output {
                SipOutput::Send { to, bytes } => self.server_sends(server, to, bytes),
                SipOutput::Sync { link, message } if self.link == Some(link) => {
                    let at = self.now + LINK;
                    let to = 1 - server;
                    // As the shells do: what cannot be written and read again is not replicated.
                    let frame = SyncMessage::to_frame(&[message]);
                    let read = SyncMessage::from_frame(&frame).expect("our own frame");
                    let [message] = read.try_into().expect("one message");
                    self.post_at(at, Event::Sync { to, link, message });
                }
                SipOutput::CloseSync { link } if self.link == Some(link) => {
                    self.disconnect();
                }
                SipOutput::Sync { .. } | SipOutput::CloseSync { .. } => {}
                SipOutput::Standing(standing) => {
                    if let Some(it) = self.servers[server].as_mut() {
                        it.standing = Some(standing);
                    }
                }
                SipOutput::Noted { text, .. } => self.note(format!("S{server}: {text}")),
            }
        }
    }

    fn server_sends(&mut self, server: usize, to: Peer, bytes: Vec<u8>) {
        self.sent += 1;
        let first = first_line(&bytes);
        self.note(format!("S{server} -> {} {first}", to.address));
        let primary = self.servers[server]
            .as_ref()
            .is_some_and(|it| it.core.picture().run_mode == RunMode::Primary);
        if !primary {
            self.faults.push(format!("a backup sent {first}"));
        }
        self.check_branch(&bytes);
        // A provisional response that the network loses is nobody's to repeat (RFC 3261 without 100rel).
        let provisional = bytes.starts_with(b"SIP/2.0 1");
        if provisional || self.chance.below(1000) >= self.loss {
            let at = self.now + HOP;
            self.post_at(
                at,
                Event::ToPhone {
                    to: to.address,
                    bytes,
                },
            );
        }
    }

    /// A branch names one request, whoever sends it: another use of it must be the same bytes, or its CANCEL or ACK.
    fn check_branch(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if text.starts_with("SIP/2.0") || text.starts_with("CANCEL") || text.starts_with("ACK") {
            return;
        }
        let Some(at) = text.find("branch=") else {
            self.faults
                .push(format!("no branch in {}", first_line(bytes)));
            return;
        };
        let branch: String = text[at..]
            .chars()
            .take_while(|c| !matches!(c, ';' | '\r'))
            .collect();
        match self.branches.insert(branch.clone(), bytes.to_vec()) {
            Some(before) if before == bytes => {}
            Some(_) => self.faults.push(format!("{branch} is used twice")),
            None => self.check_cseq(bytes),
        }
    }

    /// Invariant (3): of the requests of a dialog, each has a higher CSeq than those before, whoever sends it.
    fn check_cseq(&mut self, bytes: &[u8]) {
        let request =
            changeover_sip_core::Message::read(bytes).expect("a server sends what can be read");
        let key = (
            request.call_id().to_owned(),
            request.to_tag().unwrap_or_default().to_owned(),
        );
        let number = request.cseq().expect("a CSeq").number;
        let before = self.cseqs.insert(key, number);
        if before.is_some_and(|before| before >= number) {
            self.faults.push(format!(
                "CSeq {number} after {before:?} in {}",
                first_line(bytes)
            ));
        }
    }

    pub(crate) fn phone_sends(&mut self, at: SocketAddr) {
        let Some(phone) = self.phones.get_mut(&at) else {
            return;
        };
        for bytes in std::mem::take(&mut phone.out) {
            self.note(format!("{at} -> VIP {}", first_line(&bytes)));
            let provisional = bytes.starts_with(b"SIP/2.0 1");
            if provisional || self.chance.below(1000) >= self.loss {
                let due = self.now + HOP;
                self.post_at(due, Event::ToServer { from: at, bytes });
            }
        }
    }

    /// Lets a phone do something.
    pub(crate) fn with<R>(&mut self, at: SocketAddr, act: impl FnOnce(&mut Phone) -> R) -> R {
        let now = self.now;
        let phone = self.phones.get_mut(&at).expect("a phone of this world");
        phone.now = now;
        let result = act(phone);
        self.phone_sends(at);
        result
    }

    pub(crate) fn inject(&mut self, from: SocketAddr, bytes: Vec<u8>) {
        let due = self.now + HOP;
        self.post_at(due, Event::ToServer { from, bytes });
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::ToServer { from, bytes } => {
                let server = self.holder;
                if self.servers[server].is_none() || !self.passes(server) {
                    return;
                }
                let transport = Transport::Udp;
                self.feed(
                    server,
                    SipInput::Received {
                        transport,
                        from,
                        bytes,
                    },
                );
            }
            Event::ToPhone { to, bytes } => {
                if self.phones.contains_key(&to) {
                    self.with(to, |phone| phone.received(&bytes));
                }
            }
            Event::Sync { to, link, message } => {
                if link.0 > u64::MAX / 2 {
                    let link = LinkId(u64::MAX - link.0);
                    self.feed(to, SipInput::SyncDisconnected { link });
                } else if self.passes(to) {
                    self.feed(to, SipInput::SyncReceived { link, message });
                }
            }
            Event::Promote { server } => {
                self.epoch += 1;
                self.order(server, RunMode::Primary);
            }
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        let servers = self.servers.iter().flatten().filter_map(|it| {
            let at = it.core.deadline()?;
            Some(Timestamp(at.0.saturating_sub(
                u64::try_from(it.ahead.as_micros()).expect("small"),
            )))
        });
        let queue = self.queue.keys().next().map(|(at, _)| *at);
        let phones = self.phones.values().filter_map(Phone::deadline);
        servers.chain(queue).chain(phones).min()
    }

    /// Runs until `until` is true or the time is over; true if it came true.
    pub(crate) fn run_until(
        &mut self,
        most: Duration,
        mut until: impl FnMut(&World) -> bool,
    ) -> bool {
        let end = self.now + most;
        loop {
            if until(self) {
                return true;
            }
            match self.next_due() {
                Some(at) if at <= end => self.step(at),
                _ => {
                    self.now = self.now.max(end);
                    return until(self);
                }
            }
        }
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    fn step(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        if let Some(key) = self
            .queue
            .keys()
            .next()
            .copied()
            .filter(|(due, _)| *due <= self.now)
        {
            let event = self.queue.remove(&key).expect("it was there");
            return self.take(event);
        }
        for server in [0, 1] {
            let now = self.now;
            let Some(it) = self.servers[server].as_mut() else {
                continue;
            };
            if it.core.deadline().is_some_and(|due| due <= now + it.ahead) {
                let mut outputs = Vec::new();
                it.core.tick(now + it.ahead, &mut outputs);
                self.act(server, outputs);
            }
        }
        let due: Vec<SocketAddr> = self
            .phones
            .iter()
            .filter(|(_, phone)| phone.deadline().is_some_and(|at| at <= self.now))
            .map(|(at, _)| *at)
            .collect();
        for at in due {
            self.with(at, Phone::due);
        }
    }

    /// Everything that went wrong, phones included.
    pub(crate) fn all_faults(&self) -> Vec<String> {
        let mut all = self.faults.clone();
        for (at, phone) in &self.phones {
            all.extend(phone.faults.iter().map(|fault| format!("{at}: {fault}")));
        }
        all
    }

    pub(crate) fn show(&self) -> String {
        self.trace.iter().map(|line| format!("{line}\n")).collect()
    }
}

fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let cseq = text
        .lines()
        .find(|line| line.starts_with("CSeq"))
        .unwrap_or_default();
    format!("{} [{cseq}]", text.lines().next().unwrap_or_default())
}
