//! Words a failed handshake for the people at either end: what was presented, what was expected, what to do.

use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::rustls::{self, AlertDescription, CertificateError, Error};

/// What each side of one connection showed, for the words about its failure. Clones share what becomes known.
#[derive(Clone, Debug)]
pub(crate) struct Sides(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Our own certificate.
    own: String,
    /// The authorities of our `ca.pem`.
    believed: String,
    presented: Mutex<Presented>,
}

#[derive(Clone, Debug, Default)]
struct Presented {
    certificate: Option<String>,
    /// Why it is not the one that was expected.
    complaint: Option<String>,
}

impl Sides {
    pub(super) fn new(own: String, believed: String) -> Self {
        Self(Arc::new(Inner {
            own,
            believed,
            presented: Mutex::default(),
        }))
    }

    pub(super) fn saw(&self, certificate: String) {
        self.presented().certificate = Some(certificate);
    }

    pub(super) fn complain(&self, complaint: String) {
        self.presented().complaint = Some(complaint);
    }

    fn presented(&self) -> std::sync::MutexGuard<'_, Presented> {
        self.0
            .presented
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Words an error of this connection.
    pub(crate) fn words(&self, error: &Error) -> String {
        let Presented {
            certificate,
            complaint,
        } = self.presented().clone();
        let its = certificate.map_or_else(
            || "its certificate".to_owned(),
            |certificate| format!("its certificate ({certificate})"),
        );
        let own = &self.0.own;
        match error {
            Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            ) => format!("{its} has expired: {ISSUE} and put it into its --tls folder"),
            Error::InvalidCertificate(
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
            ) => format!("{its} is not valid yet: are the clocks of both machines right?"),
            Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => format!(
                "{its} is signed by no authority of our ca.pem ({}): {ONE_AUTHORITY}",
                self.0.believed
            ),
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
                complaint.unwrap_or_else(|| format!("{its} cannot be used"))
            }
            Error::NoCertificatesPresented => {
                "it presented no certificate: it needs --tls DIR".to_owned()
            }
            Error::AlertReceived(AlertDescription::CertificateExpired) => {
                format!("it says that our certificate ({own}) has expired: {ISSUE}")
            }
            Error::AlertReceived(
                AlertDescription::UnknownCA
                | AlertDescription::DecryptError
                | AlertDescription::BadCertificate,
            ) => format!(
                "it says that no authority of its ca.pem signed our certificate ({own}): {ONE_AUTHORITY}"
            ),
            Error::AlertReceived(AlertDescription::AccessDenied) => format!(
                "it expected another certificate here than ours ({own}): give this component its own, or correct \
                 the address under which it is called"
            ),
            other => plain_words(other),
        }
    }
}

const ISSUE: &str = "issue a new one with `changeover certs issue`";
const ONE_AUTHORITY: &str =
    "both sides' certificates must come from one authority (`changeover certs show` tells which)";

fn plain_words(error: &Error) -> String {
    match error {
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it asks for a certificate: give --tls DIR".to_owned()
        }
        Error::InvalidMessage(_) => {
            "it does not speak TLS (was it started without --tls?)".to_owned()
        }
        other => other.to_string(),
    }
}

/// Words a failed handshake, or the alert that follows one; `None` if it is no TLS trouble.
pub(crate) fn trouble(error: &std::io::Error, sides: Option<&Sides>) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match sides {
        Some(sides) => sides.words(error),
        None => plain_words(error),
    })
}
