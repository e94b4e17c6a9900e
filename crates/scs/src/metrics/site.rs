//! The site as gauges: what the picture of `sci status` says, with names and words of closed sets as labels. Reasons for
//! people stay out. Everything is set anew for each scrape, so what has left the environment has no series.

use super::observer::category_word;
use changeover_metrics::{Catalogue, Gauges};
use changeover_model::message::{AlarmPicture, HostPicture, PairPicture, PairState, Picture};
use changeover_model::{ApplicationStatus, HostStatus, Refusal, RunMode};
use std::collections::{BTreeMap, BTreeSet};

/// States of a pair, in the order in which they apply.
const PAIR_STATES: [PairState; 12] = [
    PairState::Maintenance,
    PairState::Switching,
    PairState::TwoPrimaries,
    PairState::NoPrimary,
    PairState::VipTwo,
    PairState::VipElsewhere,
    PairState::VipNone,
    PairState::Held,
    PairState::Flapping,
    PairState::Test,
    PairState::NotReady,
    PairState::Ok,
];
/// How the alarm of a flapping pair is called, without its number.
const FLAPPING: &str = "PAIR_FLAPPING";

pub(super) struct Site {
    pairs: Pairs,
    hosts: Hosts,
    run_mode: Gauges,
    status: Gauges,
    alarms: Gauges,
    revision: Gauges,
    doubts: Gauges,
}

struct Pairs {
    state: Gauges,
    epoch: Gauges,
    ready: Gauges,
    obstacle: Gauges,
    maintenance: Gauges,
    flapping: Gauges,
    suppressed: Gauges,
    in_step: Gauges,
    holder: Gauges,
}

struct Hosts {
    status: Gauges,
    maintenance: Gauges,
    offset: Gauges,
}

impl Site {
    pub(super) fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            pairs: Pairs::new(catalogue),
            run_mode: catalogue.gauge(
                "changeover_application_run_mode",
                &["application", "host", "run_mode"],
                "1 for the run mode of an application, as the SCS knows it; 0 for all others",
            ),
            status: catalogue.gauge(
                "changeover_application_status",
                &["application", "host", "status"],
                "1 for the status of an application, as the SCS knows it; 0 for all others",
            ),
            hosts: Hosts::new(catalogue),
            alarms: catalogue.gauge(
                "changeover_alarms_active",
                &["condition", "category", "object"],
                "Active alarms; object is the application, host or pair they speak of",
            ),
            revision: catalogue.gauge(
                "changeover_environment_revision",
                &[],
                "Number of the environment in force",
            ),
            doubts: catalogue.gauge(
                "changeover_scs_doubts_itself",
                &[],
                "1 while more than half of the hosts went silent at once, so that nothing is done about any of them",
            ),
        }
    }

    /// Shows a picture; without one (no environment yet) there is no series.
    pub(super) fn show(&self, picture: Option<&Picture>) {
        for gauges in [
            &self.run_mode,
            &self.status,
            &self.alarms,
            &self.revision,
            &self.doubts,
        ] {
            gauges.clear();
        }
        self.pairs.clear();
        self.hosts.clear();
        let Some(picture) = picture else { return };
        for pair in &picture.pairs {
            let flapping = pair.state == PairState::Flapping || is_flapping(pair, &picture.alarms);
            self.pairs.show(pair, flapping);
        }
        for host in &picture.hosts {
            self.hosts.show(host);
        }
        let run_modes: Vec<&str> = RunMode::ALL.iter().map(|mode| mode.as_str()).collect();
        let statuses: Vec<&str> = ApplicationStatus::ALL
            .iter()
            .map(|status| status.as_str())
            .collect();
        for one in &picture.applications {
            let names = [one.name.as_str(), one.host.as_str()];
            self.run_mode
                .set_state(&names, &run_modes, one.run_mode.as_str());
            self.status
                .set_state(&names, &statuses, one.status.as_str());
        }
        self.show_alarms(&picture.alarms);
        self.revision.set(&[], whole(picture.revision.0));
        self.doubts.set_if(&[], picture.is_it_me);
    }

    /// Several alarms can agree in all labels.
    fn show_alarms(&self, alarms: &[AlarmPicture]) {
        let mut counts: BTreeMap<[&str; 3], u32> = BTreeMap::new();
        for alarm in alarms {
            let labels = [
                alarm.condition.as_str(),
                category_word(alarm.category),
                alarm.application.as_str(),
            ];
            *counts.entry(labels).or_default() += 1;
        }
        for (labels, count) in counts {
            self.alarms.set(&labels, f64::from(count));
        }
    }
}

fn is_flapping(pair: &PairPicture, alarms: &[AlarmPicture]) -> bool {
    alarms.iter().any(|alarm| {
        alarm.condition.as_str().starts_with(FLAPPING)
            && alarm.application.as_str() == pair.name.as_str()
    })
}

