//! What became of a control script. The addresses decide where they can be seen, the exit code is evidence
//! (BEHAVIOUR, Outcome): the guide's own scripts return misleading codes.

use super::{GONE_BOUND, Job, Stage, Why, Work};
use crate::core::LcaCore;
use changeover_model::message::{ExitStatus, ScriptOutcome, ScriptResult};
use changeover_model::{PairName, ScriptAction, planted, show_duration};
use std::net::IpAddr;

impl LcaCore {
    /// True if every VIP of the pair stands as the action wants it; `None` if some cannot be seen.
    pub(super) fn is_as_wanted(&self, pair: &PairName, action: ScriptAction) -> Option<bool> {
        let vips = &self.pair_slice(pair)?.virtual_ips;
        if vips.is_empty() {
            return None;
        }
        let mut all = true;
        for vip in vips {
            let held = self.addresses.is_held(pair, vip.address)?;
            all &= held == (action == ScriptAction::Enable);
        }
        Some(all)
    }

    /// Which of several VIPs are not as the action wants them, if some are and some are not.
    fn partial(&self, pair: &PairName, action: ScriptAction) -> Option<String> {
        let vips = &self.pair_slice(pair)?.virtual_ips;
        let wanted = action == ScriptAction::Enable;
        let wrong: Vec<String> = vips
            .iter()
            .filter(|vip| self.addresses.is_held(pair, vip.address) == Some(!wanted))
            .map(|vip| vip.address.to_string())
            .collect();
        if wrong.is_empty() || wrong.len() == vips.len() {
            return None;
        }
        let did_not = if wanted {
            "did not come up"
        } else {
            "did not go"
        };
        Some(format!(
            "{} of {} VIPs {did_not}: {}",
            wrong.len(),
            vips.len(),
            wrong.join(" ")
        ))
    }

    /// What is seen of a pair's VIPs, for people.
    pub(super) fn seen(&self, pair: &PairName) -> String {
        let Some(slice) = self.pair_slice(pair) else {
            return "the pair is not known here".to_owned();
        };
        if slice.virtual_ips.is_empty() {
            return "the pair has no VIP".to_owned();
        }
        let seen = |address: IpAddr| match self.addresses.observation(pair, address) {
            None => format!("{address} cannot be seen here"),
            Some(observation) => match &observation.held {
                None => format!("{address} seen gone"),
                Some(held) => {
                    let place = held.label.as_ref().unwrap_or(&held.interface);
                    format!("{address}/{} seen on {place}", held.prefix)
                }
            },
        };
        let texts: Vec<String> = slice
            .virtual_ips
            .iter()
            .map(|vip| seen(vip.address))
            .collect();
        texts.join(", ")
    }

    /// Judges the pair's job by the newest reading and reports it; then what it left is waited for.
    pub(super) fn judge(&mut self, pair: &PairName, why: Why) {
        let Some(job) = self
            .scripts
            .get(pair)
            .and_then(|queue| queue.current.as_ref())
        else {
            return;
        };
        let Work::Script(control) = &job.work else {
            return;
        };
        let result = match (why, self.is_as_wanted(pair, control.action)) {
            (Why::TimedOut, _) => ScriptResult::TimedOut,
            (Why::Displaced, _) => ScriptResult::Superseded,
            (Why::Exited, _)
                if planted("exit-code-believed") && job.exit == Some(ExitStatus::Code(0)) =>
            {
                ScriptResult::Succeeded
            }
            (Why::Exited, Some(true)) if job.as_wanted_before == Some(true) => {
                ScriptResult::AlreadySo
            }
            (Why::Exited, Some(true)) => ScriptResult::Succeeded,
            (Why::Exited, Some(false)) => ScriptResult::Failed,
            (Why::Exited, None) if self.ended_well(job) => ScriptResult::NotVerified,
            (Why::Exited, None) => ScriptResult::Failed,
        };
        let mut observed = self.seen(pair);
        if !result.is_good()
            && let Some(partial) = self.partial(pair, control.action)
        {
            observed = format!("{partial}; {observed}");
        }
        let outcome = self.outcome(job, result, observed);
        let (order, gone) = (job.order.clone(), job.gone);
        self.report_script(&order, outcome);
        if gone {
            self.take_current(pair);
            self.advance(pair);
        } else {
            self.enter(pair, Stage::Remains, GONE_BOUND);
        }
    }

    /// Judges by the exit code alone, as the Application object says.
    fn ended_well(&self, job: &Job) -> bool {
        let needs_zero = self
            .start_info(job.application())
            .is_none_or(|info| info.success_needs_exit_zero);
        !needs_zero || job.exit == Some(ExitStatus::Code(0))
    }

    fn outcome(&self, job: &Job, result: ScriptResult, observed: String) -> ScriptOutcome {
        ScriptOutcome {
            result,
            exit: job.exit,
            duration: self.now.since(job.started_at),
            observed,
            output: job.output.clone(),
        }
    }

    pub(super) fn report_superseded(&mut self, job: &Job) {
        let mut observed = "ended for a newer order of the pair".to_owned();
        if !job.gone {
            let waited = show_duration(GONE_BOUND);
            observed = format!("{observed}; processes of it still live {waited} after SIGKILL");
        }
        let outcome = self.outcome(job, ScriptResult::Superseded, observed);
        self.report_script(&job.order, outcome);
    }

    /// Reports a script that no process was started for.
    pub(super) fn report_unstarted(&mut self, job: &Job, result: ScriptResult, reason: &str) {
        let mut outcome = self.outcome(job, result, reason.to_owned());
        outcome.exit = None;
        outcome.duration = std::time::Duration::ZERO;
        self.report_script(&job.order, outcome);
    }
}
