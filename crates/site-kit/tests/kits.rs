//! Every kit that can be asked for is a valid site that no rule objects to, says what was asked, and is never written over
//! something else.

use changeover_configuration::{CheckOptions, Loaded, check, load};
use changeover_model::Redundancy;
use changeover_site_kit::{ControlScripts, KitError, Nics, Platform, Request, files, write};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Every combination of what changes the files' structure.
fn every_request() -> Vec<(Platform, Request)> {
    let linux = every_linux_request().into_iter();
    let mut all: Vec<_> = linux.map(|request| (Platform::Linux, request)).collect();
    for platform in Platform::ALL
        .into_iter()
        .filter(|one| *one != Platform::Linux)
    {
        for redundancy in [Redundancy::Hot, Redundancy::Warm] {
            for nics in [Nics::One, Nics::Two] {
                // A cluster needs two cards; without a VIP that moves there is no card for SIP.
                if platform == Platform::WindowsNlb && nics == Nics::One
                    || is_without_scripts(platform) && nics == Nics::Two
                {
                    continue;
                }
                all.push((
                    platform,
                    Request::sample_on(platform, "east", redundancy, nics),
                ));
            }
        }
    }
    all
}

/// No VIP of these sites is moved by a script.
fn is_without_scripts(platform: Platform) -> bool {
    matches!(platform, Platform::NetworkDevice | Platform::SingleHost)
}

fn every_linux_request() -> Vec<Request> {
    let mut all = Vec::new();
    for redundancy in [Redundancy::Hot, Redundancy::Warm] {
        for nics in [Nics::One, Nics::Two] {
            for control_scripts in [ControlScripts::Builtin, ControlScripts::Shell] {
                let sample = Request::sample("east", redundancy, nics);
                all.push(Request {
                    control_scripts,
                    ..sample.clone()
                });
                all.push(Request {
                    control_scripts,
                    vip: address("2001:db8:11::103"),
                    prefix: 64,
                    primary: ("a".to_owned(), in_network_6(nics, 1)),
                    backup: ("b".to_owned(), in_network_6(nics, 2)),
                    ..sample
                });
            }
        }
    }
    all
}

