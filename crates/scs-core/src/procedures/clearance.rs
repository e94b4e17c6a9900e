//! What a promotion needs before it is ordered, beyond a server that can take over: under `quorum` the kept vote of
//! the LCA there, and that what this SCS itself has granted elsewhere has run out; where the policy names a fence
//! command, its success before the failover from a host that cannot be asked. `role_change` asks here until it is
//! clear, and goes on in the same call.

use super::role_change::RoleChange;
use crate::hosts::HostCondition;
use crate::{LocalCommand, ScsCore, ScsOutput};
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{LcaOrder, RecordKind, Step};
use changeover_model::{
    CauseId, HostName, PairName, Refusal, RefusalCode, Ticket, Timestamp, planted,
};
use std::time::Duration;

/// A request for a vote that is not answered is repeated: it is idempotent.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// On top of what the vote may have to wait for.
const SLACK: Duration = Duration::from_secs(3);
/// Tickets of fence commands are told from the engine's by this.
const FENCE_TICKETS: u64 = 1 << 62;

/// How far a promotion has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clearance {
    asked: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    vote_noted: bool,
    waits_noted: bool,
    fence: Fence,
    clear: bool,
}

#[derive(Clone, Debug, Default)]
enum Fence {
    #[default]
    NotRun,
    Running(Ticket, Timestamp),
    Ended(Result<String, String>),
    Passed,
}

impl Clearance {
    pub(super) fn postpone(&mut self, by: Duration) {
        for at in [&mut self.asked, &mut self.asked_at].into_iter().flatten() {
            *at = *at + by;
        }
        if let Fence::Running(_, until) = &mut self.fence {
            *until = *until + by;
        }
    }

    pub(super) fn fence_ended(&mut self, ticket: Ticket, result: &Result<String, String>) {
        if matches!(&self.fence, Fence::Running(running, _) if *running == ticket) {
            self.fence = Fence::Ended(result.clone());
        }
    }
}

impl ScsCore {
    /// `Ok(None)` = the promotion may be ordered; `Ok(Some(at))` = not yet.
    pub(super) fn clearance(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        to: &HostName,
    ) -> Result<Option<Timestamp>, String> {
        if change.clearance.clear {
            return Ok(None);
        }
        let Some(care) = self.pairs.get(pair) else {
            return Ok(None);
        };
        let other = care.other_host(to);
        if care.is_quorum()
            && !planted("promotion-without-a-vote")
            && let Some(until) = self.majority(pair, record, change, to, other.as_ref())?
        {
            return Ok(Some(until));
        }
        if let Some(until) = self.fence_first(pair, record, change, other.as_ref())? {
            return Ok(Some(until));
        }
        change.clearance.clear = true;
        Ok(None)
    }

    fn majority(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        to: &HostName,
        other: Option<&HostName>,
    ) -> Result<Option<Timestamp>, String> {
        let now = self.now;
        let asked = *change.clearance.asked.get_or_insert(now);
        let deadline = asked + self.longest_vote(pair, other);
        let care = self.pairs.get(pair).ok_or("the pair is gone")?;
        let voted = care
            .voted
            .clone()
            .filter(|vote| &vote.host == to && vote.epoch == change.epoch);
        let Some(voted) = voted else {
            if deadline <= now {
                return Err(format!(
                    "{} was not promoted: the LCA of {to} did not vote in time",
                    change.to
                ));
            }
            return Ok(Some(
                self.ask_for_vote(pair, record, change, to).min(deadline),
            ));
        };
        let vote = self.take_vote_into(record, change, to, voted.answer)?;
        if let Some(refusal) = other
            .filter(|other| !self.has_let_go(change, other, vote))
            .and_then(|_| self.sole_obstacle(pair, to))
        {
            return Err(format!("{} was not promoted: {refusal}", change.to));
        }
        let care = self.pairs.get(pair).ok_or("the pair is gone")?;
        if care.in_force < change.epoch {
            // Without this a later life of the SCS could support the former holder again.
            return if deadline <= now {
                Err(format!(
                    "epoch {} could not be put in force on disk",
                    change.epoch
                ))
            } else {
                Ok(Some(deadline))
            };
        }
        let clear = self.former_holder_ends(pair, change, other, vote, voted.at);
        if clear > now {
            if !std::mem::replace(&mut change.clearance.waits_noted, true) {
                let left = clear.since(now).as_secs_f64();
                self.note(
                    record,
                    Step::Note,
                    "waits for the former holder's lease",
                    format!("it has surely run out in {left:.1} s"),
                );
            }
            return Ok(Some(clear));
        }
        if let Some(other) = other
            && self.is_away(other)
        {
            self.count_as_released(pair, other);
        }
        Ok(None)
    }

