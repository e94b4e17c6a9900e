//! What a Message Server tells Prometheus: what its core took in (seen by the shell on its way), what its writer put on
//! disk, and how things stand when it is scraped. The core knows nothing of it.

use crate::effects::Streams;
use changeover_component::Handle;
use changeover_message_server_core::{Input, MessageServerCore, Note, Output};
use changeover_metrics::{
    Catalogue, Counters, Endpoint, FamilyDescription, Gauges, LinkMetrics, NoAnswer, ProcessFacts,
    Source, StoreMetrics,
};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the store in the families of stores.
pub(crate) const STORE: &str = crate::store::FILE;
/// The one SCS.
const SCS: [&str; 2] = ["scs", "SCS"];

/// Every family of a Message Server.
pub(crate) struct Metrics {
    pub(crate) arrivals: Arrivals,
    pub(crate) writing: Writing,
    catalogue: Catalogue,
    levels: Levels,
    process: ProcessFacts,
}

impl Metrics {
    pub(crate) fn new(tls: Option<&Path>) -> Self {
        let mut catalogue = Catalogue::new("message-server", env!("CARGO_PKG_VERSION"));
        Self {
            arrivals: Arrivals::new(&mut catalogue),
            writing: Writing::new(&mut catalogue),
            levels: Levels::new(&mut catalogue),
            process: ProcessFacts::new(&mut catalogue, tls),
            catalogue,
        }
    }

    /// What there is to be scraped, for the documentation.
    pub(crate) fn families(&self) -> Vec<FamilyDescription> {
        self.catalogue.families().to_vec()
    }

    /// Serves them until the endpoint is dropped.
    pub(crate) fn serve(
        self,
        at: SocketAddr,
        handle: Handle<MessageServerCore>,
        streams: Arc<Streams>,
        database: PathBuf,
    ) -> Endpoint {
        let source = Scraped {
            levels: self.levels,
            store: self.writing.store,
            process: self.process,
            handle,
            streams,
            database,
        };
        Endpoint::start(at, self.catalogue, source)
    }
}

struct Levels {
    senders: Gauges,
    revision: Gauges,
}

impl Levels {
    fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            senders: catalogue.gauge(
                "changeover_message_server_senders",
                &[],
                "Connections over which log events can come",
            ),
            revision: catalogue.gauge(
                "changeover_environment_revision",
                &[],
                "Number of the environment in force",
            ),
        }
    }
}

struct Scraped {
    levels: Levels,
    store: StoreMetrics,
    process: ProcessFacts,
    handle: Handle<MessageServerCore>,
    streams: Arc<Streams>,
    database: PathBuf,
}

impl Source for Scraped {
    async fn refresh(&self) -> Result<(), NoAnswer> {
        let revision = self
            .handle
            .ask(|_, core| core.revision())
            .await
            .map_err(|_| NoAnswer)?;
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        self.levels
            .senders
            .set(&[], count(self.streams.senders.count()));
        self.levels.revision.set(&[], revision.0 as f64);
        self.store.measure(STORE, &self.database);
        self.process.refresh(self.handle.waiting());
        Ok(())
    }
}

/// What the writer counts. Clones share the families.
#[derive(Clone, Debug)]
pub(crate) struct Writing {
    pub(crate) store: StoreMetrics,
    pub(crate) stored: Counters,
    pub(crate) detections: Counters,
    pub(crate) deleted: Counters,
}

impl Writing {
    pub(crate) fn new(catalogue: &mut Catalogue) -> Self {
        let this = Self {
            store: StoreMetrics::new(catalogue, &[STORE]),
            stored: catalogue.counters(
                "changeover_message_server_events_stored_total",
                &[],
                "Log events committed, those of the Message Server itself included",
            ),
            detections: catalogue.counters(
                "changeover_message_server_detections_total",
                &[],
                "Log events committed that matched an Alarm Condition",
            ),
            deleted: catalogue.counters(
                "changeover_message_server_events_deleted_total",
                &[],
                "Log events deleted because they were too old or the log too large",
            ),
        };
        for counters in [&this.stored, &this.detections, &this.deleted] {
            counters.add(&[], 0);
        }
        this
    }
}

/// What comes in. Clones share the families.
#[derive(Clone)]
pub(crate) struct Arrivals {
    links: LinkMetrics,
    received: Counters,
    repeated: Counters,
    lost: Counters,
    refused: Counters,
}

impl Arrivals {
    fn new(catalogue: &mut Catalogue) -> Self {
        let this = Self {
            links: LinkMetrics::new(catalogue),
            received: catalogue.counters(
                "changeover_message_server_events_received_total",
                &[],
                "Log events that arrived, repetitions included",
            ),
            repeated: catalogue.counters(
                "changeover_message_server_events_repeated_total",
                &[],
                "Log events that arrived although they had been taken in before, and were left out",
            ),
            lost: catalogue.counters(
                "changeover_message_server_events_lost_total",
                &[],
                "Log events that their sender dropped before they could be delivered",
            ),
            refused: catalogue.counters(
                "changeover_message_server_batches_refused_total",
                &[],
                "Batches of log events that were turned away; their sender keeps them and sends them again",
            ),
        };
        for counters in [&this.received, &this.repeated, &this.lost, &this.refused] {
            counters.add(&[], 0);
        }
        this.links.show(SCS[0], SCS[1], false);
        this
    }
}

/// Looks at every input and output of the core.
pub(crate) struct Observer {
    arrivals: Arrivals,
    /// Repetitions counted so far.
    repeated: u64,
}

impl Observer {
    pub(crate) fn new(arrivals: Arrivals) -> Self {
        Self {
            arrivals,
            repeated: 0,
        }
    }

    /// The core has taken an input.
    pub(crate) fn took(&self, input: &Input) {
        match input {
            Input::BatchReceived { batch, .. } => {
                let events = u64::try_from(batch.events.len()).unwrap_or(u64::MAX);
                self.arrivals.received.add(&[], events);
            }
            Input::ScsConnected { .. } => self.arrivals.links.connected(SCS[0], SCS[1]),
            Input::ScsDisconnected { .. } => {
                self.arrivals.links.lost(SCS[0], SCS[1], "closed");
            }
            _ => {}
        }
    }

    /// An output is about to be carried out.
    pub(crate) fn acts(&self, output: &Output) {
        match output {
            Output::CloseSender { .. } => self.arrivals.refused.increment(&[]),
            Output::Noted(Note::EventsLost { count, .. }) => {
                self.arrivals.lost.add(&[], *count);
            }
            _ => {}
        }
    }

    /// The core stands still.
    pub(crate) fn settled(&mut self, core: &MessageServerCore, streams: &Streams) {
        let repeated = core.repeated();
        if repeated > self.repeated {
            let further = repeated - self.repeated;
            self.arrivals.repeated.add(&[], further);
            self.repeated = repeated;
        }
        // A connection that was replaced ends after the new one has begun.
        let up = streams.scs.count() > 0;
        self.arrivals.links.show(SCS[0], SCS[1], up);
    }
}
