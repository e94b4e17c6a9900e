//! An authority and what it signs: the certificate's only claim is the URI `changeover://ROLE/NAME`, by which the
//! other end checks it. Host names and addresses are added for foreign programs alone (`grpcurl`, a browser).

use crate::CertificateError;
use crate::folder::{self, AUTHORITIES, AUTHORITY_KEY, CERTIFICATE, KEY, PUBLIC, SECRET};
use crate::inspection::read_authority;
use crate::validity::{Validity, day};
use changeover_rpc::identity::Identity;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

/// A common name has no room for more (X.520).
const LONGEST_COMMON_NAME: usize = 64;

/// An authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    believed: String,
    name: String,
    validity: Validity,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.name)
    }
}

/// By what else a server may be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Host names.
    pub dns: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

/// A certificate with its key and the authority to believe, not written yet.
pub struct Issued {
    identity: Identity,
    authorities: String,
    certificate: String,
    key: String,
    /// Last moment at which it is valid.
    pub until: SystemTime,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({})", self.identity)
    }
}

impl Authority {
    /// A new one that exists in memory only.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn in_memory(name: &str, validity: Validity) -> Result<Self, CertificateError> {
        Ok(Self::make(name, validity)?.0)
    }

    /// A new one in an empty folder: `ca.pem`, and `ca-key.pem` for its owner only.
    ///
    /// # Errors
    /// When the folder holds anything, or cannot be written.
    pub fn init(folder: &Path, name: &str, validity: Validity) -> Result<Self, CertificateError> {
        folder::make_empty(folder)?;
        let (authority, key) = Self::make(name, validity)?;
        folder::write(folder, AUTHORITY_KEY, &key, SECRET)?;
        folder::write(folder, AUTHORITIES, &authority.believed, PUBLIC)?;
        Ok(authority)
    }

    /// The one that [`Authority::init`] left in a folder.
    ///
    /// # Errors
    /// When a file is missing or unusable, the two do not belong together, or the authority is not valid now.
    pub fn open(folder: &Path) -> Result<Self, CertificateError> {
        let none = |reason: String| CertificateError::NoAuthority {
            folder: folder.to_owned(),
            reason,
        };
        let read = |name: &str| {
            std::fs::read_to_string(folder.join(name))
                .map_err(|error| none(format!("{name}: {error}")))
        };
        let pem = read(AUTHORITIES)?;
        let key = KeyPair::from_pem(&read(AUTHORITY_KEY)?)
            .map_err(|error| none(format!("{AUTHORITY_KEY}: {error}")))?;
        let (name, validity) = read_authority(&pem, &key)
            .map_err(|reason| none(format!("{AUTHORITIES}: {reason}")))?;
        let now = SystemTime::now();
        if now < validity.from || now > validity.until {
            return Err(CertificateError::AuthorityOver {
                name,
                from: day(validity.from),
                until: day(validity.until),
            });
        }
        Ok(Self {
            issuer: Issuer::from_ca_cert_pem(&pem, key)?,
            believed: pem,
            name,
            validity,
        })
    }

    fn make(name: &str, validity: Validity) -> Result<(Self, String), CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name)?;
        params.not_before = validity.from.into();
        params.not_after = validity.until.into();
        // It signs components and no further authorities.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        let secret = key.serialize_pem();
        let authority = Self {
            issuer: Issuer::new(params, key),
            believed: pem,
            name: name.to_owned(),
            validity,
        };
        Ok((authority, secret))
    }

    /// Its common name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lets what is issued from now on believe a further authority as well (its `ca.pem`): while one replaces another,
    /// both are believed.
    pub fn also_believe(&mut self, other: &str) {
        self.believed.push_str(other);
        if !other.ends_with('\n') {
            self.believed.push('\n');
        }
    }

    /// The `ca.pem` of every component: this authority, and those that are believed beside it.
    #[must_use]
    pub fn believed(&self) -> &str {
        &self.believed
    }

    /// From when until when it is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Makes a key and signs a certificate for it, valid at most as long as the authority itself.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate, or the key cannot be made.
    pub fn issue(
        &self,
        identity: &Identity,
        names: &Names,
        validity: Validity,
    ) -> Result<Issued, CertificateError> {
        refuse_unusable(&identity.name)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        let short: String = identity
            .to_string()
            .chars()
            .take(LONGEST_COMMON_NAME)
            .collect();
        params.distinguished_name = common_name(&short)?;
        let until = validity.until.min(self.validity.until);
        params.not_before = validity.from.into();
        params.not_after = until.into();
        params.subject_alt_names = vec![SanType::URI(identity.to_uri().as_str().try_into()?)];
        for name in &names.dns {
            let name = name
                .as_str()
                .try_into()
                .map_err(|_| CertificateError::Name {
                    name: name.clone(),
                    reason: "a host name has ASCII letters only",
                })?;
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        let addresses = names.addresses.iter().copied().map(SanType::IpAddress);
        params.subject_alt_names.extend(addresses);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // Every component but an operator's is called and calls.
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        Ok(Issued {
            identity: identity.clone(),
            authorities: self.believed.clone(),
            certificate: params.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
            until,
        })
    }
}

impl Issued {
    /// Writes `key.pem`, `cert.pem` and `ca.pem` into a folder, over what was there.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), CertificateError> {
        folder::make(folder)?;
        folder::write(folder, KEY, &self.key, SECRET)?;
        folder::write(folder, CERTIFICATE, &self.certificate, PUBLIC)?;
        folder::write(folder, AUTHORITIES, &self.authorities, PUBLIC)
    }
}

fn common_name(name: &str) -> Result<DistinguishedName, CertificateError> {
    if name.is_empty() || name.chars().count() > LONGEST_COMMON_NAME {
        return Err(CertificateError::Name {
            name: name.to_owned(),
            reason: "it must have 1 to 64 characters",
        });
    }
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    Ok(distinguished)
}

/// A name stands in a URI and names a folder.
fn refuse_unusable(name: &str) -> Result<(), CertificateError> {
    let reason = if name.is_empty() || name.len() > 255 {
        "it must have 1 to 255 characters"
    } else if !name.is_ascii() || name.chars().any(|c| c.is_ascii_control()) {
        "a certificate's URI takes printable ASCII only"
    } else if name.contains('/') || name.starts_with('.') {
        "it also names a folder: no slash, no dot in front"
    } else {
        return Ok(());
    };
    Err(CertificateError::Name {
        name: name.to_owned(),
        reason,
    })
}
