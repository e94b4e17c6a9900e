//! Reads role and name from a certificate, and checks a server's certificate by them instead of by host name.

use super::Expected;
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
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
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

/// What to say about the own certificate's dates, if anything.
pub(super) fn validity_warning(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let validity = parsed.validity();
    let warning = match validity.time_to_expiration() {
        Some(left) if left.whole_days() >= 14 => return None,
        Some(left) => format!("this certificate expires in {} days", left.whole_days()),
        None => format!(
            "this certificate is valid from {} to {} only, so nobody accepts it now",
            validity.not_before, validity.not_after
        ),
    };
    Some(warning + "; issue a new one with `changeover certs issue`")
}

/// A server whose certificate is good, but somebody else's.
#[derive(Debug)]
pub(super) struct WrongServer(String);

impl fmt::Display for WrongServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongServer {}

/// Accepts a server whose certificate the authority signed, that is valid now, and that names whom we expect.
#[derive(Debug)]
pub(super) struct ServerIdentityVerifier {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    expected: Expected,
}

impl ServerIdentityVerifier {
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
        expected: Expected,
    ) -> Self {
        Self {
            roots,
            provider,
            expected,
        }
    }
}

fn wrong_server(text: String) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(WrongServer(
        text,
    )))))
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
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        let identity = identity_of_certificate(end_entity)
            .map_err(|reason| wrong_server(format!("its certificate cannot be used: {reason}")))?;
        if !self.expected.is_met_by(&identity) {
            return Err(wrong_server(format!(
                "it is {identity} by its certificate, and not {}",
                self.expected
            )));
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
