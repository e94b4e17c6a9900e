//! Very many calls at once: two SIPp processes that hold them while the primary dies, and what they had to repeat.

use crate::party::await_socket;
use crate::site::{CLIENT, SIP, Site};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ports of the two DNs, as `party.rs` makes them.
const CALLER: u16 = 5_701;
const CALLEE: u16 = 5_702;

fn message(lines: &str, body: bool) -> String {
    let sdp = "v=0\no=many 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0\n";
    if body {
        format!(
            "<![CDATA[\n\n{lines}\nContent-Type: application/sdp\nContent-Length: [len]\n\n{sdp}\n]]>"
        )
    } else {
        format!("<![CDATA[\n\n{lines}\nContent-Length: 0\n\n]]>")
    }
}

fn request(method: &str, cseq: u32, within: bool) -> String {
    let (uri, tag) = if within {
        ("[$target]", "[peer_tag_param]")
    } else {
        ("sip:1702@example.net", "")
    };
    format!(
        "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n\
         From: <sip:1701@example.net>;tag=[pid]x[call_number]\nTo: <sip:1702@example.net>{tag}\n\
         Call-ID: [call_id]\nCSeq: {cseq} {method}\nMax-Forwards: 70\nContact: <sip:1701@[local_ip]:[local_port]>"
    )
}

/// INVITE, a pause in which the primary dies, hold, BYE; each answer must be that of its own request.
fn caller(pause: Duration) -> String {
    let mut text = String::from("<scenario name=\"many\">\n");
    for cseq in [1, 2] {
        if cseq == 2 {
            text.push_str(&format!(
                "<pause distribution=\"uniform\" min=\"{0}\" max=\"{1}\"/>\n",
                pause.as_millis(),
                (pause + Duration::from_secs(20)).as_millis()
            ));
        }
        text.push_str(&format!(
            "<send retrans=\"500\">{}</send>\n<recv response=\"100\" optional=\"true\"/>\n\
             <recv response=\"180\" optional=\"true\"/>\n<recv response=\"200\"><action>\
             <ereg regexp=\"sip:[^>; ]+\" search_in=\"hdr\" header=\"Contact:\" assign_to=\"target\"/>\
             <ereg regexp=\"^ *{cseq} INVITE\" search_in=\"hdr\" header=\"CSeq:\" check_it=\"true\" assign_to=\"own\"/>\
             </action></recv>\n<send>{}</send>\n",
            message(&request("INVITE", cseq, cseq > 1), true),
            message(&request("ACK", cseq, true), false)
        ));
    }
    text.push_str(&format!(
        "<send retrans=\"500\">{}</send>\n<recv response=\"200\"/>\n<Reference variables=\"own\"/>\n</scenario>\n",
        message(&request("BYE", 3, true), false)
    ));
    text
}

fn callee() -> String {
    let answer = |code: &str, tag: &str| {
        format!(
            "SIP/2.0 {code}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n\
             Contact: <sip:1702@[local_ip]:[local_port]>"
        )
    };
    let own = ";tag=[pid]y[call_number]";
    format!(
        "<scenario name=\"many\">\n<recv request=\"INVITE\"/>\n<send>{}</send>\n<send retrans=\"500\">{}</send>\n\
         <recv request=\"ACK\"/>\n<recv request=\"INVITE\"/>\n<send retrans=\"500\">{}</send>\n<recv request=\"ACK\"/>\n\
         <recv request=\"BYE\"/>\n<send>{}</send>\n</scenario>\n",
        message(&answer("180 Ringing", own), false),
        message(&answer("200 OK", own), true),
        message(&answer("200 OK", ""), true),
        message(&answer("200 OK", ""), false)
    )
}

/// What became of them.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) successful: u64,
    pub(crate) failed: u64,
    /// Messages that the caller's SIPp, and the callee's, had to repeat.
    pub(crate) repeated: [u64; 2],
}

/// Calls that are being made, held and released.
pub(crate) struct Many {
    processes: [Child; 2],
    folder: PathBuf,
}

impl Many {
    /// Makes `calls` calls at `rate` a second; each is held after `pause` to `pause` + 20 s, and then released.
    pub(crate) fn begin(site: &Site, calls: u64, rate: u64, pause: Duration) -> Self {
        let folder = site.folder("many");
        let start = |name: &str, text: String, port: u16, more: &[String]| {
            let file = folder.join(format!("{name}.xml"));
            let head = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n";
            std::fs::write(&file, format!("{head}{text}")).expect("the test's own folder");
            Command::new("ip")
                .args(["netns", "exec", &site.client, "sipp", SIP, "-sf"])
                .arg(&file)
                .args([
                    "-i",
                    CLIENT,
                    "-p",
                    &port.to_string(),
                    "-m",
                    &calls.to_string(),
                ])
                .args([
                    "-l",
                    &(calls + 100).to_string(),
                    "-nostdin",
                    "-nd",
                    "-trace_stat",
                ])
                .args(["-trace_err", "-fd", "1", "-stf", &format!("{name}.csv")])
                .args(more)
                .current_dir(&folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("SIPp is installed")
        };
        let callee = start("callee", callee(), CALLEE, &[]);
        await_socket(&callee, CALLEE);
        let rate = ["-r".to_owned(), rate.to_string()];
        let caller = start("caller", caller(pause), CALLER, &rate);
        Self {
            processes: [caller, callee],
            folder,
        }
    }

    /// Waits until all have ended.
    pub(crate) fn ended(mut self, most: Duration) -> Outcome {
        let until = Instant::now() + most;
        while self.processes[0].try_wait().expect("our own").is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        // The last answer of the callee is on its way.
        std::thread::sleep(Duration::from_secs(2));
        for process in &mut self.processes {
            if process.try_wait().expect("our own").is_none() {
                process.kill().expect("our own");
                process.wait().expect("our own");
            }
        }
        let figure = |of: &str, name: &str| last_figure(&self.folder.join(of), name);
        Outcome {
            successful: figure("caller.csv", "SuccessfulCall(C)"),
            failed: figure("caller.csv", "FailedCall(C)"),
            repeated: [
                figure("caller.csv", "Retransmissions(C)"),
                figure("callee.csv", "Retransmissions(C)"),
            ],
        }
    }
}

/// The latest figure in a column of SIPp's statistics.
fn last_figure(file: &Path, column: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = text.lines();
    let at = lines
        .next()
        .and_then(|head| head.split(';').position(|name| name == column));
    let last = lines.next_back().unwrap_or_default();
    at.and_then(|at| last.split(';').nth(at)?.trim().parse().ok())
        .unwrap_or(0)
}
