//! Processes of a host: started, watched through pidfds, ended with all their descendants, adopted again.
//!
//! Knows nothing of applications: it is told what to run and reports what became of it. The decisions come
//! from lca-core, by way of `effects`.

mod control_group;
mod descendants;
mod launch;
mod output;
mod pid_file;
mod pidfd;
mod proc_table;
mod seclusion;

pub(crate) use control_group::enter as enter_group;
#[cfg(test)]
pub(crate) use descendants::marked_with;
pub(crate) use descendants::{end_all, group_is_there, terminate};
pub(crate) use launch::{Launch, MARKER, launch};
pub(crate) use output::OutputFile;
pub(crate) use pid_file::{Named, PidFile, place as pid_file_place};
pub(crate) use pidfd::Watched;
pub(crate) use proc_table::{
    boot_id, carries_marker as is_marked, descends_from, environment_of, marked, start_time,
};
