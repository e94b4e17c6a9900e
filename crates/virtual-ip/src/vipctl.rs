//! `vipctl`: the control script that needs no script. [`run`] is the whole program, given its arguments and a way to
//! reach the addresses, so that another binary can carry it as a subcommand with other addresses than the kernel's.
//! `arguments.rs` turns words into an order, `verbs.rs` carries it out, `report.rs` writes what came
//! of it. Addresses themselves are [`crate::Addresses`]'s business. [`within`] is the same for an agent that holds them
//! open already.
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
        &mut io::stdout(),
        &mut io::stderr(),
    )
}

/// What [`within`] left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The exit code that the program would have had.
    pub code: u8,
    /// What it would have written, results and complaints in their order.
    pub output: String,
}

/// Carries out `up` or `down` within the caller's process and runtime, on addresses that it holds open: an agent spares
/// itself the start of a process. `arguments` as on the command line, without the program's name; `variable` looks
/// into what would be the environment. Dropping the future ends it; a change already handed to the kernel stands.
pub async fn within(
    arguments: &[String],
    variable: impl Fn(&str) -> Option<String>,
    addresses: &dyn Addresses,
) -> Ended {
    let words = std::iter::once("vipctl").chain(arguments.iter().map(String::as_str));
    let request = arguments::understand(words.map(OsString::from), &variable);
    drop(variable);
    let mut output = Vec::new();
    let code = match request {
        Ok(Request { order, format }) => {
            let mut complaints = Vec::new();
            let code = concluded(&order, addresses, format, &mut output, &mut complaints).await;
            output.append(&mut complaints);
            code
        }
        Err(misuse) => {
            output = format!("vipctl: {misuse}\n").into_bytes();
            UNUSABLE
        }
    };
    let output = String::from_utf8_lossy(&output).into_owned();
    Ended { code, output }
}

fn run_with(
    args: impl IntoIterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<String>,
    addresses: impl FnOnce() -> Result<Arc<dyn Addresses>, AddressError>,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
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
        match addresses() {
            Ok(addresses) => concluded(&order, addresses.as_ref(), format, out, err).await,
            Err(error) => failed(&error, err),
        }
    })
}

/// Carries an order out, writes what is to be said, and returns the exit code.
async fn concluded(
    order: &arguments::Order,
    addresses: &dyn Addresses,
    format: arguments::Format,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> u8 {
    match verbs::carry_out(order, addresses, format, out).await {
        Ok(verbs::Outcome { code, complaints }) => {
            for complaint in complaints {
                write(err, &format!("vipctl: {complaint}\n"));
            }
            code
        }
        Err(error) => failed(&error, err),
    }
}

fn failed(error: &AddressError, err: &mut dyn Write) -> u8 {
    write(err, &format!("vipctl: {error}\n"));
    code_of(error)
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
