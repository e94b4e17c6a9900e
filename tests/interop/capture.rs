//! What leaves a host's SIP interface, seen from inside its namespace by a packet socket.

use crate::site::{CLIENT, Site};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait for what has left already to be seen.
const SEEN: Duration = Duration::from_secs(20);

pub(crate) struct Capture {
    process: Child,
    namespace: String,
    marks: AtomicU32,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Capture {
    /// Begins to look at what leaves this host.
    pub(crate) fn of(site: &Site, host: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/capture.py");
        let namespace = site.namespace(host);
        let mut process = Command::new("ip")
            .args(["netns", "exec", &namespace, "python3"])
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
        Self {
            process,
            namespace,
            marks: AtomicU32::new(0),
            lines,
        }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has left since this was asked last. A datagram of the test's own leaves last: once that is seen, so is
    /// everything that left before it.
    pub(crate) fn take(&self) -> Vec<String> {
        let mark = format!("MARK {}.", self.marks.fetch_add(1, Ordering::SeqCst));
        let send = format!("echo -n '{mark}' >/dev/udp/{CLIENT}/5060");
        let sent = Command::new("ip")
            .args(["netns", "exec", &self.namespace, "bash", "-c", &send])
            .status();
        assert!(sent.expect("ip netns exec works").success());
        let until = Instant::now() + SEEN;
        let at = loop {
            if let Some(at) = self.lines().iter().position(|line| line.ends_with(&mark)) {
                break at;
            }
            assert!(Instant::now() < until, "the capture does not see '{mark}'");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut seen: Vec<String> = self.lines().drain(..=at).collect();
        seen.pop();
        seen
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            drop(self.process.wait());
        }
    }
}
