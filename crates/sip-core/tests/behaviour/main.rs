//! How the core behaves in a small deterministic world: calls, takeovers at every boundary, hostile input, a day of
//! random calls and faults.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that meets the impossible ends"
)]

mod calls;
mod clients;
mod day;
mod device;
mod flows;
mod fuzz;
mod hostile;
mod offered;
mod replication;
mod takeover;
mod watch;
mod world;
