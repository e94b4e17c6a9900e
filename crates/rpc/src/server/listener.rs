//! What a server listens on: a site's address, or a Unix socket that only its owner may use.

use super::accept::Accepted;
use changeover_emulated_nic::{Network, NetworkError};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener};

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be had.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Another process answers on the socket.
    #[error("{path}: another process listens on this socket; end it first, or use another folder")]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// The path is taken by something that is no socket.
    #[error("{path} exists and is no socket; move it away, or use another folder")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket could not be made.
    #[error("{path}: the socket cannot be made: {source}")]
    Socket {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A listener. A Unix socket's file goes with it.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The site's address beside the listener: on an emulated network the real one is another.
    Tcp(SocketAddr, TcpListener),
    Unix(UnixFile, UnixListener),
}

#[derive(Debug)]
struct UnixFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for UnixFile {
    fn drop(&mut self) {
        // Another process may have put its own socket there meanwhile.
        let is_ours = std::fs::symlink_metadata(&self.path).is_ok_and(|it| it.ino() == self.inode);
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "a socket was left behind");
        }
    }
}

impl Listener {
    /// Listens on a site's address.
    ///
    /// # Errors
    /// When the address is taken or not this host's.
    pub async fn tcp(network: &Network, at: SocketAddr) -> Result<Self, ListenError> {
        let listener = network.listen(at).await?;
        // Port 0 was a wish for any port.
        let port = listener.local_addr().map_or(at.port(), |real| real.port());
        let at = SocketAddr::new(at.ip(), port);
        Ok(Self {
            kind: Kind::Tcp(at, listener),
        })
    }

    /// Listens on a Unix socket that only the own user may open (0600). A socket that nobody answers on any more
    /// is replaced.
    ///
    /// # Errors
    /// When another process listens there, the path is no socket, or it cannot be made.
    pub async fn unix(path: &Path) -> Result<Self, ListenError> {
        match std::fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(ListenError::NotASocket {
                    path: path.to_owned(),
                });
            }
            Ok(_) if tokio::net::UnixStream::connect(path).await.is_ok() => {
                return Err(ListenError::InUse {
                    path: path.to_owned(),
                });
            }
            Ok(_) | Err(_) => {}
        }
        let (inode, listener) = bind(path).map_err(|source| ListenError::Socket {
            path: path.to_owned(),
            source,
        })?;
        let file = UnixFile {
            path: path.to_owned(),
            inode,
        };
        Ok(Self {
            kind: Kind::Unix(file, listener),
        })
    }

    /// The site's address it listens on, with the real port; `None` for a Unix socket.
    #[must_use]
    pub fn site_address(&self) -> Option<SocketAddr> {
        match &self.kind {
            Kind::Tcp(at, _) => Some(*at),
            Kind::Unix(..) => None,
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match &self.kind {
            Kind::Tcp(_, listener) => {
                let (stream, from) = listener.accept().await?;
                Ok(Accepted::Tcp(stream, from))
            }
            Kind::Unix(_, listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Tcp(at, _) => at.fmt(f),
            Kind::Unix(file, _) => file.path.display().fmt(f),
        }
    }
}

/// Made under another name, closed to others, then moved into place: nobody ever sees it open to all, and a stale
/// one is replaced in one step.
fn bind(path: &Path) -> io::Result<(u64, UnixListener)> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&new)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
    let inode = std::fs::symlink_metadata(&new)?.ino();
    std::fs::rename(&new, path)?;
    Ok((inode, listener))
}
