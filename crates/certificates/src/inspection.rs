//! Reads what is there: role and name, dates, whether the files of a folder belong together. Judges nothing else;
//! what a peer would say is `rpc`'s, and the role is read by the same function as there.

use crate::CertificateError;
use crate::folder::{AUTHORITIES, CERTIFICATE, KEY};
use crate::validity::Validity;
use changeover_rpc::identity::Identity;
use changeover_rpc::tls::identity_of_certificate;
use rcgen::{KeyPair, PublicKeyData as _};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;

/// No certificate lies deeper below a folder that is looked at.
const DEEPEST: usize = 6;

/// What a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It signs others.
    Authority,
    /// Somebody's own.
    Component(Identity),
    /// Neither; no component accepts it.
    Foreign,
}

/// How a certificate stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Valid, and for longer than was asked.
    Good,
    /// Valid, but not for as long as was asked.
    ExpiresSoon,
    /// Its time has not come.
    NotYetValid,
    /// Its time is over.
    Expired,
}

/// A certificate that was found.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The file.
    pub file: PathBuf,
    /// What it is for.
    pub kind: Kind,
    /// Whose it is, as its subject says.
    pub subject: String,
    /// The authority that signed it, by its name.
    pub authority: String,
    /// Its dates.
    pub validity: Validity,
    /// SHA-256 over the certificate, hexadecimal.
    pub fingerprint: String,
    /// What is wrong with it, or with the files beside it; empty when nothing is.
    pub faults: Vec<String>,
}

impl Certificate {
    /// How it stands now, when it should last for `within` more.
    #[must_use]
    pub fn standing(&self, now: SystemTime, within: Duration) -> Standing {
        if now > self.validity.until {
            Standing::Expired
        } else if now < self.validity.from {
            Standing::NotYetValid
        } else if now + within > self.validity.until {
            Standing::ExpiresSoon
        } else {
            Standing::Good
        }
    }

    /// Whole days until it expires; negative once it has.
    #[must_use]
    pub fn days_left(&self, now: SystemTime) -> i64 {
        let days = |span: Duration| i64::try_from(span.as_secs() / 86_400).unwrap_or(i64::MAX);
        match self.validity.until.duration_since(now) {
            Ok(left) => days(left),
            Err(over) => -days(over.duration()) - 1,
        }
    }
}

/// Every certificate of a file, or of a folder and those below it. Below a folder of components the authority that
/// each of them believes is compared, and not listed again.
///
/// # Errors
/// When there is nothing, or a file cannot be read as certificates.
pub fn inspect(path: &Path) -> Result<Vec<Certificate>, CertificateError> {
    let nothing = |reason: String| CertificateError::Nothing {
        path: path.to_owned(),
        reason,
    };
    if !path.exists() {
        return Err(nothing("there is no such file or folder".to_owned()));
    }
    let mut found = Vec::new();
    if path.is_dir() {
        below(path, DEEPEST, &mut found)?;
    } else {
        found = of_file(path)?;
    }
    if found.is_empty() {
        return Err(nothing(
            "no certificate (ca.pem, cert.pem) is in it".to_owned(),
        ));
    }
    Ok(found)
}

fn below(
    folder: &Path,
    depth: usize,
    found: &mut Vec<Certificate>,
) -> Result<(), CertificateError> {
    let own = folder.join(CERTIFICATE);
    let authorities = folder.join(AUTHORITIES);
    if own.is_file() {
        let mut certificates = of_file(&own)?;
        if let Some(first) = certificates.first_mut() {
            first.faults.extend(faults_of_folder(folder)?);
            if let Kind::Foreign = first.kind {
                first.faults.push(reason_for_foreign(&own)?);
            }
        }
        found.append(&mut certificates);
    } else if authorities.is_file() {
        found.append(&mut of_file(&authorities)?);
    }
    if depth == 0 {
        return Ok(());
    }
    let read = CertificateError::file("read the folder", folder);
    let mut folders = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(read)?;
    folders.sort();
    for folder in folders
        .iter()
        .filter(|path| path.is_dir() && !path.is_symlink())
    {
        below(folder, depth - 1, found)?;
    }
    Ok(())
}

fn of_file(file: &Path) -> Result<Vec<Certificate>, CertificateError> {
    let pems = pems(file)?;
    let parsed = parsed(file, &pems)?;
    parsed
        .iter()
        .zip(&pems)
        .map(|(certificate, pem)| {
            Ok(Certificate {
                file: file.to_owned(),
                kind: kind(certificate, pem),
                subject: name(certificate.subject()),
                authority: name(certificate.issuer()),
                validity: validity(certificate),
                fingerprint: fingerprint(&pem.contents),
                faults: Vec::new(),
            })
        })
        .collect()
}

