//! Owns the production components of a site as processes: started on their hosts with their own state, logs in the
//! run's folder, watched for an end that nobody asked for.

use super::SiteNetwork;
use super::certificates::Authority;
use super::commands::within;
use crate::janitor::{RUN_MARKER, Run};
use crate::plan::SiteEnvironment;
use crate::trouble::Trouble;
use changeover_model::{ApplicationType, HostName};
use changeover_rpc::identity::Role;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Lines of a log that a complaint shows.
const TAIL: usize = 12;

/// The components of a site.
#[derive(Debug)]
pub(crate) struct Components {
    running: Vec<Component>,
}

#[derive(Debug)]
struct Component {
    /// `scs`, `lca@host1`.
    name: String,
    host: HostName,
    child: Child,
    log: PathBuf,
    /// What it was started from, to be started again.
    start: Start,
    tls: Option<PathBuf>,
}

/// What to start.
#[derive(Clone, Debug)]
struct Start {
    name: String,
    /// Role and name of its certificate.
    identity: (Role, String),
    host: HostName,
    words: Vec<String>,
}

impl Components {
    /// Starts all of them at once; none waits for another, as after a power failure.
    ///
    /// # Errors
    /// When one cannot be started.
    pub(super) async fn start(
        program: &Path,
        run: &Run,
        site: &SiteEnvironment,
        network: &SiteNetwork,
        authority: Option<&Authority>,
    ) -> Result<Self, Trouble> {
        let mut running = Vec::new();
        for start in starts(site) {
            let tls = authority
                .map(|authority| certificates(authority, site, &start))
                .transpose()?;
            running.push(start_one(program, run, site, network, start, tls).await?);
        }
        Ok(Self { running })
    }

    /// Their names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.running.iter().map(|component| component.name.clone())
    }

    /// The names of those on a host.
    pub(super) fn on(&self, host: &HostName) -> impl Iterator<Item = String> {
        self.running
            .iter()
            .filter(move |component| component.host == *host)
            .map(|component| component.name.clone())
    }

    /// Complains about the first that has ended.
    pub(super) fn check(&mut self) -> Result<(), Trouble> {
        for component in &mut self.running {
            let ended = component
                .child
                .try_wait()
                .map_err(|source| Trouble::Start {
                    what: component.name.clone(),
                    source,
                })?;
            if let Some(status) = ended {
                return Err(Trouble::ComponentEnded {
                    name: component.name.clone(),
                    status: status.to_string(),
                    log: tail(&component.log),
                });
            }
        }
        Ok(())
    }

    /// The process of a component; `None` while it is down, or without such a component.
    pub(super) fn pid(&mut self, name: &str) -> Option<u32> {
        let component = self.running.iter_mut().find(|one| one.name == name)?;
        match component.child.try_wait() {
            Ok(None) => component.child.id(),
            Ok(Some(_)) | Err(_) => None,
        }
    }

    /// Starts a component again that has ended, as the service manager of a real host does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) async fn start_again(
        &mut self,
        name: &str,
        program: &Path,
        run: &Run,
        site: &SiteEnvironment,
        network: &SiteNetwork,
    ) -> Result<(), Trouble> {
        if self.pid(name).is_some() {
            return Ok(());
        }
        if let Some(component) = self.running.iter_mut().find(|one| one.name == name) {
            let (start, tls) = (component.start.clone(), component.tls.clone());
            *component = start_one(program, run, site, network, start, tls).await?;
        }
        Ok(())
    }

    /// The ends of all logs.
    pub(super) fn log_tails(&self) -> String {
        self.running
            .iter()
            .map(|component| format!("\n--- {}\n{}", component.name, tail(&component.log)))
            .collect()
    }
}

