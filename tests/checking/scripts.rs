//! One planted defect per rule about control scripts, in sites whose unmodified scripts give none.

use crate::site::Site;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

const UP: &str = "scripts/set_ip_up.sh";
const DOWN: &str = "scripts/set_ip_down.sh";

/// A rule, a site, and what spoils it.
struct Defect {
    rule: &'static str,
    site: fn() -> Site,
    spoil: fn(&Site),
}

fn solaris() -> Site {
    Site::example("solaris-hot.yaml", "scripts/solaris")
}

/// A new NLB site, as `changeover new` writes it.
fn nlb() -> Site {
    let site = Site::empty();
    let words = [
        "new",
        "site",
        "--platform",
        "windows-nlb",
        "--redundancy",
        "hot",
    ];
    let (code, said) = site.run(&words);
    assert_eq!(code, Some(0), "{said}");
    site
}

/// The shipped Windows site with scripts of a single line: those of the guide ping for seconds.
fn windows() -> Site {
    let site = Site::example("windows-hot.yaml", "scripts/windows");
    let line = |verb: &str, mask: &str| {
        format!(
            "@netsh interface ip {verb} address \"Local Area Connection\" 10.10.11.103{mask}\r\n"
        )
    };
    site.write(
        "scripts/windows/HA_IP_ON.bat",
        &line("add", " 255.255.255.0"),
    );
    site.write("scripts/windows/HA_IP_OFF.bat", &line("delete", ""));
    site
}

fn defect(rule: &'static str, site: fn() -> Site, spoil: fn(&Site)) -> Defect {
    Defect { rule, site, spoil }
}

/// Those of an NLB cluster.
fn nlb_defects() -> Vec<Defect> {
    vec![
        defect("script-names-another-cluster", nlb, |site| {
            let script = "scripts/sip_server_backup_vip_up.bat";
            site.edit(script, "set CLUSTER=sipcluster", "set CLUSTER=othercluster");
        }),
        defect("script-without-effect", nlb, |site| {
            // NLB does not enable a port of a host that takes no part.
            let script = "scripts/sip_server_backup_vip_up.bat";
            site.edit(script, "wlbs.exe start", "rem wlbs.exe start");
        }),
        defect("script-without-effect", nlb, |site| {
            let script = "scripts/sip_server_primary_vip_down.bat";
            site.edit(script, "%CLUSTER%:1", "%CLUSTER%:2");
        }),
        defect("script-not-idempotent", nlb, |site| {
            let script = "scripts/sip_server_primary_vip_up.bat";
            let toggle =
                "\r\nif exist on.txt wlbs.exe stop sipcluster:1\r\necho on> on.txt\r\nexit\r\n";
            site.edit(script, "\r\nexit\r\n", toggle);
        }),
    ]
}

fn defects() -> Vec<Defect> {
    let mut all = nlb_defects();
    all.extend(nic_defects());
    all
}

/// Those of IP Address Takeover.
fn nic_defects() -> Vec<Defect> {
    vec![
        defect("script-missing", Site::linux, |site| {
            std::fs::remove_file(site.path(DOWN)).expect("it is there");
        }),
        defect("script-not-executable", Site::linux, |site| {
            let mode = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(site.path(UP), mode).expect("ours");
        }),
        defect("script-without-interpreter", Site::linux, |site| {
            site.edit(UP, "#!/bin/sh\n", "#!/bin/sh\r\n");
        }),
        defect("script-names-another-vip", Site::linux, |site| {
            site.edit(UP, "10.10.11.103", "10.10.11.113");
        }),
        defect("script-names-another-interface", Site::linux, |site| {
            site.edit(
                UP,
                "CHANGEOVER_INTERFACE:-eth0",
                "CHANGEOVER_INTERFACE:-eth1",
            );
        }),
        defect("script-passes-file-to-ifconfig", solaris, |site| {
            let text = "#!/bin/sh\nifconfig /etc/hostname.dmfe0:1 up\n";
            site.write("scripts/solaris/set_ip_up.sh", text);
        }),
        defect("scripts-differ-between-hosts", Site::linux, |site| {
            let text = crate::site::read(&site.path(UP));
            site.write("scripts-2/set_ip_up.sh", &text.replace("nodad", ""));
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(site.path("scripts-2/set_ip_up.sh"), mode).expect("ours");
            site.add(
                "site.yaml",
                "applications: {SIP_SERVER_BACKUP_VIP_UP: {start_info: {working_directory: scripts-2}}}\n",
            );
        }),
        defect("script-not-covered", windows, |site| {
            site.add(
                "scripts/windows/HA_IP_ON.bat",
                "netsh interface ip addd address x\r\n",
            );
        }),
        defect("script-never-ends", Site::linux, |site| {
            site.edit(DOWN, "exit $status", "while :; do sleep 1; done");
        }),
        defect("script-without-effect", Site::linux, |site| {
            site.edit(UP, "status=0\n", "exit 0\n");
        }),
        defect("script-not-idempotent", Site::linux, |site| {
            let toggle = "if ip -o address show | grep -q 10.10.11.103; then exec ./set_ip_down.sh; fi\nstatus=0\n";
            site.edit(UP, "status=0\n", toggle);
        }),
        defect("script-wrong-netmask", Site::linux, |site| {
            site.write(UP, "#!/bin/sh\nifconfig eth0:1 10.10.11.103 up\n");
        }),
    ]
}

