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
mod tests {
    use super::*;
    use crate::recovery::stored_state;
    use changeover_kill_trials as kill_trials;

    /// Where the two copies of a host are: what it acknowledged fast, and what it acknowledged for good.
    fn copies(folder: &Path) -> (PathBuf, PathBuf) {
        (folder.join("disk.json"), folder.join("runtime.json"))
    }

    /// The writer of the trials: every change fast, every third one for good.
    fn write_changes(folder: &Path) {
        let (disk, runtime) = copies(folder);
        let mut state = stored_state(&disk, &runtime).expect("what a kill left can be read");
        // As every life begins: what was found may be the fast copy alone.
        write_state(&disk, &state).expect("it is written");
        loop {
            state.apply(StateChange::Rewrite);
            write_state_fast(&runtime, &state).expect("it is written");
            if state.serial.is_multiple_of(3) {
                write_state(&disk, &state).expect("it is written");
            }
            kill_trials::acknowledge(state.serial);
        }
    }

    #[test]
    fn a_killed_lca_has_every_change_that_it_had_kept() {
        if let Some(folder) = kill_trials::writer() {
            return write_changes(&folder);
        }
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (disk, runtime) = copies(folder.path());
        for seed in 0..kill_trials::trials() {
            let test = "store::tests::a_killed_lca_has_every_change_that_it_had_kept";
            let last = kill_trials::kill_while_writing(test, folder.path(), seed);
            let both = stored_state(&disk, &runtime).expect("what a kill left can be read");
            assert!(
                both.serial >= last,
                "seed {seed}: {} after {last}",
                both.serial
            );
            // The machine lost its memory: the disk alone.
            let alone = stored_state(&disk, &folder.path().join("gone.json"))
                .expect("what a kill left can be read");
            let durable = last - last % 3;
            assert!(
                alone.serial >= durable,
                "seed {seed}: {} after {durable}",
                alone.serial
            );
            assert!(!disk.with_extension("damaged").exists(), "seed {seed}");
        }
    }
}
