//! The stand-alone `vipctl`: the library's program on the kernel's addresses.

use std::process::ExitCode;
use std::sync::Arc;

use changeover_virtual_ip::{Addresses, Kernel, vipctl};

fn main() -> ExitCode {
    let kernel = || Kernel::open().map(|kernel| Arc::new(kernel) as Arc<dyn Addresses>);
    ExitCode::from(vipctl::run(std::env::args_os(), kernel))
}
