//! Where a process writes: a file, never a pipe that this agent reads (its death would then kill the
//! process by SIGPIPE). The file is bounded: what is too much is cut away, the tail is kept for reports.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Most bytes of output that a report carries.
pub(crate) const TAIL: u64 = 4_096;
/// Size at which a file is cut.
const LARGEST: u64 = 1 << 20;

/// The output file of one application or run.
#[derive(Clone, Debug)]
pub(crate) struct OutputFile {
    path: PathBuf,
}

impl OutputFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Opens it for a process. Appending, so that cutting it under the writer leaves no hole.
    pub(crate) fn open_for_process(path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
    }

    /// Cuts the file if it has grown too large; the tail stays.
    pub(crate) fn keep_bounded(&self) -> io::Result<()> {
        let file = match OpenOptions::new().append(true).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() <= LARGEST {
            return Ok(());
        }
        let tail = self.tail();
        file.set_len(0)?;
        (&file).write_all(b"[earlier output was cut away]\n")?;
        (&file).write_all(tail.as_bytes())
    }

    /// The last [`TAIL`] bytes, as text; empty if there are none or they cannot be read.
    pub(crate) fn tail(&self) -> String {
        self.read_tail().unwrap_or_default()
    }

    fn read_tail(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Holds `text` and nothing else.
    pub(crate) fn replace(&self, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)?;
        file.write_all(text.as_bytes())
    }

    /// Begins anew.
    pub(crate) fn remove(&self) {
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %self.path.display(), %error, "an output file could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn megabytes_of_output_are_cut_and_the_tail_is_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let output = OutputFile::new(folder.path().join("output"));
        let mut writer =
            OutputFile::open_for_process(&folder.path().join("output")).expect("writable");
        writer.write_all(&vec![b'x'; 3 << 20]).expect("writable");
        writer.write_all(b"the last words").expect("writable");
        output.keep_bounded().expect("it can be cut");
        writer.write_all(b", and more").expect("still writable");
        assert!(output.tail().ends_with("the last words, and more"));
        let size = std::fs::metadata(folder.path().join("output"))
            .expect("it exists")
            .len();
        assert!(size < 2 * TAIL, "{size}");
    }
}
