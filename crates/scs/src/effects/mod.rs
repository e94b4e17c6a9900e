//! The effects of reactions that reach beyond the site: an e-mail, an SNMP trap, an OS command on the SCS's
//! host. Each is bounded in time and says in one line what came of it; retries are the reaction engine's.
//! `acting` starts them and hands their results back to scs-core.

mod command;
mod email;
mod snmp;

use changeover_reaction_engine::{Email, LocalCommand, Trap};

/// The evidence of what was done, or the reason why it was not.
pub(crate) type EffectResult = Result<String, String>;

/// Sends an e-mail.
pub(crate) async fn send_email(email: Email) -> EffectResult {
    email::send(email).await.map_err(|error| error.to_string())
}

/// Sends an SNMP v2c trap.
pub(crate) async fn send_trap(trap: Trap) -> EffectResult {
    snmp::send(trap).await.map_err(|error| error.to_string())
}

/// Runs an OS command to its end.
pub(crate) async fn run_command(command: LocalCommand) -> EffectResult {
    command::run(command)
        .await
        .map_err(|error| error.to_string())
}
