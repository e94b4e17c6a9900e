//! Mutual TLS from a folder of files, and when it is needed. Both ends prove role and name by the URI SAN of
//! their certificate; host names play no part, so a certificate moves with its component. One TLS provider
//! (ring) is named explicitly, because two in one process panic when nobody chooses.
//!
//! What a proven peer may do stands in `identity.rs`.

mod peer_certificate;

pub use peer_certificate::identity_of_certificate;
use peer_certificate::{ServerIdentityVerifier, WrongServer};

use crate::identity::{Identity, Role};
use changeover_emulated_nic::Network;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// HTTP/2 is all we speak.
const ALPN: &[u8] = b"h2";

/// Why TLS files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no such thing.
    #[error(
        "{path}: {reason}; a TLS folder holds ca.pem, cert.pem and key.pem (`changeover certs issue` \
         writes one)"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The certificate names no role, or two.
    #[error("{path}: {reason}; issue it with `changeover certs issue DIR --role ROLE --name NAME`")]
    Identity {
        /// The certificate.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The files do not fit together.
    #[error("{folder}: {reason}")]
    Unfit {
        /// The folder.
        folder: PathBuf,
        /// What the TLS library said.
        reason: String,
    },
    /// Both ways were asked for.
    #[error("--tls and --insecure contradict each other: give one of them")]
    Contradiction,
    /// Neither way was asked for, and the address is not this machine's own.
    #[error(
        "{address} is not on this machine: give --tls DIR (ca.pem, cert.pem, key.pem), or --insecure to go \
         without encryption and let everybody on that network do everything"
    )]
    NeedsTls {
        /// The address to listen on or to dial.
        address: IpAddr,
    },
}

/// What a client expects at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its role.
    pub role: Role,
    /// Its name; `None` = any of that role.
    pub name: Option<String>,
}

impl Expected {
    /// Any server of this role.
    #[must_use]
    pub fn role(role: Role) -> Self {
        Self { role, name: None }
    }

    /// This very server.
    pub fn named(role: Role, name: impl Into<String>) -> Self {
        Self {
            role,
            name: Some(name.into()),
        }
    }

    fn is_met_by(&self, identity: &Identity) -> bool {
        self.role == identity.role && self.name.as_ref().is_none_or(|name| *name == identity.name)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {name}", self.role),
            None => write!(f, "a certificate of role {}", self.role),
        }
    }
}

/// Certificate, key and authority of this component. Cheap to clone.
#[derive(Clone)]
pub struct MutualTls {
    identity: Identity,
    server: Arc<ServerConfig>,
    client: Arc<ClientParts>,
}

struct ClientParts {
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl fmt::Debug for MutualTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MutualTls({})", self.identity)
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl MutualTls {
    /// Loads `ca.pem`, `cert.pem` and `key.pem` of a folder.
    ///
    /// # Errors
    /// When a file is missing or unusable, the certificate names no role, or key and certificate do not fit.
    pub fn load(folder: &Path) -> Result<Self, TlsError> {
        let authorities = certificates(&folder.join("ca.pem"))?;
        let chain_path = folder.join("cert.pem");
        let chain = certificates(&chain_path)?;
        let key_path = folder.join("key.pem");
        let key = PrivateKeyDer::from_pem_file(&key_path)
            .map_err(|error| file(&key_path, &error, "private key"))?;
        let identity = identity_of_certificate(&chain[0]).map_err(|reason| TlsError::Identity {
            path: chain_path.clone(),
            reason,
        })?;
        if let Some(warning) = peer_certificate::validity_warning(&chain[0]) {
            tracing::warn!(file = %chain_path.display(), "{warning}");
        }
        let unfit = |reason: String| TlsError::Unfit {
            folder: folder.to_owned(),
            reason,
        };
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots
                .add(authority)
                .map_err(|error| unfit(format!("ca.pem is no authority: {error}")))?;
        }
        let roots = Arc::new(roots);
        let server = server_config(&roots, &chain, &key)
            .map_err(|error| unfit(format!("cert.pem and key.pem cannot be used: {error}")))?;
        Ok(Self {
            identity,
            server: Arc::new(server),
            client: Arc::new(ClientParts { roots, chain, key }),
        })
    }

