//! Situations of the reaction engine and exactly what it then wants done. `world` builds the guide's site
//! and shows outputs as short lines; the other files are the situations.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the harness shows whatever it has no short form for as it is"
)]

mod alarms_in_order;
mod disorder;
mod epochs;
mod failures;
mod losses;
mod other_types;
mod predictions;
mod world;
