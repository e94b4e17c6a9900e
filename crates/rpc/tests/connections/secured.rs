//! Mutual TLS: who is let in, and what is said to those who are not.

use crate::certificates::{Authority, load};
use crate::echo_lca::{beat, beat_answered, link, next, run};
use changeover_rpc::identity::Role;
use changeover_rpc::link::{LinkEvent, LinkLoss};
use changeover_rpc::tls::{Expected, LinkSecurity};

const SCS: &str = "changeover://scs/SCS";
const LCA: &str = "changeover://lca/host1";

/// What a client hears of a server.
async fn first_event(
    server: &LinkSecurity,
    client: &LinkSecurity,
) -> LinkEvent<changeover_model::message::FromLca> {
    let lca = run(0, true, server).await;
    let (_handle, mut events) = link(lca.address, client);
    next(&mut events).await
}

async fn tls_loss(server: &LinkSecurity, client: &LinkSecurity) -> String {
    match first_event(server, client).await {
        LinkEvent::NotConnected {
            reason: LinkLoss::Tls(reason),
        } => reason,
        other => panic!("TLS should have failed: {other:?}"),
    }
}

#[tokio::test]
async fn both_sides_prove_who_they_are_and_talk() {
    let authority = Authority::new();
    let lca = run(0, true, &authority.issue(LCA)).await;
    let (handle, mut events) = link(lca.address, &authority.issue(SCS));
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );
    handle.send(1, beat(1)).expect("there is room");
    assert_eq!(next(&mut events).await, beat_answered(1, 1));
}

#[tokio::test]
async fn a_caller_of_the_wrong_role_is_told_which_certificate_it_needs() {
    let authority = Authority::new();
    let viewer = authority.issue("changeover://viewer/alice");
    assert_eq!(
        first_event(&authority.issue(LCA), &viewer).await,
        LinkEvent::NotConnected {
            reason: LinkLoss::Rejected {
                code: tonic::Code::PermissionDenied,
                message: "lca host1 obeys only the SCS; viewer alice is not: this call needs a certificate \
                          of role scs"
                    .to_owned()
            }
        }
    );
}

#[tokio::test]
async fn a_server_of_another_name_or_role_is_not_believed() {
    let authority = Authority::new();
    let scs = authority.issue(SCS);
    for (uri, who) in [
        ("changeover://lca/host2", "lca host2"),
        ("changeover://application/host1", "application host1"),
    ] {
        assert_eq!(
            tls_loss(&authority.issue(uri), &scs).await,
            format!(
                "it is {who} by its certificate, and not lca host1: put the right certificate there, or correct the \
                 address"
            )
        );
    }
}

/// Where the certificate of a message lay is not what these tests are about.
fn without_place(reason: &str) -> String {
    match reason.split_once(", /") {
        Some((before, after)) => {
            let (_, rest) = after.split_once("cert.pem").expect("it names the file");
            format!("{before}, DIR/cert.pem{rest}")
        }
        None => reason.to_owned(),
    }
}

#[tokio::test]
async fn certificates_of_a_foreign_authority_are_refused_by_either_side_with_both_authorities() {
    let (ours, foreign) = (Authority::new(), Authority::named("Theirs"));
    assert_eq!(
        tls_loss(&foreign.issue_trusting(&ours, LCA), &ours.issue(SCS)).await,
        "its certificate (lca host1, signed by Theirs, valid 2020-01-01 to 2090-01-01) is signed by no authority of our \
         ca.pem (Ours): both sides' certificates must come from one authority (`changeover certs show` tells which)"
    );
    let reason = tls_loss(&ours.issue(LCA), &foreign.issue_trusting(&ours, SCS)).await;
    assert_eq!(
        without_place(&reason),
        "it says that no authority of its ca.pem signed our certificate (scs SCS, signed by Theirs, valid 2020-01-01 to \
         2090-01-01, DIR/cert.pem): both sides' certificates must come from one authority (`changeover certs show` \
         tells which)"
    );
}

#[tokio::test]
async fn expired_certificates_are_refused_by_either_side_with_the_day() {
    let authority = Authority::new();
    assert_eq!(
        tls_loss(&authority.issue_expired(LCA), &authority.issue(SCS)).await,
        "its certificate (lca host1, signed by Ours, valid 2020-01-01 to 2021-01-01) has expired: issue a new one with \
         `changeover certs issue` and put it into its --tls folder"
    );
    let reason = tls_loss(&authority.issue(LCA), &authority.issue_expired(SCS)).await;
    assert_eq!(
        without_place(&reason),
        "it says that our certificate (scs SCS, signed by Ours, valid 2020-01-01 to 2021-01-01, DIR/cert.pem) has \
         expired: issue a new one with `changeover certs issue`"
    );
}

#[tokio::test]
async fn a_link_comes_up_by_itself_once_the_right_certificate_lies_there() {
    let authority = Authority::new();
    let folder = authority.folder(&[LCA]);
    authority.put_expired(LCA, folder.path());
    let lca = run(0, true, &load(folder.path())).await;
    let (_handle, mut events) = link(lca.address, &authority.issue(SCS));
    assert!(matches!(
        next(&mut events).await,
        LinkEvent::NotConnected {
            reason: LinkLoss::Tls(_)
        }
    ));

    authority.put(LCA, folder.path());

    connected(&mut events).await;
}

#[tokio::test]
async fn a_caller_too_finds_its_new_certificate() {
    let authority = Authority::new();
    let folder = authority.folder(&[SCS]);
    authority.put_expired(SCS, folder.path());
    let lca = run(0, true, &authority.issue(LCA)).await;
    let (_handle, mut events) = link(lca.address, &load(folder.path()));
    assert!(matches!(
        next(&mut events).await,
        LinkEvent::NotConnected {
            reason: LinkLoss::Tls(_)
        }
    ));

    authority.put(SCS, folder.path());

    connected(&mut events).await;
}

