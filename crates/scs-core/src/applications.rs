//! Applications as their LCAs report them, and what each change says to the outside: log events on their
//! behalf, alarms, and the pairs and operations that wait for it. Decides nothing about run modes.

use crate::ScsCore;
use crate::events::OwnEvent;
use crate::timeline::Moment;
use changeover_model::environment::{AlarmCategory, Application};
use changeover_model::message::{ApplicationState, LogOrigin};
use changeover_model::{
    ApplicationName, ApplicationStatus, ApplicationType, CauseId, Epoch, HostName, Incarnation,
    LogEventId, RefusalCode, RunMode, Timestamp,
};

/// Everything about one application.
#[derive(Clone, Debug)]
pub(crate) struct ApplicationCare {
    pub(crate) host: HostName,
    pub(crate) application_type: ApplicationType,
    pub(crate) state: ApplicationState,
    /// Its LCA has spoken of it since this SCS started.
    pub(crate) known: bool,
    /// When status or run mode last changed (SCS's clock).
    pub(crate) since: Timestamp,
    /// When it last ended unasked, where it ended.
    pub(crate) died: Option<Moment>,
}

/// State of an application that its LCA has never started.
pub(crate) fn never_started(name: &ApplicationName, at: Timestamp) -> ApplicationState {
    ApplicationState {
        application: name.clone(),
        status: ApplicationStatus::Stopped,
        run_mode: RunMode::Unknown,
        incarnation: Incarnation(0),
        epoch: Epoch(0),
        pid: None,
        since: at,
        reason: "not started yet".to_owned(),
        in_step: false,
        hung: false,
        stopped_as_asked: true,
        last_exit: None,
        last_output: String::new(),
        health: Vec::new(),
    }
}

impl ApplicationCare {
    pub(crate) fn new(application: &Application, now: Timestamp) -> Self {
        let mut state = never_started(&application.name, now);
        state.status = ApplicationStatus::Unknown;
        state.reason = "its LCA has not reported yet".to_owned();
        Self {
            host: application.host.clone(),
            application_type: application.application_type,
            state,
            known: false,
            since: now,
            died: None,
        }
    }
}

/// The event for a status, if there is one.
fn status_event(status: ApplicationStatus) -> Option<(u32, &'static str)> {
    match status {
        ApplicationStatus::Initializing => Some((5092, "is initializing")),
        ApplicationStatus::Running => Some((5093, "is started")),
        ApplicationStatus::ServiceUnavailable => Some((5094, "runs but cannot serve")),
        ApplicationStatus::Unknown => Some((5095, "is in an unknown status")),
        ApplicationStatus::Suspending => Some((5096, "is finishing what it has")),
        ApplicationStatus::Suspended => Some((5097, "is suspended")),
        ApplicationStatus::StartPending
        | ApplicationStatus::StartTransition
        | ApplicationStatus::StopPending
        | ApplicationStatus::StopTransition
        | ApplicationStatus::Stopped => None,
    }
}

impl ScsCore {
    pub(crate) fn application_changed(
        &mut self,
        host: &HostName,
        at: Timestamp,
        cause: Option<CauseId>,
        state: ApplicationState,
    ) {
        let name = state.application.clone();
        let since = self.here(host, state.since.min(at));
        let moment = self.moment_of(host, state.since.min(at));
        let Some(care) = self
            .applications
            .get_mut(&name)
            .filter(|care| &care.host == host)
        else {
            return;
        };
        let before = std::mem::replace(&mut care.state, state.clone());
        let was_known = std::mem::replace(&mut care.known, true);
        let pair = self
            .environment
            .as_ref()
            .and_then(|environment| environment.pair_of(&name))
            .map(|pair| pair.name.clone());
        self.touched.extend(pair);
        self.touched_operations.insert(name.clone());
        if before == state {
            return;
        }
        self.picture_changed = true;
        if let Some(care) = self.applications.get_mut(&name) {
            if before.status != state.status || before.run_mode != state.run_mode {
                care.since = since;
            }
            if ended_unasked(&before, &state) {
                care.died = Some(moment);
            } else if state.status.is_up() {
                care.died = None;
            }
        }
        if was_known {
            self.tell_status(&name, &before, &state, cause);
            self.tell_run_mode(&name, &before, &state, cause);
            self.tell_end(&name, &before, &state, cause);
        }
        self.application_alarms(&name, &before, &state);
    }

    fn on_behalf(
        &mut self,
        id: u32,
        name: &ApplicationName,
        text: String,
        epoch: Option<Epoch>,
        cause: Option<CauseId>,
    ) {
        self.push_own_event(OwnEvent {
            id: LogEventId(id),
            application: name.clone(),
            host: None,
            text,
            epoch,
            cause,
            origin: LogOrigin::Scs,
        });
    }

    fn is_third_party(&self, name: &ApplicationName) -> bool {
        self.applications
            .get(name)
            .is_some_and(|care| care.application_type == ApplicationType::ThirdPartyServer)
    }

