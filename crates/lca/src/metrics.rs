//! What an LCA tells Prometheus. Two sources: its full state, asked of the core for each scrape, and what passes the
//! shell on its way into and out of the core. The core knows nothing of either.

use changeover_component::Handle;
use changeover_lca_core::{LcaCore, LcaInput, LcaOutput, ProcessKind, RunId, RunPurpose};
use changeover_metrics::{
    Catalogue, Counters, Durations, Endpoint, Gauges, HealthChecks, LinkMetrics, NoAnswer,
    ProcessFacts, Source, StoreMetrics,
};
use changeover_model::message::{
    CheckStanding, ExitStatus, LcaReport, LcaState, OrderKey, OrderOutcome, ScriptResult,
};
use changeover_model::{ApplicationName, ApplicationStatus, OrderNumber, RunMode, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// The two copies of the state, in the families of stores.
pub(crate) const RUNTIME: &str = "runtime";
pub(crate) const DISK: &str = "disk";
/// Runs and outcomes that are remembered.
const REMEMBERED: usize = 1_024;
/// The one peer an LCA hears of as a whole; it is dialled by it.
const SCS: [&str; 2] = ["scs", "SCS"];

/// Every family of an LCA.
pub(crate) struct Metrics {
    pub(crate) flows: Flows,
    pub(crate) store: StoreMetrics,
    /// Announcements of VIPs, by VIP and outcome.
    pub(crate) announcements: Counters,
    catalogue: Catalogue,
    levels: Levels,
    process: ProcessFacts,
}

impl Metrics {
    pub(crate) fn new(tls: Option<&Path>) -> Self {
        let mut catalogue = Catalogue::new("lca", env!("CARGO_PKG_VERSION"));
        Self {
            flows: Flows::new(&mut catalogue),
            store: StoreMetrics::new(&mut catalogue, &[RUNTIME, DISK]),
            announcements: catalogue.counters(
                "changeover_lca_announcements_total",
                &["vip", "outcome"],
                "Announcements of a VIP (gratuitous ARP, unsolicited NA), by outcome: sent, failed",
            ),
            levels: Levels::new(&mut catalogue),
            process: ProcessFacts::new(&mut catalogue, tls),
            catalogue,
        }
    }

    /// What there is to be scraped, for the documentation.
    pub(crate) fn families(&self) -> Vec<changeover_metrics::FamilyDescription> {
        self.catalogue.families().to_vec()
    }

    /// Serves them until the endpoint is dropped.
    pub(crate) fn serve(self, at: SocketAddr, handle: Handle<LcaCore>) -> Endpoint {
        let source = Scraped {
            health: self.flows.health,
            levels: self.levels,
            process: self.process,
            handle,
        };
        Endpoint::start(at, self.catalogue, source)
    }
}

struct Scraped {
    health: HealthChecks,
    levels: Levels,
    process: ProcessFacts,
    handle: Handle<LcaCore>,
}

impl Source for Scraped {
    async fn refresh(&self) -> Result<(), NoAnswer> {
        let (state, in_contact) = self
            .handle
            .ask(|_, core| (core.state(), core.in_contact()))
            .await
            .map_err(|_| NoAnswer)?;
        self.levels.show(&state, in_contact);
        show_health(&self.health, &state);
        self.process.refresh(self.handle.waiting());
        Ok(())
    }
}

fn show_health(health: &HealthChecks, state: &LcaState) {
    health.clear();
    for one in &state.applications {
        for check in &one.health {
            let down = matches!(
                check.standing,
                CheckStanding::Down | CheckStanding::Recovering
            );
            health.standing(one.application.as_str(), &check.name, down);
        }
    }
}

/// What is so now.
struct Levels {
    status: Gauges,
    run_mode: Gauges,
    incarnation: Gauges,
    hung: Gauges,
    epoch: Gauges,
    held: Gauges,
    carrier: Gauges,
    in_contact: Gauges,
    revision: Gauges,
}

impl Levels {
    fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            status: catalogue.gauge(
                "changeover_lca_application_status",
                &["application", "status"],
                "1 for the status of an application of this host, 0 for all others",
            ),
            run_mode: catalogue.gauge(
                "changeover_lca_application_run_mode",
                &["application", "run_mode"],
                "1 for the run mode that an application of this host has acknowledged, 0 for all others",
            ),
            incarnation: catalogue.gauge(
                "changeover_lca_application_incarnation",
                &["application"],
                "How often an application was started here in all, also by earlier lives of this LCA",
            ),
            hung: catalogue.gauge(
                "changeover_lca_application_hung",
                &["application"],
                "1 while an application does not answer heartbeats",
            ),
            epoch: catalogue.gauge(
                "changeover_lca_pair_epoch",
                &["pair"],
                "Highest epoch of a pair that this LCA has seen; it refuses orders of a lower one",
            ),
            held: catalogue.gauge(
                "changeover_lca_vip_held",
                &["pair", "vip"],
                "1 while this host holds the VIP",
            ),
            carrier: catalogue.gauge(
                "changeover_lca_vip_carrier",
                &["pair", "vip"],
                "1 while the interface that the VIP belongs on has a carrier; 0 also when there is no such interface",
            ),
            in_contact: catalogue.gauge(
                "changeover_lca_in_contact",
                &[],
                "1 while the SCS is connected and was heard within its detection bound",
            ),
            revision: catalogue.gauge(
                "changeover_environment_revision",
                &[],
                "Number of the environment in force",
            ),
        }
    }

    fn show(&self, state: &LcaState, in_contact: bool) {
        for gauges in [
            &self.status,
            &self.run_mode,
            &self.incarnation,
            &self.hung,
            &self.epoch,
            &self.held,
            &self.carrier,
        ] {
            gauges.clear();
        }
        let statuses: Vec<&str> = ApplicationStatus::ALL
            .iter()
            .map(|status| status.as_str())
            .collect();
        let run_modes: Vec<&str> = RunMode::ALL.iter().map(|mode| mode.as_str()).collect();
        for one in &state.applications {
            let name = [one.application.as_str()];
            self.status.set_state(&name, &statuses, one.status.as_str());
            self.run_mode
                .set_state(&name, &run_modes, one.run_mode.as_str());
            self.incarnation.set(&name, whole(one.incarnation.0));
            self.hung.set_if(&name, one.hung);
        }
        for (pair, epoch) in &state.epochs {
            self.epoch.set(&[pair.as_str()], whole(epoch.0));
        }
        for seen in &state.addresses {
            let vip = seen.address.to_string();
            let labels = [seen.pair.as_str(), vip.as_str()];
            self.held.set_if(&labels, seen.held.is_some());
            self.carrier.set_if(&labels, seen.carrier == Some(true));
        }
        self.in_contact.set_if(&[], in_contact);
        self.revision.set(&[], whole(state.revision.0));
    }
}