fn in_network_6(nics: Nics, last: u8) -> IpAddr {
    match nics {
        Nics::One => address(&format!("2001:db8:11::{last}")),
        Nics::Two => address(&format!("2001:db8:12::{last}")),
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn loaded((platform, request): &(Platform, Request)) -> Loaded {
    let files = files(*platform, request).expect("a sound request");
    load("site.yaml", &files[0].text)
        .unwrap_or_else(|problems| panic!("{request:?}: {}", problems.render(false)))
}

#[test]
fn no_rule_objects_to_any_kit() {
    for request in every_request() {
        let findings: Vec<String> = check(&loaded(&request), &CheckOptions::default())
            .into_iter()
            .map(|finding| format!("{}: {}", finding.rule, finding.message))
            .collect();
        assert_eq!(findings, Vec::<String>::new(), "{request:?}");
    }
}

#[test]
fn a_kit_is_the_site_that_was_asked_for() {
    for request in every_request() {
        if is_without_scripts(request.0) {
            continue;
        }
        let site = loaded(&request).environment;
        let (platform, request) = request;
        assert_eq!(site.name.as_str(), "east");
        let pair = &site.pairs["SIP_EAST"];
        assert_eq!(pair.redundancy, request.redundancy);
        let vip = &pair.virtual_ips[0];
        assert_eq!((vip.address, vip.prefix), (request.vip, request.prefix));
        let hosts: Vec<(&str, IpAddr)> = site
            .hosts
            .values()
            .map(|host| (host.name.as_str(), host.address))
            .collect();
        let asked = [&request.management, &request.primary, &request.backup]
            .map(|host| (host.0.as_str(), host.1));
        assert_eq!(hosts, asked);
        let enable = &site.applications["SIP_SERVER_PRIMARY_VIP_UP"].start_info;
        let (folder, command) = match (request.control_scripts, platform) {
            (ControlScripts::Builtin, _) => ("", "vipctl"),
            (ControlScripts::Shell, Platform::Windows) => ("scripts", "HA_IP_ON.bat"),
            (ControlScripts::Shell, Platform::WindowsNlb) => {
                ("scripts", "sip_server_primary_vip_up.bat")
            }
            (ControlScripts::Shell, _) => ("scripts", "./set_ip_up.sh"),
        };
        assert_eq!(
            (
                enable.working_directory.as_str(),
                enable.command_line.as_str()
            ),
            (folder, command)
        );
    }
}

#[test]
fn with_two_cards_the_sip_card_is_guarded_by_a_gateway_that_is_asked_and_with_one_it_is_not() {
    for request in every_request() {
        let site = loaded(&request).environment;
        let member = &site.applications["SIP_SERVER_PRIMARY"];
        let switch = &site.switches[member.switch.as_ref().expect("a Switch")];
        let asked: Vec<&str> = switch
            .dns
            .values()
            .map(|dn| dn.contact.as_deref().unwrap_or_default())
            .collect();
        let expected = match (request.1.nics, request.1.vip.is_ipv4()) {
            (Nics::One, _) => vec![],
            (Nics::Two, true) => vec!["sip:10.10.11.104"],
            (Nics::Two, false) => vec!["sip:[2001:db8:11::104]"],
        };
        assert_eq!(asked, expected, "{request:?}");
        assert_eq!(member.sip_pass_check(), !expected.is_empty(), "{request:?}");
    }
}

#[test]
fn a_gateway_that_nobody_names_is_the_first_free_address_after_the_vip() {
    let named = |change: fn(&mut Request)| {
        let mut request = Request::sample("east", Redundancy::Hot, Nics::Two);
        change(&mut request);
        match files(Platform::Linux, &request) {
            Ok(files) => {
                let at = files[0].text.find("contact: \"sip:").expect("a gateway") + 14;
                let rest = &files[0].text[at..];
                rest[..rest.find('"').expect("its end")].to_owned()
            }
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(
        named(|r| r.management.1 = address("10.10.11.104")),
        "10.10.11.105"
    );
    assert_eq!(
        named(|r| r.gateway = Some(address("192.0.2.9"))),
        "192.0.2.9"
    );
    let refused = [
        (named(|r| r.gateway = Some(r.vip)), "is another machine"),
        (
            named(|r| r.gateway = Some(address("2001:db8::1"))),
            "two kinds of address",
        ),
        (named(|r| r.vip = address("10.10.11.254")), "--gateway"),
    ];
    for (said, reason) in refused {
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn what_the_checklist_says_to_type_names_what_the_site_has() {
    for request in every_request() {
        let site = loaded(&request).environment;
        let (platform, request) = request;
        let files = files(platform, &request).expect("a sound request");
        let checklist = &files.last().expect("the checklist").text;
        assert!(!checklist.contains("{{"), "a value is missing: {checklist}");
        let tested: Vec<&str> = checklist
            .split("sci alarm test ")
            .skip(1)
            .filter_map(|rest| rest.split('`').next())
            .collect();
        assert_eq!(
            tested.len(),
            if is_without_scripts(platform) { 0 } else { 4 }
        );
        for condition in tested {
            assert!(
                site.alarm_conditions.contains_key(condition),
                "{condition} is no condition of the site"
            );
        }
        let hosts = [&request.management, &request.primary, &request.backup];
        let single = platform == Platform::SingleHost;
        // A single host is the first member's.
        let of_the_site = if single { &hosts[1..2] } else { &hosts[..] };
        for host in of_the_site {
            assert!(
                checklist.contains(&host.0) && checklist.contains(&host.1.to_string()),
                "{platform:?}: {host:?} is not in {checklist}"
            );
        }
        assert!(checklist.contains("sci switchover SIP_EAST"));
    }
}

fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("it was written");
    metadata.permissions().mode() & 0o777
}

#[test]
fn a_kit_goes_into_a_new_folder_with_its_programs_executable_and_never_over_anything() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("east");
    let request = Request {
        control_scripts: ControlScripts::Shell,
        ..Request::sample("east", Redundancy::Hot, Nics::One)
    };
    let written = write(&folder, Platform::Linux, &request).expect("the folder is new");
    let names: Vec<_> = written
        .iter()
        .map(|path| path.strip_prefix(&folder).expect("below it"))
        .collect();
    assert_eq!(
        names,
        [
            "site.yaml",
            "scripts/set_ip_up.sh",
            "scripts/set_ip_down.sh",
            "hosts/host1/etc/hosts",
            "hosts/host1/etc/sysconfig/network-scripts/ifcfg-eth0:1",
            "hosts/host2/etc/hosts",
            "hosts/host2/etc/sysconfig/network-scripts/ifcfg-eth0:1",
            "README.md"
        ]
        .map(Path::new)
    );
    let modes: Vec<u32> = written.iter().map(|path| mode(path)).collect();
    assert_eq!(
        modes,
        [0o644, 0o755, 0o755, 0o644, 0o644, 0o644, 0o644, 0o644]
    );

    std::fs::write(folder.join("site.yaml"), "mine").expect("the folder is ours");
    let refused = write(&folder, Platform::Linux, &request).expect_err("there is a site");
    assert!(matches!(refused, KitError::NotEmpty { .. }), "{refused}");
    assert_eq!(
        std::fs::read_to_string(folder.join("site.yaml"))
            .ok()
            .as_deref(),
        Some("mine")
    );
}

#[test]
fn a_request_that_cannot_be_a_site_is_refused_with_the_reason_and_nothing_is_written() {
    let sample = || Request::sample("east", Redundancy::Hot, Nics::One);
    let changed = |change: fn(&mut Request)| {
        let mut request = sample();
        change(&mut request);
        request
    };
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("new");
    for (request, reason) in [
        (
            changed(|r| r.backup.0 = "host1".to_owned()),
            "a pair needs two hosts",
        ),
        (
            changed(|r| r.backup.1 = r.primary.1),
            "a pair needs two hosts",
        ),
        (
            changed(|r| r.vip = r.backup.1),
            "the VIP must be a free address",
        ),
        (changed(|r| r.prefix = 33), "no prefix length"),
        (
            changed(|r| r.vip = address("192.0.2.9")),
            "outside 192.0.2.0/24, the network of the VIP",
        ),
        (
            changed(|r| r.nics = Nics::Two),
            "with two NICs a Host object names the address of the other",
        ),
        (
            changed(|r| r.interface = "eth0:1 up".to_owned()),
            "is no interface",
        ),
        (
            changed(|r| r.primary.0 = "a: {b}".to_owned()),
            "no name for a host",
        ),
        (changed(|r| r.name = String::new()), "no name for a site"),
    ] {
        let refused = write(&folder, Platform::Linux, &request).expect_err(reason);
        assert!(refused.to_string().contains(reason), "{refused}");
        assert!(!folder.exists(), "{reason}");
    }
}
