//! No primary, two primaries, and the VIP where it should not be: debounced, told as 20621-20623 and as alarms. Also
//! the end of the alarm of a failed procedure.
//! Realignment by itself starts here; how it goes stands in `procedures/realignment`.

use super::Alignment;
use crate::ScsCore;
use changeover_model::environment::AlarmCategory;
use changeover_model::{ApplicationStatus, PairName, Timestamp, planted};
use std::time::Duration;

/// An ordinary switchover is over by then: trouble is told only afterwards.
const DEBOUNCE: Duration = Duration::from_secs(2);
/// A difference of holders is told after this.
const HOLDER_DEBOUNCE: Duration = Duration::from_millis(500);
/// Longest pause between realignments that do not help.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is wrong with the roles of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    NoPrimary,
    TwoPrimaries,
}

/// What is wrong, since when, and whether it was told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    seen: Option<(Wrong, Timestamp)>,
    told: Option<Wrong>,
}

impl Trouble {
    /// The machine stood still: what was wrong then has not been wrong for longer.
    pub(crate) fn postpone(&mut self, by: Duration) {
        if let Some((_, since)) = &mut self.seen {
            *since = *since + by;
        }
    }
}

impl ScsCore {
    /// What is wrong with the roles, as far as one can see; a pair that nobody has started is not wrong.
    pub(crate) fn roles_wrong(&self, pair: &PairName) -> Option<Wrong> {
        let members = self.members(pair)?;
        let primaries = members.iter().filter(|member| member.is_primary()).count();
        match primaries {
            0 => {
                let seen = members.iter().any(super::Member::reported);
                let hidden = members.iter().any(|member| {
                    matches!(
                        member.condition,
                        crate::hosts::HostCondition::AgentLost(_)
                            | crate::hosts::HostCondition::NotYetJudged
                    )
                });
                let at_rest = members.iter().all(|member| {
                    member.reported() && member.stopped_as_asked && !member.status.is_up()
                });
                (seen && !hidden && !at_rest).then_some(Wrong::NoPrimary)
            }
            1 => None,
            _ => Some(Wrong::TwoPrimaries),
        }
    }

    pub(crate) fn watch_trouble(&mut self, pair: &PairName) {
        let now = self.now;
        let wrong = self.roles_wrong(pair);
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        let trouble = &mut care.trouble;
        match wrong {
            None => {
                trouble.seen = None;
                if trouble.told.take().is_some() {
                    self.trouble_over(pair);
                }
            }
            Some(wrong) => {
                let since = match trouble.seen {
                    Some((before, since)) if before == wrong => since,
                    _ => now,
                };
                trouble.seen = Some((wrong, since));
                if trouble.told == Some(wrong) {
                    return;
                }
                if since + DEBOUNCE <= now {
                    trouble.told = Some(wrong);
                    self.tell_trouble(pair, wrong);
                } else {
                    care.wake_at(since + DEBOUNCE);
                }
            }
        }
    }

    fn tell_trouble(&mut self, pair: &PairName, wrong: Wrong) {
        let (id, name, text) = match wrong {
            Wrong::NoPrimary => (
                20_621,
                "NO_PRIMARY (20621)",
                format!("{pair} has no primary; sci why {pair}"),
            ),
            Wrong::TwoPrimaries => (
                20_622,
                "TWO_PRIMARIES (20622)",
                format!("both servers of {pair} are primary; sci why {pair}"),
            ),
        };
        self.clear_alarm(&format!("roles/{pair}"), "the roles changed");
        self.pair_event(pair, id, text.clone());
        self.raise_alarm(
            &format!("roles/{pair}"),
            name,
            AlarmCategory::Critical,
            pair.as_str(),
            &text,
            None,
        );
    }

    fn trouble_over(&mut self, pair: &PairName) {
        self.pair_event(pair, 20_623, format!("{pair} has one primary again"));
        self.clear_alarm(&format!("roles/{pair}"), "one primary again");
    }

