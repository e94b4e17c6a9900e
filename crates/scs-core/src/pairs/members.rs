//! A member of a pair as one may judge it now: its host, its status with the carrier of the VIP's interface in
//! it, and what follows from both.

use crate::ScsCore;
use crate::hosts::HostCondition;
use changeover_model::{
    ApplicationName, ApplicationStatus, Epoch, HostName, PairName, Redundancy, Refusal,
    RefusalCode, RunMode, planted,
};

/// A member as one may judge it now.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) application: ApplicationName,
    pub(crate) host: HostName,
    pub(crate) condition: HostCondition,
    /// Status; ServiceUnavailable also when it hangs or the VIP's interface has no carrier.
    pub(crate) status: ApplicationStatus,
    /// As last reported; says nothing while its host is not in contact.
    pub(crate) run_mode: RunMode,
    pub(crate) epoch: Epoch,
    pub(crate) in_step: bool,
    pub(crate) hung: bool,
    pub(crate) stopped_as_asked: bool,
    /// Its host is being shut down.
    pub(crate) leaving: bool,
    /// Why it is as it is, for people.
    pub(crate) reason: String,
}

impl Member {
    pub(crate) fn reported(&self) -> bool {
        self.condition == HostCondition::Reported
    }

    /// Its LCA has neither reported nor been away for long enough.
    pub(crate) fn is_unjudged(&self) -> bool {
        self.condition == HostCondition::NotYetJudged
    }

    /// In run mode Primary, as its LCA reports.
    pub(crate) fn is_primary(&self) -> bool {
        self.reported()
            && self.run_mode == RunMode::Primary
            && self.status.is_up()
            && self.status != ApplicationStatus::StopTransition
    }

    /// It could serve if it were primary.
    pub(crate) fn can_take_over(&self) -> bool {
        let may = self.status == ApplicationStatus::Running
            || (planted("service-unavailable-promoted")
                && self.status == ApplicationStatus::ServiceUnavailable);
        self.reported() && may && !self.leaving
    }

    /// On its way to Running.
    pub(crate) fn comes_up(&self) -> bool {
        self.reported()
            && match self.status {
                ApplicationStatus::StartPending
                | ApplicationStatus::StartTransition
                | ApplicationStatus::Initializing => true,
                ApplicationStatus::Unknown
                | ApplicationStatus::ServiceUnavailable
                | ApplicationStatus::Running
                | ApplicationStatus::StopPending
                | ApplicationStatus::StopTransition
                | ApplicationStatus::Stopped
                | ApplicationStatus::Suspending
                | ApplicationStatus::Suspended => false,
            }
    }

    /// A primary that does not serve and is not about to.
    pub(crate) fn fails_to_serve(&self) -> bool {
        match self.status {
            ApplicationStatus::ServiceUnavailable | ApplicationStatus::Suspended => true,
            ApplicationStatus::Stopped => !self.stopped_as_asked,
            ApplicationStatus::Unknown
            | ApplicationStatus::StartPending
            | ApplicationStatus::StartTransition
            | ApplicationStatus::Initializing
            | ApplicationStatus::Running
            | ApplicationStatus::StopPending
            | ApplicationStatus::StopTransition
            | ApplicationStatus::Suspending => false,
        }
    }

