//! Keeps the scripts of an emulated host away from the kernel's network. As root, a script that names `/sbin/ifconfig`
//! by its full path would otherwise change the machine that only plays the site. The rehearsal makes an empty network
//! namespace for them and names it in the environment; the emulated network is reached through a Unix socket, which
//! does not care.

use changeover_emulated_nic::NETWORK_VARIABLE;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

/// The namespace's file. Without an emulated network it means nothing.
const SECLUSION_VARIABLE: &str = "CHANGEOVER_SCRIPTS_NAMESPACE";

/// Where scripts of this host are started; `None` = where this agent is.
pub(crate) fn place() -> Option<PathBuf> {
    std::env::var_os(NETWORK_VARIABLE)?;
    std::env::var_os(SECLUSION_VARIABLE).map(PathBuf::from)
}

/// Does something short in the namespace `place`, on a thread that ends with it: the kernel moves threads, and this
/// one must not come back.
///
/// # Errors
/// When the namespace cannot be entered, or the work fails. Nothing is done outside it.
pub(crate) fn within<T: Send>(
    place: Option<PathBuf>,
    work: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    let Some(place) = place else {
        return work();
    };
    let inside = move || {
        let file = File::open(&place).map_err(|error| {
            let text = format!("the scripts' namespace {}: {error}", place.display());
            io::Error::new(error.kind(), text)
        })?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        work()
    };
    std::thread::scope(|scope| scope.spawn(inside).join())
        .unwrap_or_else(|_panicked| Err(io::Error::other("starting a script there panicked")))
}
