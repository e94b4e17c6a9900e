//! Mutual TLS from a folder of files, and when it is needed. Both ends prove role and name by the URI SAN of
//! their certificate; host names play no part, so a certificate moves with its component. One TLS provider
//! (ring) is named explicitly, because two in one process panic when nobody chooses.
//!
//! What a proven peer may do stands in `identity.rs`.

mod files;
mod mutual;
mod peer_certificate;
mod words;

pub use mutual::MutualTls;
pub use peer_certificate::identity_of_certificate;
pub(crate) use words::{Sides, trouble};

use crate::identity::{Identity, Role};
use changeover_emulated_nic::Network;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

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
    /// The certificate is somebody else's.
    #[error(
        "{path} is the certificate of {found}, and this process is {ourselves}: its peers refuse it; issue the right one \
         with `changeover certs issue` and put it there"
    )]
    SomebodyElse {
        /// The certificate.
        path: PathBuf,
        /// Whose it is.
        found: Identity,
        /// Who this process is.
        ourselves: Expected,
    },
    /// Both ways were asked for.
    #[error("--tls and --insecure contradict each other: give one of them")]
    Contradiction,
    /// Neither way was asked for, and the address is not this machine's own.
    #[error(
        "{address} is not on this machine: give --tls DIR (ca.pem, cert.pem, key.pem; `changeover \
         certs issue` makes them), or --insecure to go \
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

    pub(crate) fn is_met_by(&self, identity: &Identity) -> bool {
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

    /// Says who this process is. A certificate of somebody else is complained about in the log, because peers will refuse
    /// it; once the right one was read, no other replaces it.
    pub fn this_is(&self, ourselves: Expected) {
        if let Self::MutualTls(tls) = self {
            tls.this_is(ourselves);
        }
    }

    /// Reads the files of `--tls DIR` again and says in the log what came of it: new connections use the new ones, open
    /// ones stay. Files that cannot be used change nothing.
    pub async fn reload(&self) {
        let Self::MutualTls(tls) = self else {
            return;
        };
        let tls = tls.clone();
        // A disk that hangs must not hold up what this task does otherwise.
        if let Err(error) = tokio::task::spawn_blocking(move || tls.reload()).await {
            tracing::error!(%error, "the certificates were not read again");
        }
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
