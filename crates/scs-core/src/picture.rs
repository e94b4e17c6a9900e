//! The site as operators see it (INTERFACE, The live system). Only shows; decides nothing.

use crate::ScsCore;
use crate::applications::ApplicationCare;
use crate::hosts::HostCondition;
use crate::pairs::{Alignment, Member, PairCare, Wrong};
use changeover_model::message::{
    ApplicationPicture, CheckState, HostPicture, MemberPicture, PairPicture, PairState, Picture,
    ReadyPicture, VirtualIpPicture,
};
use changeover_model::{
    ApplicationStatus, HostName, PairName, Refusal, RefusalCode, RunMode, Takeover, Timestamp,
};

impl ScsCore {
    /// The site as it stands (`sci status`, `hosts`, `applications`, `pairs`); `None` before the first
    /// environment.
    pub fn picture(&self, now: Timestamp) -> Option<Picture> {
        let environment = self.environment.as_ref()?;
        let layer = &environment.management_layer;
        let hosts = environment
            .hosts
            .keys()
            .filter_map(|name| self.host_picture(name))
            .collect();
        let applications = environment
            .applications
            .keys()
            .filter_map(|name| self.application_picture(name))
            .collect();
        let pairs = environment
            .pairs
            .keys()
            .filter_map(|name| self.pair_picture(name, now))
            .collect();
        Some(Picture {
            environment: environment.name.clone(),
            hosts,
            applications,
            pairs,
            active_alarms: self.alarms.active_count(),
            alarms: self.alarms.pictures(false),
            message_server_connected: self.message_server_connected,
            scs: format!("{}:{}", layer.scs_host, layer.scs_port),
            revision: self.revision.revision,
            is_it_me: self.is_it_me,
            warnings: self.warnings(),
            at: now,
        })
    }

    fn host_picture(&self, name: &HostName) -> Option<HostPicture> {
        let care = self.hosts.get(name)?;
        Some(HostPicture {
            name: name.clone(),
            status: care.status,
            needs_lca: care.needs_lca,
            maintenance: self.host_maintenance.contains_key(name),
            clock_offset_us: care.clock.offset(),
            round_trip_us: care.clock.round_trip(),
            since: care.since,
            reason: care.reason.clone(),
        })
    }

    fn application_picture(
        &self,
        name: &changeover_model::ApplicationName,
    ) -> Option<ApplicationPicture> {
        let care = self.applications.get(name)?;
        let in_contact = self.in_contact(&care.host);
        let state = &care.state;
        Some(ApplicationPicture {
            name: name.clone(),
            application_type: care.application_type,
            host: care.host.clone(),
            status: if in_contact {
                state.status
            } else {
                ApplicationStatus::Unknown
            },
            run_mode: if in_contact {
                state.run_mode
            } else {
                RunMode::Unknown
            },
            pid: state.pid.filter(|_| in_contact),
            since: care.since,
            reason: if in_contact {
                state.reason.clone()
            } else {
                format!(
                    "{} is not in contact; it was {}",
                    care.host,
                    state.status.for_people()
                )
            },
            health: self.health_picture(care, in_contact),
        })
    }

    /// The checks of an application with their times on this clock; of one out of contact nobody knows.
    fn health_picture(&self, care: &ApplicationCare, in_contact: bool) -> Vec<CheckState> {
        let checks = care.state.health.iter().filter(|_| in_contact);
        checks
            .map(|check| CheckState {
                since: self.here(&care.host, check.since),
                ..check.clone()
            })
            .collect()
    }

    fn in_contact(&self, host: &HostName) -> bool {
        self.hosts
            .get(host)
            .is_some_and(|care| care.condition() == HostCondition::Reported)
    }

    fn pair_picture(&self, name: &PairName, now: Timestamp) -> Option<PairPicture> {
        let care = self.pairs.get(name)?;
        let members = self.members(name)?;
        let direction = self.direction(name, None).ok()?;
        let reasons = self.precheck(name, &direction);
        let ready = ReadyPicture {
            switchover: reasons.is_empty(),
            reasons,
        };
        let hold = care.kept.test_hold_until.filter(|until| *until > now);
        Some(PairPicture {
            name: name.clone(),
            redundancy: care.config.redundancy,
            epoch: care.kept.epoch,
            state: self.pair_state(name, care, &ready),
            maintenance: self.in_maintenance(name),
            maintenance_until: care.kept.maintenance.and_then(|kept| kept.until),
            test_hold_ms: hold
                .map(|until| u64::try_from(until.since(now).as_millis()).unwrap_or(u64::MAX)),
            members: self.member_pictures(care, &members),
            virtual_ips: self.vip_pictures(name, care),
            ready,
            suppressed: self.suppressed_now(name, care),
            primary_because: care.kept.because.clone(),
            last_record: self.timeline.last(Some(name)).map(|record| record.id),
        })
    }

