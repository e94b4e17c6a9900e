//! Owns what an application must know before it can register, and where that stands in its environment.

use changeover_model::ApplicationName;
use std::path::PathBuf;

/// Who the application is and how it reaches its LCA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Socket of the LCA, `CHANGEOVER_LCA`.
    pub lca: PathBuf,
    /// The application's name, `CHANGEOVER_APPLICATION`.
    pub application: ApplicationName,
    /// One-time token of this start, `CHANGEOVER_TOKEN`.
    pub token: String,
    /// Version of the application's program.
    pub version: String,
    /// Folder with ca.pem, cert.pem and key.pem for the link to the Message Server, `CHANGEOVER_TLS`.
    pub tls: Option<PathBuf>,
    /// The link to the Message Server may be in the clear to any address, `CHANGEOVER_INSECURE`.
    pub insecure: bool,
}

/// Why the environment does not tell what is needed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A variable is not set.
    #[error(
        "{0} is not set: this program is started by its host's LCA; ask the SCS for it with 'sci start APPLICATION'"
    )]
    NotSet(&'static str),
    /// A variable is no text.
    #[error("{0} is no readable text")]
    NotText(&'static str),
}

impl Settings {
    /// Reads the environment that the LCA has set.
    ///
    /// # Errors
    /// Names the variable that is missing or unreadable.
    pub fn from_environment(version: &str) -> Result<Self, SettingsError> {
        Self::from_variables(version, |name| std::env::var_os(name))
    }

    fn from_variables(
        version: &str,
        variable: impl Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<Self, SettingsError> {
        let text = |name: &'static str| {
            variable(name)
                .ok_or(SettingsError::NotSet(name))?
                .into_string()
                .map_err(|_| SettingsError::NotText(name))
        };
        let lca = variable("CHANGEOVER_LCA").ok_or(SettingsError::NotSet("CHANGEOVER_LCA"))?;
        let insecure = variable("CHANGEOVER_INSECURE").is_some_and(|value| {
            !["", "0", "false", "no", "off", "n", "f"]
                .iter()
                .any(|it| value == *it)
        });
        Ok(Self {
            lca: lca.into(),
            application: text("CHANGEOVER_APPLICATION")?.into(),
            token: text("CHANGEOVER_TOKEN")?,
            version: version.to_owned(),
            tls: variable("CHANGEOVER_TLS").map(PathBuf::from),
            insecure,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_that_an_lca_sets_is_read() {
        let variables = |name: &str| match name {
            "CHANGEOVER_LCA" => Some("/run/lca.sock".into()),
            "CHANGEOVER_APPLICATION" => Some("SIP_SERVER_PRIMARY".into()),
            "CHANGEOVER_TOKEN" => Some("secret".into()),
            "CHANGEOVER_INSECURE" => Some("1".into()),
            _ => None,
        };
        let expected = Settings {
            lca: "/run/lca.sock".into(),
            application: "SIP_SERVER_PRIMARY".into(),
            token: "secret".to_owned(),
            version: "1.2".to_owned(),
            tls: None,
            insecure: true,
        };
        assert_eq!(Settings::from_variables("1.2", variables), Ok(expected));
    }

    #[test]
    fn a_program_that_no_lca_started_is_told_so() {
        let missing = Settings::from_variables("1.2", |_| None);
        assert_eq!(missing, Err(SettingsError::NotSet("CHANGEOVER_LCA")));
    }
}
