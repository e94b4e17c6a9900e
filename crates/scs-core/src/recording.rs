//! Writing into the timeline and telling those who follow. The records themselves are `timeline`'s.

use crate::ScsCore;
use crate::timeline::{Moment, NewEntry, Opening};
use changeover_model::message::{
    OperatorAnswer, Party, RecordKind, RecordOutcome, Step, TimelineEntry,
};
use changeover_model::{CauseId, HostName, PairName, Refusal, RequestId, Timestamp};

/// Most requests that wait for one record.
const FOLLOWERS: usize = 64;

impl ScsCore {
    /// Records that were open when the former SCS ended: their procedures are gone; the pair is judged anew.
    pub(crate) fn close_interrupted_records(&mut self) {
        let open: Vec<CauseId> = self.timeline.open_records().map(|open| open.id).collect();
        for id in open {
            self.timeline.close(
                self.now,
                id,
                RecordOutcome::Superseded,
                "the SCS was restarted meanwhile; what was left to do is judged anew",
            );
        }
    }

    pub(crate) fn open_record(
        &mut self,
        kind: RecordKind,
        pair: Option<&PairName>,
        title: String,
        trigger: &str,
    ) -> CauseId {
        let epoch = pair
            .and_then(|pair| self.pairs.get(pair))
            .map(|pair| pair.kept.epoch)
            .unwrap_or_default();
        let id = self.timeline.open(
            self.now,
            Opening {
                kind,
                pair: pair.cloned(),
                title,
                trigger: trigger.to_owned(),
                epoch,
            },
        );
        self.picture_changed = true;
        id
    }

    /// A step that the SCS did or noticed now.
    pub(crate) fn note(
        &mut self,
        record: CauseId,
        step: Step,
        what: impl Into<String>,
        evidence: impl Into<String>,
    ) {
        self.entry(
            record,
            NewEntry {
                moment: Moment::Here,
                who: Party::Scs,
                step,
                what: what.into(),
                evidence: evidence.into(),
            },
        );
    }

    pub(crate) fn entry(&mut self, record: CauseId, new: NewEntry) {
        let Some(entry) = self.timeline.append(self.now, record, new) else {
            return;
        };
        self.tell_followers(record, &entry);
    }

    fn tell_followers(&mut self, record: CauseId, entry: &TimelineEntry) {
        for request in self.followers.get(&record).cloned().unwrap_or_default() {
            self.reply(
                request,
                OperatorAnswer::Progress {
                    record,
                    entry: entry.clone(),
                },
            );
        }
    }

    /// Lets a request wait for the end of a record: it hears the steps so far, and each further one.
    pub(crate) fn follow(&mut self, record: CauseId, request: RequestId) {
        let waiting = self.followers.entry(record).or_default();
        if waiting.len() >= FOLLOWERS {
            let refusal = Refusal::new(
                changeover_model::RefusalCode::Overloaded,
                format!(
                    "{FOLLOWERS} requests follow record {record} already; see sci timeline {record}"
                ),
            );
            self.reply(request, OperatorAnswer::Refused(vec![refusal]));
            return;
        }
        waiting.push(request);
        let entries = self
            .timeline
            .get(record)
            .map(|record| record.entries.clone())
            .unwrap_or_default();
        for entry in entries {
            self.reply(request, OperatorAnswer::Progress { record, entry });
        }
    }

    pub(crate) fn unfollow(&mut self, request: RequestId) {
        for waiting in self.followers.values_mut() {
            waiting.retain(|one| *one != request);
        }
        self.followers.retain(|_, waiting| !waiting.is_empty());
    }

    /// Ends a record and answers those who waited for it.
    pub(crate) fn close_record(
        &mut self,
        record: CauseId,
        outcome: RecordOutcome,
        why: impl Into<String>,
    ) {
        if !self.timeline.is_open(record) {
            return;
        }
        self.timeline.close(self.now, record, outcome, why);
        self.picture_changed = true;
        let Some(closed) = self.timeline.get(record).cloned() else {
            return;
        };
        for request in self.followers.remove(&record).unwrap_or_default() {
            self.reply(request, OperatorAnswer::Finished(Box::new(closed.clone())));
        }
        for ticket in self.wishes.remove(&record).unwrap_or_default() {
            let result = if outcome == RecordOutcome::Done {
                Ok(closed.why.clone())
            } else {
                Err(closed.why.clone())
            };
            self.wish_ended(ticket, result);
        }
    }

    /// A record that only says why something was not done.
    pub(crate) fn record_reasons(
        &mut self,
        kind: RecordKind,
        pair: Option<&PairName>,
        title: String,
        trigger: &str,
        reasons: &[Refusal],
    ) -> CauseId {
        let record = self.open_record(kind, pair, title, trigger);
        for reason in reasons {
            self.timeline.add_reason(record, reason.clone());
            self.note(
                record,
                Step::Refused(reason.clone()),
                reason.code.as_str(),
                reason.reason.clone(),
            );
        }
        let why = reasons
            .iter()
            .map(|reason| reason.reason.as_str())
            .collect::<Vec<_>>()
            .join("; ");
        self.close_record(record, RecordOutcome::Refused, why);
        record
    }

    /// A host's time as the timeline wants it.
    pub(crate) fn moment_of(&self, host: &HostName, at: Timestamp) -> Moment {
        let clock = self.hosts.get(host).map(|host| &host.clock);
        match clock.and_then(|clock| clock.offset().map(|offset| (clock, offset))) {
            Some((clock, offset_us)) => Moment::There {
                at,
                offset_us,
                uncertainty: clock.uncertainty(),
            },
            None => Moment::Here,
        }
    }

    /// A host's time on the SCS's clock.
    pub(crate) fn here(&self, host: &HostName, at: Timestamp) -> Timestamp {
        self.hosts
            .get(host)
            .map_or(self.now, |host| host.clock.to_scs(at, self.now))
    }
}
