//! Looks at the control scripts of a site: whether they are there and may be started (`files.rs`), and what two starts
//! in a row leave behind on an emulated host (`trial.rs`, one run in `run.rs`). `changeover check` hands what is found
//! to the rules of `configuration`, which judge; nothing here does.
//!
//! Nothing outside a temporary folder is written, no address of this machine is touched, and everything has a bound.
//! What a UNIX script does to files by absolute paths is its own.

mod files;
mod run;
mod trial;

use changeover_configuration::{Loaded, ScriptFacts, Trial};
use changeover_model::environment::{Application, Host, Pair, VirtualIpOnHost};
use changeover_model::{OperatingSystem, ScriptAction, Takeover};
use files::Look;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// No run of a script is given more time, whatever its startup timeout.
const LONGEST_RUN: Duration = Duration::from_secs(20);

/// The port of SIP where the file names none.
const SIP_PORT: u16 = 5060;

/// Why scripts could not be tried. What is known from their files is known all the same.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The emulated network did not come up.
    #[error("the emulated host for trying control scripts did not come up: {0}")]
    Network(String),
    /// A temporary folder or a file in it.
    #[error("cannot {what} for trying control scripts: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// One control script of one host.
struct Script<'s> {
    application: &'s Application,
    action: ScriptAction,
    look: Look,
}

/// The two scripts of a pair on a host, and what they are to move there.
struct OnHost<'s> {
    pair: &'s Pair,
    host: &'s Host,
    peer: &'s Host,
    vips: Vec<VirtualIpOnHost>,
    /// The SIP port, which is what moves in an NLB cluster.
    sip_port: u16,
    scripts: Vec<Script<'s>>,
}

/// What is known from files alone, for every control script whose folder is on this machine. `home` is the folder of
/// the environment file.
pub fn look(loaded: &Loaded, home: &Path) -> Vec<ScriptFacts> {
    let hosts = hosts(loaded, home);
    hosts.iter().flat_map(facts).collect()
}

/// The same with trials. `program` is the binary that is the emulated hosts' commands.
///
/// # Errors
/// When an emulated host cannot be set up.
pub async fn look_and_try(
    loaded: &Loaded,
    home: &Path,
    program: &Path,
) -> Result<Vec<ScriptFacts>, TrialError> {
    let mut all = Vec::new();
    let mut tried: Vec<(Sameness, Vec<Trial>)> = Vec::new();
    for on_host in hosts(loaded, home) {
        let mut known = facts(&on_host);
        let sameness = sameness(&on_host);
        let trials = match tried.iter().find(|(other, _)| *other == sameness) {
            Some((_, trials)) => trials.clone(),
            None => {
                let trials =
                    trial::trials(&on_host, loaded.environment.name.as_str(), home, program)
                        .await?;
                tried.push((sameness, trials.clone()));
                trials
            }
        };
        let found = known
            .iter_mut()
            .zip(&on_host.scripts)
            .filter(|(_, script)| script.can_be_tried());
        for ((facts, _), trial) in found.zip(trials) {
            facts.trial = Some(trial);
        }
        all.append(&mut known);
    }
    Ok(all)
}

/// What makes two hosts' trials the same: then one will do.
type Sameness = (
    OperatingSystem,
    Vec<VirtualIpOnHost>,
    Vec<(PathBuf, Vec<String>)>,
);

fn sameness(on_host: &OnHost<'_>) -> Sameness {
    let scripts = on_host.scripts.iter().map(|script| {
        let arguments = script.application.start_info.arguments.clone();
        (script.look.path.clone(), arguments)
    });
    (on_host.host.os, on_host.vips.clone(), scripts.collect())
}

impl Script<'_> {
    fn can_be_tried(&self) -> bool {
        self.look.can_be_started
    }

    fn time(&self) -> Duration {
        self.application.start_info.startup_timeout.min(LONGEST_RUN)
    }
}

fn facts(on_host: &OnHost<'_>) -> Vec<ScriptFacts> {
    let known = on_host.scripts.iter().map(|script| ScriptFacts {
        application: script.application.name.clone(),
        file: script.look.file.clone(),
        trial: None,
    });
    known.collect()
}

fn hosts<'s>(loaded: &'s Loaded, home: &Path) -> Vec<OnHost<'s>> {
    let environment = &loaded.environment;
    let mut all = Vec::new();
    for pair in environment.pairs.values() {
        for (name, control) in &pair.control {
            let peer = pair
                .peer_host_of(name)
                .and_then(|name| environment.hosts.get(name));
            let (Some(host), Some(peer)) = (environment.hosts.get(name), peer) else {
                continue;
            };
            let actions = [
                (ScriptAction::Enable, &control.enable),
                (ScriptAction::Disable, &control.disable),
            ];
            let scripts = actions.into_iter().filter_map(|(action, name)| {
                let application = environment.applications.get(name)?;
                let mut look = files::look(application, host, home)?;
                look.can_be_started &=
                    matches!(pair.takeover, Takeover::IpAddress | Takeover::WindowsNlb);
                Some(Script {
                    application,
                    action,
                    look,
                })
            });
            all.push(OnHost {
                pair,
                host,
                peer,
                vips: pair.virtual_ips_on(name),
                sip_port: environment
                    .applications
                    .get(&pair.primary)
                    .and_then(|server| server.option("TServer", "sip-port"))
                    .and_then(|port| port.trim().parse().ok())
                    .unwrap_or(SIP_PORT),
                scripts: scripts.collect(),
            });
        }
    }
    all
}
