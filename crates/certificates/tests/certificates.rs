//! What an authority makes is what components accept; what lies in a folder is described as it is.

use changeover_certificates::{
    Authority, CertificateError, Kind, Names, People, Standing, Validity, inspect, plan,
};
use changeover_rpc::identity::{Identity, Role};
use changeover_rpc::tls::MutualTls;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

fn lca() -> Identity {
    Identity::new(Role::Lca, "host1")
}

fn issue(authority: &Authority, folder: &Path, validity: Validity) {
    authority
        .issue(&lca(), &Names::default(), validity)
        .and_then(|issued| issued.write(folder))
        .expect("the folder is ours");
}

fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("it was written");
    metadata.permissions().mode() & 0o777
}

#[test]
fn an_authority_is_made_once_with_a_key_for_its_owner_only() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("pki");
    Authority::init(&folder, "East CA", Validity::days(10)).expect("the folder is new");
    assert_eq!(
        [
            mode(&folder),
            mode(&folder.join("ca-key.pem")),
            mode(&folder.join("ca.pem"))
        ],
        [0o700, 0o600, 0o644]
    );
    let key = std::fs::read(folder.join("ca-key.pem")).expect("its owner is us");
    let again = Authority::init(&folder, "East CA", Validity::days(10)).expect_err("there is one");
    assert!(
        matches!(again, CertificateError::NotEmpty { .. }),
        "{again}"
    );
    assert_eq!(std::fs::read(folder.join("ca-key.pem")).ok(), Some(key));
    assert_eq!(
        Authority::open(&folder).expect("it was made").name(),
        "East CA"
    );
}

#[test]
fn a_component_reads_role_and_name_from_what_was_issued_for_it() {
    let place = tempfile::tempdir().expect("a folder");
    let authority = Authority::in_memory("East CA", Validity::days(10)).expect("a key");
    for role in Role::ALL {
        let identity = Identity::new(role, "SIP Server (east) 1");
        let folder = place.path().join(role.as_str());
        let names = Names {
            dns: vec!["host1.example.net".to_owned()],
            addresses: vec!["10.10.11.101".parse().expect("an address")],
        };
        let issued = authority
            .issue(&identity, &names, Validity::days(5))
            .expect("sound names");
        issued.write(&folder).expect("the folder is ours");
        let loaded = MutualTls::load(&folder).expect("a complete folder");
        assert_eq!(loaded.identity(), identity);
        assert_eq!(mode(&folder.join("key.pem")), 0o600);
    }
}

#[test]
fn nothing_is_valid_for_longer_than_its_authority() {
    let authority = Authority::in_memory("East CA", Validity::days(10)).expect("a key");
    let issued = authority
        .issue(&lca(), &Names::default(), Validity::days(825))
        .expect("a sound name");
    assert_eq!(issued.until, authority.validity().until);
}

#[test]
fn an_authority_that_is_over_signs_nothing_and_says_so() {
    let place = tempfile::tempdir().expect("a folder");
    Authority::init(place.path(), "Old CA", Validity::over()).expect("the folder is empty");
    let refused = Authority::open(place.path()).expect_err("it is over");
    assert!(
        refused
            .to_string()
            .starts_with("the authority Old CA is valid from"),
        "{refused}"
    );
}

#[test]
fn a_folder_without_an_authority_says_how_to_make_one() {
    let place = tempfile::tempdir().expect("a folder");
    let refused = Authority::open(place.path()).expect_err("it is empty");
    assert!(
        refused.to_string().contains("changeover certs init"),
        "{refused}"
    );
    let (one, other) = (place.path().join("one"), place.path().join("other"));
    Authority::init(&one, "One", Validity::days(1)).expect("new");
    Authority::init(&other, "Other", Validity::days(1)).expect("new");
    std::fs::copy(other.join("ca-key.pem"), one.join("ca-key.pem")).expect("ours");
    let refused = Authority::open(&one).expect_err("the files are of two");
    assert!(
        refused
            .to_string()
            .contains("ca-key.pem is the key of another authority"),
        "{refused}"
    );
}

