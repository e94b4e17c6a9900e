//! Owns the test site: two hosts in network namespaces, joined by one cable, and `vipctl` on them. What should happen
//! there is said in `kernel.rs`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, mpsc};
use std::time::{Duration, Instant};

/// Every namespace of these tests is called so.
const NAMES: &str = "covip";
/// Set for a test that runs itself once more inside a host.
pub(crate) const INSIDE: &str = "CHANGEOVER_TEST_INSIDE";
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Two hosts on one network: host 1 has 10.10.11.101 and fd00::101, host 2 .102 and ::102.
pub(crate) struct Site {
    pub(crate) hosts: [String; 2],
}

impl Site {
    pub(crate) fn build() -> Self {
        static SWEPT: Once = Once::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        SWEPT.call_once(sweep);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let host = |which| format!("{NAMES}-{}-{number}-{which}", std::process::id());
        let site = Self {
            hosts: [host(1), host(2)],
        };
        let [one, two] = &site.hosts;
        ip(&["netns", "add", one]);
        ip(&["netns", "add", two]);
        let ends = [
            "link", "add", "vip0", "type", "veth", "peer", "name", "vip0", "netns", two,
        ];
        ip(&[&["-n", one.as_str()], &ends[..]].concat());
        for (host, last) in site.hosts.iter().zip(["101", "102"]) {
            ip(&["-n", host, "link", "set", "lo", "up"]);
            ip(&["-n", host, "link", "set", "vip0", "up"]);
            ip(&[
                "-n",
                host,
                "addr",
                "add",
                &format!("10.10.11.{last}/24"),
                "dev",
                "vip0",
            ]);
            let six = format!("fd00::{last}/64");
            ip(&["-n", host, "addr", "add", &six, "dev", "vip0", "nodad"]);
        }
        site
    }

    /// Runs a command on host 1 or 2.
    pub(crate) fn on(&self, host: usize, program: &str, arguments: &[&str]) -> Output {
        self.command(host, program, arguments)
            .output()
            .expect("ip(8) is installed")
    }

    pub(crate) fn command(&self, host: usize, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.hosts[host - 1], program])
            .args(arguments);
        command
    }

    pub(crate) fn vipctl(&self, host: usize, line: &str) -> (i32, String) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ran = self.on(host, env!("CARGO_BIN_EXE_vipctl"), &words);
        let text = [ran.stdout, ran.stderr].concat();
        let code = ran.status.code().expect("it ends by itself");
        (code, String::from_utf8(text).expect("text"))
    }

    /// `ip` inside a host, which must succeed; its output.
    pub(crate) fn ip(&self, host: usize, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        ip(&[&["-n", self.hosts[host - 1].as_str()], &words[..]].concat())
    }

    pub(crate) fn mac(&self, host: usize) -> String {
        let ran = self.on(host, "cat", &["/sys/class/net/vip0/address"]);
        String::from_utf8(ran.stdout)
            .expect("text")
            .trim()
            .to_owned()
    }

    /// Starts `vipctl watch` on a host and waits for its first event, the state now.
    pub(crate) fn watch(&self, host: usize, arguments: &str) -> Watch {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let line = [&["watch", "--format", "json"], &words[..]].concat();
        let mut child = self
            .command(host, env!("CARGO_BIN_EXE_vipctl"), &line)
            .stdout(Stdio::piped())
            .spawn()
            .expect("vipctl was built");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (lines_in, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if lines_in.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        let watch = Watch { child, lines };
        watch.until("\"changed\"");
        watch
    }

    /// Runs one test of this file once more, on host 1.
    pub(crate) fn run_inside(&self, test: &str) -> String {
        let this = std::env::current_exe().expect("a test has a file");
        let ran = self
            .command(
                1,
                this.to_str().expect("a UTF-8 path"),
                &[
                    test,
                    "--exact",
                    "--ignored",
                    "--nocapture",
                    "--test-threads=1",
                ],
            )
            .env(INSIDE, "1")
            .output()
            .expect("ip(8) is installed");
        let text = String::from_utf8([ran.stdout, ran.stderr].concat()).expect("text");
        assert!(ran.status.success(), "{text}");
        text
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for host in &self.hosts {
            remove(host);
        }
    }
}

pub(crate) struct Watch {
    child: Child,
    lines: mpsc::Receiver<(Instant, String)>,
}

impl Watch {
    pub(crate) fn signal(&self, name: &str) {
        // `ip netns exec` becomes the program it starts, so the child is vipctl itself.
        let target = self.child.id().to_string();
        let ran = Command::new("kill").args(["-s", name, &target]).status();
        assert!(ran.expect("kill(1) is installed").success());
    }

    /// The next line that has `part`, and when it came.
    pub(crate) fn until(&self, part: &str) -> (Instant, String) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            match line {
                Ok((at, line)) if line.contains(part) => return (at, line),
                Ok(_) => {}
                Err(error) => panic!("no line with {part}: {error}"),
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().expect("it runs until it is ended");
        self.child.wait().expect("our own child");
    }
}

fn ip(arguments: &[&str]) -> String {
    let ran = Command::new("ip")
        .args(arguments)
        .output()
        .expect("ip(8) is installed");
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "ip {arguments:?}: {complaint}");
    String::from_utf8(ran.stdout).expect("text")
}

fn remove(namespace: &str) {
    let ran = Command::new("ip")
        .args(["netns", "del", namespace])
        .status();
    if !ran.is_ok_and(|status| status.success()) {
        eprintln!("namespace {namespace} was not removed");
    }
}

/// Removes what runs that no longer live left behind.
fn sweep() {
    for line in ip(&["netns", "list"]).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let mut parts = name.split('-');
        let process = (parts.next() == Some(NAMES))
            .then(|| parts.next())
            .flatten();
        let lives = |id: &str| std::path::Path::new("/proc").join(id).exists();
        if process.is_some_and(|id| !lives(id)) {
            remove(name);
        }
    }
}