/// Exact, since counts of a host are far below 2^53.
fn whole(number: u64) -> f64 {
    number as f64
}

/// What passes. Clones share the families.
#[derive(Clone)]
pub(crate) struct Flows {
    links: LinkMetrics,
    starts: Counters,
    exits: Counters,
    scripts: Counters,
    script_durations: Durations,
    commands: Counters,
    orders: Counters,
    releases: Counters,
    claims: Counters,
    /// Results of health checks.
    health: HealthChecks,
}

impl Flows {
    fn new(catalogue: &mut Catalogue) -> Self {
        let this = Self {
            links: LinkMetrics::new(catalogue),
            starts: catalogue.counters(
                "changeover_lca_application_starts_total",
                &["application"],
                "Starts of an application's process, restarts included",
            ),
            exits: catalogue.counters(
                "changeover_lca_application_exits_total",
                &["application", "exit"],
                "Ends of an application's process, asked for or not: zero, nonzero, signal, unknown (it was adopted), not-started",
            ),
            scripts: catalogue.counters(
                "changeover_lca_control_scripts_total",
                &["application", "result"],
                "Control scripts that have ended, as judged by what is seen; timed-out ones were killed",
            ),
            script_durations: catalogue.durations(
                "changeover_lca_control_script_duration_seconds",
                &["application"],
                "From the start of a control script to its judgement",
            ),
            commands: catalogue.counters(
                "changeover_lca_commands_total",
                &["outcome"],
                "Commands of reactions that have ended on this host: done, failed",
            ),
            orders: catalogue.counters(
                "changeover_lca_orders_total",
                &["outcome", "code"],
                "Orders of the SCS that were answered: done, failed, or refused with this code",
            ),
            releases: catalogue.counters(
                "changeover_lca_forced_releases_total",
                &["outcome"],
                "Times that this LCA removed VIPs itself: done, failed",
            ),
            claims: catalogue.counters(
                "changeover_lca_foreign_claims_total",
                &["vip"],
                "Announcements of a VIP by another machine; its peer makes one whenever it rightly takes over, what is a rival is the SCS's judgement (alarm VIP_RIVAL)",
            ),
            health: HealthChecks::new(catalogue),
        };
        this.links.show(SCS[0], SCS[1], false);
        this
    }
}

/// Looks at every input and output of the core.
pub(crate) struct Observer {
    flows: Flows,
    /// Applications whose process each run is.
    runs: BTreeMap<RunId, ApplicationName>,
    /// Control scripts that are counted: an order that is repeated is answered again.
    scripts: BTreeSet<OrderNumber>,
    /// Connections of the SCS that are open.
    connections: BTreeSet<u64>,
    /// Runs of health checks that are under way.
    checks: BTreeMap<RunId, Check>,
}

/// A run of a health check.
struct Check {
    application: ApplicationName,
    name: String,
    started: Timestamp,
    timeout: Duration,
}

impl Observer {
    pub(crate) fn new(flows: Flows) -> Self {
        Self {
            flows,
            runs: BTreeMap::new(),
            scripts: BTreeSet::new(),
            connections: BTreeSet::new(),
            checks: BTreeMap::new(),
        }
    }

