//! One connection to the SCS, as the command line wants it.

use crate::arguments::Arguments;
use crate::client::ScsError;
use changeover_emulated_nic::Network;
use changeover_rpc::destination::Destination;
use changeover_rpc::dial::{self, Caller, Dialler};
use changeover_rpc::identity::Role;
use changeover_rpc::tls::{Expected, LinkSecurity};
use std::time::Duration;

/// Longest wait for the SCS to take the call.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Dials the SCS. An operator's address is where the operator stands: on an emulated site it is the real one.
pub(crate) async fn call(arguments: &Arguments) -> Result<Caller, ScsError> {
    let to = Destination::read(&arguments.scs, ATTEMPT)
        .await
        .map_err(|error| ScsError::Unusable(error.to_string()))?;
    let security = LinkSecurity::from_arguments(arguments.tls.as_deref(), arguments.insecure)
        .map_err(|error| ScsError::Unusable(error.to_string()))?;
    if let Destination::Tcp(at) = &to {
        security
            .for_address(&Network::Kernel, at.ip())
            .map_err(|error| ScsError::Unusable(error.to_string()))?;
    }
    let dialler = Dialler {
        network: Network::Kernel,
        security,
        expected: Expected::role(Role::Scs),
    };
    dial::channel(&dialler, &to, ATTEMPT)
        .await
        .map_err(|error| ScsError::Unreachable(error.to_string()))
}
