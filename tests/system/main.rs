//! The system as it is delivered: every component a process of its own, on the emulated network, asked and ordered by
//! `sci`. Shows what only processes can show: exit codes and JSON, kill -9, scripts that misbehave, files that are
//! broken, links that must not be in the clear. How decisions are made is tested with the cores.
//!
//! One site is used for many situations, because each is a dozen processes; `turns` bounds how many run at once.

mod asking;
mod attending;
mod certificates;
mod crash;
mod double_switchover;
mod environment;
mod health_checks;
mod hooks;
mod looking;
mod losing;
mod misbehaving_scripts;
mod mishaps;
mod ordering;
mod refusing;
mod restart_limit;
mod scraping;
mod serving;
mod site;
mod testing;
mod turns;