#[test]
fn every_spoilt_script_is_found_by_its_rule_and_by_no_other() {
    for Defect { rule, site, spoil } in defects() {
        let site = site();
        spoil(&site);
        let (code, rules, answer) = site.check(&[]);
        assert_eq!(
            rules,
            BTreeSet::from([rule.to_owned()]),
            "{rule}: {answer:#}"
        );
        let known = changeover_configuration::rules()
            .iter()
            .find(|known| known.name == rule);
        let severity = known.expect("a rule of this build").severity;
        let bad = severity == changeover_configuration::Severity::Error;
        assert_eq!(code, Some(i32::from(bad)), "{rule}");
        assert!(
            answer["findings"][0]["place"]["line"].is_u64(),
            "{answer:#}"
        );
    }
}

#[test]
fn every_rule_about_scripts_has_a_spoilt_script() {
    let spoilt: BTreeSet<&str> = defects().iter().map(|defect| defect.rule).collect();
    let rules = changeover_configuration::rules()
        .iter()
        .map(|rule| rule.name);
    let expected: BTreeSet<&str> = rules.filter(|rule| rule.starts_with("script")).collect();
    assert_eq!(spoilt, expected);
}

#[test]
fn sound_scripts_are_not_objected_to_and_a_check_leaves_no_file_behind() {
    let guide = || Site::example("windows-hot.yaml", "scripts/windows");
    let aix = || Site::example("aix-warm.yaml", "scripts/aix");
    for site in [Site::linux(), aix(), solaris(), windows(), guide(), nlb()] {
        let before = site.files();
        let (code, rules, answer) = site.check(&[]);
        assert_eq!((code, rules), (Some(0), BTreeSet::new()), "{answer:#}");
        assert_eq!(site.files(), before);
    }
}

#[test]
fn scripts_of_one_name_in_two_folders_are_tried_each_by_itself() {
    let site = Site::linux();
    let mode = || std::fs::Permissions::from_mode(0o755);
    for (script, folder) in [(UP, "up"), (DOWN, "down")] {
        let to = format!("scripts/{folder}/vip.sh");
        site.write(&to, &crate::site::read(&site.path(script)));
        std::fs::set_permissions(site.path(&to), mode()).expect("ours");
        let name = script.replace("scripts/", "./");
        site.edit("site.yaml", &name, &format!("{folder}/vip.sh"));
    }
    let (code, rules, answer) = site.check(&[]);
    assert_eq!((code, rules), (Some(0), BTreeSet::new()), "{answer:#}");
}

#[test]
fn exit_codes_of_the_emulated_windows_interpreters_mean_nothing_of_a_unix_script() {
    for code in [120, 121] {
        let site = Site::linux();
        site.edit(UP, "status=0\n", &format!("exit {code}\n"));
        let (_, rules, answer) = site.check(&[]);
        let rule = "script-without-effect".to_owned();
        assert_eq!(rules, BTreeSet::from([rule]), "{answer:#}");
        let message = answer["findings"][0]["message"].as_str().expect("a text");
        assert!(
            message.ends_with(&format!("(exit code {code})")),
            "{message}"
        );
    }
}

#[test]
fn an_nlb_script_may_ask_after_the_rule_of_its_port() {
    let script = "scripts/sip_server_primary_vip_up.bat";
    let site = nlb();
    site.add(script, "wlbs.exe queryport 5060 sipcluster:1\r\n");
    let (code, rules, answer) = site.check(&[]);
    assert_eq!((code, rules), (Some(0), BTreeSet::new()), "{answer:#}");
    site.add(script, "wlbs.exe queryport 5060 othercluster:1\r\n");
    let (_, rules, answer) = site.check(&[]);
    let rule = "script-names-another-cluster".to_owned();
    assert_eq!(rules, BTreeSet::from([rule]), "{answer:#}");
}

#[test]
fn without_trials_what_a_script_does_is_not_known() {
    let site = Site::linux();
    site.edit(UP, "status=0\n", "exit 0\n");
    let (code, rules, _) = site.check(&["--no-trials"]);
    assert_eq!((code, rules), (Some(0), BTreeSet::new()));
    site.edit(UP, "#!/bin/sh", "# for sh");
    let (code, rules, answer) = site.check(&["--no-trials"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        rules,
        BTreeSet::from(["script-without-interpreter".to_owned()])
    );
    assert_eq!(
        answer["findings"][0]["message"],
        "SIP_SERVER_PRIMARY_VIP_UP: scripts/set_ip_up.sh names no interpreter"
    );
}

#[test]
fn scripts_on_the_hosts_only_are_not_called_missing() {
    let site = Site::linux();
    site.edit(
        "site.yaml",
        "working_directory: scripts",
        "working_directory: /opt/no-such-folder/here",
    );
    let (code, rules, _) = site.check(&[]);
    assert_eq!((code, rules), (Some(0), BTreeSet::new()));
}
