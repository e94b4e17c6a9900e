//! One end of a call: a SIPp process in the client's namespace, with its scenario in a folder of its own.

use crate::scenario::{Step, scenario};
use crate::site::{CLIENT, SIP, Site};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest call of these tests.
const LONGEST: Duration = Duration::from_secs(90);

/// How a party's scenario ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    AsWritten,
    /// This response came instead of the one that was waited for.
    Unexpected(String),
    /// Neither; the end of SIPp's own words.
    Otherwise(String),
}

pub(crate) struct Party {
    process: Child,
    folder: PathBuf,
    began: Instant,
}

/// Longest wait for SIPp to open its socket.
const OPENS: Duration = Duration::from_secs(20);

/// Waits until a process has bound a UDP port in its own network namespace.
pub(crate) fn await_socket(process: &Child, port: u16) {
    let table = format!("/proc/{}/net/udp", process.id());
    let bound = format!(":{port:04X}");
    let is_bound = || {
        let text = std::fs::read_to_string(&table).unwrap_or_default();
        let mut locals = text
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1));
        locals.any(|local| local.ends_with(&bound))
    };
    let until = Instant::now() + OPENS;
    while !is_bound() {
        assert!(Instant::now() < until, "nobody listens on port {port}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The port of a DN's phone.
fn port(dn: &str) -> u16 {
    dn.parse::<u16>()
        .expect("DNs of these tests are small numbers")
        + 4_000
}

impl Party {
    pub(crate) fn calls(site: &Site, me: &str, peer: &str, steps: &[Step]) -> Self {
        Self::start(site, me, &scenario(me, peer, steps))
    }

    /// A phone that listens already when this returns.
    pub(crate) fn takes_calls(site: &Site, me: &str, steps: &[Step]) -> Self {
        let party = Self::start(site, me, &scenario(me, "", steps));
        await_socket(&party.process, port(me));
        party
    }

    /// Registers a phone.
    pub(crate) fn registers(site: &Site, me: &str) -> Self {
        let text = format!(
            r#"<?xml version="1.0" encoding="UTF-8" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="register">
  <send retrans="500"><![CDATA[

REGISTER sip:example.net SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{me}@example.net>;tag=[pid]r[call_number]
To: <sip:{me}@example.net>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:{me}@[local_ip]:[local_port]>
Max-Forwards: 70
Expires: 600
Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"#
        );
        Self::start(site, me, &text)
    }

    fn start(site: &Site, me: &str, scenario: &str) -> Self {
        let folder = site.folder(me);
        let file = folder.join("scenario.xml");
        std::fs::write(&file, scenario).expect("the test's own folder");
        let process = Command::new("ip")
            .args(["netns", "exec", &site.client, "sipp", SIP, "-sf"])
            .arg(&file)
            .args([
                "-i",
                CLIENT,
                "-p",
                &port(me).to_string(),
                "-m",
                "1",
                "-nostdin",
                "-trace_err",
            ])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(folder.join("out")).expect("the test's own folder"))
            .stderr(Stdio::null())
            .spawn()
            .expect("SIPp is installed");
        Self {
            process,
            folder,
            began: Instant::now(),
        }
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Ending {
        while self.began.elapsed() < LONGEST {
            if let Some(status) = self.process.try_wait().expect("our own child") {
                return if status.success() {
                    Ending::AsWritten
                } else {
                    self.complaint()
                };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let complaint = self.complaint();
        self.end();
        complaint
    }

    /// Ends it wherever it is.
    pub(crate) fn end(mut self) {
        self.process.kill().expect("our own child");
        self.process.wait().expect("our own child");
    }

    fn complaint(&self) -> Ending {
        let mut words = String::new();
        for entry in std::fs::read_dir(&self.folder)
            .expect("the test's own folder")
            .flatten()
        {
            if entry.file_name().to_string_lossy().ends_with("_errors.log") {
                words.push_str(&std::fs::read_to_string(entry.path()).unwrap_or_default());
            }
        }
        let unexpected = words.split("received 'SIP/2.0 ").nth(1);
        match unexpected.and_then(|rest| rest.get(..3)) {
            Some(code) => Ending::Unexpected(code.to_owned()),
            None => Ending::Otherwise(format!("{}: {words}", self.folder.display())),
        }
    }
}