    /// The clock of realignment: it runs only while nothing is under way, in maintenance or under a Test.
    pub(crate) fn watch_alignment(&mut self, pair: &PairName) {
        let now = self.now;
        let alignment = self.alignment(pair, false);
        let cut_off =
            alignment == Alignment::Two && self.alignment(pair, true) == Alignment::AsIntended;
        let quiet = !self.is_busy(pair) && self.engine.open_for(pair).is_empty();
        let wrong = !matches!(alignment, Alignment::AsIntended | Alignment::Unjudged);
        let paused = self.in_maintenance(pair);
        // Where a VIP belongs is known from who is primary, not from who was to be: that one may never have been cleared for it.
        let led = self.primary_member(pair).is_some();
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        if alignment == Alignment::AsIntended {
            care.realign_failures = 0;
        }
        care.note_cut_off(wrong, cut_off);
        if !wrong {
            care.misaligned_since = None;
            let key = format!("vip/{pair}");
            self.clear_alarm(&key, "the VIP is where it should be");
            return;
        }
        let tested = care.kept.test_hold_until.is_some() && !planted("test-hold-ignored");
        if !quiet || paused || tested || care.kept.held.is_some() {
            care.misaligned_since = None;
            return;
        }
        let since = *care.misaligned_since.get_or_insert(now);
        let pause = care
            .config
            .policy
            .realign_after
            .map(|after| match care.holder_returned {
                true => Duration::ZERO,
                false => after.max(backed_off(after, care.realign_failures)),
            });
        if since + HOLDER_DEBOUNCE > now {
            care.wake_at(since + HOLDER_DEBOUNCE);
        }
        if let Some(pause) = pause.filter(|pause| since + *pause > now) {
            care.wake_at(since + pause);
        }
        let due = led && pause.is_some_and(|pause| since + pause <= now);
        if due {
            care.holder_returned = false;
        }
        if since + HOLDER_DEBOUNCE <= now {
            self.tell_holders(pair, alignment);
        }
        if due && !planted("never-realigned") {
            self.open_realignment(pair, alignment);
        }
    }

    /// A procedure failed, and the pair got to where it should be all the same: its alarm ends. It stands for a
    /// moment at least, so that one that left everything in place is seen as well.
    pub(crate) fn watch_failure(&mut self, pair: &PairName) {
        let now = self.now;
        let key = format!("procedure/{pair}");
        if !self.alarms.is_raised(&key) || self.is_busy(pair) || !self.is_as_wanted(pair) {
            return;
        }
        let Some(care) = self.pairs.get_mut(pair) else {
            return;
        };
        let until = care.failed_at.map(|at| at + DEBOUNCE);
        match until.filter(|until| *until > now) {
            Some(until) => care.wake_at(until),
            None => self.clear_alarm(&key, "one primary is Started and holds the VIP again"),
        }
    }

    /// One primary, the intended one, Started, with the VIP.
    fn is_as_wanted(&self, pair: &PairName) -> bool {
        let (Some(members), Some(care)) = (self.members(pair), self.pairs.get(pair)) else {
            return false;
        };
        let mut primaries = members.iter().filter(|member| member.is_primary());
        let (Some(primary), None) = (primaries.next(), primaries.next()) else {
            return false;
        };
        primary.status == ApplicationStatus::Running
            && care.kept.primary.as_ref() == Some(&primary.application)
            && self.alignment(pair, false) == Alignment::AsIntended
    }

    fn tell_holders(&mut self, pair: &PairName, alignment: Alignment) {
        let what = match alignment {
            Alignment::Two => "two hosts hold the VIP",
            Alignment::Elsewhere => "a host holds the VIP that should not",
            Alignment::None => "nobody holds the VIP",
            Alignment::Partial => "not every VIP has a holder",
            Alignment::AsIntended | Alignment::Unjudged => return,
        };
        let which = self.misplaced(pair);
        self.raise_alarm(
            &format!("vip/{pair}"),
            "VIP_MISPLACED",
            AlarmCategory::Critical,
            pair.as_str(),
            &format!("{what} of {pair} ({which}); its reactions are run again by themselves, or by sci realign {pair}"),
            None,
        );
    }
}

fn backed_off(after: Duration, failures: u32) -> Duration {
    let doubled = after.max(Duration::from_secs(1)) * 2_u32.saturating_pow(failures.min(8));
    if failures == 0 {
        after
    } else {
        doubled.min(LONGEST_PAUSE)
    }
}
