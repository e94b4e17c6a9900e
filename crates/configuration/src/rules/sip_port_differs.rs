//! Rule `sip-port-differs`: `TServer/sip-port` is a port, and the same on both members.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::ApplicationType;

pub(super) static RULE: Rule = Rule {
    name: "sip-port-differs",
    severity: Severity::Error,
    about: "`TServer/sip-port` is a port, and the same on both members.",
    why: "endpoints keep sending to the port they know; after a switchover nobody would listen there",
    fix: "write sip-port once, under server.options.TServer",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, [primary, backup]) in context.pairs() {
        if primary.application_type != ApplicationType::SipServer {
            continue;
        }
        let mut readable = true;
        for member in [primary, backup] {
            let written = member.option("TServer", "sip-port");
            if let Some(text) = written.filter(|text| !is_port(text)) {
                readable = false;
                report.at(
                    &format!("applications.{}.options.tserver.sip-port", member.name),
                    format!("{}: sip-port `{text}` is no port", member.name),
                );
            }
        }
        let [one, other] = [primary, backup].map(|member| member.option("TServer", "sip-port"));
        if readable && one.map(str::trim) != other.map(str::trim) {
            let text = |port: Option<&str>| port.unwrap_or("not set").to_owned();
            report.at(
                &format!("applications.{}.options.tserver.sip-port", backup.name),
                format!(
                    "{}: sip-port is {} on {}, {} on {}",
                    pair.name,
                    text(one),
                    primary.name,
                    text(other),
                    backup.name
                ),
            );
        }
    }
}

fn is_port(text: &str) -> bool {
    text.trim().parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{END, and, messages};

    #[test]
    fn two_ports_are_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    END,
                    &and(
                        r#"applications: {SIP_SERVER_BACKUP: {options: {TServer: {sip-port: 5062}}}}
"#
                    )
                )]
            ),
            ["SIP_SERVER: sip-port is 5060 on SIP_SERVER_PRIMARY, 5062 on SIP_SERVER_BACKUP"]
        );
    }

    #[test]
    fn a_word_is_no_port() {
        assert_eq!(
            messages(&RULE, &[("sip-port: 5060", "sip-port: sip")]),
            [
                "SIP_SERVER_PRIMARY: sip-port `sip` is no port",
                "SIP_SERVER_BACKUP: sip-port `sip` is no port"
            ]
        );
    }

    #[test]
    fn none_on_both_leaves_the_servers_default() {
        assert!(messages(&RULE, &[("TServer: {sip-port: 5060}", "TServer: {}")]).is_empty());
    }
}
