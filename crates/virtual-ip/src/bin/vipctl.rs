//! The stand-alone `vipctl`: the library's program on the kernel's addresses, and on no others. On an emulated
//! host it refuses: there the kernel's addresses are those of the machine that plays the site.

use std::process::ExitCode;
use std::sync::Arc;

use changeover_virtual_ip::{Addresses, Kernel, vipctl};

/// Says that this process belongs to an emulated network.
const EMULATED: &str = "CHANGEOVER_NETWORK";

fn main() -> ExitCode {
    if std::env::var_os(EMULATED).is_some() {
        eprintln!(
            "vipctl: {EMULATED} is set, so this is an emulated host, and this vipctl acts on the kernel's addresses; \
             nothing was done. Put the emulated host's own commands first in PATH"
        );
        return ExitCode::from(3);
    }
    let kernel = || Kernel::open().map(|kernel| Arc::new(kernel) as Arc<dyn Addresses>);
    ExitCode::from(vipctl::run(std::env::args_os(), kernel))
}
