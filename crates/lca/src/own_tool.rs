//! Carries `vipctl up` and `vipctl down` out in this process, over the netlink socket that the agent holds open: the
//! start of a process is what costs most on the way of a VIP. To the core it is a run like any other, but it has no
//! process: nothing of it outlives this agent, and nothing of it is looked for afterwards.
//!
//! Other verbs, and every `vipctl` of an emulated host, are processes (`runs.rs`): there the site's network decides how
//! long a command takes and whether it fails.

use crate::processes::OutputFile;
use changeover_lca_core::{ProcessKind, StartProcess};
use changeover_model::message::ExitStatus;
use changeover_virtual_ip::{Addresses, vipctl};
use std::path::PathBuf;
use std::sync::Arc;

/// The program that stands for the agent's own tool.
pub(crate) const VIPCTL: &str = "vipctl";

/// A control script that this agent carries out itself.
#[derive(Debug)]
pub(crate) struct OwnTool {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    output: PathBuf,
}

impl OwnTool {
    /// The order, if it is one for the agent's own tool.
    pub(crate) fn of(order: &StartProcess, output: PathBuf) -> Option<Self> {
        let verb = order.arguments.first().map(String::as_str);
        let is_own = order.kind == ProcessKind::ControlScript
            && order.program == VIPCTL
            && matches!(verb, Some("up" | "down"));
        is_own.then(|| Self {
            arguments: arguments(&order.arguments),
            environment: order.environment.clone(),
            output,
        })
    }

    /// Carries it out; returns how it ended and what it said. Dropping the future ends it.
    pub(crate) async fn carry_out(self, addresses: Arc<dyn Addresses>) -> (ExitStatus, String) {
        let environment = self.environment;
        let variable = |name: &str| {
            let found = environment.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        let ended = vipctl::within(&self.arguments, variable, addresses.as_ref()).await;
        // Where people look for the last output of every application.
        if let Err(error) = OutputFile::new(self.output).replace(&ended.output) {
            tracing::warn!(%error, "the output of vipctl could not be kept");
        }
        (ExitStatus::Code(i32::from(ended.code)), ended.output)
    }
}

/// The arguments of the agent's own `vipctl`: the agent announces by itself, from a socket it holds open, and
/// opening and closing another would cost 10 ms.
pub(crate) fn arguments(given: &[String]) -> Vec<String> {
    let mut arguments = given.to_vec();
    if arguments.first().is_some_and(|verb| verb == "up") {
        arguments.push("--no-announce".to_owned());
    }
    arguments
}