/// The link dials until it stands; how often it is refused before, the disk decides.
async fn connected(
    events: &mut tokio::sync::mpsc::Receiver<LinkEvent<changeover_model::message::FromLca>>,
) {
    loop {
        match next(events).await {
            LinkEvent::Connected { .. } => return,
            LinkEvent::NotConnected {
                reason: LinkLoss::Tls(_),
            } => {}
            other => panic!("only certificates stand between them: {other:?}"),
        }
    }
}

#[tokio::test]
async fn after_a_reload_new_connections_use_the_new_certificate_and_the_open_one_stays() {
    let authority = Authority::new();
    let folder = authority.folder(&[LCA]);
    let security = load(folder.path());
    let lca = run(0, true, &security).await;
    let scs = authority.issue(SCS);
    let (handle, mut events) = link(lca.address, &scs);
    assert_eq!(
        next(&mut events).await,
        LinkEvent::Connected { connection: 1 }
    );

    authority.put_expired(LCA, folder.path());
    security.reload().await;

    handle.send(1, beat(1)).expect("there is room");
    assert_eq!(next(&mut events).await, beat_answered(1, 1));
    let (_other, mut other) = link(lca.address, &scs);
    let LinkEvent::NotConnected {
        reason: LinkLoss::Tls(reason),
    } = next(&mut other).await
    else {
        panic!("the new certificate has expired");
    };
    assert!(reason.contains("has expired"), "{reason}");
}

#[tokio::test]
async fn files_that_cannot_be_used_leave_the_old_ones_in_force() {
    let authority = Authority::new();
    let folder = authority.folder(&[LCA]);
    let security = load(folder.path());
    security.this_is(Expected::named(Role::Lca, "host1"));
    let lca = run(0, true, &security).await;
    let scs = authority.issue(SCS);
    for spoil in [
        |folder: &std::path::Path, _: &Authority| {
            std::fs::write(folder.join("key.pem"), "nothing").expect("the folder is ours");
        },
        |folder: &std::path::Path, authority: &Authority| {
            authority.put("changeover://lca/host2", folder);
        },
    ] {
        spoil(folder.path(), &authority);
        security.reload().await;
        let (_handle, mut events) = link(lca.address, &scs);
        assert_eq!(
            next(&mut events).await,
            LinkEvent::Connected { connection: 1 }
        );
    }
}

#[tokio::test]
async fn one_side_without_tls_is_told_apart_from_a_dead_one() {
    let authority = Authority::new();
    let reason = tls_loss(&LinkSecurity::Plain, &authority.issue(SCS)).await;
    assert_eq!(
        reason,
        "it does not speak TLS (was it started without --tls?)"
    );
    let LinkEvent::NotConnected {
        reason: LinkLoss::Tls(reason),
    } = first_event(&authority.issue(LCA), &LinkSecurity::Plain).await
    else {
        panic!("a TLS server refuses plain connections");
    };
    assert_eq!(
        reason,
        "it speaks TLS, and this side was started without: give --tls DIR (sci: also SCI_TLS=DIR); `changeover certs \
         issue` makes the files"
    );
}

fn load_error(folder: &tempfile::TempDir) -> String {
    LinkSecurity::from_arguments(Some(folder.path()), false)
        .expect_err("the folder is not as it should be")
        .to_string()
        .replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn a_folder_that_cannot_be_used_says_what_is_wrong_with_which_file() {
    let authority = Authority::new();
    let folder = authority.folder(&[LCA]);
    std::fs::write(folder.path().join("key.pem"), "nothing").expect("the folder is ours");
    assert_eq!(
        load_error(&folder),
        "DIR/key.pem: there is no private key in it; a TLS folder holds ca.pem, cert.pem and key.pem \
         (`changeover certs issue` writes one)"
    );
    std::fs::remove_file(folder.path().join("ca.pem")).expect("it is there");
    assert_eq!(
        load_error(&folder),
        "DIR/ca.pem: No such file or directory (os error 2); a TLS folder holds ca.pem, cert.pem and \
         key.pem (`changeover certs issue` writes one)"
    );
}

#[test]
fn a_key_of_another_certificate_is_noticed_at_start() {
    let authority = Authority::new();
    let (folder, other) = (authority.folder(&[LCA]), authority.folder(&[LCA]));
    std::fs::copy(other.path().join("key.pem"), folder.path().join("key.pem"))
        .expect("the folder is ours");
    assert_eq!(
        load_error(&folder),
        "DIR: cert.pem and key.pem cannot be used: keys may not be consistent: KeyMismatch"
    );
}

#[test]
fn a_certificate_names_exactly_one_role() {
    let authority = Authority::new();
    let advice = "issue it with `changeover certs issue DIR --role ROLE --name NAME`";
    for (uris, reason) in [
        (
            vec!["https://example.net"],
            "it has no URI changeover://ROLE/NAME among its names",
        ),
        (vec![LCA, SCS], "it names more than one role"),
        (
            vec!["changeover://king/host1"],
            "'changeover://king/host1' is no changeover://ROLE/NAME",
        ),
    ] {
        assert_eq!(
            load_error(&authority.folder(&uris)),
            format!("DIR/cert.pem: {reason}; {advice}")
        );
    }
}

#[test]
fn tls_and_insecure_are_not_given_together() {
    let folder = Authority::new().folder(&[LCA]);
    let error = LinkSecurity::from_arguments(Some(folder.path()), true).expect_err("which one?");
    assert_eq!(
        error.to_string(),
        "--tls and --insecure contradict each other: give one of them"
    );
}
