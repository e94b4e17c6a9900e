//! What a phone repeats, and when it gives up.

use crate::{Phone, Sending, T1};
use changeover_model::Timestamp;

impl Phone {
    /// When [`Phone::due`] must be called next.
    pub fn deadline(&self) -> Option<Timestamp> {
        let sending = self
            .sending
            .iter()
            .flat_map(|it| [it.resend_at, Some(it.gives_up_at)]);
        let accepted = self
            .accepted
            .iter()
            .flat_map(|it| [Some(it.resend_at), Some(it.gives_up_at)]);
        let answers = self.dialogs.iter().map(|it| it.answers_at);
        sending.chain(accepted).chain(answers).flatten().min()
    }

    /// Repeats and gives up what is due.
    pub fn due(&mut self) {
        let now = self.now;
        for it in &mut self.sending {
            if it.resend_at.is_some_and(|at| at <= now) {
                it.interval = if it.method == "INVITE" {
                    it.interval * 2
                } else {
                    (it.interval * 2).min(T1 * 8)
                };
                it.resend_at = Some(now + it.interval);
                self.requests_resent += 1;
                self.out.push(it.bytes.clone());
            }
        }
        let (over, going): (Vec<Sending>, Vec<Sending>) = std::mem::take(&mut self.sending)
            .into_iter()
            .partition(|it| it.gives_up_at <= now);
        self.sending = going;
        for it in over {
            self.say(format!("{} unanswered", it.what));
            let ends = it.method == "INVITE" || it.method == "BYE";
            let mut dialogs = self.dialogs.iter_mut();
            if let Some(dialog) = dialogs.find(|dialog| ends && dialog.call_id == it.call_id) {
                dialog.up = false;
            }
        }
        for it in &mut self.accepted {
            if it.resend_at <= now {
                it.interval = (it.interval * 2).min(T1 * 8);
                it.resend_at = now + it.interval;
                self.out.push(it.bytes.clone());
            }
        }
        let unacknowledged = self
            .accepted
            .iter()
            .filter(|it| it.gives_up_at <= now)
            .count();
        self.accepted.retain(|it| it.gives_up_at > now);
        for _ in 0..unacknowledged {
            self.say("no ack");
        }
        if let Some(at) = self
            .dialogs
            .iter()
            .position(|it| it.answers_at.is_some_and(|at| at <= now))
        {
            self.dialogs[at].answers_at = None;
            self.answer(200);
        }
    }
}
