//! What an LCA tells, taken apart: its full state, addresses, the end of scripts and commands, a rival, the
//! host's shutdown. Applications go on in `applications`.

use crate::ScsCore;
use crate::dispatch::Timer;
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{
    AddressObservation, ApplicationState, CommandOutcome, LcaOrder, LcaState, OrderKey, RecordKind,
    RecordOutcome, ScriptOutcome, Step,
};
use changeover_model::{
    ApplicationName, HostName, HostStatus, LogEventId, OrderNumber, PairName, Timestamp,
};
use changeover_reaction_engine::Input as EngineInput;
use std::collections::BTreeMap;
use std::net::IpAddr;

impl ScsCore {
    /// Full state of an LCA, after its connection or after a pause of ours.
    pub(crate) fn lca_reported(&mut self, host: &HostName, at: Timestamp, state: LcaState) {
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        let back = care.status != HostStatus::Running;
        let was_lost = care.ever_reported && care.status != HostStatus::Unknown && back;
        if care.session != Some(state.session) {
            care.clock.forget();
            care.stopping = false;
            care.handed_over = false;
        }
        care.session = Some(state.session);
        care.reported = true;
        care.ever_reported = true;
        care.agent_lost = None;
        care.agent_wait_over = false;
        care.confirmed_lost = false;
        care.revision = state.revision;
        for timer in [
            Timer::AgentWait(host.clone()),
            Timer::HelloDue(host.clone()),
        ] {
            self.timers.cancel(&timer);
        }
        if back {
            self.host_back(host, was_lost);
        }
        self.adopt_epochs(&state.epochs, &state.applications);
        self.soles_reported(host, &state.soles);
        self.revision_seen(state.revision);
        self.configure_lca(host);
        self.all_applications(host, at, state.applications);
        self.addresses_observed(host, at, state.addresses);
        let before = self
            .hosts
            .get(host)
            .map_or(OrderNumber(0), |care| care.asked_before);
        self.engine(EngineInput::ScriptsRunning {
            host: host.clone(),
            before,
            keys: state.scripts,
        });
        self.reach_changed(host);
        let pairs: Vec<PairName> = self
            .pairs
            .iter()
            .filter(|(_, care)| care.hosts().contains(host))
            .map(|(name, _)| name.clone())
            .collect();
        for pair in pairs {
            self.intend_on(&pair, host);
            self.resend_orders(&pair, host);
        }
        self.touch_host(host);
    }

    fn host_back(&mut self, host: &HostName, was_lost: bool) {
        let text = format!("Host {host} is normal: its LCA is connected");
        self.host_status(host, HostStatus::Running, &text, LogEventId(8001));
        self.clear_alarm(&format!("agent/{host}"), "its LCA is connected");
        self.clear_alarm(&format!("host/{host}"), "its LCA is connected");
        if was_lost {
            let record = self.open_record(
                RecordKind::Host,
                None,
                format!("{host} is back"),
                "LCA connected",
            );
            self.note(
                record,
                Step::HostLost(host.clone(), false),
                text,
                "full state received",
            );
            self.close_record(record, RecordOutcome::Done, "the host is back");
        }
        if let Some(care) = self.hosts.get_mut(host) {
            care.last_loss = None;
        }
        let now = self.now;
        for care in self.pairs.values_mut() {
            if was_lost && care.hosts().contains(host) {
                care.host_returned = Some((host.clone(), now));
            }
        }
    }

    /// The full list: what it leaves out was never started there.
    fn all_applications(&mut self, host: &HostName, at: Timestamp, states: Vec<ApplicationState>) {
        let mut states: BTreeMap<ApplicationName, ApplicationState> = states
            .into_iter()
            .map(|state| (state.application.clone(), state))
            .collect();
        let here: Vec<ApplicationName> = self
            .applications
            .iter()
            .filter(|(_, care)| &care.host == host)
            .map(|(name, _)| name.clone())
            .collect();
        for name in here {
            let state = states
                .remove(&name)
                .unwrap_or_else(|| crate::applications::never_started(&name, at));
            self.application_changed(host, at, None, state);
        }
    }

