//! Where a link or a call goes.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// An address of a component.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// Address and port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why a text is no destination.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// It has no port, or is no address at all.
    #[error(
        "'{0}' is no address of a component: write HOST:PORT, http://HOST:PORT or unix:PATH, as in \
         http://127.0.0.1:7770"
    )]
    Unreadable(String),
    /// The name cannot be looked up.
    #[error("the host of '{text}' cannot be found: {reason}")]
    NotFound {
        /// What was written.
        text: String,
        /// What the resolver said.
        reason: String,
    },
}

impl Destination {
    /// Reads `HOST:PORT`, `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`; a name is looked up, for at
    /// most `timeout`. Whether the link is encrypted is decided by `LinkSecurity`, not by the scheme.
    ///
    /// # Errors
    /// When the text is none of these, or its name cannot be found.
    pub async fn read(text: &str, timeout: Duration) -> Result<Self, DestinationError> {
        let unreadable = || DestinationError::Unreadable(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.strip_prefix("//").unwrap_or(path) {
                "" => Err(unreadable()),
                path => Ok(Self::Unix(PathBuf::from(path))),
            };
        }
        let place = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"))
            .unwrap_or(text);
        let place = place.strip_suffix('/').unwrap_or(place);
        if let Ok(address) = place.parse() {
            return Ok(Self::Tcp(address));
        }
        let has_port = place
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !has_port || place.contains(['/', ' ']) {
            return Err(unreadable());
        }
        let not_found = |reason: String| DestinationError::NotFound {
            text: text.to_owned(),
            reason,
        };
        tokio::time::timeout(timeout, tokio::net::lookup_host(place))
            .await
            .map_err(|_| not_found(format!("no answer within {timeout:?}")))?
            .map_err(|error| not_found(error.to_string()))?
            .next()
            .map(Self::Tcp)
            .ok_or_else(|| not_found("it has no address".to_owned()))
    }
}
