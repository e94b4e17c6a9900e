//! Real hosts: three machines that boot systemd in containers on one wire, set up by carrying out the operators' pages word for
//! word, and a fourth namespace for clients. What is done to the pairs stands in `case.rs`, what becomes of it in
//! `moves.rs`, `keepalived.rs` and `upkeep.rs`; each gap goes
//! into the report. Needs root, systemd-nspawn and debootstrap.

mod calls;
mod case;
mod command;
mod host;
mod keepalived;
mod lab;
mod moves;
mod moving_over;
mod network;
mod page;
mod probe;
mod report;
mod root;
mod upkeep;

use lab::Lab;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The pages that are carried out.
const PAGES: [&str; 4] = [
    "install.md",
    "third-party.md",
    "from-keepalived.md",
    "situations/upgrade.md",
];

/// The hosts, once the first test has booted them and followed the page; the janitor ends them with this process.
static LAB: Mutex<Option<Lab>> = Mutex::new(None);

/// One test at a time has the laboratory.
struct Turn(MutexGuard<'static, Option<Lab>>);

impl std::ops::Deref for Turn {
    type Target = Lab;
    fn deref(&self) -> &Lab {
        self.0
            .as_ref()
            .expect("it was booted when the turn was taken")
    }
}

fn lab() -> Turn {
    let mut lab = LAB.lock().unwrap_or_else(PoisonError::into_inner);
    if lab.is_none() {
        let up = Lab::up();
        up.follow("install.md", "", "");
        *lab = Some(up);
    }
    Turn(lab)
}

mod real_hosts {
    use super::{keepalived, lab, moves, moving_over, upkeep};
    use crate::keepalived::Adverts;
    use crate::moves::Subject;

    #[test]
    #[ignore = "needs root, systemd-nspawn and debootstrap"]
    fn a_sip_server_pair_installed_by_the_page_moves_its_vips_whatever_happens_to_the_primary() {
        let lab = lab();
        moves::all(&lab, &Subject::sip_server());
        moves::host_lost_with_a_short_bound(&lab, &Subject::sip_server());
    }

    #[test]
    #[ignore = "needs root, systemd-nspawn and debootstrap"]
    fn restarts_kills_and_upgrades_of_the_components_move_no_vip_and_restart_no_server() {
        let lab = lab();
        upkeep::all(&lab, &Subject::sip_server());
        upkeep::hangs(&lab, &Subject::sip_server());
    }

    #[test]
    #[ignore = "needs root, systemd-nspawn and debootstrap"]
    fn a_kamailio_pair_comes_over_from_keepalived_and_moves_with_calls_that_succeed_afterwards() {
        let lab = lab();
        // First keepalived, which then hands the same Kamailio and the same VIP over.
        for adverts in [Adverts::Every100Ms, Adverts::Default] {
            keepalived::all(&lab, adverts);
        }
        moving_over::from_keepalived(&lab);
        moves::all(&lab, &Subject::kamailio());
        upkeep::all(&lab, &Subject::kamailio());
    }

    #[test]
    #[ignore = "needs root, systemd-nspawn and debootstrap"]
    fn an_nginx_pair_moves_the_same_way() {
        let lab = lab();
        lab.follow("third-party.md", "apt-get install -y nginx", "");
        moves::all(&lab, &Subject::nginx());
    }

    #[test]
    #[ignore = "needs root, systemd-nspawn and debootstrap"]
    fn a_server_stands_in_a_control_group_of_its_own_below_its_agents() {
        let lab = lab();
        let group = |process: &str| {
            let text = lab
                .host("edge1")
                .sh(&format!("cat /proc/{process}/cgroup"))
                .succeeded();
            let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
            unified.expect("a unified hierarchy").to_owned()
        };
        let agent = group("$(systemctl show -p MainPID --value lca)");
        let server = group("$(pgrep -x sip-server)");
        assert_eq!(server, format!("{agent}/app-SIP_SERVER_A"));
    }

    #[test]
    #[ignore = "needs root, systemd-nspawn and debootstrap"]
    fn systemd_finds_nothing_to_say_about_the_units() {
        let lab = lab();
        for (host, unit) in [
            ("mgmt1", "scs"),
            ("mgmt1", "message-server"),
            ("edge1", "lca"),
        ] {
            let path = format!("/usr/local/lib/systemd/system/{unit}.service");
            let ran = lab.host(host).sh(&format!("systemd-analyze verify {path}"));
            assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{unit}");
        }
    }
}
