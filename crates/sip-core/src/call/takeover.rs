//! A run mode is entered: a new primary goes on with the calls it was told of, a new backup falls silent.

use crate::call::{ClientPhase, Phase};
use crate::core::{SipCore, Timer};
use crate::ids::CallKey;
use changeover_model::{Epoch, RunMode};

/// What local CSeq numbers and SDP versions jump by, so that none is used that the predecessor may have used and not
/// told of.
const JUMP: u32 = 16;

impl SipCore {
    /// An order to enter a run mode. Takes effect at once: when this returns, only a primary sends.
    pub(crate) fn set_run_mode(&mut self, run_mode: RunMode, epoch: Epoch) {
        let was_primary = self.is_primary();
        self.epoch = self.epoch.max(epoch);
        self.run_mode = run_mode;
        match (was_primary, run_mode == RunMode::Primary) {
            (false, true) => self.take_over(),
            (true, false) => self.stand_back(),
            (true, true) => self.ids.enter(self.epoch),
            (false, false) => {
                self.await_primary();
                self.tell_run_mode();
            }
        }
    }

    fn take_over(&mut self) {
        self.ids.enter(self.epoch);
        let in_step = self.was_in_step();
        self.become_source();
        let keys: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in &keys {
            self.resume(*key, in_step);
        }
        self.arm_bindings();
        self.start_watch();
        self.start_checks();
        self.clients_taken_over();
        if !keys.is_empty() {
            self.note(true, format!("{} calls taken over", keys.len()));
        }
    }

    /// Goes on with one call. What was on its way to a peer, and may not have got there, is sent again.
    fn resume(&mut self, key: CallKey, in_step: bool) {
        let Some(mut entry) = self.calls.remove(&key) else {
            return;
        };
        let call = &mut entry.call;
        call.audit_at = self.audit_after_takeover(key, in_step);
        let mut ending = Vec::new();
        let mut cancelled = Vec::new();
        for leg in &mut call.legs {
            leg.local_cseq = leg.local_cseq.saturating_add(JUMP);
            leg.origin.jump(u64::from(JUMP));
            if leg.phase == Phase::Ending {
                ending.push(leg.id);
            }
            for client in &mut leg.clients {
                if client.phase == ClientPhase::Calling {
                    // A 100 is not replicated: its sender may have stopped the clock long ago.
                    let least = self.now + crate::call::GIVE_UP;
                    client.ends_at = client.ends_at.map(|at| at.max(least));
                }
                let open = matches!(client.phase, ClientPhase::Calling | ClientPhase::Proceeding);
                if open && client.cancel == crate::call::Cancel::Sent {
                    client.cancel = crate::call::Cancel::Wanted;
                    client.phase = ClientPhase::Proceeding;
                    cancelled.push(leg.id);
                }
            }
        }
        self.ring_again(call);
        for leg in ending {
            self.send_bye(call, leg);
        }
        for leg in cancelled {
            self.cancel_leg(call, leg);
        }
        self.resume_transfer(call);
        self.keep(entry);
    }

    /// A provisional response may have died with its sender, and nobody repeats one: the callers hear it (again).
    fn ring_again(&mut self, call: &crate::call::Call) {
        let servers = call.legs.iter().flat_map(|leg| &leg.servers);
        let waiting = servers.filter(|it| it.phase == crate::call::ServerPhase::Proceeding);
        for server in waiting.filter(|it| !it.last.is_empty()) {
            let bytes = server.last.clone();
            self.send(
                crate::commit::Behind::Call(call.key),
                server.reply_to,
                bytes,
            );
        }
    }

    /// From now on nothing is sent: repetitions, held messages and requests under way are the new primary's.
    fn stand_back(&mut self) {
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for key in calls {
            self.timers.cancel(&Timer::Call(key));
        }
        let servers: Vec<String> = self.servers.keys().cloned().collect();
        for key in servers {
            self.forget_server(&key);
            self.timers.cancel(&Timer::Server(key));
        }
        for key in std::mem::take(&mut self.clients).into_keys() {
            self.timers.cancel(&Timer::Client(key));
        }
        self.pending.clear();
        self.held.clear();
        self.timers.cancel(&Timer::Commit);
        self.disarm_bindings();
        self.stop_watch();
        self.stop_checks();
        self.clients_handed_over();
        self.await_primary();
    }
}