    /// A vote goes into the record; its refusal ends the procedure.
    fn take_vote_into(
        &mut self,
        record: CauseId,
        change: &mut RoleChange,
        to: &HostName,
        answer: Result<crate::pairs::Vote, Refusal>,
    ) -> Result<crate::pairs::Vote, String> {
        let vote = answer.map_err(|refusal| {
            format!(
                "{} was not promoted: the LCA of {to} does not vote for it: {refusal}",
                change.to
            )
        })?;
        if !std::mem::replace(&mut change.clearance.vote_noted, true) {
            let evidence = if vote.released {
                "the former holder has let go"
            } else {
                "the former holder's lease has run out there"
            };
            let what = format!("{to} votes for epoch {}", change.epoch);
            self.note(record, Step::Note, what, evidence);
        }
        Ok(vote)
    }

    /// The most that a vote and what follows it may take.
    fn longest_vote(&self, pair: &PairName, other: Option<&HostName>) -> Duration {
        let bound = other
            .and_then(|host| self.hosts.get(host))
            .map(crate::hosts::HostCare::bound)
            .unwrap_or_default();
        let lifetime = self
            .pairs
            .get(pair)
            .map(|care| care.config.policy.address_lifetime)
            .unwrap_or_default();
        bound * 2 + lifetime + SLACK
    }

    fn ask_for_vote(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        to: &HostName,
    ) -> Timestamp {
        let now = self.now;
        let again = change.clearance.asked_at.map(|at| at + ASK_AGAIN);
        if let Some(again) = again.filter(|again| *again > now) {
            return again;
        }
        let first = change.clearance.asked_at.replace(now).is_none();
        let order = LcaOrder::RequestVote {
            pair: pair.clone(),
            epoch: change.epoch,
            yielded: change.yielded,
        };
        let sent = self.send(to, Some(record), order);
        if first {
            let evidence = if sent {
                "quorum"
            } else {
                "quorum; no connection to the LCA"
            };
            let epoch = change.epoch;
            self.note(
                record,
                Step::Note,
                format!("asks {to} for its vote for epoch {epoch}"),
                evidence,
            );
        }
        now + ASK_AGAIN
    }

    /// The former holder needs no lease to run out. One that was demoted has yielded, and is voted for as such: its VIP goes by
    /// its script, which its LCA must be there for.
    fn has_let_go(&self, change: &RoleChange, other: &HostName, vote: crate::pairs::Vote) -> bool {
        if change.yielded {
            !self.is_away(other)
        } else {
            vote.released
        }
    }

    /// When the former holder has surely let go, as far as this SCS has a part in it.
    fn former_holder_ends(
        &self,
        pair: &PairName,
        change: &RoleChange,
        other: Option<&HostName>,
        vote: crate::pairs::Vote,
        voted_at: Timestamp,
    ) -> Timestamp {
        let Some(other) = other.filter(|other| !self.has_let_go(change, other, vote)) else {
            return self.now;
        };
        let Some(care) = self.hosts.get(other) else {
            return self.now;
        };
        let granted = self.grant_ends(pair, other);
        match care.condition() {
            _ if care.confirmed_lost => self.now,
            // Its LCA is dead, so nothing but the kernel ends what it holds.
            HostCondition::AgentLost(_) => {
                let lifetime = self
                    .pairs
                    .get(pair)
                    .map(|care| care.config.policy.address_lifetime)
                    .unwrap_or_default();
                let last = vote
                    .silent_since
                    .map_or(voted_at, |since| since + care.bound());
                last.max(granted) + lifetime
            }
            HostCondition::Lost(_) | HostCondition::Reported | HostCondition::NotYetJudged => {
                granted
            }
        }
    }

    fn is_away(&self, host: &HostName) -> bool {
        self.hosts
            .get(host)
            .is_some_and(|care| match care.condition() {
                HostCondition::AgentLost(_) => true,
                HostCondition::Lost(_) | HostCondition::Reported | HostCondition::NotYetJudged => {
                    false
                }
            })
    }