/// Exact, since counts of a site are far below 2^53.
pub(super) fn whole(number: u64) -> f64 {
    number as f64
}

impl Pairs {
    fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            state: catalogue.gauge(
                "changeover_pair_state",
                &["pair", "state"],
                "1 for the state of a pair, 0 for all others; the words are those of sci status",
            ),
            epoch: catalogue.gauge(
                "changeover_pair_epoch",
                &["pair"],
                "Epoch of a pair; grows by one with every change of its primary",
            ),
            ready: catalogue.gauge(
                "changeover_pair_ready",
                &["pair"],
                "1 if sci switchover would go ahead now",
            ),
            obstacle: catalogue.gauge(
                "changeover_pair_obstacle",
                &["pair", "code"],
                "1 for each reason why sci switchover would be refused now",
            ),
            maintenance: catalogue.gauge(
                "changeover_pair_maintenance",
                &["pair"],
                "1 while the pair or a host of it is in maintenance",
            ),
            flapping: catalogue.gauge(
                "changeover_pair_flapping",
                &["pair"],
                "1 while automatic switching has stopped because there was too much of it",
            ),
            suppressed: catalogue.gauge(
                "changeover_pair_suppressed",
                &["pair", "code"],
                "1 for each reason why something is not done for the pair now",
            ),
            in_step: catalogue.gauge(
                "changeover_pair_member_in_step",
                &["pair", "application", "host"],
                "1 if this member has everything its peer has (hot standby)",
            ),
            holder: catalogue.gauge(
                "changeover_vip_holder",
                &["pair", "vip", "host", "kind"],
                "1 for a host that should hold the VIP (kind intended) or is seen holding it (kind observed)",
            ),
        }
    }

    fn clear(&self) {
        for gauges in [
            &self.state,
            &self.epoch,
            &self.ready,
            &self.obstacle,
            &self.maintenance,
            &self.flapping,
            &self.suppressed,
            &self.in_step,
            &self.holder,
        ] {
            gauges.clear();
        }
    }

    fn show(&self, pair: &PairPicture, flapping: bool) {
        let name = pair.name.as_str();
        self.state.set_state(
            &[name],
            &PAIR_STATES.map(PairState::as_str),
            pair.state.as_str(),
        );
        self.epoch.set(&[name], whole(pair.epoch.0));
        self.ready.set_if(&[name], pair.ready.switchover);
        self.maintenance.set_if(&[name], pair.maintenance);
        self.flapping.set_if(&[name], flapping);
        let codes = |gauges: &Gauges, reasons: &[Refusal]| {
            for reason in reasons {
                gauges.set(&[name, reason.code.as_str()], 1.0);
            }
        };
        codes(&self.obstacle, &pair.ready.reasons);
        codes(&self.suppressed, &pair.suppressed);
        for member in &pair.members {
            let labels = [name, member.application.as_str(), member.host.as_str()];
            self.in_step.set_if(&labels, member.in_step);
        }
        self.show_holders(pair);
    }

    fn show_holders(&self, pair: &PairPicture) {
        for vip in &pair.virtual_ips {
            let members = pair.members.iter().map(|member| &member.host);
            let hosts: BTreeSet<_> = members
                .chain(&vip.observed)
                .chain(vip.intended.as_ref())
                .collect();
            for host in hosts {
                let labels = |kind| [pair.name.as_str(), &vip.address, host.as_str(), kind];
                let intended = vip.intended.as_ref() == Some(host);
                self.holder.set_if(&labels("intended"), intended);
                let observed = vip.observed.contains(host);
                self.holder.set_if(&labels("observed"), observed);
            }
        }
    }
}

impl Hosts {
    fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            status: catalogue.gauge(
                "changeover_host_status",
                &["host", "status"],
                "1 for the status of a host on which something is managed, 0 for all others",
            ),
            maintenance: catalogue.gauge(
                "changeover_host_maintenance",
                &["host"],
                "1 while the host is in maintenance",
            ),
            offset: catalogue.gauge(
                "changeover_host_clock_offset_seconds",
                &["host"],
                "The host's clock minus the SCS's, as measured on their link",
            ),
        }
    }

    fn clear(&self) {
        for gauges in [&self.status, &self.maintenance, &self.offset] {
            gauges.clear();
        }
    }

    fn show(&self, host: &HostPicture) {
        if !host.needs_lca {
            return;
        }
        let name = host.name.as_str();
        let statuses: Vec<&str> = HostStatus::ALL
            .iter()
            .map(|status| status.as_str())
            .collect();
        self.status
            .set_state(&[name], &statuses, host.status.as_str());
        self.maintenance.set_if(&[name], host.maintenance);
        if let Some(offset) = host.clock_offset_us {
            self.offset.set(&[name], offset as f64 / 1e6);
        }
    }
}
