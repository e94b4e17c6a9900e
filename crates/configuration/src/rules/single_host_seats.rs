//! Rule `single-host-seats`: a single-host pair serves at most a hundred seats.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Takeover;
use changeover_model::environment::DnKind;

/// Seats for which the single-host option is meant (FACTS 2).
const MOST_SEATS: usize = 100;

pub(super) static RULE: Rule = Rule {
    name: "single-host-seats",
    severity: Severity::Warning,
    about: "A pair on a single host serves at most 100 seats.",
    why: "the single-host option is meant for small sites: one machine carries both servers and everything beside them, and its loss takes all seats",
    fix: "use two hosts and another takeover, or spread the seats over several sites",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, [primary, _]) in context.pairs() {
        if pair.takeover != Takeover::SingleHost {
            continue;
        }
        let Some(name) = &primary.switch else {
            continue;
        };
        let seats = context.environment.switches.get(name).map_or(0, |switch| {
            switch
                .dns
                .values()
                .filter(|dn| dn.kind == DnKind::Extension)
                .count()
        });
        if seats > MOST_SEATS {
            report.at(
                &format!("switches.{name}.dns"),
                format!(
                    "{}: {name} has {seats} extensions, and both servers run on {}",
                    pair.name, pair.primary_host
                ),
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
        assert_eq!(
            with(101),
            ["SIP_SERVER: SIP_Switch has 101 extensions, and both servers run on host1"]
        );
    }
}
