//! Situations, and what the SCS then does, output by output. `desk` is the harness: it feeds inputs, keeps both
//! hosts' LCAs as far as a situation needs them, and shows outputs as lines.

mod chance;
mod desk;
mod fencing;
mod hooks;
mod losses;
mod refusals;
mod several_vips;
mod show;
mod site;
mod store;
mod switching;
mod third_party;
mod ways_out;
