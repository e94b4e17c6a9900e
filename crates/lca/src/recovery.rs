//! What an LCA finds when it starts: the newer of its two stored copies, and the processes of its earlier life.

use crate::processes::{self, MARKER, Watched};
use crate::runs::Way;
use changeover_component::{StateFileError, read_state};
use changeover_lca_core::{FoundRun, Recovery, RunId, RunRecord, StoredState};
use changeover_model::environment::StartedBy;
use changeover_model::{ApplicationName, HostName};
use std::collections::BTreeMap;
use std::path::Path;

/// A found run with what is needed to follow it.
pub(crate) struct Adopted {
    pub(crate) found: FoundRun,
    pub(crate) marker: String,
    /// How it is ended.
    pub(crate) way: Way,
    /// Present while its main process lives.
    pub(crate) watched: Option<Watched>,
}

/// Reads the stored state: the copy with the higher serial of disk and runtime directory.
///
/// # Errors
/// A file of a newer release. A damaged copy is named in the log and the other one used.
pub(crate) fn stored_state(disk: &Path, runtime: &Path) -> Result<StoredState, StateFileError> {
    let mut newest = StoredState::default();
    for path in [disk, runtime] {
        match read_state::<StoredState>(path) {
            Ok(Some(state)) if state.serial >= newest.serial => newest = state,
            Ok(_) => {}
            Err(error @ StateFileError::Newer { .. }) => return Err(error),
            Err(error) => {
                tracing::error!(%error, "a copy of the stored state cannot be used; the other one counts")
            }
        }
    }
    Ok(newest)
}

/// Looks for the processes that the stored state speaks of, and for those that carry this host's marker
/// without being recorded (the agent died between fork and record).
pub(crate) fn find_runs(state: &StoredState, host: &HostName, boot: &str) -> Vec<Adopted> {
    let mut found: BTreeMap<RunId, Adopted> = BTreeMap::new();
    for record in state.runs.values() {
        if let Some(adopted) = recorded(record, boot, way_of(state, record)) {
            found.insert(record.run, adopted);
        }
    }
    for process in processes::marked() {
        let Some(marker) = process.environment.get(MARKER) else {
            continue;
        };
        let mut parts = marker.rsplitn(3, '/');
        let (Some(run), Some(of_host), Some(of_environment)) =
            (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let Ok(run) = run.parse().map(RunId) else {
            continue;
        };
        let ours = of_host == host.as_str()
            && state
                .slice
                .as_ref()
                .is_none_or(|slice| slice.environment.as_str() == of_environment);
        if !ours || found.contains_key(&run) {
            continue;
        }
        let Some(application) = process.environment.get("CHANGEOVER_APPLICATION") else {
            continue;
        };
        let recorded_elsewhere = state
            .runs
            .get(&run)
            .is_some_and(|record| record.process.is_some());
        let watched = if recorded_elsewhere {
            None
        } else {
            Watched::adopt(process.pid, process.started).ok().flatten()
        };
        found.insert(
            run,
            Adopted {
                found: FoundRun {
                    run,
                    application: ApplicationName::from(application.as_str()),
                    pid: watched.as_ref().map(|_| process.pid),
                    start_time: process.started,
                    token: process
                        .environment
                        .get("CHANGEOVER_TOKEN")
                        .cloned()
                        .unwrap_or_default(),
                },
                marker: marker.clone(),
                way: Way::Forked,
                watched,
            },
        );
    }
    found.into_values().collect()
}

/// A recorded process without a marker in its environment is systemd's, if its application has a unit: this agent
/// marks whatever it starts itself.
fn way_of(state: &StoredState, record: &RunRecord) -> Way {
    let application = state
        .slice
        .iter()
        .flat_map(|slice| &slice.applications)
        .find(|application| application.name == record.application);
    let marked = record
        .process
        .as_ref()
        .is_some_and(|process| processes::environment_of(process.pid).contains_key(MARKER));
    match application.map(|application| application.start_info.started_by()) {
        Some(StartedBy::SystemdUnit(unit)) if !marked => Way::Unit(unit.to_owned()),
        Some(_) | None => Way::Forked,
    }
}

/// A run whose process is recorded and is still that process.
fn recorded(record: &RunRecord, boot: &str, way: Way) -> Option<Adopted> {
    let process = record
        .process
        .as_ref()
        .filter(|process| process.boot == boot)?;
    let watched = match Watched::adopt(process.pid, process.start_time) {
        Ok(watched) => watched?,
        Err(error) => {
            tracing::error!(pid = process.pid, %error, "a process of an earlier life cannot be watched");
            return None;
        }
    };
    let marker = processes::environment_of(process.pid)
        .remove(MARKER)
        .unwrap_or_else(|| record.run.to_string());
    Some(Adopted {
        found: FoundRun {
            run: record.run,
            application: record.application.clone(),
            pid: Some(process.pid),
            start_time: process.start_time,
            token: process.token.clone(),
        },
        marker,
        way,
        watched: Some(watched),
    })
}

/// The recovery input of the core.
pub(crate) fn recovery(state: StoredState, adopted: &[Adopted]) -> Recovery {
    Recovery {
        state,
        found: adopted.iter().map(|run| run.found.clone()).collect(),
    }
}