    /// Role and name of the own certificate.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        tokio_rustls::TlsAcceptor::from(Arc::clone(&self.server))
    }

    pub(crate) fn connector(
        &self,
        expected: &Expected,
    ) -> Result<tokio_rustls::TlsConnector, rustls::Error> {
        let provider = provider();
        let verifier = ServerIdentityVerifier::new(
            Arc::clone(&self.client.roots),
            Arc::clone(&provider),
            expected.clone(),
        );
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(self.client.chain.clone(), self.client.key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(tokio_rustls::TlsConnector::from(Arc::new(config)))
    }
}

fn server_config(
    roots: &Arc<RootCertStore>,
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider()).build()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain.to_vec(), key.clone_key())?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
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

/// How links of this component are secured; made once from its arguments.
#[derive(Clone, Debug)]
pub enum LinkSecurity {
    /// Nothing was said: loopback addresses, Unix sockets and emulated networks only.
    Plain,
    /// `--insecure`: any address, no encryption, everybody may do everything.
    Insecure,
    /// `--tls DIR`: every TCP link, loopback included, so that local users have roles as well.
    MutualTls(MutualTls),
}

impl LinkSecurity {
    /// From `--tls DIR` and `--insecure`; the latter leaves a warning in the log.
    ///
    /// # Errors
    /// When both were given, or the files cannot be used.
    pub fn from_arguments(tls: Option<&Path>, insecure: bool) -> Result<Self, TlsError> {
        match (tls, insecure) {
            (Some(_), true) => Err(TlsError::Contradiction),
            (Some(folder), false) => Ok(Self::MutualTls(MutualTls::load(folder)?)),
            (None, true) => {
                tracing::warn!(
                    "--insecure: links are not encrypted and callers are not checked; everybody who \
                     reaches this component's port can do everything"
                );
                Ok(Self::Insecure)
            }
            (None, false) => Ok(Self::Plain),
        }
    }

    /// As [`Self::from_arguments`], for a component that will listen on this address: a link that nobody secured is
    /// refused before anything is opened.
    ///
    /// # Errors
    /// As [`Self::from_arguments`] and [`Self::for_address`].
    pub fn for_server(
        tls: Option<&Path>,
        insecure: bool,
        network: &Network,
        address: IpAddr,
    ) -> Result<Self, TlsError> {
        let security = Self::from_arguments(tls, insecure)?;
        security.for_address(network, address)?;
        Ok(security)
    }

    /// The TLS for a TCP link with this address; `None` = a plain link.
    ///
    /// # Errors
    /// When the address is not the machine's own and nothing was said about security.
    pub fn for_address(
        &self,
        network: &Network,
        address: IpAddr,
    ) -> Result<Option<&MutualTls>, TlsError> {
        match (self, network) {
            (Self::MutualTls(tls), _) => Ok(Some(tls)),
            (Self::Insecure, _) | (Self::Plain, Network::Emulated(_)) => Ok(None),
            (Self::Plain, Network::Kernel) if address.to_canonical().is_loopback() => Ok(None),
            (Self::Plain, Network::Kernel) => Err(TlsError::NeedsTls { address }),
        }
    }
}

/// Words a failed handshake (or the alert that follows one) for people; `None` if it is no TLS trouble.
pub(crate) fn trouble(error: &std::io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(words(error))
}

pub(crate) fn words(error: &rustls::Error) -> String {
    use rustls::{AlertDescription, CertificateError, Error};
    match error {
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "its certificate is not valid yet (are the clocks right?)".to_owned(),
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "its certificate was not issued by our ca.pem".to_owned(),
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref::<WrongServer>().map_or_else(
                || format!("its certificate cannot be used: {:?}", other.0),
                ToString::to_string,
            )
        }
        Error::NoCertificatesPresented => "it presented no certificate".to_owned(),
        Error::AlertReceived(AlertDescription::CertificateExpired) => {
            "it says that our certificate has expired".to_owned()
        }
        Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::DecryptError
            | AlertDescription::BadCertificate,
        ) => "it says that our certificate was not issued by its ca.pem".to_owned(),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it asks for a certificate: give --tls DIR".to_owned()
        }
        Error::InvalidMessage(_) => {
            "it does not speak TLS (was it started without --tls?)".to_owned()
        }
        other => other.to_string(),
    }
}
