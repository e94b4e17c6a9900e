//! What leaves a host's SIP interface, seen from inside its namespace by a packet socket.

use crate::site::Site;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) struct Capture {
    process: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Capture {
    /// Begins to look at what leaves this host.
    pub(crate) fn of(site: &Site, host: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/capture.py");
        let mut process = Command::new("ip")
            .args(["netns", "exec", &site.namespace(host), "python3"])
            .arg(script)
            .args(["eth0", "5060"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("text");
        assert_eq!(first.trim(), "ready");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        Self { process, lines }
    }

    /// What has left since this was asked last.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            drop(self.process.wait());
        }
    }
}
