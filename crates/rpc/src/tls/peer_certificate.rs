//! Reads role and name from a certificate, checks peers by them instead of by host name, and puts certificates into
//! words.

use super::Expected;
use super::words::Sides;
use crate::identity::Identity;
use std::fmt;
use std::sync::Arc;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_parser::extensions::GeneralName;

/// Role and name of a certificate.
///
/// # Errors
/// In words, when the certificate is unreadable or does not name exactly one role.
pub fn identity_of_certificate(certificate: &CertificateDer<'_>) -> Result<Identity, String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| format!("no X.509 certificate: {error}"))?;
    let names = parsed
        .subject_alternative_name()
        .map_err(|error| format!("its subject alternative names are unreadable: {error}"))?;
    let mut found = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::URI(uri) if uri.starts_with("changeover:") => Some(*uri),
            _ => None,
        });
    match (found.next(), found.next()) {
        (None, _) => Err("it has no URI changeover://ROLE/NAME among its names".to_owned()),
        (Some(_), Some(_)) => Err("it names more than one role".to_owned()),
        (Some(uri), None) => Identity::from_uri(uri)
            .ok_or_else(|| format!("'{}' is no changeover://ROLE/NAME", uri.escape_debug())),
    }
}

/// A certificate in words.
#[derive(Clone, Debug)]
pub(super) struct Description {
    /// Role and name, else its subject.
    pub(super) whose: String,
    authority: String,
    from: String,
    until: String,
    /// Seconds since 1970.
    until_seconds: i64,
    from_seconds: i64,
}

/// A certificate that ends within this is worth a word, seconds.
const SOON: i64 = 30 * 86_400;

impl Description {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else {
            return Self {
                whose: "unreadable".to_owned(),
                authority: "nobody".to_owned(),
                from: String::new(),
                until: String::new(),
                until_seconds: i64::MAX,
                from_seconds: 0,
            };
        };
        let validity = parsed.validity();
        let day = |time: x509_parser::time::ASN1Time| time.to_datetime().date().to_string();
        Self {
            whose: identity_of_certificate(certificate)
                .map_or_else(|_| name(parsed.subject()), |identity| identity.to_string()),
            authority: name(parsed.issuer()),
            from: day(validity.not_before),
            until: day(validity.not_after),
            until_seconds: validity.not_after.timestamp(),
            from_seconds: validity.not_before.timestamp(),
        }
    }

    /// Seconds until it expires; negative once it has.
    fn seconds_left(&self) -> i64 {
        self.until_seconds.saturating_sub(now())
    }

    pub(super) fn dates(&self) -> String {
        format!("valid {} to {}", self.from, self.until)
    }

    /// What to say about the own certificate's dates, if anything.
    pub(super) fn validity_warning(&self) -> Option<String> {
        let left = self.seconds_left();
        let (whose, until) = (&self.whose, &self.until);
        let warning = if left < 0 {
            format!("the certificate of {whose} has expired on {until}: nobody accepts it now")
        } else if self.from_seconds > now() {
            format!(
                "the certificate of {whose} is valid from {} only, so nobody accepts it now (is this machine's \
                 clock right?)",
                self.from
            )
        } else if left < SOON {
            format!(
                "the certificate of {whose} expires in {} days, on {until}",
                left / 86_400
            )
        } else {
            return None;
        };
        Some(
            warning
                + "; issue a new one with `changeover certs issue`, put it there, and send SIGHUP",
        )
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, signed by {}, {}",
            self.whose,
            self.authority,
            self.dates()
        )
    }
}

fn now() -> i64 {
    let now = UnixTime::now().as_secs();
    i64::try_from(now).unwrap_or(i64::MAX)
}

fn name(name: &x509_parser::x509::X509Name<'_>) -> String {
    let common = name
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok());
    // It comes from the other side: no line ends in our log.
    common.map_or_else(
        || name.to_string().escape_debug().to_string(),
        |name| name.escape_debug().to_string(),
    )
}

/// Accepts a client whose certificate the authority signed, that is valid now, and that names one role; remembers what it
/// presented.
#[derive(Debug)]
pub(super) struct ClientIdentityVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    sides: Sides,
}

impl ClientIdentityVerifier {
    pub(super) fn new(inner: Arc<dyn ClientCertVerifier>, sides: Sides) -> Self {
        Self { inner, sides }
    }
}

impl ClientCertVerifier for ClientIdentityVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.sides.saw(Description::of(end_entity).to_string());
        let verified = self
            .inner
            .verify_client_cert(end_entity, intermediates, now)?;
        match identity_of_certificate(end_entity) {
            Ok(_) => Ok(verified),
            Err(reason) => Err(refused(
                &self.sides,
                format!("its certificate cannot be used: {reason}"),
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Accepts a server whose certificate the authority signed, that is valid now, and that names whom we expect.
#[derive(Debug)]
pub(super) struct ServerIdentityVerifier {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    expected: Expected,
    sides: Sides,
}

impl ServerIdentityVerifier {
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
        expected: Expected,
        sides: Sides,
    ) -> Self {
        Self {
            roots,
            provider,
            expected,
            sides,
        }
    }
}

/// The peer is told that we expect somebody else; the words stay here.
fn refused(sides: &Sides, complaint: String) -> Error {
    sides.complain(complaint);
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}

impl ServerCertVerifier for ServerIdentityVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.sides.saw(Description::of(end_entity).to_string());
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        let identity = identity_of_certificate(end_entity).map_err(|reason| {
            refused(
                &self.sides,
                format!("its certificate cannot be used: {reason}"),
            )
        })?;
        if !self.expected.is_met_by(&identity) {
            return Err(refused(
                &self.sides,
                format!(
                    "it is {identity} by its certificate, and not {}: put the right certificate there, or correct \
                     the address",
                    self.expected
                ),
            ));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
