//! The certificates in force: read at start, read again on SIGHUP, and after a refused handshake if the files have
//! changed, so that a link comes up by itself once the right certificate has been put there.

use super::files::{self, Files, Stamp};
use super::peer_certificate::{
    ClientIdentityVerifier, Description, ServerIdentityVerifier, identity_of_certificate,
};
use super::words::Sides;
use super::{Expected, TlsError};
use crate::identity::Identity;
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use tokio_rustls::rustls;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// HTTP/2 is all we speak.
const ALPN: &[u8] = b"h2";
/// Changed files are looked for no more often than this.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// How often a component that runs for months says that its certificate expires.
const REMINDER: Duration = Duration::from_secs(12 * 3600);

/// Certificate, key and authority of this component. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct MutualTls(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    current: RwLock<Arc<Loaded>>,
    looked: Mutex<Looked>,
    /// Who this process is, once it has said so.
    ourselves: OnceLock<Expected>,
}

/// The last look at the files.
struct Looked {
    stamp: Stamp,
    at: Option<Instant>,
}

struct Loaded {
    identity: Identity,
    own: Description,
    file: PathBuf,
    /// Names of the authorities of `ca.pem`.
    believed: String,
    roots: Arc<RootCertStore>,
    clients: Arc<dyn ClientCertVerifier>,
    key: Arc<SingleCertAndKey>,
}

impl fmt::Debug for MutualTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MutualTls({})", self.identity())
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
        let stamp = Stamp::of(folder);
        let loaded = Loaded::from(folder)?;
        loaded.warn_of_its_end();
        Ok(Self(Arc::new(Shared {
            folder: folder.to_owned(),
            current: RwLock::new(Arc::new(loaded)),
            looked: Mutex::new(Looked { stamp, at: None }),
            ourselves: OnceLock::new(),
        })))
    }

    /// Role and name of the own certificate.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.current().identity.clone()
    }

    pub(super) fn this_is(&self, ourselves: Expected) {
        let current = self.current();
        if !ourselves.is_met_by(&current.identity) {
            tracing::error!("{}", current.of_somebody_else(&ourselves));
        }
        // Said once; a second time changes nothing.
        self.0.ourselves.set(ourselves).unwrap_or_default();
    }

    fn current(&self) -> Arc<Loaded> {
        Arc::clone(
            &self
                .0
                .current
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Reads the files again; what cannot be used changes nothing. Both are said in the log. Blocks on the disk.
    pub(super) fn reload(&self) {
        let stamp = Stamp::of(&self.0.folder);
        self.looked().stamp = stamp;
        match self.replace() {
            Ok(now) => tracing::info!(
                "the certificates were read again: {}, {}; new connections use them",
                now.identity,
                now.own.dates()
            ),
            Err(error) => tracing::error!(
                "the certificates cannot be read again, those read before stay in force: {error}"
            ),
        }
    }

    fn replace(&self) -> Result<Arc<Loaded>, TlsError> {
        let new = Loaded::from(&self.0.folder)?;
        if let Some(ourselves) = self.0.ourselves.get()
            && !ourselves.is_met_by(&new.identity)
            && ourselves.is_met_by(&self.identity())
        {
            return Err(new.of_somebody_else(ourselves));
        }
        new.warn_of_its_end();
        let new = Arc::new(new);
        *self
            .0
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        Ok(new)
    }

    fn looked(&self) -> std::sync::MutexGuard<'_, Looked> {
        self.0.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a handshake that failed by a certificate: somebody may have put the right one there. Returns at once.
    pub(crate) fn look_for_new_files(&self) {
        let now = Instant::now();
        {
            let mut looked = self.looked();
            if looked
                .at
                .is_some_and(|at| now.duration_since(at) < LOOK_PAUSE)
            {
                return;
            }
            looked.at = Some(now);
        }
        let this = self.clone();
        drop(tokio::task::spawn_blocking(move || {
            let stamp = Stamp::of(&this.0.folder);
            let unchanged = this.looked().stamp == stamp;
            if !unchanged {
                this.reload();
            }
        }));
    }

    /// Says again and again that the certificate expires, once it does so soon.
    pub(crate) async fn remind(&self) -> Infallible {
        loop {
            tokio::time::sleep(REMINDER).await;
            self.current().warn_of_its_end();
        }
    }

    /// For one connection, with what its failure will be told by.
    pub(crate) fn acceptor(&self) -> Result<(tokio_rustls::TlsAcceptor, Sides), rustls::Error> {
        let current = self.current();
        let sides = current.sides();
        let verifier = ClientIdentityVerifier::new(Arc::clone(&current.clients), sides.clone());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::clone(&current.key) as _);
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok((tokio_rustls::TlsAcceptor::from(Arc::new(config)), sides))
    }

    /// The same for a connection that this side opens.
    pub(crate) fn connector(
        &self,
        expected: &Expected,
    ) -> Result<(tokio_rustls::TlsConnector, Sides), rustls::Error> {
        let current = self.current();
        let sides = current.sides();
        let provider = provider();
        let verifier = ServerIdentityVerifier::new(
            Arc::clone(&current.roots),
            Arc::clone(&provider),
            expected.clone(),
            sides.clone(),
        );
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::clone(&current.key) as _);
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok((tokio_rustls::TlsConnector::from(Arc::new(config)), sides))
    }
}

impl Loaded {
    fn from(folder: &Path) -> Result<Self, TlsError> {
        let Files {
            authorities,
            chain,
            chain_path,
            key,
        } = files::read(folder)?;
        let identity = identity_of_certificate(&chain[0]).map_err(|reason| TlsError::Identity {
            path: chain_path.clone(),
            reason,
        })?;
        let unfit = |reason: String| TlsError::Unfit {
            folder: folder.to_owned(),
            reason,
        };
        let own = Description::of(&chain[0]);
        let believed: Vec<String> = authorities
            .iter()
            .map(|authority| Description::of(authority).whose)
            .collect();
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots
                .add(authority)
                .map_err(|error| unfit(format!("ca.pem is no authority: {error}")))?;
        }
        let roots = Arc::new(roots);
        let provider = provider();
        let key = CertifiedKey::from_der(chain, key, &provider)
            .map_err(|error| unfit(format!("cert.pem and key.pem cannot be used: {error}")))?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider)
            .build()
            .map_err(|error| unfit(format!("ca.pem cannot be used: {error}")))?;
        Ok(Self {
            identity,
            own,
            file: chain_path,
            believed: believed.join(", "),
            roots,
            clients,
            key: Arc::new(SingleCertAndKey::from(key)),
        })
    }

    fn of_somebody_else(&self, ourselves: &Expected) -> TlsError {
        TlsError::SomebodyElse {
            path: self.file.clone(),
            found: self.identity.clone(),
            ourselves: ourselves.clone(),
        }
    }

    fn sides(&self) -> Sides {
        Sides::new(
            format!("{}, {}", self.own, self.file.display()),
            self.believed.clone(),
        )
    }

    fn warn_of_its_end(&self) {
        if let Some(warning) = self.own.validity_warning() {
            tracing::warn!(file = %self.file.display(), "{warning}");
        }
    }
}