fn pems(file: &Path) -> Result<Vec<Pem>, CertificateError> {
    let text = std::fs::read(file).map_err(CertificateError::file("read", file))?;
    let found: Result<Vec<Pem>, _> = Pem::iter_from_buffer(&text).collect();
    let found: Vec<Pem> = found
        .map_err(|error| unreadable(file, &error))?
        .into_iter()
        .filter(|pem| pem.label == "CERTIFICATE")
        .collect();
    if found.is_empty() {
        return Err(unreadable(file, &"there is no certificate in it"));
    }
    Ok(found)
}

fn parsed<'a>(file: &Path, pems: &'a [Pem]) -> Result<Vec<X509Certificate<'a>>, CertificateError> {
    pems.iter()
        .map(|pem| pem.parse_x509().map_err(|error| unreadable(file, &error)))
        .collect()
}

fn unreadable(file: &Path, reason: &dyn std::fmt::Display) -> CertificateError {
    CertificateError::Nothing {
        path: file.to_owned(),
        reason: format!("no certificate can be read: {reason}"),
    }
}

fn kind(certificate: &X509Certificate<'_>, pem: &Pem) -> Kind {
    if certificate.is_ca() {
        return Kind::Authority;
    }
    identity_of_certificate(&pem.contents.as_slice().into()).map_or(Kind::Foreign, Kind::Component)
}

fn reason_for_foreign(file: &Path) -> Result<String, CertificateError> {
    Ok(pems(file)?
        .first()
        .and_then(|pem| identity_of_certificate(&pem.contents.as_slice().into()).err())
        .unwrap_or_default())
}

fn name(name: &x509_parser::x509::X509Name<'_>) -> String {
    let common = name
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok());
    common.map_or_else(|| name.to_string(), ToOwned::to_owned)
}

fn validity(certificate: &X509Certificate<'_>) -> Validity {
    let validity = certificate.validity();
    Validity {
        from: validity.not_before.to_datetime().into(),
        until: validity.not_after.to_datetime().into(),
    }
}

fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes everything");
            text
        })
}

/// Whether a component's folder is complete and its files belong together.
#[must_use]
pub fn is_whole(folder: &Path) -> bool {
    faults_of_folder(folder).is_ok_and(|faults| faults.is_empty())
}

/// Whether key and authority fit the certificate they lie beside.
fn faults_of_folder(folder: &Path) -> Result<Vec<String>, CertificateError> {
    let mut faults = Vec::new();
    let file = folder.join(CERTIFICATE);
    let own = pems(&file)?;
    let own = parsed(&file, &own)?;
    let certificate = &own[0];
    match std::fs::read_to_string(folder.join(KEY)) {
        Err(error) => faults.push(format!("{KEY}: {error}")),
        Ok(text) => match KeyPair::from_pem(&text) {
            Err(error) => faults.push(format!("{KEY}: {error}")),
            Ok(key) if key.subject_public_key_info() != certificate.public_key().raw => {
                faults.push(format!("{KEY} is the key of another certificate"));
            }
            Ok(_) => {}
        },
    }
    let believed = folder.join(AUTHORITIES);
    match pems(&believed) {
        Err(error) => faults.push(error.to_string()),
        Ok(believed_pems) => {
            let authorities = parsed(&believed, &believed_pems)?;
            let signed = own[1..].iter().chain(&authorities).any(|authority| {
                certificate
                    .verify_signature(Some(authority.public_key()))
                    .is_ok()
            });
            if !signed {
                faults.push(format!(
                    "{AUTHORITIES} beside it did not sign it: its peers, who have the same one, will refuse it"
                ));
            }
        }
    }
    Ok(faults)
}

/// Name and dates of an authority, if it is one and the key is its own.
pub(crate) fn read_authority(pem: &str, key: &KeyPair) -> Result<(String, Validity), String> {
    let pem = Pem::iter_from_buffer(pem.as_bytes())
        .next()
        .ok_or("there is no certificate in it")?
        .map_err(|error| error.to_string())?;
    let certificate = pem.parse_x509().map_err(|error| error.to_string())?;
    if !certificate.is_ca() {
        return Err("it is no authority's certificate".to_owned());
    }
    if key.subject_public_key_info() != certificate.public_key().raw {
        return Err("ca-key.pem is the key of another authority".to_owned());
    }
    Ok((name(certificate.subject()), validity(&certificate)))
}
