//! Owns `wlbs.exe` and `nlb.exe`, which are one program under two names: orders and questions to the NLB cluster, for this host
//! or another one of it. What they mean for traffic is decided by the emulator. Its sentences are our own, its exit code is 0
//! whatever became of an order, as scripts of real sites find it (FACTS 5); only what it does not understand ends with 1.

use changeover_emulated_nic::{
    EmulatedNic, NetworkError, NlbAnswer, NlbCall, NlbHostAnswer, NlbOutcome, NlbTarget, NlbVerb,
};

use super::Ended;
use crate::terminal::Terminal;

const BANNER: &str = "WLBS Cluster Control Utility V2.4";

pub(super) async fn run(
    terminal: &mut Terminal,
    nic: &EmulatedNic,
    words: &[String],
) -> Result<Ended, NetworkError> {
    let Some((verb, rest)) = words.split_first() else {
        return Ok(usage(terminal, "a command is missing"));
    };
    let call = match call(&verb.to_lowercase(), rest) {
        Ok(call) => call,
        Err(Misread::Usage(what)) => return Ok(usage(terminal, &what)),
        Err(Misread::NotCovered) => return Ok(Ended::not_covered("wlbs", &words.join(" "))),
    };
    terminal.say(BANNER);
    match nic.nlb(call).await? {
        NlbAnswer::NoSuchCluster => {
            terminal.say("There is no such cluster on this host.");
            Ok(Ended::Code(1))
        }
        NlbAnswer::NoSuchHost => {
            terminal.say("The cluster has no such host.");
            Ok(Ended::Code(1))
        }
        NlbAnswer::Hosts(answers) => {
            for answer in &answers {
                terminal.say(&format!(
                    "Cluster {} ({}), host {} ({})",
                    answer.cluster, answer.address, answer.id, answer.host
                ));
                for line in said(answer, &verb.to_lowercase()) {
                    terminal.say(&line);
                }
            }
            Ok(Ended::Code(0))
        }
    }
}

fn usage(terminal: &mut Terminal, what: &str) -> Ended {
    terminal.say(BANNER);
    terminal.say(&format!(
        "{what}; usage: wlbs start|stop|query [CLUSTER[:HOST]] [GLOBAL], wlbs enable|disable PORT|ALL [CLUSTER[:HOST]] [GLOBAL], \
         wlbs queryport PORT [CLUSTER[:HOST]]"
    ));
    Ended::Code(1)
}

/// Why a command line is no call.
enum Misread {
    /// The program itself would complain.
    Usage(String),
    /// The program knows it, and we do not.
    NotCovered,
}

fn call(verb: &str, rest: &[String]) -> Result<NlbCall, Misread> {
    let mut rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let global = rest
        .last()
        .is_some_and(|last| last.eq_ignore_ascii_case("global"));
    if global {
        rest.pop();
    }
    let verb = match verb {
        "start" => NlbVerb::Start,
        "stop" => NlbVerb::Stop,
        "query" => NlbVerb::Query,
        "enable" => NlbVerb::Enable(port(&mut rest)?),
        "disable" => NlbVerb::Disable(port(&mut rest)?),
        "queryport" => {
            let port = port(&mut rest)?;
            NlbVerb::QueryPort(
                port.ok_or_else(|| Misread::Usage("queryport asks for one port".to_owned()))?,
            )
        }
        "help" | "/?" | "-?" => return Err(Misread::Usage("help".to_owned())),
        // It has more, such as drain, suspend and display.
        _ => return Err(Misread::NotCovered),
    };
    let (cluster, host) = match rest[..] {
        [] => (None, None),
        [one] if !one.starts_with('/') => match one.split_once(':') {
            Some((cluster, host)) => (Some(cluster), Some(host)),
            None => (Some(one), None),
        },
        _ => return Err(Misread::NotCovered),
    };
    let target = match (global, host) {
        (true, _) => NlbTarget::Global,
        (false, Some(host)) => NlbTarget::Host(host.to_owned()),
        (false, None) => NlbTarget::Local,
    };
    Ok(NlbCall {
        cluster: cluster
            .filter(|name| !name.eq_ignore_ascii_case("all"))
            .map(str::to_owned),
        target,
        verb,
    })
}

