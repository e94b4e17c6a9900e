//! Rule `sip-probe-cannot-reach`: a `sip_options` check asks where the server listens.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::environment::{Application, Pair, Probe};
use std::net::SocketAddr;

pub(super) static RULE: Rule = Rule {
    name: "sip-probe-cannot-reach",
    severity: Severity::Error,
    about: "A `sip_options` check asks where the server listens.",
    why: "a server that listens on the VIP only never answers elsewhere: it is called down for good, and a backup that is down is never promoted",
    fix: "let the server listen on its host's address too, or check by command or tcp on a port that it opens there; a SIPServer reports its own status and needs no check",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, members) in context.pairs() {
        for member in members {
            for (index, check) in member.health.iter().enumerate() {
                let Probe::SipOptions { address, .. } = &check.probe else {
                    continue;
                };
                let is_vip = pair
                    .virtual_ips
                    .iter()
                    .any(|vip| vip.address == address.ip());
                if !is_vip && listens_on_vip_only(pair, member, *address) {
                    report.at(
                        &format!("applications.{}.health.{index}", member.name),
                        format!(
                            "{}: health check \"{}\" asks {address}, but the server listens on the VIP only",
                            member.name, check.name
                        ),
                    );
                }
            }
        }
    }
}

/// A SIP Server listens on `sip-address`; another program where its arguments say.
fn listens_on_vip_only(pair: &Pair, member: &Application, asked: SocketAddr) -> bool {
    let vips: Vec<String> = pair
        .virtual_ips
        .iter()
        .map(|vip| vip.address.to_string())
        .collect();
    if member.is_managed() {
        let listens = member.option("TServer", "sip-address").map(str::trim);
        return listens.is_some_and(|address| vips.iter().any(|vip| vip == address));
    }
    let named = |address: &str| {
        let arguments = &member.start_info.arguments;
        arguments.iter().any(|argument| names(argument, address))
    };
    vips.iter().any(|vip| named(vip)) && !named(&asked.ip().to_string()) && !named("0.0.0.0")
}

/// Whether the text has this address, not as a part of a longer one.
fn names(text: &str, address: &str) -> bool {
    text.match_indices(address).any(|(at, _)| {
        let before = text.get(..at).and_then(|it| it.chars().next_back());
        let after = text
            .get(at + address.len()..)
            .and_then(|it| it.chars().next());
        let longer = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_digit());
        !longer(before) && before != Some('.') && !longer(after)
    })
}