    /// Why it cannot take over; nothing if it can. `in step` counts for planned switchovers only.
    pub(crate) fn obstacles(&self) -> Vec<Refusal> {
        let name = &self.application;
        let host = &self.host;
        match self.condition {
            HostCondition::Lost(_) => {
                return vec![Refusal::new(
                    RefusalCode::HostLost,
                    format!("{host} is lost, so nobody knows of {name}; see sci hosts"),
                )];
            }
            HostCondition::AgentLost(_) => {
                return vec![Refusal::new(
                    RefusalCode::AgentLost,
                    format!(
                        "the LCA of {host} does not answer, so {name} cannot be ordered; start lca there"
                    ),
                )];
            }
            HostCondition::NotYetJudged => {
                return vec![Refusal::new(
                    RefusalCode::NotYetJudged,
                    format!("the LCA of {host} has not reported yet; try again in a moment"),
                )];
            }
            HostCondition::Reported => {}
        }
        match self.status {
            ApplicationStatus::Running if self.leaving => vec![Refusal::new(
                RefusalCode::HostStopping,
                format!("{host} is being shut down, and {name} with it"),
            )],
            ApplicationStatus::Running => Vec::new(),
            ApplicationStatus::ServiceUnavailable => vec![Refusal::new(
                RefusalCode::BackupServiceUnavailable,
                format!("{name} on {host} cannot serve: {}", self.reason),
            )],
            ApplicationStatus::Unknown
            | ApplicationStatus::StartPending
            | ApplicationStatus::StartTransition
            | ApplicationStatus::Initializing
            | ApplicationStatus::StopPending
            | ApplicationStatus::StopTransition
            | ApplicationStatus::Stopped
            | ApplicationStatus::Suspending
            | ApplicationStatus::Suspended => vec![Refusal::new(
                RefusalCode::BackupNotRunning,
                format!(
                    "{name} on {host} is {}, not Started",
                    self.status.for_people()
                ),
            )],
        }
    }
}

impl ScsCore {
    /// Both members, the configured primary first; `None` for an unknown pair.
    pub(crate) fn members(&self, pair: &PairName) -> Option<[Member; 2]> {
        let care = self.pairs.get(pair)?;
        let [first, second] = care.config.members();
        Some([
            self.member(pair, first.1, first.2)?,
            self.member(pair, second.1, second.2)?,
        ])
    }

    pub(crate) fn member(
        &self,
        pair: &PairName,
        application: &ApplicationName,
        host: &HostName,
    ) -> Option<Member> {
        let config = &self.pairs.get(pair)?.config;
        let state = &self.applications.get(application)?.state;
        let host_care = self.hosts.get(host)?;
        let (condition, leaving) = (host_care.condition(), host_care.stopping);
        let mut status = state.status;
        let mut reason = state.reason.clone();
        if status == ApplicationStatus::Running && state.hung {
            status = ApplicationStatus::ServiceUnavailable;
            reason = "it does not answer its heartbeats".to_owned();
        } else if status == ApplicationStatus::Running
            && self.checks_carrier(pair, application)
            && let Some(interface) = self.interface_without_carrier(pair, host)
        {
            status = ApplicationStatus::ServiceUnavailable;
            reason = format!("no carrier on {interface}, where its VIP belongs");
        }
        Some(Member {
            application: application.clone(),
            host: host.clone(),
            condition,
            status,
            run_mode: state.run_mode,
            epoch: state.epoch,
            in_step: config.redundancy == Redundancy::Warm || state.in_step,
            hung: state.hung,
            stopped_as_asked: state.stopped_as_asked,
            leaving,
            reason,
        })
    }

    /// A member by name.
    pub(crate) fn member_named(
        &self,
        pair: &PairName,
        application: &ApplicationName,
    ) -> Option<Member> {
        let host = self.pairs.get(pair)?.config.host_of(application)?.clone();
        self.member(pair, application, &host)
    }

    /// `carrier_check`: by default off where the server's own SIP watch decides.
    fn checks_carrier(&self, pair: &PairName, application: &ApplicationName) -> bool {
        let policy = self.pairs.get(pair).map(|care| &care.config.policy);
        policy
            .and_then(|policy| policy.carrier_check)
            .unwrap_or_else(|| {
                self.environment
                    .as_ref()
                    .and_then(|environment| environment.applications.get(application))
                    .is_none_or(|application| !application.sip_pass_check())
            })
    }

    fn interface_without_carrier(&self, pair: &PairName, host: &HostName) -> Option<String> {
        let config = &self.pairs.get(pair)?.config;
        let observed = self
            .hosts
            .get(host)?
            .addresses
            .iter()
            .find(|address| &address.pair == pair && address.carrier == Some(false))?;
        let vip = config
            .virtual_ips
            .iter()
            .find(|vip| vip.address == observed.address)?;
        Some(vip.interfaces.get(host).cloned().unwrap_or_default())
    }
}
