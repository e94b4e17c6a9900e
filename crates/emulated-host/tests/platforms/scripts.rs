//! Every variant of `tests/scripts` brings the VIP up and takes it down again, twice, as an LCA would start it.

use changeover_emulated_host::Platform;

use crate::site::{Site, plain, variants};

async fn every_variant_moves_the_vip(platform: Platform) {
    let (up, down) = if platform == Platform::Windows {
        ("up.bat", "down.bat")
    } else {
        ("up.sh", "down.sh")
    };
    let found = variants(platform);
    assert!(found.len() >= 6, "six hands at least: {found:?}");
    for variant in found {
        let site = Site::up(platform).await;
        let folder = site.copy(&variant);
        for round in 1..=2 {
            let (code, out, err) = site.script("host1", &folder, up).await;
            let said = format!(
                "{} up, round {round}: {code} {out} {err}",
                variant.display()
            );
            assert_eq!(site.holds("host1").await, Some(24), "{said}");
            assert_eq!(site.holds("host2").await, None, "{said}");
            let (code, out, err) = site.script("host1", &folder, down).await;
            let said = format!(
                "{} down, round {round}: {code} {out} {err}",
                variant.display()
            );
            assert_eq!(site.holds("host1").await, None, "{said}");
        }
    }
}

#[tokio::test]
async fn windows_scripts_of_six_hands_move_the_vip() {
    every_variant_moves_the_vip(Platform::Windows).await;
}

#[tokio::test]
async fn aix_scripts_of_six_hands_move_the_vip() {
    every_variant_moves_the_vip(Platform::Aix).await;
}

#[tokio::test]
async fn solaris_scripts_of_six_hands_move_the_vip() {
    every_variant_moves_the_vip(Platform::Solaris).await;
}

#[tokio::test]
async fn exit_codes_and_logs_of_scripts_are_their_own() {
    let site = Site::up(Platform::Windows).await;
    let folders: Vec<_> = variants(Platform::Windows)
        .iter()
        .map(|variant| site.copy(variant))
        .collect();
    let log = |folder: &std::path::Path, name: &str| {
        plain(&std::fs::read(folder.join(name)).expect("the script's log"))
    };
    let calls = &folders[5];
    let (code, _, _) = site.script("host1", calls, "down.bat").await;
    assert_eq!(code, 12, "nothing to delete, says the worker's label");
    let (code, out, _) = site.script("host1", calls, "worker.cmd").await;
    assert_eq!(
        (code, out.as_str()),
        (10, "usage: worker.cmd add|delete ADDRESS\n")
    );
    assert!(log(calls, "HOST1.log").starts_with("delete 10.10.11.103 ended with 12 at "));

    let guide = &folders[0];
    let (code, _, _) = site.script("host1", guide, "up.bat").await;
    assert_eq!(code, 1, "what the helper left: the address was found");
    let text = log(guide, "Takeover.log");
    assert!(
        text.contains("10.10.11.103 did not respond to ping."),
        "{text}"
    );
    let (code, _, _) = site.script("host2", guide, "up.bat").await;
    assert_eq!(code, 1);
    let text = log(guide, "Takeover.log");
    assert_eq!(
        text.matches("10.10.11.103 responded to ping.").count(),
        3,
        "{text}"
    );
    assert_eq!(
        site.holds("host2").await,
        Some(24),
        "added all the same, as the guide has it"
    );

    let gives_up = &folders[2];
    site.script("host2", guide, "down.bat").await;
    let (code, _, _) = site.script("host2", gives_up, "down.bat").await;
    assert_eq!(code, 1);
    let text = log(gives_up, "vip.log");
    assert_eq!(text.matches("Element not found.").count(), 3, "{text}");
    assert!(text.ends_with("gave up \n"), "{text}");
}

#[tokio::test]
async fn what_is_not_covered_is_named_and_what_loops_for_ever_is_ended() {
    let site = Site::up(Platform::Windows).await;
    let path = site.keep(
        "scripts/odd/odd.bat",
        "@echo off\r\necho begun\r\nnetsh interface ip addd address x\r\necho never\r\n",
    );
    let folder = path.parent().expect("a folder").to_owned();
    let (code, out, err) = site.script("host1", &folder, "odd").await;
    assert_eq!((code, out.as_str()), (120, "begun\n"));
    assert_eq!(
        err,
        "odd:3: `netsh interface ip addd address x`: `netsh interface ip addd address x` is not emulated; \
         emulated hosts do not cover this line (exit code 120)\n"
    );
    site.keep("scripts/odd/loop.bat", ":again\r\n@goto again\r\n");
    let (code, _, err) = site.script("host1", &folder, "loop.bat").await;
    assert_eq!(code, 121);
    assert!(
        err.starts_with("loop.bat:2: `@goto again`: the script has carried out 50000"),
        "{err}"
    );
    site.keep(
        "scripts/odd/helper.vbs",
        "WScript.Echo 1\r\nSet x = CreateObject(\"ADODB.Stream\")\r\n",
    );
    site.keep("scripts/odd/calls.bat", "@cscript //nologo helper.vbs\r\n");
    let (code, _, err) = site.script("host1", &folder, "calls.bat").await;
    assert_eq!(code, 120);
    assert!(
        err.starts_with("helper.vbs:2: `Set x = CreateObject(\"ADODB.Stream\")`: "),
        "{err}"
    );
}
