//! What lies in a folder, and how it gets there: whole files only, keys for their owner only.

use crate::CertificateError;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// The certificates of the authorities that a component believes.
pub(crate) const AUTHORITIES: &str = "ca.pem";
/// The component's own certificate.
pub(crate) const CERTIFICATE: &str = "cert.pem";
/// Its key.
pub(crate) const KEY: &str = "key.pem";
/// The authority's own key; no component has it.
pub(crate) const AUTHORITY_KEY: &str = "ca-key.pem";

/// Everybody may read it.
pub(crate) const PUBLIC: u32 = 0o644;
/// Its owner alone.
pub(crate) const SECRET: u32 = 0o600;

/// Makes a folder (and those above it) that only its owner may enter.
pub(crate) fn make(folder: &Path) -> Result<(), CertificateError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(CertificateError::file("make the folder", folder))
}

/// Makes a folder for an authority; one that exists must be empty.
pub(crate) fn make_empty(folder: &Path) -> Result<(), CertificateError> {
    make(folder)?;
    let mut entries =
        std::fs::read_dir(folder).map_err(CertificateError::file("read the folder", folder))?;
    if entries.next().is_some() {
        return Err(CertificateError::NotEmpty {
            folder: folder.to_owned(),
        });
    }
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))
        .map_err(CertificateError::file("close to others", folder))
}

/// Writes a file whole: a component that reads at the same time sees the old one or the new one.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    text: &str,
    mode: u32,
) -> Result<(), CertificateError> {
    let path = folder.join(name);
    let new = folder.join(format!(".{name}.new"));
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(CertificateError::file("remove", new)(error));
        }
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(CertificateError::file("write", &new))?;
    std::fs::rename(&new, &path).map_err(CertificateError::file("write", path))
}
