//! The control scripts of the Linux kit on a real kernel: in a network namespace that lives as long as one command, on an
//! interface that the machine itself has not, once by `ip` and once where there is only `ifconfig`.

use changeover_model::Redundancy;
use changeover_site_kit::{ControlScripts, Nics, Platform, Request, write};
use std::path::Path;
use std::process::Command;

const NEEDED: [&str; 6] = ["ifconfig", "grep", "sh", "ls", "sed", "echo"];

/// What a situation printed, in a namespace with an interface `kit0` and the scripts in the current folder.
fn in_a_namespace(situation: &str, without_ip: bool) -> Vec<String> {
    let place = tempfile::tempdir().expect("a folder");
    let request = Request {
        control_scripts: ControlScripts::Shell,
        interface: "kit0".to_owned(),
        ..Request::sample("east", Redundancy::Hot, Nics::One)
    };
    let site = place.path().join("east");
    write(&site, Platform::Linux, &request).expect("the folder is new");
    let scripts = site.join("scripts");
    if without_ip {
        hide_ip(place.path(), &scripts);
    }
    let holds = "holds() { ip -o -4 address show dev kit0 | while read -r _ _ _ cidr rest; do echo \"$cidr $rest\"; done; }";
    let program = format!(
        "ip link add kit0 type veth peer name kit1 && ip link set kit0 up && ip link set kit1 up\n{holds}\n\
         up() {{ ./set_ip_up.sh 2>&1; echo \"up $?\"; }}\ndown() {{ ./set_ip_down.sh 2>&1; echo \"down $?\"; }}\n{situation}\n"
    );
    let output = Command::new("unshare")
        .args(["--net", "sh", "-c", &program])
        .current_dir(&scripts)
        .env_remove("CHANGEOVER_VIP")
        .env_remove("CHANGEOVER_PREFIX")
        .env_remove("CHANGEOVER_INTERFACE")
        .output()
        .expect("unshare is there");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| line.split("valid_lft").next().unwrap_or(line))
        .map(|line| line.trim_end_matches(['\\', ' ']).to_owned())
        .collect()
}

/// A host that has net-tools and no iproute2: the scripts find their commands in one folder only.
fn hide_ip(place: &Path, scripts: &Path) {
    let bin = place.join("bin");
    std::fs::create_dir(&bin).expect("the folder is ours");
    for tool in NEEDED {
        let found = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
            .map(|folder| Path::new(folder).join(tool))
            .into_iter()
            .find(|path| path.is_file())
            .unwrap_or_else(|| panic!("{tool} is not installed"));
        std::os::unix::fs::symlink(found, bin.join(tool)).expect("the folder is ours");
    }
    for name in ["set_ip_up.sh", "set_ip_down.sh"] {
        let path = scripts.join(name);
        let text = std::fs::read_to_string(&path).expect("it was written");
        let line = "PATH=$PATH:/usr/sbin:/sbin";
        assert!(text.contains(line), "{name} has no '{line}' any more");
        let text = text.replace(line, &format!("PATH={}", bin.display()));
        std::fs::write(&path, text).expect("the file is ours");
    }
}

#[test]
#[ignore = "needs root"]
fn both_scripts_may_be_started_twice_and_set_the_mask() {
    for without_ip in [false, true] {
        let seen = in_a_namespace("up; holds; up; holds; down; holds; down", without_ip);
        let there = "10.10.11.103/24 brd 10.10.11.255 scope global kit0:1";
        assert_eq!(
            seen,
            ["up 0", there, "up 0", there, "down 0", "down 0"],
            "without ip: {without_ip}"
        );
    }
}

#[test]
#[ignore = "needs root"]
fn an_address_that_somebody_set_otherwise_is_put_right_and_taken_away() {
    let other = "ip address add 10.10.11.103/8 dev kit0";
    let seen = in_a_namespace(&format!("{other}; up; holds; {other}; down; holds"), false);
    assert_eq!(
        seen,
        [
            "up 0",
            "10.10.11.103/24 brd 10.10.11.255 scope global kit0:1",
            "down 0"
        ]
    );
}

#[test]
#[ignore = "needs root"]
fn all_addresses_of_a_pair_move_together_as_the_agent_asks() {
    let asked = "export CHANGEOVER_VIP='10.10.11.103 10.10.12.7 2001:db8::7' CHANGEOVER_PREFIX='24 16 64' \
                 CHANGEOVER_INTERFACE='kit0 kit0 kit0'";
    let seen = in_a_namespace(
        &format!(
            "{asked}; up; holds; ip -o -6 address show dev kit0 to 2001:db8::7 | grep -c /64; down; holds; \
                  ip -o -6 address show dev kit0 to 2001:db8::7"
        ),
        false,
    );
    assert_eq!(
        seen,
        [
            "up 0",
            "10.10.11.103/24 brd 10.10.11.255 scope global kit0:1",
            "10.10.12.7/16 brd 10.10.255.255 scope global kit0:2",
            "1",
            "down 0"
        ]
    );
}

#[test]
#[ignore = "needs root"]
fn what_cannot_be_done_ends_with_1_and_says_what() {
    let seen = in_a_namespace(
        "export CHANGEOVER_INTERFACE=nosuch0; up 2>&1; down 2>&1",
        false,
    );
    assert!(seen.contains(&"up 1".to_owned()), "{seen:?}");
    assert!(
        seen.contains(&"set_ip_up.sh: 10.10.11.103/24 could not be set on nosuch0".to_owned()),
        "{seen:?}"
    );
}
