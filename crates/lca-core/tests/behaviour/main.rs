//! What an LCA decides, situation by situation: inputs on one side, the whole list of outputs on the other.
//! `harness` feeds and renders; each other file is one room of the core.

mod addresses;
mod adoption;
mod commands;
mod configuration;
mod fencing;
mod harness;
mod health;
mod hooks;
mod host_stop;
mod orders;
mod random;
mod restart;
mod run_mode;
mod scripts;
mod several_vips;
mod start;
mod stop;
mod third_party;
mod watch;
