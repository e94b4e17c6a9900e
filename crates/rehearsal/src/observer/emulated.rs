//! Owns the observer of a loopback site: the emulator's observations, which it makes itself at every change of the
//! emulated subnet.

use super::{Observer, Sighting};
use crate::moment::Moment;
use crate::observer::holding::Holder;
use crate::trouble::Trouble;
use changeover_emulated_nic::{Control, Observation};

/// Feeds the account until the emulator or the runtime ends.
///
/// # Errors
/// When the emulator cannot be reached.
pub(crate) async fn follow_emulator(control: &Control, observer: Observer) -> Result<(), Trouble> {
    let mut observations = control.observe(0).await?;
    tokio::spawn(async move {
        while let Some(observation) = observations.next().await {
            observer.record(sighting(observation));
        }
    });
    Ok(())
}

fn sighting(observation: Observation) -> Sighting {
    Sighting {
        at: Moment(observation.monotonic_ns),
        cause: observation.cause,
        holders: observation
            .holders
            .into_iter()
            .map(|holder| Holder {
                address: holder.address,
                host: holder.host,
                reachable: holder.reachable,
            })
            .collect(),
    }
}
