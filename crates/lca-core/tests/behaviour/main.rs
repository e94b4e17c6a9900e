//! What an LCA decides, situation by situation: inputs on one side, the whole list of outputs on the other.
//! `harness` feeds and renders; each other file is one room of the core.

mod addresses;
mod adoption;
mod commands;
mod configuration;
mod fencing;
mod harness;
mod host_stop;
mod orders;
mod random;
mod restart;
mod run_mode;
mod scripts;
mod start;
mod stop;
mod watch;
