//! Broken files and changed ones: a component with an unusable file ends with 2 and says where; a running SCS keeps
//! what it has, and takes a good file without moving the VIP. And nothing listens in the clear by accident.

use crate::asking::{BACKUP, PRIMARY, observed, pair, pid};
use crate::environment::{self, Wishes, write_script};
use crate::site::{COMPONENTS, PROGRAM, Site, wait_until};
use rustix::process::Signal;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_component_with_an_unusable_file_ends_with_2_and_says_where_and_what() {
    let site = Site::network_only(&Wishes::default());
    let good = std::fs::read_to_string(site.config()).expect("it is ours");
    for (harm, words) in [
        (
            good.replace("takeover: ip_address", "takeover: by_magic"),
            &["site.yaml:", "by_magic"][..],
        ),
        (
            good.replace("host: host2}", "host: host7}"),
            &["site.yaml:", "host7"],
        ),
        (
            good.replace("version: 1", "version: 1\nsurprise: 3"),
            &["site.yaml:2", "surprise"],
        ),
        ("a: [".to_owned(), &["site.yaml:1"]),
    ] {
        std::fs::write(site.config(), &harm).expect("it is ours");
        for name in COMPONENTS {
            let ended = site.command(name).output().expect("the binary was built");
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(2), "{name}: {said}");
            assert!(
                words.iter().all(|word| said.contains(word)),
                "{name} does not say {words:?}: {said}"
            );
        }
    }
    std::fs::remove_file(site.config()).expect("it is ours");
    for name in COMPONENTS {
        let ended = site.command(name).output().expect("the binary was built");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains("site.yaml"), "{name}: {said}");
    }
    std::fs::write(site.config(), &good).expect("it is ours");
    let mut stranger = site.on_host("host1", std::path::Path::new(PROGRAM));
    stranger
        .args(["lca", "--host", "host9", "--config"])
        .arg(site.config())
        .arg("--state-dir")
        .arg(site.folder.join("x"));
    let ended = stranger.output().expect("the binary was built");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("host9"), "{said}");
}

#[test]
fn a_running_scs_refuses_a_bad_file_and_takes_a_changed_one_without_moving_the_vip() {
    let mut site = Site::up(&Wishes::default());
    let before = site.reach_ok(PRIMARY);
    let good = std::fs::read_to_string(site.config()).expect("it is ours");

    std::fs::write(
        site.config(),
        good.replace("redundancy_type: hot", "redundancy_type: lukewarm"),
    )
    .expect("it is ours");
    site.signal("scs", Signal::HUP);
    wait_until(Duration::from_secs(10), || {
        let log = site.log_of("scs");
        if log.contains("lukewarm") && log.contains("nothing changes") {
            Ok(())
        } else {
            Err(log)
        }
    });
    let after_bad = site.reach_ok(PRIMARY);
    assert_eq!(after_bad.revision, before.revision);

    // Realignment is switched off: a VIP that goes away stays away.
    std::fs::write(
        site.config(),
        environment::text(
            &site.folder,
            &Wishes {
                policy: "realign_after: off".to_owned(),
                ..Wishes::default()
            },
        ),
    )
    .expect("it is ours");
    site.signal("scs", Signal::HUP);
    let after_good = site.reach("a new revision", |picture| {
        picture.revision > before.revision
    });
    assert_eq!(
        [pid(&after_good, PRIMARY), pid(&after_good, BACKUP)],
        [pid(&before, PRIMARY), pid(&before, BACKUP)]
    );
    site.reach_ok(PRIMARY);
    assert_eq!(
        site.holders_seen(),
        ["host1"],
        "neither file moved anything"
    );
    let down = site
        .on_host("host1", &site.folder.join("bin").join("ifconfig"))
        .args(["eth0:1", "down"])
        .status();
    assert!(down.expect("the binary was built").success());
    site.reach("nobody holds it", |picture| observed(picture).is_empty());
    // Longer than the realignment that was switched off would have taken.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(
        observed(&site.picture().expect("it answers")),
        Vec::<&str>::new()
    );

    std::fs::write(
        site.config(),
        environment::text(
            &site.folder,
            &Wishes {
                policy: "realign_after: 100ms".to_owned(),
                ..Wishes::default()
            },
        ),
    )
    .expect("it is ours");
    site.signal("scs", Signal::HUP);
    site.reach_ok(PRIMARY);
    assert_eq!(site.holders_seen(), ["host1", "-", "host1"]);
}

#[test]
fn a_changed_script_time_out_reaches_the_lcas_with_the_reload() {
    let mut site = Site::up(&Wishes {
        script_timeout: "20s".to_owned(),
        policy: "retries: 0".to_owned(),
        ..Wishes::default()
    });
    let short = Wishes {
        script_timeout: "500ms".to_owned(),
        policy: "retries: 0".to_owned(),
        ..Wishes::default()
    };
    let before = site.reach_ok(PRIMARY);
    std::fs::write(site.config(), environment::text(&site.folder, &short)).expect("it is ours");
    site.signal("scs", Signal::HUP);
    site.reach("a new revision", |picture| {
        picture.revision > before.revision
    });
    site.reach_ok(PRIMARY);
    write_script(
        &site.folder,
        "set_ip_up.sh",
        "case $CHANGEOVER_HOST in host2) sleep 60;; esac\nifconfig eth0:1 10.10.11.103 netmask 255.255.255.0 up",
    );
    let began = std::time::Instant::now();
    site.sci(&["switchover", "SIP_EAST", "--to", "host2"])
        .expect(1);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    let back = site.reach("back on host1", |picture| observed(picture) == ["host1"]);
    assert!(
        pair(&back).epoch > pair(&before).epoch,
        "rolled back under a new epoch"
    );
}

#[test]
fn no_component_listens_in_the_clear_on_another_address_than_loopback() {
    let site = Site::network_only(&Wishes::default());
    let text = std::fs::read_to_string(site.config()).expect("it is ours");
    let elsewhere = text
        .replace("10.10.11.110", "192.0.2.1")
        .replace("10.10.11.101", "192.0.2.1")
        .replace("10.10.11.102", "192.0.2.2");
    let config = site.folder.join("elsewhere.yaml");
    std::fs::write(&config, elsewhere).expect("it is ours");
    for words in [
        &["scs"][..],
        &["message-server"],
        &["lca", "--host", "host1"],
    ] {
        // On the machine's own network, where no such address is: it must refuse before it tries to bind.
        let ended = Command::new(PROGRAM)
            .args(words)
            .arg("--config")
            .arg(&config)
            .arg("--state-dir")
            .arg(site.folder.join("clear").join(words[0]))
            .env("CHANGEOVER_RUN_ID", &site.id)
            .env_remove("CHANGEOVER_NETWORK")
            .env_remove("CHANGEOVER_TLS")
            .env_remove("CHANGEOVER_INSECURE")
            .output()
            .expect("the binary was built");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{words:?}: {said}");
        assert!(
            said.contains("--tls") && said.contains("--insecure"),
            "{words:?} names the ways out: {said}"
        );
    }
    let ran = site
        .sci(&["--scs", "http://192.0.2.1:7770", "status"])
        .expect(2);
    assert!(
        ran.err.contains("--tls") && ran.err.contains("--insecure"),
        "{}",
        ran.err
    );
}
