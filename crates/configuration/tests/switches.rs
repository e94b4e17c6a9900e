//! DNs and the routing table of a Switch: what is written is what the servers get, and `show` loses nothing.

use changeover_configuration::{Loaded, load, show};
use changeover_model::Revision;
use changeover_model::environment::{Dn, DnKind, LcaSlice, Route, Switch};
use std::time::Duration;

const HOT: &str = include_str!("../../../deploy/examples/linux-hot.yaml");
const SWITCH: &str = r#"  SIP_Switch:
    dns:
      "1001": {contact: "sip:10.10.11.51:5060", password: "s3cret!"}
      "2000": {type: routing_point, default_dn: "1001", park_timeout: 90s}
      gateway: {type: trunk, contact: "sip:10.10.11.60", oos-check: 10, oos-force: 2.5s}
    routes:
      - {prefix: "0", trunk: gateway, strip: true}
      - {prefix: "00", trunk: gateway}
"#;

fn loaded(text: &str) -> Loaded {
    load("site.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn with_dns() -> String {
    let at = HOT.find("switches:\n").expect("the example has a switch") + "switches:\n".len();
    let (head, rest) = HOT.split_at(at);
    let (line, rest) = rest.split_once('\n').expect("a switch");
    let name = line.trim().trim_end_matches(": {}");
    format!("{head}{}{rest}", SWITCH.replace("SIP_Switch", name))
}

fn expected() -> Switch {
    let phone = Dn {
        contact: Some("sip:10.10.11.51:5060".to_owned()),
        password: Some("s3cret!".to_owned()),
        ..Dn::default()
    };
    let point = Dn {
        kind: DnKind::RoutingPoint,
        default_dn: Some("1001".to_owned()),
        park_timeout: Some(Duration::from_secs(90)),
        ..Dn::default()
    };
    let gateway = Dn {
        kind: DnKind::Trunk,
        contact: Some("sip:10.10.11.60".to_owned()),
        oos_check: Some(Duration::from_secs(10)),
        oos_force: Some(Duration::from_millis(2_500)),
        ..Dn::default()
    };
    let route = |prefix: &str, strip| Route {
        prefix: prefix.to_owned(),
        trunk: "gateway".to_owned(),
        strip,
    };
    Switch {
        dns: [("1001", phone), ("2000", point), ("gateway", gateway)]
            .map(|(number, dn)| (number.to_owned(), dn))
            .into_iter()
            .collect(),
        routes: vec![route("0", true), route("00", false)],
    }
}

#[test]
fn what_is_written_is_what_both_servers_get_with_their_options() {
    let environment = loaded(&with_dns()).environment;
    assert_eq!(
        environment.switches.values().collect::<Vec<_>>(),
        [&expected()]
    );
    for host in ["host1", "host2"] {
        let slice = LcaSlice::of(&environment, Revision(1), &host.into()).expect("a host");
        let servers = slice.applications.iter().filter(|it| it.switch.is_some());
        let got: Vec<Switch> = servers
            .map(|it| Switch::from_sections(&it.options))
            .collect();
        assert_eq!(got, [expected()], "{host}");
    }
}

#[test]
fn show_writes_a_switch_that_means_the_same() {
    let before = loaded(&with_dns());
    let after = loaded(&show(&before));
    assert_eq!(after.environment.switches, before.environment.switches);
}
