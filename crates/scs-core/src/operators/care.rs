//! Maintenance on and off (off says first what would happen at once), and the word that a host is really lost.

use crate::hosts::{HostCare, HostCondition};
use crate::pairs::Alignment;
use crate::{ScsCore, StoredMaintenance};
use changeover_model::message::{
    MaintenanceTarget, OperatorAnswer, Prediction, RecordKind, RecordOutcome, Step,
};
use changeover_model::{
    CauseId, HostName, PairName, Refusal, RefusalCode, RequestId, show_duration,
};
use std::time::Duration;

#[derive(Clone)]
enum Target {
    Pair(PairName),
    Host(HostName),
}

impl ScsCore {
    /// `on`: for how long, or without an end; `None` = off.
    pub(super) fn ask_maintenance(
        &mut self,
        request: RequestId,
        who: &str,
        target: &MaintenanceTarget,
        on: Option<Option<Duration>>,
        confirmed: bool,
    ) {
        let MaintenanceTarget::Named(text) = target;
        let found = if self.hosts.contains_key(text.as_str()) {
            Some(Target::Host(HostName::from(text.as_str())))
        } else {
            self.resolve_pair(text).map(Target::Pair)
        };
        let Some(found) = found else {
            let refusal = Refusal::new(
                RefusalCode::UnknownName,
                format!("there is no pair or host {text}; sci pairs and sci hosts list them"),
            );
            self.refuse(request, vec![refusal]);
            return;
        };
        if on.is_none() && !confirmed {
            let warnings = self.after_maintenance(&found);
            if !warnings.is_empty() {
                self.reply(
                    request,
                    OperatorAnswer::Predicted(Prediction {
                        warnings,
                        ..Prediction::default()
                    }),
                );
                return;
            }
        }
        let until = on.flatten().map(|duration| self.now + duration);
        let kept = on.map(|_| StoredMaintenance { until });
        let what = match on {
            Some(Some(duration)) => format!("on for {}", show_duration(duration)),
            Some(None) => "on until it is switched off".to_owned(),
            None => "off".to_owned(),
        };
        let pair = match &found {
            Target::Pair(pair) => Some(pair.clone()),
            Target::Host(_) => None,
        };
        let title = format!("maintenance of {text} {what}");
        let record = self.open_record(
            RecordKind::Administration,
            pair.as_ref(),
            title.clone(),
            who,
        );
        self.note(record, Step::Requested, title.clone(), who);
        self.close_record(record, RecordOutcome::Done, title.clone());
        match found {
            Target::Pair(pair) => self.set_pair_maintenance(&pair, kept),
            Target::Host(host) => self.set_host_maintenance(&host, kept),
        }
        self.reply(
            request,
            OperatorAnswer::Done {
                message: title,
                record: Some(record),
            },
        );
    }

    /// What would be done at once if this maintenance ended.
    fn after_maintenance(&self, target: &Target) -> Vec<String> {
        let concerned: Vec<&PairName> = self
            .pairs
            .iter()
            .filter(|(name, care)| match target {
                Target::Pair(pair) => pair == *name,
                Target::Host(host) => care.hosts().contains(host),
            })
            .map(|(name, _)| name)
            .collect();
        concerned
            .into_iter()
            .flat_map(|pair| self.would_happen(pair))
            .collect()
    }

    fn would_happen(&self, pair: &PairName) -> Vec<String> {
        let Some([first, second]) = self.members(pair) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        match (first.is_primary(), second.is_primary()) {
            (true, true) => all.push(format!("{pair}: one of its two primaries would be demoted")),
            (true, false) | (false, true) => {
                let (primary, other) = if first.is_primary() {
                    (&first, &second)
                } else {
                    (&second, &first)
                };
                if primary.fails_to_serve() && other.can_take_over() {
                    all.push(format!("{pair}: failover to {}", other.application));
                }
            }
            (false, false) => {
                let next = [&first, &second]
                    .into_iter()
                    .find(|one| one.can_take_over());
                if let Some(next) = next {
                    all.push(format!("{pair}: {} would be promoted", next.application));
                }
            }
        }
        match self.alignment(pair, false) {
            Alignment::AsIntended | Alignment::Unjudged => {}
            Alignment::Two | Alignment::Elsewhere | Alignment::None | Alignment::Partial => {
                all.push(format!("{pair}: its VIP would be realigned"));
            }
        }
        all
    }

    /// What is taken on the operator's word alone.
    fn note_what_it_means(&mut self, record: CauseId, host: &HostName) {
        let means = match self.hosts.get(host).map(HostCare::condition) {
            Some(HostCondition::AgentLost(_)) => {
                "it still answers without its LCA; from now on its servers count as ended and its VIPs as \
                 released, until its LCA reports"
            }
            Some(HostCondition::Lost(_)) => {
                "its servers count as ended and its VIPs as released, until it is heard of again"
            }
            Some(HostCondition::Reported | HostCondition::NotYetJudged) | None => {
                "it counts as lost as soon as its silence is noticed"
            }
        };
        self.note(record, Step::Note, format!("{host} counts as lost"), means);
    }

    pub(super) fn ask_confirm_lost(&mut self, request: RequestId, who: &str, hosts: &[HostName]) {
        let mut reasons = Vec::new();
        for host in hosts {
            match self.hosts.get(host) {
                None => reasons.push(Refusal::new(
                    RefusalCode::UnknownName,
                    format!("there is no host {host}; sci hosts lists them"),
                )),
                Some(care) if care.condition() == HostCondition::Reported => {
                    reasons.push(Refusal::new(
                        RefusalCode::AlreadySo,
                        format!("{host} is in contact, so it is not lost"),
                    ));
                }
                Some(_) => {}
            }
        }
        if !reasons.is_empty() {
            self.refuse(request, reasons);
            return;
        }
        let names: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
        let title = format!("{} confirmed lost", names.join(", "));
        let record = self.open_record(RecordKind::Administration, None, title.clone(), who);
        self.note(record, Step::Requested, title.clone(), who);
        for host in hosts {
            self.note_what_it_means(record, host);
        }
        self.close_record(record, RecordOutcome::Done, title.clone());
        self.confirm_lost(hosts);
        self.reply(
            request,
            OperatorAnswer::Done {
                message: title,
                record: Some(record),
            },
        );
    }
}
