//! The journal: the last inputs and outputs of a core, kept in memory, written on a panic or on request.

use changeover_model::Timestamp;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most entries kept.
const KEPT: usize = 2_000;

struct Entry {
    at: Timestamp,
    input: Box<dyn Debug + Send>,
    outputs: Box<dyn Debug + Send>,
}

/// A bounded ring of what a core was told and what it answered.
#[derive(Clone)]
pub(crate) struct Journal {
    ring: Arc<Mutex<VecDeque<Entry>>>,
    file: PathBuf,
}

impl Journal {
    /// A journal that goes to `file`; also hooked into panics, which abort a release build afterwards.
    pub(crate) fn new(file: PathBuf) -> Self {
        let journal = Self {
            ring: Arc::default(),
            file,
        };
        let on_panic = journal.clone();
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            earlier(info);
            on_panic.write();
        }));
        journal
    }

    pub(crate) fn note(
        &self,
        at: Timestamp,
        input: impl Debug + Send + 'static,
        outputs: impl Debug + Send + 'static,
    ) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(Entry {
            at,
            input: Box::new(input),
            outputs: Box::new(outputs),
        });
    }

    /// Writes what is kept; trouble with that is told and nothing more, since it happens on the way down.
    pub(crate) fn write(&self) {
        if let Err(error) = self.write_to(&self.file) {
            tracing::error!(file = %self.file.display(), %error, "the journal could not be written");
        }
    }

    fn write_to(&self, file: &Path) -> std::io::Result<()> {
        let ring = self
            .ring
            .try_lock()
            .map_err(|_| std::io::Error::other("it is in use"))?;
        // Inputs carry tokens and the bodies of messages: nobody else's to read.
        let file_of_owner = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(file)?;
        let mut out = std::io::BufWriter::new(file_of_owner);
        for entry in ring.iter() {
            writeln!(
                out,
                "{:?} <- {:?}\n    -> {:?}",
                entry.at, entry.input, entry.outputs
            )?;
        }
        out.flush()?;
        tracing::info!(file = %file.display(), entries = ring.len(), "journal written");
        Ok(())
    }
}