    /// Runs the fence command, if there is one and nobody else can tell that the former holder has let go.
    fn fence_first(
        &mut self,
        pair: &PairName,
        record: CauseId,
        change: &mut RoleChange,
        other: Option<&HostName>,
    ) -> Result<Option<Timestamp>, String> {
        let Some(care) = self.pairs.get(pair) else {
            return Ok(None);
        };
        let Some(command) = care.config.policy.fence.clone() else {
            return Ok(None);
        };
        let fails_over = change.kind == RecordKind::Failover;
        let Some(other) = other.filter(|_| fails_over).cloned() else {
            return Ok(None);
        };
        let in_contact = self
            .hosts
            .get(&other)
            .is_none_or(|care| care.reported || care.confirmed_lost);
        match &change.clearance.fence {
            Fence::Passed => return Ok(None),
            Fence::NotRun if in_contact => return Ok(None),
            Fence::Ended(Ok(evidence)) => {
                let evidence = evidence.clone();
                self.note(record, Step::Note, format!("{other} is fenced"), evidence);
                change.clearance.fence = Fence::Passed;
                return Ok(None);
            }
            Fence::Ended(Err(_)) if planted("failed-fence-ignored") => return Ok(None),
            Fence::Ended(Err(reason)) => {
                let reason = reason.clone();
                return Err(self.fence_failed(pair, &other, &reason));
            }
            Fence::Running(_, until) if *until <= self.now => {
                return Err(self.fence_failed(
                    pair,
                    &other,
                    "it was not reported to have ended in time",
                ));
            }
            Fence::Running(_, until) => return Ok(Some(*until)),
            Fence::NotRun => {}
        }
        self.fences += 1;
        let ticket = Ticket(FENCE_TICKETS + self.fences);
        let until = self.now + command.timeout + SLACK;
        let what = format!("fence command for {other}");
        self.note(record, Step::Note, what, command.command_line.clone());
        let set = |name: &str, value: String| (format!("CHANGEOVER_{name}"), value);
        let environment = vec![
            set("PAIR", pair.to_string()),
            set("HOST", other.to_string()),
            set("PEER_HOST", self.peer_name(pair, &other)),
            set("APPLICATION", self.member_name(pair, &other)),
            set("ACTION", "fence".to_owned()),
            set("EPOCH", change.epoch.to_string()),
            set("SWITCHOVER_ID", record.to_string()),
        ];
        self.out.push(ScsOutput::RunCommand {
            ticket,
            command: LocalCommand {
                command_line: command.command_line,
                environment,
                timeout: command.timeout,
            },
        });
        change.clearance.fence = Fence::Running(ticket, until);
        Ok(Some(until))
    }

    fn peer_name(&self, pair: &PairName, host: &HostName) -> String {
        let care = self.pairs.get(pair);
        care.and_then(|care| care.other_host(host))
            .map(|host| host.to_string())
            .unwrap_or_default()
    }

    fn member_name(&self, pair: &PairName, host: &HostName) -> String {
        let care = self.pairs.get(pair);
        care.and_then(|care| care.config.member_on(host))
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// The pair is held: two holders are worse than none, and only an operator can judge.
    fn fence_failed(&mut self, pair: &PairName, host: &HostName, reason: &str) -> String {
        let text = format!(
            "the fence command for {host} failed: {reason}; {pair} is held until the LCA of {host} is back, \
             or sci hosts confirm-lost {host}, or sci switchover {pair} --force"
        );
        if let Some(care) = self.pairs.get_mut(pair) {
            care.kept.held = Some(Refusal::new(RefusalCode::FenceFailed, text.clone()));
            care.kept.held_until_back = Some(host.clone());
        }
        self.keep_pair(pair);
        self.raise_alarm(
            &format!("held/{pair}"),
            "FENCE_FAILED",
            AlarmCategory::Critical,
            pair.as_str(),
            &text,
            None,
        );
        text
    }

    /// A fence command has ended; false if the ticket is not one of those.
    pub(crate) fn fence_ended(&mut self, ticket: Ticket, result: &Result<String, String>) -> bool {
        if ticket.0 < FENCE_TICKETS {
            return false;
        }
        for (pair, care) in &mut self.pairs {
            if let Some(super::Plan::RoleChange(change)) =
                care.procedure.as_mut().map(|procedure| &mut procedure.plan)
            {
                change.clearance.fence_ended(ticket, result);
                self.touched.insert(pair.clone());
            }
        }
        true
    }
}