    /// What is not done now and why: role changes as judged, and a realignment that somebody's word holds back.
    fn suppressed_now(&self, name: &PairName, care: &PairCare) -> Vec<Refusal> {
        let mut all = care.suppressed.clone();
        match self.alignment(name, false) {
            Alignment::AsIntended | Alignment::Unjudged => return all,
            Alignment::Two | Alignment::Elsewhere | Alignment::None | Alignment::Partial => {}
        }
        if care.kept.test_hold_until.is_some() {
            all.push(Refusal::new(
                RefusalCode::TestHold,
                format!(
                    "its VIP stays where a Test left it for a time; sci realign {name} ends that"
                ),
            ));
        }
        let held = care.kept.held.as_ref();
        all.extend(
            held.filter(|held| !care.suppressed.iter().any(|one| one.code == held.code))
                .cloned(),
        );
        all
    }

    fn pair_state(&self, name: &PairName, care: &PairCare, ready: &ReadyPicture) -> PairState {
        if self.in_maintenance(name) {
            return PairState::Maintenance;
        }
        if care.open_record.is_some() || self.stops_member(name) {
            return PairState::Switching;
        }
        match self.roles_wrong(name) {
            Some(Wrong::TwoPrimaries) => return PairState::TwoPrimaries,
            Some(Wrong::NoPrimary) => return PairState::NoPrimary,
            None => {}
        }
        let held = care.kept.held.is_some()
            || self.is_it_me
            || care.suppressed.iter().any(|one| {
                matches!(
                    one.code,
                    RefusalCode::AgentLost | RefusalCode::IsItMe | RefusalCode::Held
                )
            });
        if self.primary_member(name).is_none() && !held {
            return PairState::NoPrimary;
        }
        match self.alignment(name, false) {
            Alignment::Two => return PairState::VipTwo,
            Alignment::Elsewhere => return PairState::VipElsewhere,
            Alignment::None => return PairState::VipNone,
            Alignment::Partial => return PairState::VipPartial,
            Alignment::AsIntended | Alignment::Unjudged => {}
        }
        if held {
            PairState::Held
        } else if care.kept.flapping_since.is_some() {
            PairState::Flapping
        } else if care.kept.test_hold_until.is_some() {
            PairState::Test
        } else if !ready.switchover {
            PairState::NotReady
        } else {
            PairState::Ok
        }
    }

    fn member_pictures(&self, care: &PairCare, members: &[Member; 2]) -> Vec<MemberPicture> {
        care.config
            .members()
            .into_iter()
            .zip(members)
            .map(|((configured_as, application, host), member)| {
                let in_contact = member.reported();
                let since = self
                    .applications
                    .get(application)
                    .map_or(self.now, |care| care.since);
                MemberPicture {
                    application: application.clone(),
                    host: host.clone(),
                    configured_as,
                    run_mode: if in_contact {
                        member.run_mode
                    } else {
                        RunMode::Unknown
                    },
                    status: if in_contact {
                        member.status
                    } else {
                        ApplicationStatus::Unknown
                    },
                    in_step: member.in_step,
                    since,
                    reason: member.reason.clone(),
                }
            })
            .collect()
    }

    fn vip_pictures(&self, name: &PairName, care: &PairCare) -> Vec<VirtualIpPicture> {
        care.config
            .virtual_ips
            .iter()
            .map(|vip| VirtualIpPicture {
                address: format!("{}/{}", vip.address, vip.prefix),
                intended: care.intended_host().cloned(),
                observed: self.holders(name, vip.address, false),
                last_seen: self.last_holders(name, vip.address),
            })
            .collect()
    }

    fn warnings(&self) -> Vec<String> {
        let Some(environment) = &self.environment else {
            return Vec::new();
        };
        let scs = &environment.management_layer.scs_host;
        let mut warnings: Vec<String> = environment
            .pairs
            .values()
            .filter(|pair| pair.takeover != Takeover::SingleHost)
            .filter(|pair| &pair.primary_host == scs || &pair.backup_host == scs)
            .map(|pair| {
                format!(
                    "the SCS runs on {scs}, a host of {}: when {scs} dies nobody fails the pair over; put it on a third machine",
                    pair.name
                )
            })
            .collect();
        if !self.message_server_connected {
            warnings.push("the Message Server is not connected: events reach no condition".into());
        }
        warnings
    }
}
