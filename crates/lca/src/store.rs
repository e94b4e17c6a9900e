//! Keeps the stored state: into the runtime directory at once and without fsync (survives this agent), onto
//! the disk by a writer of its own (survives the host). The core's thread never waits for the disk.

use crate::metrics::{DISK, RUNTIME};
use changeover_component::{Handle, write_state, write_state_fast};
use changeover_lca_core::{Durability, LcaCore, LcaInput, StateChange, StoredState};
use changeover_metrics::StoreMetrics;
use changeover_model::Ticket;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// File name in both folders.
pub(crate) const FILE: &str = "lca.json";
/// Most writes that may wait for the disk.
const QUEUE: usize = 1_024;

/// The two copies.
pub(crate) struct Store {
    state: StoredState,
    runtime: PathBuf,
    disk: mpsc::Sender<(StoredState, Ticket)>,
    handle: Handle<LcaCore>,
    /// The runtime copy is behind.
    unwritten: bool,
    metrics: StoreMetrics,
}

impl Store {
    /// Starts the disk's writer. `state` is what was recovered.
    pub(crate) fn start(
        handle: Handle<LcaCore>,
        state: StoredState,
        state_dir: &Path,
        runtime_dir: &Path,
        metrics: StoreMetrics,
    ) -> Self {
        let (disk, work) = mpsc::channel(QUEUE);
        tokio::spawn(write_to_disk(
            work,
            state_dir.join(FILE),
            handle.clone(),
            metrics.clone(),
        ));
        Self {
            state,
            runtime: runtime_dir.join(FILE),
            disk,
            handle,
            unwritten: false,
            metrics,
        }
    }

    /// Keeps one change, as far as asked. The runtime copy follows with [`Store::flush`]: what is decided
    /// together is written once.
    pub(crate) fn keep(&mut self, change: StateChange, durability: Durability) {
        self.state.apply(change);
        self.unwritten = true;
        let Durability::Durable(ticket) = durability else {
            return;
        };
        self.metrics.queued(DISK);
        if self.disk.try_send((self.state.clone(), ticket)).is_err() {
            self.metrics.wrote(DISK, 1, Duration::ZERO, false);
            let failed = LcaInput::PersistFailed {
                ticket,
                reason: "the disk does not keep up".to_owned(),
            };
            if !self.handle.try_input(failed) {
                tracing::error!("the disk does not keep up, and neither does this agent");
            }
        }
    }

    /// Brings the runtime copy up to date; before anything is done that relies on it.
    pub(crate) fn flush(&mut self) {
        if !std::mem::take(&mut self.unwritten) {
            return;
        }
        let began = Instant::now();
        let written = write_state_fast(&self.runtime, &self.state);
        self.metrics
            .timed(RUNTIME, began.elapsed(), written.is_ok());
        if let Err(error) = written {
            tracing::error!(%error, "the runtime copy cannot be written");
        }
    }
}

/// Writes the newest waiting state and answers every ticket that it covers.
async fn write_to_disk(
    mut work: mpsc::Receiver<(StoredState, Ticket)>,
    file: PathBuf,
    handle: Handle<LcaCore>,
    metrics: StoreMetrics,
) {
    let mut waiting = Vec::new();
    while work.recv_many(&mut waiting, QUEUE).await > 0 {
        let tickets: Vec<Ticket> = waiting.iter().map(|(_, ticket)| *ticket).collect();
        let Some((newest, _)) = waiting.drain(..).next_back() else {
            continue;
        };
        let path = file.clone();
        let began = Instant::now();
        let written = match tokio::task::spawn_blocking(move || write_state(&path, &newest)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        metrics.wrote(DISK, tickets.len(), began.elapsed(), written.is_ok());
        for ticket in tickets {
            let input = match &written {
                Ok(()) => LcaInput::Persisted { ticket },
                Err(reason) => LcaInput::PersistFailed {
                    ticket,
                    reason: reason.clone(),
                },
            };
            if handle.input(input).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod crash_tests;