    fn tell_status(
        &mut self,
        name: &ApplicationName,
        before: &ApplicationState,
        after: &ApplicationState,
        cause: Option<CauseId>,
    ) {
        // A start is told when its process is there; its number rises before that.
        let was_down = matches!(
            before.status,
            ApplicationStatus::Stopped | ApplicationStatus::StartPending
        );
        let is_new = was_down || after.incarnation > before.incarnation;
        if is_new && after.status.is_up() {
            let id = if self.is_third_party(name) {
                5060
            } else {
                5090
            };
            let text = format!("{name} was started (start {})", after.incarnation);
            self.on_behalf(id, name, text, None, cause);
        }
        if before.status != after.status
            && let Some((id, what)) = status_event(after.status)
        {
            let text = if after.reason.is_empty() {
                format!("{name} {what}")
            } else {
                format!("{name} {what}: {}", after.reason)
            };
            self.on_behalf(id, name, text, None, cause);
        }
        match (before.hung, after.hung) {
            (false, true) => {
                let text = format!("{name} does not answer its heartbeats");
                self.on_behalf(5160, name, text, None, cause);
            }
            (true, false) => {
                let text = format!("{name} answers its heartbeats again");
                self.on_behalf(5161, name, text, None, cause);
            }
            (true, true) | (false, false) => {}
        }
    }

    fn tell_run_mode(
        &mut self,
        name: &ApplicationName,
        before: &ApplicationState,
        after: &ApplicationState,
        cause: Option<CauseId>,
    ) {
        let same = before.run_mode == after.run_mode && before.epoch == after.epoch;
        let paired = self.pair_of(name).is_some();
        if same || !paired || !after.status.is_up() {
            return;
        }
        let (id, word) = match after.run_mode {
            RunMode::Primary => (5150, "Primary"),
            RunMode::Backup => (5151, "Backup"),
            RunMode::Exiting | RunMode::Unknown => return,
        };
        let epoch = after.epoch;
        let text = format!("{name} has confirmed run mode {word} in epoch {epoch}");
        self.on_behalf(id, name, text, Some(epoch), cause);
    }

    fn tell_end(
        &mut self,
        name: &ApplicationName,
        before: &ApplicationState,
        after: &ApplicationState,
        cause: Option<CauseId>,
    ) {
        if !before.status.is_up() || after.status != ApplicationStatus::Stopped {
            return;
        }
        let exit = after
            .last_exit
            .map_or_else(|| "exit unknown".to_owned(), |exit| exit.to_string());
        let (id, text) = if !after.stopped_as_asked {
            (5064, format!("{name} ended unasked ({exit})"))
        } else if self.is_third_party(name) {
            (5063, format!("{name} ended as asked ({exit})"))
        } else {
            (
                5091,
                format!("{name} was stopped by the Management Layer ({exit})"),
            )
        };
        self.on_behalf(id, name, text, None, cause);
    }

    /// 5064 for the third-party applications of a host that is lost.
    pub(crate) fn third_party_lost(&mut self, host: &HostName) {
        let lost: Vec<ApplicationName> = self
            .applications
            .iter()
            .filter(|(_, care)| {
                &care.host == host
                    && care.application_type == ApplicationType::ThirdPartyServer
                    && care.state.status.is_up()
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in lost {
            let text = format!("{name} is gone with its host {host}");
            self.on_behalf(5064, &name, text, None, None);
        }
    }

    fn application_alarms(
        &mut self,
        name: &ApplicationName,
        before: &ApplicationState,
        after: &ApplicationState,
    ) {
        let serves = after.status == ApplicationStatus::Running;
        let unavailable = format!("unavailable/{name}");
        if after.status == ApplicationStatus::ServiceUnavailable {
            let text = format!("{name} runs but cannot serve: {}", after.reason);
            self.application_alarm(&unavailable, "SERVICE_UNAVAILABLE (5094)", name, &text);
        } else {
            self.clear_alarm(
                &unavailable,
                &format!("{name} is {}", after.status.for_people()),
            );
        }
        let hung = format!("hung/{name}");
        if after.hung {
            let text = format!("{name} does not answer its heartbeats");
            self.application_alarm(&hung, "APPLICATION_HUNG (5160)", name, &text);
        } else {
            self.clear_alarm(&hung, "it answers again");
        }
        let died = format!("died/{name}");
        if ended_unasked(before, after) {
            let exit = after
                .last_exit
                .map_or_else(|| "exit unknown".to_owned(), |exit| exit.to_string());
            let text = format!(
                "{name} ended unasked ({exit}): {}. Look at its last output in sci applications",
                after.reason
            );
            self.application_alarm(&died, "APPLICATION_FAILED (5064)", name, &text);
        } else if given_up(after) && !given_up(before) {
            // Its end was told already; that nothing more is tried is news.
            let text = format!("{name} is not restarted any more: {}", after.reason);
            self.application_alarm(&died, "APPLICATION_FAILED (5064)", name, &text);
        } else if serves || (after.status == ApplicationStatus::Stopped && after.stopped_as_asked) {
            self.clear_alarm(&died, &format!("{name} is {}", after.status.for_people()));
        }
    }

    fn application_alarm(&mut self, key: &str, title: &str, name: &ApplicationName, text: &str) {
        self.raise_alarm(key, title, AlarmCategory::Major, name.as_str(), text, None);
    }
}

/// The LCA has reached the limit of automatic restarts; it says so at the start of the reason.
fn given_up(state: &ApplicationState) -> bool {
    state.status == ApplicationStatus::Stopped
        && !state.stopped_as_asked
        && state.reason.starts_with(RefusalCode::RestartLimit.as_str())
}

fn ended_unasked(before: &ApplicationState, after: &ApplicationState) -> bool {
    after.status == ApplicationStatus::Stopped
        && !after.stopped_as_asked
        && after.incarnation > Incarnation(0)
        && (before.status != ApplicationStatus::Stopped || before.incarnation != after.incarnation)
}
