//! Which conditions move which VIP: read once here, judged by several rules.
//!
//! Owns the look through condition, script and Third Party Server to the control script; only `control` of the
//! pair says which application enables and which disables (BEHAVIOUR, Which script does what).

use super::{Context, is_scs_mode_event, is_server_mode_event};
use changeover_model::environment::{AlarmCondition, Pair, ReactionType, Selection};
use changeover_model::{
    ApplicationName, ApplicationType, HostName, LogEventId, Redundancy, ScriptAction, ScriptName,
};

/// A step of a reaction list that moves a VIP of the pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step<'c> {
    pub(super) host: &'c HostName,
    pub(super) action: ScriptAction,
}

impl<'c> Context<'c> {
    /// The control script of this pair that a script starts, if any.
    pub(super) fn step_of(&self, pair: &'c Pair, script: &ScriptName) -> Option<Step<'c>> {
        let script = self.environment.scripts.get(script)?;
        let ReactionType::StartApplication(application) = &script.reaction else {
            return None;
        };
        let (host, action) = pair.control_script(application)?;
        Some(Step { host, action })
    }

    /// The steps of a condition's list that move VIPs of this pair, in order.
    pub(super) fn steps(&self, pair: &'c Pair, condition: &AlarmCondition) -> Vec<Step<'c>> {
        condition
            .reaction_scripts
            .iter()
            .filter_map(|script| self.step_of(pair, script))
            .collect()
    }

    /// Enabled conditions that an event of this application raises.
    pub(super) fn conditions_of(
        &self,
        application: &ApplicationName,
    ) -> impl Iterator<Item = &'c AlarmCondition> {
        let environment = self.environment;
        let application_type = environment
            .applications
            .get(application)
            .map(|found| found.application_type);
        environment
            .alarm_conditions
            .values()
            .filter(move |condition| {
                condition.enabled
                    && match &condition.selection {
                        Selection::Any => true,
                        Selection::ApplicationType(of) => Some(*of) == application_type,
                        Selection::Application(of) => of == application,
                    }
            })
    }

    /// The events by which a member says that it became (backup, primary): its own, and the SCS's about it.
    pub(super) fn mode_events(&self, pair: &Pair, member: &ApplicationName) -> ModeEvents {
        let sip = self
            .environment
            .applications
            .get(member)
            .is_some_and(|found| found.application_type == ApplicationType::SipServer);
        let own = match (sip, pair.redundancy) {
            (false, _) => None,
            (true, Redundancy::Hot) => Some((LogEventId::HOT_BACKUP, LogEventId::HOT_PRIMARY)),
            (true, Redundancy::Warm) => Some((LogEventId::WARM_BACKUP, LogEventId::WARM_PRIMARY)),
        };
        ModeEvents { own }
    }
}

/// Events of a member's run modes.
pub(super) struct ModeEvents {
    own: Option<(LogEventId, LogEventId)>,
}

impl ModeEvents {
    pub(super) fn became_backup(&self, event: LogEventId) -> bool {
        event.0 == 5151 || self.own.is_some_and(|(backup, _)| backup == event)
    }

    pub(super) fn became_primary(&self, event: LogEventId) -> bool {
        event.0 == 5150 || self.own.is_some_and(|(_, primary)| primary == event)
    }
}

/// True for every event of a change of run mode.
pub(super) fn is_mode_event(event: LogEventId) -> bool {
    is_server_mode_event(event) || is_scs_mode_event(event)
}
