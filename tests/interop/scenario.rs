//! SIPp scenarios, written from a few steps each.

/// What a party does, or waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Calls, and acknowledges the answer.
    Invite,
    /// Calls, cancels after this time of ringing, and gets 487.
    Cancel { after: u64 },
    /// re-INVITE with `sendonly`.
    Hold { cseq: u32 },
    /// re-INVITE with `sendrecv`.
    Retrieve { cseq: u32 },
    /// REFER, and NOTIFYs until a final one.
    Refer { cseq: u32, to: &'static str },
    /// BYE of a caller.
    Bye { cseq: u32 },
    /// Milliseconds.
    Pause(u64),
    /// Takes an INVITE and rings for this time.
    Ring(u64),
    /// Answers it.
    Answer,
    /// Takes a re-INVITE and answers it.
    Held,
    /// Takes a BYE.
    Released,
    /// Takes a CANCEL.
    Cancelled,
    /// Rejects a call that rings, with 486.
    Reject,
    /// Calls, and is rejected with 486.
    Rejected,
    /// BYE of a callee.
    HangUp,
}

/// The scenario of a party.
pub(crate) fn scenario(me: &str, peer: &str, steps: &[Step]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<!DOCTYPE scenario SYSTEM \"sipp.dtd\">\n<scenario name=\"party\">\n",
    );
    let writer = Writer { me, peer };
    let mut version = 1;
    for step in steps {
        text.push_str(&writer.step(*step, &mut version));
    }
    // What a scenario assigns and does not use is an error to SIPp.
    for variable in ["target", "far", "via", "cseq", "final"] {
        if text.contains(&format!("\"{variable}\"")) {
            text.push_str(&format!("  <Reference variables=\"{variable}\"/>\n"));
        }
    }
    text + "</scenario>\n"
}

struct Writer<'a> {
    me: &'a str,
    peer: &'a str,
}

const TARGET: &str =
    r#"<ereg regexp="sip:[^>; ]+" search_in="hdr" header="Contact:" assign_to="target"/>"#;

fn send(lines: &[String], body: &str, repeats: bool, attributes: &str) -> String {
    let repeats = if repeats { " retrans=\"500\"" } else { "" };
    let kind = if body.is_empty() {
        String::new()
    } else {
        "Content-Type: application/sdp\n".to_owned()
    };
    format!(
        "  <send{repeats}{attributes}><![CDATA[\n\n{}\n{kind}Content-Length: [len]\n\n{body}\n  ]]></send>\n",
        lines.join("\n")
    )
}

fn take(what: &str, action: &str) -> String {
    if action.is_empty() {
        format!("  <recv {what}/>\n")
    } else {
        format!("  <recv {what}><action>{action}</action></recv>\n")
    }
}

fn maybe(code: u16) -> String {
    take(&format!("response=\"{code}\" optional=\"true\""), "")
}

fn sdp(version: u32, direction: &str) -> String {
    format!(
        "v=0\no=party 1 {version} IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0\na={direction}\n"
    )
}

