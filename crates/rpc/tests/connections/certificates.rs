//! Certificates for tests, made on the spot.

use changeover_rpc::tls::LinkSecurity;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd,
};
use tempfile::TempDir;

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("ring makes keys");
        Self(CertifiedIssuer::self_signed(params, key).expect("sound parameters"))
    }

    fn params(uris: &[&str]) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris
            .iter()
            .map(|uri| SanType::URI((*uri).try_into().expect("ASCII")))
            .collect();
        params
    }

    fn write(&self, trusted: &Authority, params: &CertificateParams) -> TempDir {
        let key = KeyPair::generate().expect("ring makes keys");
        let certificate = params.signed_by(&key, &self.0).expect("sound parameters");
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("ca.pem", trusted.0.pem()),
            ("cert.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            std::fs::write(folder.path().join(name), text).expect("the folder is ours");
        }
        folder
    }

    /// A folder with a certificate of these URIs.
    pub(crate) fn folder(&self, uris: &[&str]) -> TempDir {
        self.write(self, &Self::params(uris))
    }

    /// Links with a certificate of this authority.
    pub(crate) fn issue(&self, uri: &str) -> LinkSecurity {
        self.issue_trusting(self, uri)
    }

    /// Links with a certificate of this authority that believe in another one.
    pub(crate) fn issue_trusting(&self, trusted: &Authority, uri: &str) -> LinkSecurity {
        load(&self.write(trusted, &Self::params(&[uri])))
    }

    /// Links with a certificate that expired long ago.
    pub(crate) fn issue_expired(&self, uri: &str) -> LinkSecurity {
        let mut params = Self::params(&[uri]);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        load(&self.write(self, &params))
    }
}

fn load(folder: &TempDir) -> LinkSecurity {
    LinkSecurity::from_arguments(Some(folder.path()), false).expect("a complete folder")
}