fn starts(site: &SiteEnvironment) -> Vec<Start> {
    let environment = site.environment();
    let layer = &environment.management_layer;
    let mut starts = vec![
        Start {
            name: "scs".to_owned(),
            identity: (Role::Scs, "SCS".to_owned()),
            host: layer.scs_host.clone(),
            words: vec!["scs".to_owned()],
        },
        Start {
            name: "message-server".to_owned(),
            identity: (Role::MessageServer, layer.message_server.to_string()),
            host: layer.message_server_host.clone(),
            words: vec!["message-server".to_owned()],
        },
    ];
    for host in environment
        .hosts
        .keys()
        .filter(|host| environment.needs_lca(host))
    {
        starts.push(Start {
            name: format!("lca@{host}"),
            identity: (Role::Lca, host.to_string()),
            host: host.clone(),
            words: vec!["lca".to_owned(), "--host".to_owned(), host.to_string()],
        });
    }
    starts
}

/// The folder for `--tls`; below an LCA's those of the servers that it starts.
fn certificates(
    authority: &Authority,
    site: &SiteEnvironment,
    start: &Start,
) -> Result<PathBuf, Trouble> {
    let (role, name) = &start.identity;
    let folder = authority.issue(*role, name)?;
    if *role == Role::Lca {
        let servers = site
            .environment()
            .applications
            .values()
            .filter(|application| {
                application.host == start.host
                    && application.application_type == ApplicationType::SipServer
            });
        for server in servers {
            authority.issue_for_application(&folder, server.name.as_str())?;
        }
    }
    Ok(folder)
}

async fn start_one(
    program: &Path,
    run: &Run,
    site: &SiteEnvironment,
    network: &SiteNetwork,
    start: Start,
    tls: Option<PathBuf>,
) -> Result<Component, Trouble> {
    let file_name = start.name.replace('@', "-");
    let log = run.folder.join("logs").join(format!("{file_name}.log"));
    let logs = run.folder.join("logs");
    std::fs::create_dir_all(&logs).map_err(Trouble::file("make the folder", &logs))?;
    let output = File::options()
        .create(true)
        .append(true)
        .open(&log)
        .map_err(Trouble::file("write", &log))?;
    let errors = output.try_clone().map_err(Trouble::file("write", &log))?;
    let mut command = Command::new(program);
    command
        .args(&start.words)
        .arg("--config")
        .arg(&site.config)
        .arg("--state-dir")
        .arg(run.folder.join("state").join(&file_name))
        .arg("--runtime-dir")
        .arg(run.runtime().join(&file_name))
        .current_dir(&site.home)
        .env(RUN_MARKER, &run.id)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("RUNTIME_DIRECTORY")
        .env_remove("CHANGEOVER_TLS")
        .env_remove("CHANGEOVER_INSECURE")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        // A Ctrl-C is the rehearsal's to handle.
        .process_group(0);
    if let Some(tls) = &tls {
        command.arg("--tls").arg(tls);
    }
    let namespace = match network {
        SiteNetwork::Loopback(network) => {
            network.place(&mut command, start.host.as_str());
            None
        }
        SiteNetwork::Namespaces(network) => Some(network.namespace(start.host.as_str())),
    };
    let what = start.name.clone();
    let spawn = move || {
        command
            .spawn()
            .map_err(|source| Trouble::Start { what, source })
    };
    let child = within(namespace.as_deref(), spawn).await?;
    Ok(Component {
        name: start.name.clone(),
        host: start.host.clone(),
        child,
        log,
        start,
        tls,
    })
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines
        .get(lines.len().saturating_sub(TAIL)..)
        .unwrap_or_default();
    if shown.is_empty() {
        return "(its log is empty)".to_owned();
    }
    shown.join("\n")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A process of a run that does nothing, where a component would be.
    pub(crate) async fn marked_sleeper(run: &Run, namespace: Option<&str>) -> Child {
        let mut command = Command::new("sleep");
        command.arg("600").env(RUN_MARKER, &run.id).process_group(0);
        let spawn = move || {
            command.spawn().map_err(|source| Trouble::Start {
                what: "sleep".to_owned(),
                source,
            })
        };
        within(namespace, spawn)
            .await
            .expect("sleep(1) is part of every Linux")
    }
}
