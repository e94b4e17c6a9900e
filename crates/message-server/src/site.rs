//! Owns what the Message Server takes from the environment file: its own name, host and address. The Alarm
//! Conditions in force are the SCS's to send, not the file's (DESIGN, Who owns what at run time).

use changeover_model::{ApplicationName, HostName};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The Message Server's own part of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) application: ApplicationName,
    pub(crate) host: HostName,
    pub(crate) address: SocketAddr,
}

/// Why the environment file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    #[error("cannot read the environment file {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0}")]
    Invalid(String),
    #[error("{}: the Message Server's host {host} is not among the hosts", path.display())]
    NoHost { path: PathBuf, host: HostName },
}

impl Site {
    pub(crate) fn read(path: &Path) -> Result<Self, SiteError> {
        let text = std::fs::read_to_string(path).map_err(|source| SiteError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let loaded = changeover_configuration::load(&path.display().to_string(), &text)
            .map_err(|problems| SiteError::Invalid(problems.render(false)))?;
        let layer = &loaded.environment.management_layer;
        let host = layer.message_server_host.clone();
        let on = loaded
            .environment
            .hosts
            .get(&host)
            .ok_or_else(|| SiteError::NoHost {
                path: path.to_owned(),
                host: host.clone(),
            })?;
        Ok(Self {
            application: layer.message_server.clone(),
            address: SocketAddr::new(on.address, layer.message_server_port),
            host,
        })
    }
}
