//! Owns the throw-away certificates of one run: an authority that exists only in memory, and a folder with
//! `ca.pem`, `cert.pem` and `key.pem` per component. How they are made stands in `certificates`, who may do what with
//! them in `rpc`.

use crate::trouble::Trouble;
use changeover_certificates::{Names, Validity};
use changeover_rpc::identity::{Identity, Role};
use std::path::{Path, PathBuf};

/// No run lasts longer.
const DAYS: u32 = 30;

/// The authority of a run.
pub(crate) struct Authority {
    signing: changeover_certificates::Authority,
    folder: PathBuf,
}

impl Authority {
    /// Makes the authority; folders of components go below `folder`.
    ///
    /// # Errors
    /// When the keys cannot be made.
    pub(crate) fn new(folder: PathBuf) -> Result<Self, Trouble> {
        let signing = changeover_certificates::Authority::in_memory(
            "Changeover rehearsal",
            Validity::days(DAYS),
        )?;
        Ok(Self { signing, folder })
    }

    /// Issues a certificate for a role and name and returns its folder.
    ///
    /// # Errors
    /// When the key cannot be made or a file not be written.
    pub(crate) fn issue(&self, role: Role, name: &str) -> Result<PathBuf, Trouble> {
        let folder = self.folder.join(format!("{role}-{name}"));
        self.issue_into(&folder, role, name)?;
        Ok(folder)
    }

    /// Issues one for an application into the folder of its LCA, which passes it on to the application.
    ///
    /// # Errors
    /// As [`Authority::issue`].
    pub(crate) fn issue_for_application(&self, lca: &Path, name: &str) -> Result<(), Trouble> {
        self.issue_into(&lca.join(name), Role::Application, name)
    }

    fn issue_into(&self, folder: &Path, role: Role, name: &str) -> Result<(), Trouble> {
        let identity = Identity::new(role, name);
        let issued = self
            .signing
            .issue(&identity, &Names::default(), Validity::days(DAYS))?;
        Ok(issued.write(folder)?)
    }
}