    pub(crate) fn addresses_observed(
        &mut self,
        host: &HostName,
        at: Timestamp,
        addresses: Vec<AddressObservation>,
    ) {
        let Some(care) = self.hosts.get_mut(host) else {
            return;
        };
        care.addresses_told = at;
        let before = std::mem::replace(&mut care.addresses, addresses.clone());
        self.picture_changed = true;
        self.address_steps(host, at, &before);
        self.engine(EngineInput::AddressesObserved {
            host: host.clone(),
            addresses,
        });
        self.touch_host(host);
    }

    pub(crate) fn script_finished(
        &mut self,
        host: &HostName,
        at: Timestamp,
        key: OrderKey,
        outcome: ScriptOutcome,
    ) {
        self.reported_at = Some(self.moment_of(host, at));
        if let Some(pair) = key.pair.clone() {
            self.touched.insert(pair);
        }
        self.engine(EngineInput::ControlScriptFinished {
            host: host.clone(),
            key,
            outcome,
        });
        self.reported_at = None;
        // An outcome that waited for the next Hello is older than the addresses in it, which have the last word.
        let newer = self.hosts.get(host).filter(|care| at < care.addresses_told);
        if let Some(addresses) = newer.map(|care| care.addresses.clone()) {
            self.engine(EngineInput::AddressesObserved {
                host: host.clone(),
                addresses,
            });
        }
    }

    pub(crate) fn command_finished(
        &mut self,
        host: &HostName,
        key: OrderKey,
        outcome: CommandOutcome,
    ) {
        if let Some(pair) = &key.pair
            && let Some(procedure) = self
                .pairs
                .get_mut(pair)
                .and_then(|care| care.procedure.as_mut())
            && procedure.hook_finished(key.number, &outcome)
        {
            self.touched.insert(pair.clone());
            return;
        }
        self.engine(EngineInput::CommandFinished {
            host: host.clone(),
            key,
            outcome,
        });
    }

    pub(crate) fn rival_sighted(
        &mut self,
        host: &HostName,
        pair: &PairName,
        address: IpAddr,
        interface: &str,
        mac: &str,
    ) {
        // Everybody else sees the rightful holder announce, after each switchover.
        if self.pairs.get(pair).and_then(|care| care.intended_host()) != Some(host) {
            return;
        }
        let text = format!(
            "{mac} claims the VIP {address} of {pair} on {host} {interface}; if it is the peer host, it is \
             demoted or released as soon as it can be reached, otherwise find that machine"
        );
        let cause = self.pairs.get(pair).and_then(|care| care.open_record);
        if let Some(record) = cause {
            self.note(
                record,
                Step::Note,
                format!("rival for {address}"),
                text.clone(),
            );
        }
        self.raise_alarm(
            &format!("rival/{pair}"),
            "VIP_RIVAL",
            AlarmCategory::Critical,
            pair.as_str(),
            &text,
            cause,
        );
        self.touched.insert(pair.clone());
    }

    /// The host is going down cleanly: what is primary there hands over, then the LCA may go on.
    pub(crate) fn host_stopping(&mut self, host: &HostName) {
        if let Some(care) = self.hosts.get_mut(host) {
            care.stopping = true;
            care.handed_over = false;
        }
        self.touch_host(host);
        self.check_handed_over(host);
    }

    /// Says so once nothing on a stopping host is primary any more, or nothing can be done about it.
    pub(crate) fn check_handed_over(&mut self, host: &HostName) {
        let waiting = self
            .hosts
            .get(host)
            .is_some_and(|care| care.stopping && !care.handed_over);
        if !waiting {
            return;
        }
        let pairs: Vec<PairName> = self.pairs.keys().cloned().collect();
        if pairs.iter().any(|pair| self.hands_over(pair, host)) {
            return;
        }
        if let Some(care) = self.hosts.get_mut(host) {
            care.handed_over = true;
        }
        self.send(host, None, LcaOrder::HandedOver);
    }

    pub(crate) fn forget_host(&mut self, host: &HostName) {
        for timer in [
            Timer::Beat(host.clone()),
            Timer::Poll(host.clone()),
            Timer::AgentSilence(host.clone()),
            Timer::HostSilence(host.clone()),
            Timer::HelloDue(host.clone()),
            Timer::AgentWait(host.clone()),
            Timer::LostWait(host.clone()),
        ] {
            self.timers.cancel(&timer);
        }
        if self
            .hosts
            .remove(host)
            .is_some_and(|care| care.link.is_some())
        {
            self.out
                .push(crate::ScsOutput::CloseLca { host: host.clone() });
        }
    }
}
