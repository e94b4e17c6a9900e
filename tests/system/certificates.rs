//! Mutual TLS on every link, with certificates made by `changeover certs`: what it admits, what it refuses and how both sides
//! say so, and how a site gets from wrong or old certificates to right ones without standing still.

use crate::asking::{BACKUP, BOUND, PRIMARY, Ran, pair, pid};
use crate::environment::Wishes;
use crate::site::{COMPONENTS, PROGRAM, Site, wait_until};
use changeover_certificates::{Authority, Names, Validity};
use changeover_model::HostStatus;
use changeover_model::message::Picture;
use changeover_rpc::identity::{Identity, Role};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// More lines than these about one trouble within [`A_WHILE`] would be a flood.
const FEW: usize = 4;
const A_WHILE: Duration = Duration::from_secs(3);

/// `changeover certs …`, as an operator types it.
fn certs(words: &[&str]) -> Ran {
    let output = Command::new(PROGRAM)
        .arg("certs")
        .args(words)
        .output()
        .expect("the binary was built");
    Ran {
        code: output.status.code().expect("it ended by itself"),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("our own names")
}

impl Site {
    /// As [`Site::up`], with an authority and every certificate that the site needs.
    fn up_with_certificates() -> Self {
        let mut site = Self::network_only(&Wishes::default());
        let pki = site.folder.join("pki");
        certs(&["init", text(&pki), "--name", "Ours"]).expect(0);
        site.pki = Some(pki);
        site.issue(&["--viewer", "vera"]);
        for name in COMPONENTS {
            site.start(name);
        }
        site.reach_start_state();
        site.forget_what_was_seen();
        site
    }

    fn pki(&self) -> PathBuf {
        self.pki.clone().expect("a site with certificates")
    }

    /// `certs issue` for the whole site.
    fn issue(&self, more: &[&str]) {
        let (pki, config) = (self.pki(), self.config());
        let words = ["issue", text(&pki), "--config", text(&config)];
        let words: Vec<&str> = words.iter().chain(more).copied().collect();
        certs(&words).expect(0);
    }

    fn folder_of(&self, name: &'static str) -> PathBuf {
        self.certificates_of(name)
            .expect("a site with certificates")
    }

    /// Puts a certificate of the site's authority into a component's folder that it should not have.
    fn put(&self, name: &'static str, role: Role, whose: &str, validity: Validity) {
        let ours = Authority::open(&self.pki()).expect("it was made");
        put(&ours, &self.folder_of(name), role, whose, validity);
    }

    /// `sci` with the certificates of this folder.
    fn sci_as(&self, folder: &Path, words: &[&str]) -> Ran {
        let words: Vec<&str> = ["--tls", text(folder)]
            .iter()
            .chain(words)
            .copied()
            .collect();
        self.sci(&words)
    }

    fn reach_log(&self, name: &'static str, part: &str) {
        wait_until(BOUND, || {
            if self.log_of(name).contains(part) {
                Ok(())
            } else {
                Err(format!(
                    "'{part}' in the log of {name}: {}",
                    self.log_of(name)
                ))
            }
        });
    }

    /// Complains if a component says this again and again.
    fn no_flood(&self, name: &'static str, part: &str) {
        let count = || self.log_of(name).matches(part).count();
        let before = count();
        std::thread::sleep(A_WHILE);
        let new = count() - before;
        assert!(
            new <= FEW,
            "{name} said '{part}' {new} times in {A_WHILE:?}"
        );
    }
}

fn put(authority: &Authority, folder: &Path, role: Role, whose: &str, validity: Validity) {
    authority
        .issue(&Identity::new(role, whose), &Names::default(), validity)
        .and_then(|issued| issued.write(folder))
        .expect("the folder is ours");
}

fn host2_is(status: HostStatus) -> impl Fn(&Picture) -> bool {
    move |picture| {
        let host = picture
            .hosts
            .iter()
            .find(|host| host.name.as_str() == "host2");
        host.is_some_and(|host| host.status == status)
    }
}

fn without_a_certificate_nothing_is_shown(site: &Site) {
    let mut plain = Command::new(PROGRAM);
    plain
        .args(["sci", "--scs", &format!("http://{}", site.scs), "status"])
        .env_remove("SCI_TLS");
    let plain = plain.output().expect("the binary was built");
    let said = String::from_utf8_lossy(&plain.stderr);
    assert_eq!(plain.status.code(), Some(3), "{said}");
    assert!(
        said.contains("it speaks TLS, and this side was started without: give --tls DIR"),
        "{said}"
    );
    site.reach_log(
        "scs",
        "it does not speak TLS (was it started without --tls?)",
    );
}

#[test]
fn people_do_what_their_certificate_allows_and_are_told_what_it_does_not() {
    let site = Site::up_with_certificates();
    site.sci(&["switchover", "SIP_EAST", "--to", BACKUP])
        .expect(0);
    site.sci(&["switchover", "SIP_EAST", "--to", PRIMARY])
        .expect(0);

    // A viewer looks, and changes nothing.
    let viewer = site.pki().join("people/vera");
    site.sci_as(&viewer, &["status"]).expect(0);
    let refused = site.sci_as(&viewer, &["switchover", "SIP_EAST"]);
    let words = "scs SCS lets only operators change things; viewer vera may not: this call needs a certificate of role \
                 operator";
    assert!(
        refused.code != 0 && refused.err.contains(words),
        "{refused:?}"
    );
    site.reach_log("scs", words);

    without_a_certificate_nothing_is_shown(&site);

    // One that has expired, one of another authority, one of another role.
    let folder = site.folder.join("wrong");
    let ours = Authority::open(&site.pki()).expect("it was made");
    put(&ours, &folder, Role::Operator, "olga", Validity::over());
    let expired = site.sci_as(&folder, &["status"]).expect(3);
    assert!(
        expired
            .err
            .contains("our certificate (operator olga, signed by Ours"),
        "{expired:?}"
    );
    assert!(
        expired.err.contains("has expired: issue a new one"),
        "{expired:?}"
    );
    site.reach_log("scs", "its certificate (operator olga, signed by Ours");

    let theirs = Authority::in_memory("Theirs", Validity::days(1)).expect("a key");
    put(&theirs, &folder, Role::Operator, "olga", Validity::days(1));
    let foreign = site.sci_as(&folder, &["status"]).expect(3);
    assert!(
        foreign.err.contains("signed by Ours")
            && foreign.err.contains("no authority of our ca.pem (Theirs)"),
        "the server's certificate is what this side refuses first: {foreign:?}"
    );
    site.reach_log(
        "scs",
        "it says that no authority of its ca.pem signed our certificate (scs SCS, signed by Ours",
    );

    put(
        &ours,
        &folder,
        Role::Application,
        PRIMARY,
        Validity::days(1),
    );
    let stranger = site.sci_as(&folder, &["status"]);
    assert!(
        stranger.code != 0
            && stranger
                .err
                .contains("application SIP_SERVER_PRIMARY is neither"),
        "{stranger:?}"
    );
}

#[test]
fn an_expired_certificate_stops_new_links_only_and_a_new_one_is_found_without_a_restart() {
    let mut site = Site::up_with_certificates();
    let before = site.picture().expect("it answers");

    site.kill("lca-host2");
    site.put("lca-host2", Role::Lca, "host2", Validity::over());
    site.start("lca-host2");

    site.reach_log("lca-host2", "the certificate of lca host2 has expired");
    site.reach_log("scs", "its certificate (lca host2, signed by Ours");
    site.reach_log(
        "lca-host2",
        "it says that our certificate (lca host2, signed by Ours",
    );
    site.reach(
        "host2 without its agent",
        host2_is(HostStatus::Disconnected),
    );
    site.no_flood("scs", "has expired");
    site.no_flood("lca-host2", "has expired");
    let meanwhile = site.picture().expect("it answers");
    assert_eq!(
        [pid(&meanwhile, PRIMARY), pair(&meanwhile).epoch.0 as u32],
        [pid(&before, PRIMARY), pair(&before).epoch.0 as u32],
        "an agent that cannot prove itself is no lost host"
    );

    let pki = site.pki();
    certs(&["show", text(&pki), "--check"]).expect(1);
    site.issue(&[]);
    certs(&["show", text(&pki), "--check"]).expect(0);

    let after = site.reach_ok(PRIMARY);
    assert_eq!(
        pid(&after, BACKUP),
        pid(&before, BACKUP),
        "nothing was restarted"
    );
    assert_eq!(site.holders_seen(), ["host1"]);
}

#[test]
fn an_agent_under_another_hosts_name_is_refused_until_it_has_its_own_certificate() {
    let mut site = Site::up_with_certificates();
    site.kill("lca-host2");
    site.put("lca-host2", Role::Lca, "host1", Validity::days(1));
    site.start("lca-host2");

    site.reach_log(
        "lca-host2",
        "is the certificate of lca host1, and this process is lca host2",
    );
    site.reach_log(
        "scs",
        "it is lca host1 by its certificate, and not lca host2",
    );
    site.reach_log(
        "lca-host2",
        "it expected another certificate here than ours (lca host1, signed by Ours",
    );
    site.no_flood("scs", "it is lca host1 by its certificate");
    site.no_flood("lca-host2", "it expected another certificate");

    site.issue(&[]);
    site.reach_ok(PRIMARY);
}

#[test]
fn an_applications_certificate_makes_no_scs_and_a_foreign_authority_no_message_server() {
    let mut site = Site::up_with_certificates();
    site.kill("scs");
    site.put("scs", Role::Application, PRIMARY, Validity::days(1));
    site.start("scs");
    site.reach_log(
        "scs",
        "is the certificate of application SIP_SERVER_PRIMARY, and this process is",
    );
    for (lca, host) in [("lca-host1", "host1"), ("lca-host2", "host2")] {
        let refusal =
            format!("lca {host} obeys only the SCS; application SIP_SERVER_PRIMARY is not");
        site.reach_log("scs", &refusal);
        site.reach_log(lca, &refusal);
        site.no_flood(lca, &refusal);
    }
    let distrust = site.sci(&["status"]).expect(3);
    assert!(
        distrust.err.contains("it is application SIP_SERVER_PRIMARY by its certificate, and not a certificate of role scs"),
        "{distrust:?}"
    );
    site.issue(&[]);
    site.reach_ok(PRIMARY);

    site.kill("message-server");
    let theirs = Authority::in_memory("Theirs", Validity::days(1)).expect("a key");
    put(
        &theirs,
        &site.folder_of("message-server"),
        Role::MessageServer,
        "MessageServer",
        Validity::days(1),
    );
    site.start("message-server");
    site.reach_log(
        "scs",
        "its certificate (message-server MessageServer, signed by Theirs",
    );
    site.reach_log(
        "message-server",
        "our certificate (message-server MessageServer, signed by Theirs",
    );
    site.no_flood("scs", "signed by Theirs");
    site.issue(&[]);
    site.reach_ok(PRIMARY);
    site.sci(&["switchover", "SIP_EAST", "--to", BACKUP])
        .expect(0);
}

#[test]
fn an_authority_is_replaced_while_the_site_runs_and_no_link_notices() {
    let mut site = Site::up_with_certificates();
    let (pki, next, config) = (site.pki(), site.folder.join("next"), site.config());
    certs(&["init", text(&next), "--name", "Next"]).expect(0);
    let (old_ca, new_ca) = (pki.join("ca.pem"), next.join("ca.pem"));
    let everybody_reads = |site: &Site| {
        for name in COMPONENTS {
            let reads = site
                .log_of(name)
                .matches("the certificates were read again")
                .count();
            site.signal(name, Signal::HUP);
            wait_until(BOUND, || {
                let now = site
                    .log_of(name)
                    .matches("the certificates were read again")
                    .count();
                if now > reads {
                    Ok(())
                } else {
                    Err(format!("{name} reads its certificates again"))
                }
            });
        }
    };

    // First everybody believes both, then everybody gets a certificate of the new one.
    site.issue(&["--trust", text(&new_ca)]);
    everybody_reads(&site);
    certs(&[
        "issue",
        text(&next),
        "--config",
        text(&config),
        "--trust",
        text(&old_ca),
    ])
    .expect(0);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(next.join("hosts"))
        .arg(&pki)
        .status()
        .expect("cp runs");
    assert!(copied.success());
    everybody_reads(&site);
    for name in COMPONENTS {
        let log = site.log_of(name);
        assert!(!log.contains("is lost; dialling again"), "{name}: {log}");
    }
    site.sci(&["switchover", "SIP_EAST", "--to", BACKUP])
        .expect(0);

    // A broken file changes nothing.
    let folder = site.folder_of("lca-host1");
    let good = std::fs::read(folder.join("cert.pem")).expect("it is there");
    std::fs::write(folder.join("cert.pem"), "half of it").expect("the folder is ours");
    site.signal("lca-host1", Signal::HUP);
    site.reach_log("lca-host1", "those read before stay in force");
    site.kill_and_restart("scs");
    site.reach_ok(BACKUP);
    std::fs::write(folder.join("cert.pem"), good).expect("the folder is ours");

    // New links prove themselves by the new authority.
    site.kill_and_restart("lca-host1");
    site.reach_ok(BACKUP);
    let shown = certs(&["show", text(&folder), "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(shown["certificates"][0]["authority"], "Next");
}