impl Writer<'_> {
    fn contact(&self) -> String {
        format!("Contact: <sip:{}@[local_ip]:[local_port]>", self.me)
    }

    /// A request of the caller; the first goes to the dialled number, later ones to the Contact that answered.
    fn request(&self, method: &str, cseq: u32, within: bool, branch: &str) -> Vec<String> {
        let uri = if within {
            "[$target]".to_owned()
        } else {
            format!("sip:{}@example.net", self.peer)
        };
        let tag = if within { "[peer_tag_param]" } else { "" };
        vec![
            format!("{method} {uri} SIP/2.0"),
            format!("Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}"),
            format!(
                "From: <sip:{}@example.net>;tag=[pid]x[call_number]",
                self.me
            ),
            format!("To: <sip:{}@example.net>{tag}", self.peer),
            "Call-ID: [call_id]".to_owned(),
            format!("CSeq: {cseq} {method}"),
            "Max-Forwards: 70".to_owned(),
        ]
    }

    fn negotiated(&self, cseq: u32, within: bool, version: u32, direction: &str) -> String {
        let mut invite = self.request("INVITE", cseq, within, "[branch]");
        invite.push(self.contact());
        let checked = format!(
            "{TARGET}<ereg regexp=\"^ *{cseq} INVITE\" search_in=\"hdr\" header=\"CSeq:\" check_it=\"true\" assign_to=\"cseq\"/>"
        );
        send(&invite, &sdp(version, direction), true, "")
            + &maybe(100)
            + &maybe(180)
            + &maybe(180)
            + &take("response=\"200\"", &checked)
            + &send(&self.request("ACK", cseq, true, "[branch]"), "", false, "")
    }

    fn answer(&self, code: &str, version: Option<u32>, tagged: bool) -> String {
        let tag = if tagged {
            ";tag=[pid]y[call_number]"
        } else {
            ""
        };
        let lines = vec![
            format!("SIP/2.0 {code}"),
            "[last_Via:]\n[last_From:]".to_owned(),
            format!("[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]"),
            self.contact(),
        ];
        let body = version
            .map(|version| sdp(version, "sendrecv"))
            .unwrap_or_default();
        send(&lines, &body, version.is_some(), "")
    }

    fn step(&self, step: Step, version: &mut u32) -> String {
        *version += 1;
        match step {
            Step::Invite => self.negotiated(1, false, *version, "sendrecv"),
            Step::Hold { cseq } => self.negotiated(cseq, true, *version, "sendonly"),
            Step::Retrieve { cseq } => self.negotiated(cseq, true, *version, "sendrecv"),
            Step::Pause(time) => format!("  <pause milliseconds=\"{time}\"/>\n"),
            Step::Bye { cseq } => {
                let bye = send(&self.request("BYE", cseq, true, "[branch]"), "", true, "");
                bye + &take("response=\"200\"", "")
            }
            Step::Refer { cseq, to } => self.refer(cseq, to),
            Step::Cancel { after } => self.cancel(after, *version),
            Step::Ring(time) => {
                let far = r#"<ereg regexp=".*" search_in="hdr" header="From:" assign_to="far"/><ereg regexp=".*" search_in="hdr" header="Via:" occurrence="1" assign_to="via"/>"#;
                take("request=\"INVITE\" rrs=\"true\"", &format!("{far}{TARGET}"))
                    + &self.answer("180 Ringing", None, true)
                    + &format!("  <pause milliseconds=\"{time}\"/>\n")
            }
            Step::Answer => {
                self.answer("200 OK", Some(*version), true) + &take("request=\"ACK\"", "")
            }
            Step::Held => {
                take("request=\"INVITE\"", "")
                    + &self.answer("200 OK", Some(*version), false)
                    + &take("request=\"ACK\"", "")
            }
            Step::Released => take("request=\"BYE\"", "") + &self.answer("200 OK", None, false),
            Step::Cancelled => self.cancelled(),
            Step::Reject => {
                self.answer("486 Busy Here", None, true).replacen(
                    "<send>",
                    "<send retrans=\"500\">",
                    1,
                ) + &take("request=\"ACK\"", "")
            }
            Step::Rejected => self.rejected(*version),
            Step::HangUp => self.hang_up(),
        }
    }

    fn refer(&self, cseq: u32, to: &str) -> String {
        let mut refer = self.request("REFER", cseq, true, "[branch]");
        refer.push(self.contact());
        refer.push(format!("Refer-To: <sip:{to}@example.net>"));
        let told = r#"<ereg regexp="SIP/2.0 [2-6][0-9][0-9]" search_in="body" assign_to="final"/>"#;
        let confirmed = vec![
            "SIP/2.0 200 OK".to_owned(),
            "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]".to_owned(),
        ];
        let notified = take("request=\"NOTIFY\"", told)
            + &send(
                &confirmed,
                "",
                false,
                " next=\"transferred\" test=\"final\"",
            );
        send(&refer, "", true, "")
            + &take("response=\"202\"", "")
            + &notified.repeat(5)
            + "  <label id=\"transferred\"/>\n"
    }

    fn cancel(&self, after: u64, version: u32) -> String {
        let branch = "z9hG4bK-c-[pid]-[call_number]";
        let mut invite = self.request("INVITE", 1, false, branch);
        invite.push(self.contact());
        let mut ack = self.request("ACK", 1, false, branch);
        if let Some(to) = ack.iter_mut().find(|line| line.starts_with("To:")) {
            to.push_str("[peer_tag_param]");
        }
        send(&invite, &sdp(version, "sendrecv"), true, "")
            + &maybe(100)
            + &take("response=\"180\"", "")
            + &format!("  <pause milliseconds=\"{after}\"/>\n")
            + &send(&self.request("CANCEL", 1, false, branch), "", true, "")
            + &take("response=\"180\" optional=\"true\"", "")
            + &take("response=\"200\"", "")
            + &take("response=\"487\"", "")
            + &send(&ack, "", false, "")
    }

    fn rejected(&self, version: u32) -> String {
        let branch = "z9hG4bK-r-[pid]-[call_number]";
        let mut invite = self.request("INVITE", 1, false, branch);
        invite.push(self.contact());
        let mut ack = self.request("ACK", 1, false, branch);
        if let Some(to) = ack.iter_mut().find(|line| line.starts_with("To:")) {
            to.push_str("[peer_tag_param]");
        }
        send(&invite, &sdp(version, "sendrecv"), true, "")
            + &maybe(100)
            + &maybe(180)
            + &maybe(180)
            + &take("response=\"486\"", "")
            + &send(&ack, "", false, "")
    }

    fn cancelled(&self) -> String {
        let terminated = vec![
            "SIP/2.0 487 Request Terminated\nVia:[$via]".to_owned(),
            "[last_From:]\n[last_To:];tag=[pid]y[call_number]\n[last_Call-ID:]".to_owned(),
            "CSeq: 1 INVITE".to_owned(),
        ];
        take("request=\"CANCEL\"", "")
            + &self.answer("200 OK", None, true)
            + &send(&terminated, "", true, "")
            + &take("request=\"ACK\"", "")
    }

    fn hang_up(&self) -> String {
        let bye = vec![
            "BYE [$target] SIP/2.0".to_owned(),
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]".to_owned(),
            format!(
                "From: <sip:{}@example.net>;tag=[pid]y[call_number]",
                self.me
            ),
            "To:[$far]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70".to_owned(),
        ];
        send(&bye, "", true, "") + &take("response=\"200\"", "")
    }
}
