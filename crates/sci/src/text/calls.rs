//! What a SIP Server holds, and its messages, on a terminal.

use super::table::aligned;
use super::time::{exact, span};
use super::visible;
use changeover_model::RunMode;
use changeover_model::message::{SipCallPicture, SipServerPicture, TracedMessage};

/// A SIP Server: what it is, what it holds.
pub(crate) fn calls_text(picture: &SipServerPicture) -> String {
    let mut text = format!(
        "{}  {}  epoch {}  {}\n",
        visible(&picture.application),
        picture.run_mode,
        picture.epoch,
        if picture.in_step {
            "in step"
        } else {
            "NOT IN STEP"
        }
    );
    text.push_str(&aligned(facts(picture), "  "));
    if !picture.call_list.is_empty() {
        text.push_str(&heading("calls", picture.call_list.len(), picture.calls));
        let rows = picture.call_list.iter().flat_map(call_rows).collect();
        text.push_str(&aligned(rows, "  "));
    }
    if !picture.registration_list.is_empty() {
        let shown = picture.registration_list.len();
        text.push_str(&heading("registrations", shown, picture.registrations));
        let contacts = picture.registration_list.iter().flat_map(|it| {
            it.contacts.iter().map(|contact| {
                vec![
                    visible(&it.aor),
                    visible(&contact.uri),
                    format!("{} left", span(contact.left_ms)),
                ]
            })
        });
        text.push_str(&aligned(contacts.collect(), "  "));
    }
    text
}

fn heading(what: &str, shown: usize, all: u64) -> String {
    match u64::try_from(shown) {
        Ok(shown) if shown < all => format!("\n{what} ({shown} of {all})\n"),
        _ => format!("\n{what}\n"),
    }
}

fn facts(picture: &SipServerPicture) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let heard = match (picture.run_mode, picture.heard_before_us) {
        (_, Some(before)) => format!("{} ago", span(before / 1_000)),
        (RunMode::Primary, None) => "nothing yet".to_owned(),
        (RunMode::Backup | RunMode::Exiting | RunMode::Unknown, None) => {
            "nothing; only a primary listens".to_owned()
        }
    };
    vec![
        row(
            "calls",
            format!("{}  ({} transactions)", picture.calls, picture.transactions),
        ),
        row("registrations", picture.registrations.to_string()),
        row(
            "HA link",
            format!(
                "change {}, taken by the backup up to {}; {} messages wait, {} left without it",
                picture.sync_number, picture.sync_acknowledged, picture.held, picture.uncommitted
            ),
        ),
        row(
            "SIP",
            format!(
                "heard {heard}; {} in, {} out, {} refused, {} dropped, {} unreadable",
                picture.heard, picture.sent, picture.refused, picture.dropped, picture.junk
            ),
        ),
    ]
}

fn call_rows(call: &SipCallPicture) -> Vec<Vec<String>> {
    let state = match (&call.parked_on, call.in_transfer) {
        (Some(dn), _) => format!("parked on {}", visible(dn)),
        (None, true) => "in transfer".to_owned(),
        (None, false) => String::new(),
    };
    let first = vec![
        call.key.clone(),
        span(call.lasts_us / 1_000),
        state,
        String::new(),
    ];
    let legs = call.legs.iter().map(|leg| {
        let holds = if leg.holds { ", holds" } else { "" };
        vec![
            format!("  {}", visible(&leg.dn)),
            format!("{}{holds}", visible(&leg.phase)),
            String::new(),
            visible(&leg.call_id),
        ]
    });
    std::iter::once(first).chain(legs).collect()
}

/// A message, with a line before it that says when, which way and with whom.
pub(crate) fn traced_text(message: &TracedMessage) -> String {
    let missed = if message.missed > 0 {
        format!(
            "... {} messages are missing: this reader is too slow\n",
            message.missed
        )
    } else {
        String::new()
    };
    let way = if message.sent { "to" } else { "from" };
    let lines: String = message
        .text
        .lines()
        .map(|line| format!("  {}\n", visible(line)))
        .collect();
    format!(
        "{missed}{} {way} {} {}\n{lines}",
        exact(message.at),
        message.transport,
        visible(&message.peer)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_model::Timestamp;
    use changeover_model::message::{SipContactPicture, SipLegPicture, SipRegistrationPicture};

    #[test]
    fn a_sip_server_reads_as_its_run_mode_its_calls_and_its_registrations() {
        let leg = |dn: &str, holds| SipLegPicture {
            call_id: format!("id-of-{dn}"),
            dn: dn.to_owned(),
            phase: "confirmed".to_owned(),
            holds,
        };
        let picture = SipServerPicture {
            application: "SIP_SERVER_PRIMARY".to_owned(),
            run_mode: RunMode::Primary,
            epoch: 3,
            in_step: true,
            sync_number: 41,
            sync_acknowledged: 40,
            held: 1,
            uncommitted: 0,
            heard_before_us: Some(12_000),
            heard: 20,
            sent: 18,
            refused: 1,
            dropped: 0,
            junk: 2,
            calls: 2,
            registrations: 1,
            transactions: 4,
            call_list: vec![SipCallPicture {
                key: "a1-3-1".to_owned(),
                lasts_us: 3_400_000,
                parked_on: None,
                in_transfer: false,
                legs: vec![leg("1001", true), leg("1002", false)],
            }],
            registration_list: vec![SipRegistrationPicture {
                aor: "1001".to_owned(),
                contacts: vec![SipContactPicture {
                    uri: "sip:1001@10.0.0.1".to_owned(),
                    left_ms: 300_000,
                }],
            }],
        };
        let expected = "\
SIP_SERVER_PRIMARY  Primary  epoch 3  in step
  calls          2  (4 transactions)
  registrations  1
  HA link        change 41, taken by the backup up to 40; 1 messages wait, 0 left without it
  SIP            heard 12 ms ago; 20 in, 18 out, 1 refused, 0 dropped, 2 unreadable

calls (1 of 2)
  a1-3-1  3.4 s
    1001  confirmed, holds     id-of-1001
    1002  confirmed            id-of-1002

registrations
  1001  sip:1001@10.0.0.1  5 min left
";
        assert_eq!(calls_text(&picture), expected);
    }

    #[test]
    fn a_traced_message_cannot_steer_the_terminal() {
        let message = TracedMessage {
            at: Timestamp(0),
            sent: false,
            transport: "udp".to_owned(),
            peer: "10.0.0.1:5060".to_owned(),
            text: "BYE sip:\x1b[2J SIP/2.0\r\n\r\n".to_owned(),
            missed: 3,
        };
        let text = traced_text(&message);
        assert!(text.starts_with("... 3 messages are missing"), "{text}");
        assert!(
            text.ends_with(" from udp 10.0.0.1:5060\n  BYE sip:\\u{1b}[2J SIP/2.0\n  \n"),
            "{text}"
        );
    }
}
