//! Rule `single-host-many-seats`: a pair on a single host serves at most 100 seats.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Takeover;
use changeover_model::environment::DnKind;

pub(super) static RULE: Rule = Rule {
    name: "single-host-many-seats",
    severity: Severity::Warning,
    about: "A pair on a single host serves at most 100 seats.",
    why: "that option is meant for small sites: both servers and the media share one machine, and its loss takes all of them",
    fix: "put the backup on a second host with a VIP, or serve fewer seats",
    judge,
};

/// What the guide gives the single-host option.
const SEATS: usize = 100;

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, [primary, _]) in context.pairs() {
        if pair.takeover != Takeover::SingleHost {
            continue;
        }
        let switch = primary.switch.as_ref();
        let seats = switch
            .and_then(|name| context.environment.switches.get(name))
            .map_or(0, |switch| {
                let phones = switch.dns.values();
                phones.filter(|dn| dn.kind == DnKind::Extension).count()
            });
        if seats > SEATS {
            report.at(
                &format!("pairs.{}.takeover", pair.name),
                format!("{}: {seats} extensions on a single host", pair.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    fn with(seats: usize) -> Vec<String> {
        let dns: Vec<String> = (0..seats)
            .map(|number| format!("\"{}\": {{}}", 1000 + number))
            .collect();
        let switch = format!("  SIP_Switch: {{dns: {{{}}}}}", dns.join(", "));
        messages(
            &RULE,
            &[
                ("  SIP_Switch: {}", &switch),
                ("takeover: ip_address", "takeover: single_host"),
                (
                    "SIP_SERVER_BACKUP, host: host2",
                    "SIP_SERVER_BACKUP, host: host1",
                ),
                (
                    "    virtual_ips:\n      - {address: 10.10.11.103/24, interface: eth0, label: \"eth0:1\"}\n",
                    "",
                ),
                (
                    "    control_scripts:\n      working_directory: /opt/changeover/scripts\n      enable: {command_line: ./set_ip_up.sh, startup_timeout: 8s}\n      disable: {command_line: ./set_ip_down.sh, startup_timeout: 8s}\n",
                    "",
                ),
            ],
        )
    }

    #[test]
    fn a_hundred_seats_are_fine_and_one_more_is_a_warning() {
        assert_eq!(with(100), Vec::<String>::new());
        assert_eq!(with(101), ["SIP_SERVER: 101 extensions on a single host"]);
    }
}
