//! The kits of Windows, AIX and Solaris: their files, what cannot be asked for, and that the shipped examples are these very
//! kits.

use changeover_model::Redundancy;
use changeover_site_kit::{ControlScripts, KitFile, Nics, Platform, Request, files};
use std::path::{Path, PathBuf};

fn kit(platform: Platform, name: &str, redundancy: Redundancy, nics: Nics) -> Vec<KitFile> {
    let request = Request::sample_on(platform, name, redundancy, nics);
    files(platform, &request).expect("a sound request")
}

fn text<'a>(kit: &'a [KitFile], path: &str) -> &'a str {
    let file = kit.iter().find(|file| file.path == path);
    &file.unwrap_or_else(|| panic!("no {path}")).text
}

#[test]
fn each_platform_has_the_scripts_of_its_commands_and_the_files_of_its_hosts() {
    let unix = |more: &[&str]| -> Vec<String> {
        let mut all = vec![
            "site.yaml".to_owned(),
            "scripts/set_ip_up.sh".to_owned(),
            "scripts/set_ip_down.sh".to_owned(),
        ];
        for host in ["host1", "host2"] {
            all.extend(more.iter().map(|name| format!("hosts/{host}/etc/{name}")));
        }
        all.push("README.md".to_owned());
        all
    };
    let windows = [
        "site.yaml",
        "scripts/HA_IP_ON.bat",
        "scripts/HA_IP_OFF.bat",
        "scripts/Ping.vbs",
        "scripts/Check_ip.vbs",
        "README.md",
    ];
    for (platform, expected) in [
        (Platform::Windows, windows.map(str::to_owned).to_vec()),
        (Platform::Aix, unix(&["hosts"])),
        (
            Platform::Solaris,
            unix(&["hosts", "hostname.dmfe0:1", "netmasks"]),
        ),
    ] {
        let kit = kit(platform, "east", Redundancy::Hot, Nics::One);
        let paths: Vec<&str> = kit.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, expected, "{platform:?}");
    }
}

#[test]
fn what_was_asked_for_stands_in_the_scripts_and_in_the_hosts_files() {
    let request = |platform| Request {
        vip: "192.0.2.10".parse().expect("an address"),
        prefix: 26,
        primary: ("sip1".to_owned(), "192.0.2.11".parse().expect("an address")),
        backup: ("sip2".to_owned(), "192.0.2.12".parse().expect("an address")),
        ..Request::sample_on(platform, "east", Redundancy::Hot, Nics::One)
    };
    let windows = files(Platform::Windows, &request(Platform::Windows)).expect("sound");
    let on = text(&windows, "scripts/HA_IP_ON.bat");
    assert!(on.contains("set VIP=192.0.2.10\r\nset MASK=255.255.255.192\r\n"));
    assert!(on.contains("set CONNECTION=Local Area Connection\r\n"));
    let solaris = files(Platform::Solaris, &request(Platform::Solaris)).expect("sound");
    assert!(
        text(&solaris, "scripts/set_ip_up.sh").contains(
            "vip=${CHANGEOVER_VIP:-192.0.2.10}\ninterface=${CHANGEOVER_LABEL:-dmfe0:1}\n"
        )
    );
    let hosts = text(&solaris, "hosts/sip2/etc/hosts");
    assert!(hosts.contains("192.0.2.10\tsip-vip\n") && hosts.contains("192.0.2.12\tsip2\n"));
    assert!(!hosts.contains("127.0.0.1\tsip-vip"));
    assert_eq!(
        text(&solaris, "hosts/sip2/etc/hostname.dmfe0:1"),
        "sip-vip netmask + broadcast +\ndown\n",
        "one line alone would raise the VIP at boot"
    );
    assert_eq!(
        text(&solaris, "hosts/sip2/etc/netmasks"),
        "192.0.2.0\t255.255.255.192\n"
    );
}

#[test]
fn what_a_platform_cannot_have_is_refused() {
    let sample = |platform| Request::sample_on(platform, "east", Redundancy::Hot, Nics::One);
    for (platform, request, reason) in [
        (
            Platform::Windows,
            Request {
                control_scripts: ControlScripts::Builtin,
                ..sample(Platform::Windows)
            },
            "vipctl knows Linux only",
        ),
        (
            Platform::Windows,
            Request {
                interface: "LAN & WAN".to_owned(),
                ..sample(Platform::Windows)
            },
            "is no connection",
        ),
        (
            Platform::Aix,
            Request {
                interface: "Local Area Connection".to_owned(),
                ..sample(Platform::Aix)
            },
            "is no interface",
        ),
        (
            Platform::Solaris,
            Request {
                vip: "2001:db8::3".parse().expect("an address"),
                prefix: 64,
                primary: ("a".to_owned(), "2001:db8::1".parse().expect("an address")),
                backup: ("b".to_owned(), "2001:db8::2".parse().expect("an address")),
                ..sample(Platform::Solaris)
            },
            "IPv4 addresses only",
        ),
    ] {
        let refused = files(platform, &request).expect_err(reason);
        assert!(refused.to_string().contains(reason), "{refused}");
    }
}

/// Everything of a kit that an example has, under the example's names.
fn example(platform: Platform, redundancy: Redundancy) -> Vec<(PathBuf, String)> {
    let word = platform.as_str();
    let kit = kit(platform, word, redundancy, Nics::One);
    let file_name = format!("{word}-{redundancy}.yaml");
    let site = text(&kit, "site.yaml")
        .replace("site.yaml", &file_name)
        .replace("README.md tells", "`changeover new` tells")
        .replace(
            "working_directory: scripts\n",
            &format!("working_directory: scripts/{word}\n"),
        )
        .replace("in scripts/,", &format!("in scripts/{word}/,"));
    let mut files = vec![(PathBuf::from(file_name), site)];
    for file in kit.iter().filter(|file| file.path.starts_with("scripts/")) {
        let path = file.path.replace("scripts/", &format!("scripts/{word}/"));
        files.push((PathBuf::from(path), file.text.clone()));
    }
    files
}

#[test]
fn the_shipped_examples_are_the_kits_of_their_platforms() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/examples");
    let write = std::env::var_os("UPDATE_EXPECT").is_some();
    for platform in [Platform::Windows, Platform::Aix, Platform::Solaris] {
        for redundancy in [Redundancy::Hot, Redundancy::Warm] {
            for (path, text) in example(platform, redundancy) {
                let path = folder.join(path);
                if write {
                    std::fs::write(&path, &text).expect("the repository is ours");
                }
                let shipped = std::fs::read_to_string(&path).expect("an example");
                assert!(
                    shipped == text,
                    "{} is not what the kit writes; UPDATE_EXPECT=1 cargo test -p changeover-site-kit writes it anew",
                    path.display()
                );
            }
        }
    }
}