    /// The core has taken an input.
    pub(crate) fn took(&mut self, now: Timestamp, input: &LcaInput) {
        match input {
            LcaInput::Recovered(recovery) => {
                let found = recovery.found.iter().filter_map(|found| {
                    let record = recovery.state.runs.get(&found.run)?;
                    matches!(record.purpose, RunPurpose::Application(_))
                        .then(|| (found.run, found.application.clone()))
                });
                self.runs.extend(found);
            }
            LcaInput::ScsConnected { connection } => {
                self.connections.insert(connection.0);
                self.flows.links.connected(SCS[0], SCS[1]);
            }
            LcaInput::ScsDisconnected { connection } => {
                self.connections.remove(&connection.0);
                self.flows.links.lost(SCS[0], SCS[1], "closed");
                if !self.connections.is_empty() {
                    self.flows.links.show(SCS[0], SCS[1], true);
                }
            }
            LcaInput::ProcessStartFailed { run, .. } => self.exited(*run, "not-started"),
            LcaInput::ProcessExited { run, exit, .. } => self.exited(*run, exit_word(*exit)),
            LcaInput::CheckEnded { run, result } => {
                if let Some(check) = self.checks.remove(run) {
                    self.flows.health.finished(
                        check.application.as_str(),
                        &check.name,
                        result.is_ok(),
                        now.since(check.started),
                    );
                }
            }
            LcaInput::AddressesRemoved { result, .. } => {
                self.flows
                    .releases
                    .increment(&[done_or_failed(result.is_ok())]);
            }
            LcaInput::RivalSighted { address, .. } => {
                self.flows.claims.increment(&[&address.to_string()]);
            }
            _ => {}
        }
    }

    /// An output is about to be carried out.
    pub(crate) fn acts(&mut self, now: Timestamp, output: &LcaOutput) {
        match output {
            LcaOutput::StartProcess(start)
                if matches!(start.kind, ProcessKind::Managed | ProcessKind::Plain) =>
            {
                let name = start.application.as_str();
                self.flows.starts.increment(&[name]);
                self.runs.insert(start.run, start.application.clone());
                if self.runs.len() > REMEMBERED {
                    self.runs.pop_first();
                }
            }
            LcaOutput::StartCheck(start) => {
                let check = Check {
                    application: start.application.clone(),
                    name: start.name.clone(),
                    started: now,
                    timeout: start.timeout,
                };
                self.checks.insert(start.run, check);
                if self.checks.len() > REMEMBERED {
                    self.checks.pop_first();
                }
            }
            // Ended before its time, with its application: no result. One that overran has failed.
            LcaOutput::EndCheck { run } => self
                .checks
                .retain(|other, check| other != run || now.since(check.started) >= check.timeout),
            LcaOutput::ToScs(report) => self.reports(&report.body),
            _ => {}
        }
    }

    fn reports(&mut self, report: &LcaReport) {
        match report {
            LcaReport::ControlScriptFinished { key, outcome } if self.is_new(key) => {
                let name = key.application.as_str();
                let result = result_word(outcome.result);
                self.flows.scripts.increment(&[name, result]);
                self.flows
                    .script_durations
                    .observe(&[name], outcome.duration);
            }
            LcaReport::CommandFinished { outcome, .. } => {
                let outcome = done_or_failed(outcome.succeeded);
                self.flows.commands.increment(&[outcome]);
            }
            LcaReport::OrderAnswered { outcome, .. } => {
                let (outcome, code) = match outcome {
                    OrderOutcome::Done { .. } => ("done", ""),
                    OrderOutcome::Refused(refusal) => ("refused", refusal.code.as_str()),
                    OrderOutcome::Failed { .. } => ("failed", ""),
                };
                self.flows.orders.increment(&[outcome, code]);
            }
            _ => {}
        }
    }

    fn is_new(&mut self, key: &OrderKey) -> bool {
        let new = self.scripts.insert(key.number);
        if self.scripts.len() > REMEMBERED {
            self.scripts.pop_first();
        }
        new
    }

    fn exited(&mut self, run: RunId, exit: &str) {
        if let Some(application) = self.runs.remove(&run) {
            self.flows.exits.increment(&[application.as_str(), exit]);
        }
    }
}

fn done_or_failed(done: bool) -> &'static str {
    if done { "done" } else { "failed" }
}

fn exit_word(exit: ExitStatus) -> &'static str {
    match exit {
        ExitStatus::Code(0) => "zero",
        ExitStatus::Code(_) => "nonzero",
        ExitStatus::Signal(_) => "signal",
        ExitStatus::Unknown => "unknown",
    }
}

fn result_word(result: ScriptResult) -> &'static str {
    match result {
        ScriptResult::Succeeded => "succeeded",
        ScriptResult::AlreadySo => "already-so",
        ScriptResult::Failed => "failed",
        ScriptResult::TimedOut => "timed-out",
        ScriptResult::Superseded => "superseded",
        ScriptResult::NotStarted => "not-started",
        ScriptResult::NotVerified => "not-verified",
    }
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
