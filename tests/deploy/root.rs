//! Owns the root file system that the hosts boot from: Debian by debootstrap, from the machine's own package source, once
//! per list of packages; kept below the target folder. Hosts never write into it (their changes are a layer in memory).

use crate::command::{Ran, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the hosts need: an init, a shell to reach each other, the servers of the pairs, what others use instead of
/// us, and the clients' tools. All of it the distribution's own.
const PACKAGES: [&str; 12] = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "iproute2",
    "procps",
    "openssh-server",
    "openssh-client",
    "kamailio",
    "nginx-light",
    "keepalived",
    "sip-tester",
    "curl",
];

/// Debian starts what it installs; a host of a pair leaves that to its agent, and a test to itself.
const NOT_AT_BOOT: [&str; 3] = ["kamailio", "nginx", "keepalived"];

/// Names the hosts give each other, as every site has them before it installs anything.
const NAMES: &str = "127.0.0.1 localhost\n::1 localhost\n10.10.12.110 mgmt1\n10.10.12.101 edge1\n10.10.12.102 edge2\n";

/// The scenarios of the clients' calls, by the path that they have in the root.
const CALLS: [(&str, &str); 3] = [
    ("srv/caller.xml", include_str!("sipp/caller.xml")),
    ("srv/called.xml", include_str!("sipp/called.xml")),
    ("srv/register.xml", include_str!("sipp/register.xml")),
];

/// The finished root, made if it is not there yet.
pub(crate) fn root() -> PathBuf {
    let place = place();
    let root = place.join(format!("root-{}", key()));
    if !root.is_dir() {
        fs::create_dir_all(&place).expect("the target folder is writable");
        forget_others(&place);
        let unfinished = place.join(format!("unfinished-{}", std::process::id()));
        build(&unfinished);
        // Whoever is second throws his own away.
        if fs::rename(&unfinished, &root).is_err() {
            drop(fs::remove_dir_all(&unfinished));
        }
    }
    for (path, text) in CALLS {
        fs::write(root.join(path), text).expect("the root is ours");
    }
    root
}

/// Below the target folder, beside the profile's.
fn place() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_changeover"))
        .ancestors()
        .nth(2)
        .expect("target/debug/changeover")
        .join("deploy")
}

/// Changes with what the root is made of.
fn key() -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in [&PACKAGES.concat(), &NOT_AT_BOOT.concat(), NAMES]
        .into_iter()
        .flat_map(str::bytes)
    {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// Roots of other lists of packages are of no use any more.
fn forget_others(place: &Path) {
    for entry in fs::read_dir(place).expect("it was just made").flatten() {
        if entry.file_name().to_string_lossy().starts_with("root-") {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

fn build(root: &Path) {
    let (mirror, release) = package_source();
    let include = format!("--include={}", PACKAGES.join(","));
    let shown = root.to_str().expect("text");
    let words = ["--variant=minbase", &include, &release, shown, &mirror];
    run("debootstrap", &words, Duration::from_secs(900)).succeeded();
    settle(root);
}

/// Where this machine gets its own packages: the address of its Debian archive, and the release.
fn package_source() -> (String, String) {
    let format = "$(REPO_URI) $(RELEASE) $(LABEL) $(COMPONENT)";
    let words = ["indextargets", "--format", format, "Created-By: Packages"];
    let listed = run("apt-get", &words, Duration::from_secs(30)).succeeded();
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let release = os
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .expect("Debian names its release");
    listed
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .find_map(|words| match words.as_slice() {
            [uri, of, "Debian", "main"] if *of == release => {
                Some(((*uri).to_owned(), (*of).to_owned()))
            }
            _ => None,
        })
        .unwrap_or_else(|| panic!("apt knows no Debian archive for {release}:\n{listed}"))
}

/// What an administrator has done before the page begins: names, a key by which root of one host reaches the others.
fn settle(root: &Path) {
    let write = |path: &str, text: &str| {
        fs::write(root.join(path), text).unwrap_or_else(|error| panic!("{path}: {error}"));
    };
    write("etc/hosts", NAMES);
    // A host's name is given to it when it boots.
    drop(fs::remove_file(root.join("etc/hostname")));
    fs::create_dir_all(root.join("root/.ssh")).expect("writable");
    write(
        "root/.ssh/config",
        "StrictHostKeyChecking accept-new\nLogLevel ERROR\n",
    );
    let folder = root.to_str().expect("text");
    let inside = |words: &[&str]| -> Ran {
        let mut all = vec![folder];
        all.extend(words);
        run("chroot", &all, Duration::from_secs(60))
    };
    inside(&[
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-f",
        "/root/.ssh/id_ed25519",
    ])
    .succeeded();
    inside(&[
        "cp",
        "/root/.ssh/id_ed25519.pub",
        "/root/.ssh/authorized_keys",
    ])
    .succeeded();
    let mut disable = vec!["systemctl", "disable"];
    disable.extend(NOT_AT_BOOT);
    inside(&disable).succeeded();
}
