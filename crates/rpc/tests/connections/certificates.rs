//! Certificates for tests, made on the spot. Those that `changeover certs` would never issue are made here.

use changeover_rpc::tls::LinkSecurity;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};
use std::path::Path;
use tempfile::TempDir;

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("Ours")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("ring makes keys");
        Self(CertifiedIssuer::self_signed(params, key).expect("sound parameters"))
    }

    fn params(uris: &[&str]) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2090, 1, 1);
        params.subject_alt_names = uris
            .iter()
            .map(|uri| SanType::URI((*uri).try_into().expect("ASCII")))
            .collect();
        params
    }

    fn write(&self, trusted: &Authority, params: &CertificateParams, folder: &Path) {
        let key = KeyPair::generate().expect("ring makes keys");
        let certificate = params.signed_by(&key, &self.0).expect("sound parameters");
        for (name, text) in [
            ("ca.pem", trusted.0.pem()),
            ("cert.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            std::fs::write(folder.join(name), text).expect("the folder is ours");
        }
    }

    /// Puts a certificate of this URI into a folder.
    pub(crate) fn put(&self, uri: &str, folder: &Path) {
        self.write(self, &Self::params(&[uri]), folder);
    }

    /// Puts one there that expired long ago.
    pub(crate) fn put_expired(&self, uri: &str, folder: &Path) {
        let mut params = Self::params(&[uri]);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.write(self, &params, folder);
    }

    /// A folder with a certificate of these URIs.
    pub(crate) fn folder(&self, uris: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        self.write(self, &Self::params(uris), folder.path());
        folder
    }

    /// Links with a certificate of this authority.
    pub(crate) fn issue(&self, uri: &str) -> LinkSecurity {
        self.issue_trusting(self, uri)
    }

    /// Links with a certificate of this authority that believe in another one.
    pub(crate) fn issue_trusting(&self, trusted: &Authority, uri: &str) -> LinkSecurity {
        let folder = tempfile::tempdir().expect("a folder");
        self.write(trusted, &Self::params(&[uri]), folder.path());
        load(folder.path())
    }

    /// Links with a certificate that expired long ago.
    pub(crate) fn issue_expired(&self, uri: &str) -> LinkSecurity {
        let folder = tempfile::tempdir().expect("a folder");
        self.put_expired(uri, folder.path());
        load(folder.path())
    }
}

/// Links with what lies in a folder.
pub(crate) fn load(folder: &Path) -> LinkSecurity {
    LinkSecurity::from_arguments(Some(folder), false).expect("a complete folder")
}
