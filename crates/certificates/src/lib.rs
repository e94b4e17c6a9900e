//! Certificates for mutual TLS, for people who have no authority of their own: `changeover certs`, and the throw-away
//! ones of rehearsals and tests.
//!
//! `authority.rs` makes an authority and signs with it, `folder.rs` writes what a component is given, `site.rs` says
//! which certificates an environment needs, `inspection.rs` reads what is there. Who may do what with a certificate,
//! and how a peer is checked, is decided in `rpc`.

mod authority;
mod folder;
mod inspection;
mod site;
mod validity;

pub use authority::{Authority, Issued, Names};
pub use inspection::{Certificate, Kind, Standing, inspect, is_whole};
pub use site::{People, Planned, plan};
pub use validity::{Validity, day};

use std::path::PathBuf;

/// Why a certificate was not made or not read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// There is something where a new authority should go.
    #[error(
        "{folder} is not empty: an authority is made once and never replaced; give a new folder, or issue with the \
         one that is there"
    )]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds no authority.
    #[error(
        "{folder} holds no authority ({reason}); make one with `changeover certs init {folder}`"
    )]
    NoAuthority {
        /// The folder.
        folder: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// The authority itself is not valid today.
    #[error(
        "the authority {name} is valid from {from} to {until} only: nothing it signs is accepted; make a new one"
    )]
    AuthorityOver {
        /// Its common name.
        name: String,
        /// First day.
        from: String,
        /// Last day.
        until: String,
    },
    /// A name that cannot stand in a certificate or name its folder.
    #[error("'{name}' cannot be the name in a certificate: {reason}")]
    Name {
        /// As given.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Nothing at this place, or no certificate in it.
    #[error("{path}: {reason}")]
    Nothing {
        /// The place.
        path: PathBuf,
        /// What is there instead.
        reason: String,
    },
    /// A file that could not be read or written.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The library that signs.
    #[error("the certificate cannot be made: {0}")]
    Signing(#[from] rcgen::Error),
}

impl CertificateError {
    /// Whether the request itself cannot be met (nothing was done), and not the machine.
    #[must_use]
    pub fn is_about_the_input(&self) -> bool {
        !matches!(self, Self::File { .. } | Self::Signing(_))
    }

    pub(crate) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
