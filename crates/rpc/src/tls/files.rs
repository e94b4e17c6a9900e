//! Reads the three files of a TLS folder, and notices that they have changed.

use super::TlsError;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const NAMES: [&str; 3] = ["ca.pem", "cert.pem", "key.pem"];

/// What a folder holds.
pub(super) struct Files {
    pub(super) authorities: Vec<CertificateDer<'static>>,
    /// Never empty.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) chain_path: PathBuf,
    pub(super) key: PrivateKeyDer<'static>,
}

pub(super) fn read(folder: &Path) -> Result<Files, TlsError> {
    let chain_path = folder.join(NAMES[1]);
    let key_path = folder.join(NAMES[2]);
    Ok(Files {
        authorities: certificates(&folder.join(NAMES[0]))?,
        chain: certificates(&chain_path)?,
        key: PrivateKeyDer::from_pem_file(&key_path)
            .map_err(|error| file(&key_path, &error, "private key"))?,
        chain_path,
    })
}

/// Tells one state of the files from another without reading them: file number, size, time of change in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp([Option<(u64, u64, i64, i64)>; 3]);

impl Stamp {
    pub(super) fn of(folder: &Path) -> Self {
        Self(NAMES.map(|name| {
            let of = std::fs::metadata(folder.join(name)).ok()?;
            Some((of.ino(), of.size(), of.ctime(), of.ctime_nsec()))
        }))
    }
}

/// All certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| file(path, &error, "certificate"))?;
    if found.is_empty() {
        return Err(file(path, &PemError::NoItemsFound, "certificate"));
    }
    Ok(found)
}

fn file(path: &Path, error: &PemError, what: &str) -> TlsError {
    let reason = match error {
        PemError::Io(error) => error.to_string(),
        PemError::NoItemsFound => format!("there is no {what} in it"),
        other => format!("no {what} can be read from it: {other:?}"),
    };
    TlsError::File {
        path: path.to_owned(),
        reason,
    }
}
