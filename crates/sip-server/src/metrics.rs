//! What a SIP Server tells Prometheus: its run mode, and what became of the datagrams that reached it. The main loop
//! says so by [`Said`]; how many log events wait is asked when it is scraped.

use changeover_application_link::LogSender;
use changeover_metrics::{
    Catalogue, Counters, Endpoint, FamilyDescription, Gauges, NoAnswer, Source,
};
use changeover_model::{Epoch, RunMode};
use std::net::SocketAddr;

/// Every family of a SIP Server.
pub(crate) struct Metrics {
    pub(crate) said: Said,
    catalogue: Catalogue,
    waiting: Gauges,
    dropped: Gauges,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut catalogue = Catalogue::new("sip-server", env!("CARGO_PKG_VERSION"));
        Self {
            said: Said::new(&mut catalogue),
            waiting: catalogue.gauge(
                "changeover_sip_server_log_events_waiting",
                &[],
                "Log events that the Message Server has not confirmed yet",
            ),
            dropped: catalogue.gauge(
                "changeover_sip_server_log_events_dropped",
                &[],
                "Log events dropped in this life because too many waited",
            ),
            catalogue,
        }
    }

    /// What there is to be scraped, for the documentation.
    pub(crate) fn families(&self) -> Vec<FamilyDescription> {
        self.catalogue.families().to_vec()
    }

    /// Serves them until the endpoint is dropped.
    pub(crate) fn serve(self, at: SocketAddr, log: LogSender) -> Endpoint {
        let source = Scraped {
            waiting: self.waiting,
            dropped: self.dropped,
            log,
        };
        Endpoint::start(at, self.catalogue, source)
    }
}

struct Scraped {
    waiting: Gauges,
    dropped: Gauges,
    log: LogSender,
}

impl Source for Scraped {
    async fn refresh(&self) -> Result<(), NoAnswer> {
        let (waiting, dropped) = self.log.waiting_and_lost();
        self.waiting
            .set(&[], f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
        self.dropped.set(&[], dropped as f64);
        Ok(())
    }
}

/// What the main loop says. Clones share the families.
#[derive(Clone)]
pub(crate) struct Said {
    run_mode: Gauges,
    epoch: Gauges,
    entered: Counters,
    available: Gauges,
    requests: Counters,
}

impl Said {
    fn new(catalogue: &mut Catalogue) -> Self {
        let this = Self {
            run_mode: catalogue.gauge(
                "changeover_sip_server_run_mode",
                &["run_mode"],
                "1 for the run mode of this server, 0 for all others",
            ),
            epoch: catalogue.gauge(
                "changeover_sip_server_epoch",
                &[],
                "Epoch of the order that gave this server its run mode",
            ),
            entered: catalogue.counters(
                "changeover_sip_server_run_modes_entered_total",
                &["run_mode"],
                "Orders of the LCA to take a run mode",
            ),
            available: catalogue.gauge(
                "changeover_sip_server_available",
                &[],
                "1 while it reports that it can serve",
            ),
            requests: catalogue.counters(
                "changeover_sip_server_requests_total",
                &["outcome"],
                "Final responses sent: answered (2xx), refused (3xx to 6xx), repetitions counted; and datagrams that came while not primary: unanswered",
            ),
        };
        for outcome in ["answered", "refused", "unanswered"] {
            this.requests.add(&[outcome], 0);
        }
        this.show_run_mode(RunMode::Unknown);
        this
    }

    /// A run mode has taken effect.
    pub(crate) fn entered(&self, run_mode: RunMode, epoch: Epoch) {
        self.entered.increment(&[run_mode.as_str()]);
        self.epoch.set(&[], epoch.0 as f64);
        self.show_run_mode(run_mode);
    }

    fn show_run_mode(&self, run_mode: RunMode) {
        let all: Vec<&str> = RunMode::ALL.iter().map(|mode| mode.as_str()).collect();
        self.run_mode.set_state(&[], &all, run_mode.as_str());
    }

    /// It reports that it can serve, or that it cannot.
    pub(crate) fn available(&self, can: bool) {
        self.available.set_if(&[], can);
    }

    /// Something was sent: final responses are counted.
    pub(crate) fn sends(&self, bytes: &[u8]) {
        match bytes.strip_prefix(b"SIP/2.0 ").and_then(<[u8]>::first) {
            Some(b'2') => self.requests.increment(&["answered"]),
            Some(b'3'..=b'6') => self.requests.increment(&["refused"]),
            Some(_) | None => {}
        }
    }

    /// A datagram came to a server that is not primary.
    pub(crate) fn unanswered(&self) {
        self.requests.increment(&["unanswered"]);
    }
}
