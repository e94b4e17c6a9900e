//! Flapping: too many automatic role changes stop automatic switching (10327) until it has been quiet for as long
//! (10328), or until an operator switches over. An operator's orders do not count.

use crate::ScsCore;
use changeover_model::environment::AlarmCategory;
use changeover_model::{
    ApplicationName, LogEventId, PairName, Refusal, RefusalCode, planted, show_duration,
};

impl ScsCore {
    /// Refuses an automatic role change when there were too many; the first refusal starts the stop.
    pub(crate) fn flaps(&mut self, pair: &PairName) -> Option<Refusal> {
        let now = self.now;
        let care = self.pairs.get_mut(pair)?;
        let flapping = care.config.policy.flapping;
        let kept = &mut care.kept;
        kept.automatic_switches
            .retain(|at| now.since(*at) < flapping.within);
        let count = kept.automatic_switches.len();
        let within = show_duration(flapping.within);
        if kept.flapping_since.is_none() {
            if count < usize::try_from(flapping.switches).unwrap_or(usize::MAX) {
                return None;
            }
            kept.flapping_since = Some(now);
            let until = now + flapping.within;
            care.wake_at(until);
            let text = format!(
                "{pair} changed its primary by itself {count} times within {within}: automatic switching has stopped; \
                 find the cause, then sci switchover {pair}"
            );
            self.keep_pair(pair);
            self.pair_event(pair, 10_327, text.clone());
            self.raise_alarm(
                &format!("flapping/{pair}"),
                "PAIR_FLAPPING (10327)",
                AlarmCategory::Critical,
                pair.as_str(),
                &text,
                None,
            );
        }
        Some(Refusal::new(
            RefusalCode::Flapping,
            format!(
                "automatic switching of {pair} has stopped until {within} pass without a new cause; or sci switchover {pair}"
            ),
        ))
    }

    /// Something would have been done now: the quiet time begins anew.
    pub(crate) fn new_cause_to_switch(&mut self, pair: &PairName) {
        let now = self.now;
        if let Some(care) = self.pairs.get_mut(pair)
            && care.kept.flapping_since.is_some()
        {
            care.kept.flapping_since = Some(now);
            self.keep_pair(pair);
        }
    }

    pub(crate) fn count_automatic_switch(&mut self, pair: &PairName) {
        let now = self.now;
        if let Some(care) = self.pairs.get_mut(pair)
            && !planted("switches-not-counted")
        {
            care.kept.automatic_switches.push(now);
        }
    }

    pub(crate) fn end_flapping(&mut self, pair: &PairName, why: &str) {
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        care.kept.automatic_switches.clear();
        if care.kept.flapping_since.take().is_none() {
            return;
        }
        self.keep_pair(pair);
        let text = format!("{pair} is stable again ({why}): automatic switching is on");
        self.pair_event(pair, 10_328, text);
        self.clear_alarm(&format!("flapping/{pair}"), why);
        self.picture_changed = true;
    }

    /// An event about a pair, in the name of its intended primary (or its configured one).
    pub(crate) fn pair_event(&mut self, pair: &PairName, id: u32, text: String) {
        let Some(care) = self.pairs.get(pair) else {
            return;
        };
        let name: ApplicationName = care
            .kept
            .primary
            .clone()
            .unwrap_or_else(|| care.config.primary.clone());
        let cause = care.open_record;
        self.own_event(LogEventId(id), &name, None, text, cause);
    }
}
