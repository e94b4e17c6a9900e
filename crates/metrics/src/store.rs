//! How a component's store does: the same families for a database of the SCS or the Message Server and for the state file
//! of an LCA. Called from the thread that writes, where a disk that stalls is seen.

use crate::{Catalogue, Counters, Durations, Gauges};
use std::path::Path;
use std::time::Duration;

/// Families of one or more stores. Clones share them.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    commits: Durations,
    failures: Counters,
    queue: Gauges,
    size: Gauges,
}

impl StoreMetrics {
    /// Registers the families; the stores named are there from the start.
    pub fn new(catalogue: &mut Catalogue, stores: &[&str]) -> Self {
        let this = Self {
            commits: catalogue.durations(
                "changeover_store_commit_duration_seconds",
                &["store"],
                "How long writes took that succeeded, until they were safe",
            ),
            failures: catalogue.counters(
                "changeover_store_failures_total",
                &["store"],
                "Writes that failed; what depends on them is held back and written again",
            ),
            queue: catalogue.gauge(
                "changeover_store_queue_length",
                &["store"],
                "Writes that wait for the disk or are on their way",
            ),
            size: catalogue.gauge(
                "changeover_store_size_bytes",
                &["store"],
                "Size of a database and its write-ahead log on disk",
            ),
        };
        for store in stores {
            this.failures.add(&[store], 0);
            this.queue.set(&[store], 0.0);
        }
        this
    }

    /// A write was queued.
    pub fn queued(&self, store: &str) {
        self.queue.add(&[store], 1.0);
    }

    /// So many queued writes were carried out together, well or not.
    pub fn wrote(&self, store: &str, writes: usize, took: Duration, well: bool) {
        let writes = u32::try_from(writes).unwrap_or(u32::MAX);
        self.queue.add(&[store], -f64::from(writes));
        self.timed(store, took, well);
    }

    /// Looks how large a database is. Reads the file system: not for the thread of a core.
    pub fn measure(&self, store: &str, database: &Path) {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let bytes = size(database) + size(Path::new(&log));
        self.size.set(&[store], bytes as f64);
    }

    /// Something was written at once, without a queue.
    pub fn timed(&self, store: &str, took: Duration, well: bool) {
        if well {
            self.commits.observe(&[store], took);
        } else {
            self.failures.increment(&[store]);
        }
    }
}
