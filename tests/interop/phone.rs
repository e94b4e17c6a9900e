//! A PJSIP phone in the client's namespace: told what to do, and watched. What PJSIP does is its own.

use crate::site::{CLIENT, SIP, Site};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest wait for anything that a phone says.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct Phone {
    number: String,
    process: Child,
    orders: ChildStdin,
    said: Receiver<Value>,
    /// What it has said so far and nobody asked for yet.
    heard: Vec<Value>,
}

impl Phone {
    /// A phone that rings; with `answers` one that answers by itself.
    pub(crate) fn start(site: &Site, number: &str, answers: bool) -> Self {
        let user = format!("{number}{}", if answers { "a" } else { "" });
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/pjsip_phone.py");
        let port = number.parse::<u16>().expect("a small number") + 4_000;
        let mut process = Command::new("ip")
            .args(["netns", "exec", &site.client, "python3"])
            .arg(script)
            .args([&user, CLIENT, &port.to_string(), SIP])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is installed");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (tell, said) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Ok(value) = serde_json::from_str(&line)
                    && tell.send(value).is_err()
                {
                    return;
                }
            }
        });
        let orders = process.stdin.take().expect("it is piped");
        let mut phone = Self {
            number: number.to_owned(),
            process,
            orders,
            said,
            heard: Vec::new(),
        };
        phone.await_word(|it| it["what"] == "up");
        phone.order("register");
        phone.await_word(|it| it["what"] == "registered" && it["code"] == 200);
        phone
    }

    pub(crate) fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the phone lives");
    }

    fn await_word(&mut self, wanted: impl Fn(&Value) -> bool) {
        assert!(
            self.hears(PATIENCE, wanted),
            "phone {} never said so; it said {:#?}",
            self.number,
            self.heard
        );
    }

    /// Whether it says this within the time. What it says before is over.
    fn hears(&mut self, time: Duration, wanted: impl Fn(&Value) -> bool) -> bool {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(value) => {
                    let found = wanted(&value);
                    self.heard.push(value);
                    if found {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    pub(crate) fn rings(&mut self) {
        self.await_word(|it| it["what"] == "rings");
    }

    pub(crate) fn is_called(&mut self) {
        self.await_word(|it| it["what"] == "call" && it["state"] == "EARLY");
    }

    pub(crate) fn talks(&mut self) {
        self.await_word(|it| it["what"] == "call" && it["state"] == "CONFIRMED");
    }

    pub(crate) fn media_are(&mut self, what: &str) {
        self.await_word(|it| it["what"] == "media" && it["is_"][0] == what);
    }

    pub(crate) fn is_transferred(&mut self) {
        self.await_word(|it| it["what"] == "transfer" && it["code"] == 200 && it["last"] == true);
    }

    /// Its call ends, with this code if it matters.
    pub(crate) fn call_ends(&mut self, code: Option<u16>) {
        self.await_word(|it| {
            it["what"] == "call"
                && it["state"] == "DISCONNECTED"
                && code.is_none_or(|code| it["code"] == code)
        });
    }

    /// Whether its call ends within the time.
    pub(crate) fn loses_its_call_within(&mut self, time: Duration) -> bool {
        self.hears(time, |it| {
            it["what"] == "call" && it["state"] == "DISCONNECTED"
        })
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            drop(self.process.wait());
        }
    }
}
