//! Failover: the unplanned change of the primary. Its record begins with what was lost, where and when it was seen.

use super::role_change::Change;
use crate::ScsCore;
use crate::hosts::HostCondition;
use crate::pairs::{Member, PairCare};
use crate::timeline::{Moment, NewEntry};
use changeover_model::message::{Party, RecordKind, Step};
use changeover_model::{
    ApplicationName, ApplicationStatus, CauseId, PairName, RunMode, show_duration,
};

impl ScsCore {
    pub(crate) fn open_failover(
        &mut self,
        pair: &PairName,
        from: &Member,
        to: &Member,
        cause: &str,
    ) -> bool {
        let record = self.open_record(
            RecordKind::Failover,
            Some(pair),
            format!("failover of {pair}"),
            cause,
        );
        self.loss_entry(record, from, cause);
        let alive = from.reported() && from.status.is_up() && from.run_mode == RunMode::Primary;
        self.open_role_change(
            pair,
            Change {
                kind: RecordKind::Failover,
                record,
                from: alive.then(|| from.application.clone()),
                to: to.application.clone(),
                because: format!("failover: {cause}"),
                automatic: true,
                promotes: true,
                serves: None,
            },
        )
    }

    fn why_without_agent(&self, name: &ApplicationName) -> &'static str {
        let care = self.pair_of(name).and_then(|pair| self.pairs.get(&pair));
        if care.is_some_and(PairCare::is_quorum) {
            "the host answers, its LCA does not; what its VIPs may still have lived is over"
        } else {
            "the host answers, its LCA does not; on_agent_loss: failover"
        }
    }

    fn loss_entry(&mut self, record: CauseId, from: &Member, cause: &str) {
        let name = from.application.clone();
        let host = from.host.clone();
        let (moment, who, step, what, evidence) = match from.condition {
            HostCondition::Lost(_) => {
                let care = self.hosts.get(&host);
                let evidence = if care.is_some_and(|care| care.confirmed_lost) {
                    "confirmed by an operator (sci hosts confirm-lost)".to_owned()
                } else {
                    let bound = care.map(crate::hosts::HostCare::bound);
                    let bound = show_duration(bound.unwrap_or_default());
                    format!("nothing was heard of it for {bound}")
                };
                (
                    Moment::Here,
                    Party::Scs,
                    Step::HostLost(host.clone(), true),
                    format!("{host} lost"),
                    evidence,
                )
            }
            HostCondition::AgentLost(_) => (
                Moment::Here,
                Party::Scs,
                Step::AgentLost(host.clone(), true),
                format!("LCA of {host} lost"),
                self.why_without_agent(&name).to_owned(),
            ),
            HostCondition::Reported | HostCondition::NotYetJudged => {
                let care = self.applications.get(&name);
                let died = care.and_then(|care| care.died);
                let exit = care
                    .and_then(|care| care.state.last_exit)
                    .map(|exit| exit.to_string());
                let ended = from.status == ApplicationStatus::Stopped || died.is_some();
                let (step, what) = if ended {
                    (
                        Step::ApplicationDied(name.clone()),
                        format!("{name} ended unasked"),
                    )
                } else {
                    (
                        Step::ApplicationUnavailable(name.clone()),
                        format!("{name} is {}", from.status.for_people()),
                    )
                };
                (
                    died.unwrap_or(Moment::Here),
                    Party::Lca(host.clone()),
                    step,
                    what,
                    exit.filter(|_| ended).unwrap_or_else(|| cause.to_owned()),
                )
            }
        };
        self.entry(
            record,
            NewEntry {
                moment,
                who,
                step,
                what,
                evidence,
            },
        );
    }
}