/// Takes `PORT`, `ALL:PORT`, `VIP:PORT` or `ALL` off the front; `None`: all.
fn port(rest: &mut Vec<&str>) -> Result<Option<u16>, Misread> {
    if rest.is_empty() {
        return Err(Misread::Usage("a port is missing".to_owned()));
    }
    let text = rest.remove(0);
    let number = text.rsplit_once(':').map_or(text, |(_, port)| port);
    if number.eq_ignore_ascii_case("all") {
        return Ok(None);
    }
    let port = number.parse();
    port.map(Some)
        .map_err(|_| Misread::Usage(format!("'{text}' is no port")))
}

fn said(answer: &NlbHostAnswer, verb: &str) -> Vec<String> {
    let line = |text: &str| vec![text.to_owned()];
    match &answer.outcome {
        NlbOutcome::Done => vec![match verb {
            "start" => "Cluster operations started.".to_owned(),
            "stop" => "Cluster operations stopped.".to_owned(),
            "enable" => "Traffic handling enabled for the port rule.".to_owned(),
            _ => "Traffic handling disabled for the port rule.".to_owned(),
        }],
        NlbOutcome::AlreadySo => line("It is so already."),
        NlbOutcome::NoRule => line("No port rule holds this port."),
        NlbOutcome::Stopped => {
            line("Cluster operations are stopped; the port rule was not changed.")
        }
        NlbOutcome::Ignored => {
            line("The network adapter is disconnected; the command was ignored.")
        }
        NlbOutcome::Silent => line("The host did not respond."),
        NlbOutcome::State { started: false, .. } => {
            line("Cluster operations are stopped on this host.")
        }
        NlbOutcome::State {
            converged, members, ..
        } => {
            let ids: Vec<String> = members.iter().map(u8::to_string).collect();
            let role = if members.first() == Some(&answer.id) {
                " as DEFAULT"
            } else {
                ""
            };
            let verb = if *converged {
                format!("converged{role}")
            } else {
                "is converging".to_owned()
            };
            vec![
                format!(
                    "Host {} {verb} with the following host(s) as part of the cluster:",
                    answer.id
                ),
                ids.join(", "),
            ]
        }
        NlbOutcome::Rule {
            first,
            last,
            enabled,
            accepted,
            dropped,
        } => {
            let state = if *enabled { "enabled" } else { "disabled" };
            vec![
                format!("Port rule {first}-{last}: rule is {state}"),
                format!("Packets: Accepted={accepted}, Dropped={dropped}"),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<NlbCall> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        call(&words[0], &words[1..]).ok()
    }

    #[test]
    fn the_lines_of_sites_are_understood() {
        let of = |verb, target| NlbCall {
            cluster: Some("sipcluster".to_owned()),
            target,
            verb,
        };
        let host = |id: &str| NlbTarget::Host(id.to_owned());
        assert_eq!(
            read("start sipcluster:1"),
            Some(of(NlbVerb::Start, host("1")))
        );
        assert_eq!(
            read("enable 5060 sipcluster:2"),
            Some(of(NlbVerb::Enable(Some(5060)), host("2")))
        );
        assert_eq!(
            read("disable all sipcluster GLOBAL"),
            Some(of(NlbVerb::Disable(None), NlbTarget::Global))
        );
        assert_eq!(
            read("queryport ALL:5060 sipcluster"),
            Some(of(NlbVerb::QueryPort(5060), NlbTarget::Local))
        );
        assert_eq!(
            read("query").map(|call| (call.cluster, call.target)),
            Some((None, NlbTarget::Local))
        );
    }

    #[test]
    fn what_is_not_covered_is_told_from_what_is_wrong() {
        let wrong = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            match call(&words[0], &words[1..]) {
                Err(Misread::Usage(what)) => what,
                Err(Misread::NotCovered) => "not covered".to_owned(),
                Ok(call) => panic!("{call:?}"),
            }
        };
        assert_eq!(wrong("drainstop sipcluster"), "not covered");
        assert_eq!(wrong("start sipcluster /passw secret"), "not covered");
        assert_eq!(wrong("enable"), "a port is missing");
        assert_eq!(wrong("enable sip sipcluster:1"), "'sip' is no port");
    }
}
