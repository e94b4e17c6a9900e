//! `vipctl`: the control script that needs no script. [`run`] is the whole program, given its arguments and a way to
//! reach the addresses, so that another binary can carry it as a subcommand with other addresses than the kernel's.
//! `arguments.rs` turns words into an order, `verbs.rs` carries it out, `report.rs` writes what came
//! of it. Addresses themselves are [`crate::Addresses`]'s business.
//!
//! Exit codes: **0** everything is as wanted, already so included. **1** done, but an address is not as wanted, and the
//! output names which and why; for `probe`, somebody has it. **2** unusable input, nothing was done. **3** the kernel
//! (or the emulated network) could not be reached, or did not permit it.

mod arguments;
mod report;
mod verbs;

use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::Arc;

use self::arguments::{Misuse, Request};
use crate::{AddressError, Addresses};

/// Everything is as wanted.
const AS_WANTED: u8 = 0;
/// Done, and something is not as wanted.
const NOT_AS_WANTED: u8 = 1;
/// Unusable input.
const UNUSABLE: u8 = 2;
/// The addresses could not be reached.
const UNREACHABLE: u8 = 3;

/// Runs `vipctl` with `args` (the program's name first) on the addresses that `addresses` gives, and returns the exit
/// code. `addresses` is called only when the arguments are usable, on a tokio runtime of one thread that this starts;
/// so this must not be called from within a runtime.
///
/// Results go to stdout, everything else to stderr. `up` and `down` without addresses read `CHANGEOVER_VIP`,
/// `CHANGEOVER_PREFIX`, `CHANGEOVER_INTERFACE` and `CHANGEOVER_LABEL`.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    addresses: impl FnOnce() -> Result<Arc<dyn Addresses>, AddressError>,
) -> u8 {
    let variable = |name: &str| std::env::var(name).ok();
    run_with(
        args,
        &variable,
        addresses,
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
    )
}

fn run_with(
    args: impl IntoIterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<String>,
    addresses: impl FnOnce() -> Result<Arc<dyn Addresses>, AddressError>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let Request { order, format } = match arguments::understand(args, variable) {
        Ok(request) => request,
        Err(Misuse::Clap(answer)) => {
            // Help and version are answers, everything else is a complaint.
            let text = answer.render().to_string();
            if answer.use_stderr() {
                write(err, &text);
                return UNUSABLE;
            }
            write(out, &text);
            return AS_WANTED;
        }
        Err(misuse) => {
            write(err, &format!("vipctl: {misuse}\n"));
            return UNUSABLE;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            write(err, &format!("vipctl: starting failed: {error}\n"));
            return UNREACHABLE;
        }
    };
    runtime.block_on(async {
        let outcome = match addresses() {
            Ok(addresses) => verbs::carry_out(&order, addresses.as_ref(), format, out).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(verbs::Outcome { code, complaints }) => {
                for complaint in complaints {
                    write(err, &format!("vipctl: {complaint}\n"));
                }
                code
            }
            Err(error) => {
                write(err, &format!("vipctl: {error}\n"));
                code_of(&error)
            }
        }
    })
}

fn code_of(error: &AddressError) -> u8 {
    match error {
        AddressError::NotPermitted { .. } | AddressError::Unreachable { .. } => UNREACHABLE,
        AddressError::NoSuchInterface { .. } => UNUSABLE,
        AddressError::Refused { .. } => NOT_AS_WANTED,
    }
}

/// A reader that has gone away changes neither what was done nor the exit code that says so.
fn write(stream: &mut dyn Write, text: &str) -> bool {
    stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush())
        .is_ok()
}

#[cfg(test)]
#[path = "vipctl/tests.rs"]
mod tests;