#[test]
fn a_name_that_cannot_stand_in_a_uri_or_name_a_folder_is_refused() {
    let authority = Authority::in_memory("East CA", Validity::days(1)).expect("a key");
    for name in [
        "",
        "a/b",
        "..",
        ".hidden",
        "zwölf",
        "a\nb",
        &"x".repeat(256),
    ] {
        let refused = authority
            .issue(
                &Identity::new(Role::Viewer, name),
                &Names::default(),
                Validity::days(1),
            )
            .expect_err("no such name");
        assert!(
            matches!(refused, CertificateError::Name { .. }),
            "{name:?}: {refused}"
        );
    }
}

#[test]
fn what_lies_in_a_folder_is_described_and_what_does_not_fit_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let (pki, mine) = (place.path().join("pki"), place.path().join("mine"));
    let authority = Authority::init(&pki, "East CA", Validity::days(100)).expect("new");
    issue(&authority, &mine, Validity::days(20));
    let found = &inspect(&mine).expect("it is there")[0];
    let now = SystemTime::now();
    assert_eq!(found.kind, Kind::Component(lca()));
    assert_eq!(found.authority, "East CA");
    assert_eq!(found.days_left(now), 19);
    assert_eq!(found.fingerprint.len(), 64);
    assert_eq!(found.faults, Vec::<String>::new());
    assert_eq!(
        [19, 30].map(|days| found.standing(now, DAY * days)),
        [Standing::Good, Standing::ExpiresSoon]
    );
    assert_eq!(found.standing(now + DAY * 21, DAY), Standing::Expired);
    assert_eq!(found.days_left(now + DAY * 21), -2);
    assert_eq!(found.standing(now - DAY, DAY), Standing::NotYetValid);

    // The key of another one, the authority of another one, no role at all.
    let other = place.path().join("other");
    let theirs = Authority::in_memory("Theirs", Validity::days(100)).expect("a key");
    issue(&theirs, &other, Validity::days(20));
    std::fs::copy(other.join("key.pem"), mine.join("key.pem")).expect("ours");
    std::fs::copy(other.join("ca.pem"), mine.join("ca.pem")).expect("ours");
    let faults = &inspect(&mine).expect("it is there")[0].faults;
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].contains("key of another certificate"),
        "{faults:?}"
    );
    assert!(faults[1].contains("did not sign it"), "{faults:?}");

    // The authority's folder with everything below it.
    issue(&authority, &pki.join("hosts/host1/lca"), Validity::days(20));
    let all = inspect(&pki).expect("it is there");
    let kinds: Vec<&Kind> = all.iter().map(|found| &found.kind).collect();
    assert_eq!(kinds, [&Kind::Authority, &Kind::Component(lca())]);
}

#[test]
fn a_place_without_certificates_is_no_good_answer() {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("text"), "no certificate").expect("ours");
    for path in [
        place.path().to_owned(),
        place.path().join("text"),
        place.path().join("none"),
    ] {
        let refused = inspect(&path).expect_err("there is none");
        assert!(
            matches!(refused, CertificateError::Nothing { .. }),
            "{refused}"
        );
    }
}

#[test]
fn an_environment_needs_one_folder_per_host_and_an_operator() {
    let text = include_str!("../../../deploy/examples/linux-hot.yaml");
    let loaded = changeover_configuration::load("linux-hot.yaml", text).expect("a shipped example");
    let people = People {
        operators: vec!["alice".to_owned()],
        viewers: vec!["bob".to_owned()],
    };
    let planned: Vec<String> = plan(&loaded.environment, &people)
        .iter()
        .map(|planned| format!("{} {}", planned.folder.display(), planned.identity.to_uri()))
        .collect();
    assert_eq!(
        planned,
        [
            "hosts/mgmt1/scs changeover://scs/SCS",
            "hosts/mgmt1/message-server changeover://message-server/MessageServer",
            "hosts/host1/lca changeover://lca/host1",
            "hosts/host1/lca/SIP_SERVER_PRIMARY changeover://application/SIP_SERVER_PRIMARY",
            "hosts/host2/lca changeover://lca/host2",
            "hosts/host2/lca/SIP_SERVER_BACKUP changeover://application/SIP_SERVER_BACKUP",
            "hosts/mgmt1/sci changeover://operator/operator",
            "people/alice changeover://operator/alice",
            "people/bob changeover://viewer/bob",
        ]
    );
}
