//! What a phone does with requests that come in.

use crate::{Dialog, Manner, Phone, direction_of, key_of, respond};
use changeover_sip_core::{Message, address};

impl Phone {
    pub(crate) fn incoming(&mut self, request: &Message) {
        let method = request.method().expect("a request").to_owned();
        let key = key_of(request);
        if method == "ACK" {
            let number = request.cseq().expect("checked").number;
            let call_id = request.call_id().to_owned();
            let acked = self
                .accepted
                .iter()
                .position(|it| it.cseq == number && it.bytes_call_id() == call_id);
            if acked.is_some_and(|at| self.accepted.remove(at).code < 300) {
                self.say("acked");
                let mut dialogs = self.dialogs.iter_mut();
                let dialog = dialogs.find(|it| it.call_id == call_id);
                if let Some(dialog) = dialog.filter(|_| request.has_sdp()) {
                    dialog.heard_direction = direction_of(&request.body);
                }
            }
            return;
        }
        if let Some(again) = self.answers.get(&key) {
            if self.accepted.iter().any(|it| it.key == key)
                || method != "INVITE"
                || !again.starts_with(b"SIP/2.0 2")
            {
                self.out.push(again.clone());
            }
            return;
        }
        let at = self.dialogs.iter().position(|it| {
            it.call_id == request.call_id()
                && request.to_tag().is_some_and(|tag| tag == it.local_tag)
        });
        match (at, method.as_str()) {
            (None, "OPTIONS") if request.to_tag().is_none() => self.reply(request, &key, 200, ""),
            (_, "CANCEL") => self.cancelled(request, &key),
            (Some(at), _) => self.in_dialog(at, request, &key, &method),
            (None, "INVITE") if request.to_tag().is_none() => self.invited(request, &key),
            (None, "MESSAGE") => {
                self.say("message");
                self.reply(request, &key, 200, "");
            }
            (None, _) => {
                if !self.past.contains(request.call_id()) {
                    self.faults
                        .push(format!("{method} for a dialog it never knew"));
                }
                self.reply(request, &key, 481, "");
            }
        }
    }

    fn reply(&mut self, request: &Message, key: &str, code: u16, tag: &str) {
        let bytes = respond(request, code, "x", tag).to_bytes();
        self.answers.insert(key.to_owned(), bytes.clone());
        self.out.push(bytes);
    }

    fn invited(&mut self, request: &Message, key: &str) {
        if self
            .dialogs
            .iter()
            .any(|it| it.waiting.is_some() && it.call_id == request.call_id())
        {
            return;
        }
        let tag = self.unique();
        let dialog = Dialog {
            call_id: request.call_id().to_owned(),
            local_tag: tag.clone(),
            remote_tag: request.from_tag().map(str::to_owned),
            local: request.get("To").unwrap_or_default().to_owned(),
            remote: address::without_tag(request.get("From").unwrap_or_default()),
            target: request.contact().unwrap_or_default().to_owned(),
            cseq: 0,
            remote_cseq: request.cseq().expect("checked").number,
            up: true,
            waiting: Some(request.clone()),
            sdp_version: 0,
            seen_version: 0,
            heard_direction: String::new(),
            answers_at: None,
            ack: Vec::new(),
            acked_cseq: 0,
        };
        self.past.insert(dialog.call_id.clone());
        self.dialogs.push(dialog);
        let at = self.dialogs.len() - 1;
        if request.has_sdp() {
            self.look_at_sdp(Some(at), request, false);
        }
        self.say("invited");
        match self.manner {
            Manner::Mute => {}
            Manner::Rejects(code) => self.answer(code),
            Manner::Rings => self.ring(at, request, key),
            Manner::Answers(after) => {
                self.ring(at, request, key);
                self.dialogs[at].answers_at = Some(self.now + after);
            }
        }
    }

    fn ring(&mut self, at: usize, request: &Message, key: &str) {
        let ringing = respond(request, 180, "Ringing", &self.dialogs[at].local_tag)
            .with("Contact", self.contact());
        let ringing = self.with_extra(ringing).to_bytes();
        self.answers.insert(key.to_owned(), ringing.clone());
        self.out.push(ringing);
    }

    pub(crate) fn with_extra(&self, mut answer: Message) -> Message {
        for (name, value) in &self.extra {
            answer.push(name, *value);
        }
        answer
    }

    fn cancelled(&mut self, request: &Message, key: &str) {
        self.reply(request, key, 200, "");
        let waiting = self
            .dialogs
            .iter()
            .position(|it| it.waiting.is_some() && it.call_id == request.call_id());
        if let Some(at) = waiting {
            let invite = self.dialogs[at].waiting.take().expect("it waits");
            self.dialogs[at].answers_at = None;
            self.final_answer(at, &invite, 487);
            self.say("cancelled");
        }
    }

    fn in_dialog(&mut self, at: usize, request: &Message, key: &str, method: &str) {
        let cseq = request.cseq().expect("checked").number;
        if cseq <= self.dialogs[at].remote_cseq {
            // One that was lost and repeated may be overtaken; that none is used twice is the world's to check.
            return self.reply(request, key, 500, "");
        }
        if request.from_tag() != self.dialogs[at].remote_tag.as_deref() {
            self.faults.push(format!("{method} with another From tag"));
        }
        self.dialogs[at].remote_cseq = cseq;
        match method {
            "OPTIONS" => {
                let code = if self.dialogs[at].up { 200 } else { 481 };
                self.reply(request, key, code, "");
            }
            "INVITE" => {
                self.look_at_sdp(Some(at), request, true);
                if let Some(contact) = request.contact() {
                    self.dialogs[at].target = contact.to_owned();
                }
                let seen = match direction_of(&request.body).as_str() {
                    "sendonly" => "held",
                    _ => "retrieved",
                };
                self.say(seen);
                self.final_answer(at, request, 200);
            }
            "BYE" => {
                self.dialogs[at].up = false;
                self.say("released");
                self.reply(request, key, 200, "");
            }
            "NOTIFY" => {
                let body = String::from_utf8_lossy(&request.body);
                let code = body.split(' ').nth(1).unwrap_or_default().trim().to_owned();
                self.say(format!("notify {code}"));
                self.reply(request, key, 200, "");
            }
            other => {
                self.say(other.to_ascii_lowercase());
                self.reply(request, key, 200, "");
            }
        }
    }
}
