//! `wlbs.exe` on a host of an NLB cluster: its output and exit codes, and scripts of six hands.

use crate::site::{Site, variants_in};

#[tokio::test]
async fn scripts_of_six_hands_enable_and_disable_the_port() {
    let found = variants_in("windows-nlb");
    assert!(found.len() >= 6, "six hands at least: {found:?}");
    for variant in found {
        let site = Site::cluster().await;
        let folder = site.copy(&variant);
        for round in 1..=2 {
            let (code, out, err) = site.script("host1", &folder, "up.bat").await;
            let said = format!("{} up, round {round}: {out} {err}", variant.display());
            assert_eq!(code, 0, "{said}");
            assert!(site.enabled("host1").await, "{said}");
            assert!(!site.enabled("host2").await, "{said}");
            let (code, out, err) = site.script("host1", &folder, "down.bat").await;
            let said = format!("{} down, round {round}: {out} {err}", variant.display());
            assert_eq!(code, 0, "{said}");
            assert!(!site.enabled("host1").await, "{said}");
        }
    }
}

/// The exit code and what is said below the banner.
async fn says(site: &Site, host: &str, line: &str) -> (i32, String) {
    let (code, out, err) = site.line(host, line).await;
    let below = out.strip_prefix("WLBS Cluster Control Utility V2.4\n");
    (
        code,
        below.map_or_else(|| format!("{out}{err}"), str::to_owned),
    )
}

#[tokio::test]
async fn orders_and_questions_are_answered_per_host_and_end_with_0_whatever_became_of_them() {
    let site = Site::cluster().await;
    let one = "Cluster sipcluster (10.10.11.103), host 1 (host1)\n";
    let two = "Cluster sipcluster (10.10.11.103), host 2 (host2)\n";
    for (line, said) in [
        (
            "wlbs enable 5060 sipcluster",
            format!("{one}Cluster operations are stopped; the port rule was not changed.\n"),
        ),
        (
            "wlbs start sipcluster",
            format!("{one}Cluster operations started.\n"),
        ),
        (
            "wlbs start sipcluster:1",
            format!("{one}It is so already.\n"),
        ),
        (
            "wlbs disable 5061 10.10.11.103",
            format!("{one}Traffic handling disabled for the port rule.\n"),
        ),
        (
            "nlb.exe queryport 5060",
            format!("{one}Port rule 5060-5061: rule is disabled\nPackets: Accepted=0, Dropped=0\n"),
        ),
        (
            "wlbs enable 80 sipcluster",
            format!("{one}No port rule holds this port.\n"),
        ),
        (
            "wlbs start sipcluster:10.10.12.102",
            format!("{two}Cluster operations started.\n"),
        ),
        (
            "wlbs query sipcluster GLOBAL",
            format!(
                "{one}Host 1 converged as DEFAULT with the following host(s) as part of the cluster:\n1, 2\n\
                 {two}Host 2 converged with the following host(s) as part of the cluster:\n1, 2\n"
            ),
        ),
        (
            "wlbs stop sipcluster:2",
            format!("{two}Cluster operations stopped.\n"),
        ),
    ] {
        assert_eq!(says(&site, "host1", line).await, (0, said), "{line}");
    }
}

#[tokio::test]
async fn an_order_to_a_cut_off_host_is_ignored_and_still_ends_with_0() {
    let site = Site::cluster().await;
    says(&site, "host1", "wlbs start sipcluster").await;
    let unplugged = site.control.unplug("host1", "Local Area Connection").await;
    unplugged.expect("it is there");
    let (code, said) = says(&site, "host1", "wlbs disable 5060 sipcluster:1").await;
    assert_eq!(code, 0);
    assert!(
        said.ends_with("disconnected; the command was ignored.\n"),
        "{said}"
    );
    let (code, said) = says(&site, "host2", "wlbs disable 5060 sipcluster:1").await;
    assert_eq!(code, 0);
    assert!(said.ends_with("The host did not respond.\n"), "{said}");
    assert!(site.enabled("host1").await, "its port is as it was");
}

#[tokio::test]
async fn what_wlbs_does_not_understand_is_1_and_what_is_not_emulated_is_120_and_named() {
    let site = Site::cluster().await;
    for (line, part) in [
        ("wlbs enable sip sipcluster", "'sip' is no port"),
        ("wlbs", "a command is missing"),
        ("wlbs start sipcluster2:1", "There is no such cluster"),
        ("wlbs start sipcluster:3", "no such host"),
    ] {
        let (code, said) = says(&site, "host1", line).await;
        assert_eq!(code, 1, "{line}");
        assert!(said.contains(part), "{line}: {said}");
    }
    let (code, said) = says(&site, "host1", "wlbs drainstop sipcluster").await;
    assert_eq!(code, 120);
    assert!(
        said.contains("`wlbs drainstop sipcluster` is not emulated"),
        "{said}"
    );
}
