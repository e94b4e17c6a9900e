//! Owns the throw-away certificates of one run: an authority that exists only in memory, and a folder with
//! `ca.pem`, `cert.pem` and `key.pem` per component. Who may do what with them is decided in `rpc`.

use crate::trouble::Trouble;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use std::path::{Path, PathBuf};

/// The authority of a run.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    folder: PathBuf,
}

impl Authority {
    /// Makes the authority; folders of components go below `folder`.
    ///
    /// # Errors
    /// When the keys cannot be made.
    pub(crate) fn new(folder: PathBuf) -> Result<Self, Trouble> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Changeover rehearsal");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
            folder,
        })
    }

    /// Issues a certificate for a role and name and returns its folder.
    ///
    /// # Errors
    /// When the key cannot be made or a file not be written.
    pub(crate) fn issue(&self, role: &str, name: &str) -> Result<PathBuf, Trouble> {
        let folder = self.folder.join(format!("{role}-{name}"));
        self.issue_into(&folder, role, name)?;
        Ok(folder)
    }

    /// Issues one for an application into the folder of its LCA, which passes it on to the application.
    ///
    /// # Errors
    /// As [`Authority::issue`].
    pub(crate) fn issue_for_application(&self, lca: &Path, name: &str) -> Result<(), Trouble> {
        self.issue_into(&lca.join(name), "application", name)
    }

    /// The certificate's URI is `changeover://ROLE/NAME`.
    fn issue_into(&self, folder: &Path, role: &str, name: &str) -> Result<(), Trouble> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, format!("{role} {name}"));
        let identity = format!("changeover://{role}/{name}");
        params.subject_alt_names = vec![SanType::URI(identity.as_str().try_into()?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        std::fs::create_dir_all(folder).map_err(Trouble::file("make the folder", folder))?;
        write(folder, "ca.pem", &self.certificate)?;
        write(folder, "cert.pem", &certificate)?;
        write(folder, "key.pem", &key.serialize_pem())
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Trouble> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = folder.join(name);
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Trouble::file("write", &path))
}
