//! What a request would run and who would hold the VIPs afterwards: the plan, carried out in thought, every
//! script doing what it is there for.

use crate::engine::ReactionEngine;
use crate::plan::{Disposition, Plan, Planned};
use crate::release::Gate;
use crate::{HostReach, ReactionRequest};
use changeover_model::environment::Pair;
use changeover_model::message::{PredictedRun, PredictedVip, Prediction};
use changeover_model::{HostName, PairName, ScriptAction, Timestamp};
use std::collections::BTreeSet;

impl ReactionEngine {
    pub(crate) fn foretell(&self, now: Timestamp, request: &ReactionRequest) -> Prediction {
        let plan = self.plan(now, request);
        let mut prediction = Prediction {
            runs: plan
                .steps
                .iter()
                .map(|step| PredictedRun {
                    script: step.subject.script.clone(),
                    application: step.subject.application.clone(),
                    host: step.subject.host.clone(),
                    action: step.subject.action,
                    detail: self.foretold_detail(now, &plan, step),
                })
                .collect(),
            ..Prediction::default()
        };
        let Some(environment) = &self.environment else {
            return prediction;
        };
        let touched: BTreeSet<&PairName> = plan
            .steps
            .iter()
            .filter_map(|step| step.subject.pair.as_ref())
            .collect();
        for pair in touched {
            if let Some(pair) = environment.pairs.get(pair) {
                self.foretell_pair(pair, &plan, &mut prediction);
            }
        }
        prediction
    }

    fn foretell_pair(&self, pair: &Pair, plan: &Plan, prediction: &mut Prediction) {
        let mut steps: Vec<(&HostName, ScriptAction)> = plan
            .steps
            .iter()
            .filter(|step| step.subject.pair.as_ref() == Some(&pair.name))
            .filter(|step| match &step.disposition {
                Disposition::Run | Disposition::JoinPlanned(_) => true,
                Disposition::Join { finished, .. } => !finished,
                Disposition::Refuse(_)
                | Disposition::Supersede(_)
                | Disposition::CannotLaunch(_)
                | Disposition::NotApplicable(_) => false,
            })
            .filter_map(|step| step.subject.host.as_ref().zip(step.subject.action))
            .collect();
        if !plan.sequential {
            steps.sort_by_key(|(_, action)| *action == ScriptAction::Enable);
        }
        let intended = self.intended_host(pair);
        for vip in &pair.virtual_ips {
            let mut holders: BTreeSet<&HostName> = pair
                .control
                .keys()
                .filter(|host| self.sight.holds(&pair.name, host, vip.address))
                .collect();
            for (host, action) in &steps {
                match action {
                    ScriptAction::Enable => holders.insert(host),
                    ScriptAction::Disable => holders.remove(host),
                };
            }
            let address = format!("{}/{}", vip.address, vip.prefix);
            prediction
                .warnings
                .extend(warning(&address, &holders, intended, &pair.name));
            prediction.virtual_ips.push(PredictedVip {
                address,
                holders: holders.into_iter().cloned().collect(),
                intended: intended.cloned(),
            });
        }
    }

    fn foretold_detail(&self, now: Timestamp, plan: &Plan, step: &Planned) -> String {
        match &step.disposition {
            Disposition::Run if !step.detail.is_empty() => step.detail.clone(),
            Disposition::Run => self
                .waiting_reason(now, plan, step)
                .unwrap_or_else(|| "starts at once".to_owned()),
            Disposition::Join { with, finished } => joins(*with, *finished),
            Disposition::JoinPlanned(_) => "the same as above: joins it".to_owned(),
            Disposition::Refuse(refusal) | Disposition::Supersede(refusal) => refusal.to_string(),
            Disposition::CannotLaunch(why) | Disposition::NotApplicable(why) => why.clone(),
        }
    }

    /// What a step that runs must wait for first; `None` = it starts at once.
    pub(crate) fn waiting_reason(
        &self,
        now: Timestamp,
        plan: &Plan,
        step: &Planned,
    ) -> Option<String> {
        let position = plan
            .steps
            .iter()
            .position(|other| std::ptr::eq(other, step));
        if plan.sequential && position != Some(0) {
            return Some("starts when the one before it has ended".to_owned());
        }
        let host = step.subject.host.as_ref()?;
        let action = step.subject.action?;
        if self.sight.reach(host) == HostReach::AgentAway {
            return Some(format!("waits for the agent of {host}"));
        }
        if plan.sequential || action == ScriptAction::Disable {
            return None;
        }
        let name = step.subject.pair.as_ref()?;
        let pair = self.environment.as_ref()?.pairs.get(name)?;
        pair.control
            .keys()
            .filter(|other| *other != host)
            .find_map(|other| match self.gate(now, pair, other) {
                Gate::Wait(why) | Gate::Stuck(why) => Some(why),
                Gate::Free(_) => None,
            })
    }
}

pub(crate) fn joins(with: u64, finished: bool) -> String {
    if finished {
        format!("joins reaction {with}, which has just reached the same")
    } else {
        format!("joins reaction {with}, which is under way")
    }
}

fn warning(
    address: &str,
    holders: &BTreeSet<&HostName>,
    intended: Option<&HostName>,
    pair: &PairName,
) -> Option<String> {
    let names: Vec<&str> = holders.iter().map(|host| host.as_str()).collect();
    match (names.as_slice(), intended) {
        ([], None) => None,
        ([], Some(_)) => Some(format!(
            "nobody will hold {address}: no call gets through until sci realign {pair}, or until the \
             test hold is over"
        )),
        ([holder], Some(intended)) if *holder == intended.as_str() => None,
        ([holder], Some(intended)) => Some(format!(
            "{address} will be on {holder}, but the primary is on {intended}"
        )),
        ([holder], None) => Some(format!(
            "{address} will be on {holder}, but nobody is primary"
        )),
        (_, _) => Some(format!(
            "{address} will be on {} at the same time",
            names.join(" and ")
        )),
    }
}
