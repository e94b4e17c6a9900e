//! `vipctl` as its caller sees it (arguments and environment in; output and exit code out), on a network of paper.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use super::{run_with, within};
use crate::{
    AddressError, AddressEvent, Addresses, Change, Guarded, HeldAddress, MacAddress, Nic, Pending,
    ProbeAnswer, Snapshot, VirtualAddress,
};

const RIVAL: MacAddress = [2, 0, 0, 0, 0, 9];

/// One host with `eth0`, whose neighbours answer probes as told.
#[derive(Default)]
struct Paper {
    held: Mutex<Vec<HeldAddress>>,
    announced: Mutex<Vec<IpAddr>>,
    lifetimes: Mutex<Vec<(IpAddr, Option<Duration>)>>,
    /// Answers to probes, in order; free when none are left.
    answers: Mutex<VecDeque<ProbeAnswer>>,
    not_permitted: bool,
    /// An address that somebody takes away as soon as it is added.
    haunted: Option<IpAddr>,
    cannot_announce: bool,
}

impl Paper {
    fn holding(addresses: &[(&str, u8)]) -> Self {
        let held = addresses.iter().map(|(address, prefix)| HeldAddress {
            address: address.parse().expect("literal"),
            prefix: *prefix,
            interface: "eth0".to_owned(),
            label: None,
        });
        Self {
            held: Mutex::new(held.collect()),
            ..Self::default()
        }
    }

    fn addresses(&self) -> Vec<String> {
        let held = self.held.lock().expect("no test panics with it");
        held.iter()
            .map(|held| format!("{}/{}", held.address, held.prefix))
            .collect()
    }

    fn change(&self, operation: &str) -> Result<(), AddressError> {
        match self.not_permitted {
            true => Err(AddressError::NotPermitted {
                operation: operation.to_owned(),
            }),
            false => Ok(()),
        }
    }
}

impl Addresses for Paper {
    fn snapshot(&self) -> Pending<'_, Snapshot> {
        let addresses = self.held.lock().expect("no test panics with it").clone();
        let eth0 = Nic {
            name: "eth0".to_owned(),
            index: 2,
            up: true,
            carrier: true,
            mac: Some([2, 0, 0, 0, 0, 1]),
        };
        let nics = vec![eth0];
        Box::pin(async { Ok(Snapshot { nics, addresses }) })
    }

    fn watch(&self, guarded: Vec<Guarded>) -> Pending<'_, mpsc::Receiver<AddressEvent>> {
        Box::pin(async move {
            let (events, receiver) = mpsc::channel(4);
            let mut told = vec![AddressEvent::Changed(self.snapshot().await?)];
            told.extend(
                guarded
                    .into_iter()
                    .map(|guarded| AddressEvent::RivalSighted {
                        address: guarded.address,
                        interface: guarded.interface,
                        mac: RIVAL,
                    }),
            );
            for event in told {
                events.send(event).await.expect("the receiver is held");
            }
            Ok(receiver)
        })
    }

    fn add<'a>(&'a self, wanted: &'a VirtualAddress) -> Pending<'a, Change> {
        Box::pin(async move {
            self.change("adding")?;
            if wanted.interface != "eth0" {
                let interface = wanted.interface.clone();
                return Err(AddressError::NoSuchInterface { interface });
            }
            let mut held = self.held.lock().expect("no test panics with it");
            let same = |held: &HeldAddress| held.address == wanted.address;
            if held
                .iter()
                .any(|held| same(held) && held.prefix == wanted.prefix)
            {
                return Ok(Change::AlreadySo);
            }
            held.retain(|held| !same(held));
            if self.haunted != Some(wanted.address) {
                held.push(HeldAddress {
                    address: wanted.address,
                    prefix: wanted.prefix,
                    interface: wanted.interface.clone(),
                    label: wanted.label.clone(),
                });
            }
            Ok(Change::Done)
        })
    }

    fn renew(&self, address: IpAddr, lifetime: Option<Duration>) -> Pending<'_, Change> {
        Box::pin(async move {
            self.change("renewing")?;
            let mut lifetimes = self.lifetimes.lock().expect("no test panics with it");
            lifetimes.push((address, lifetime));
            Ok(Change::Done)
        })
    }

    fn remove(&self, address: IpAddr) -> Pending<'_, Change> {
        Box::pin(async move {
            self.change("removing")?;
            let mut held = self.held.lock().expect("no test panics with it");
            let before = held.len();
            held.retain(|held| held.address != address);
            match held.len() == before {
                true => Ok(Change::AlreadySo),
                false => Ok(Change::Done),
            }
        })
    }

    fn announce<'a>(&'a self, address: IpAddr, _interface: &'a str) -> Pending<'a, ()> {
        Box::pin(async move {
            if self.cannot_announce {
                return Err(AddressError::Refused {
                    operation: "announcing".to_owned(),
                    reason: "the interface is off".to_owned(),
                });
            }
            let mut announced = self.announced.lock().expect("no test panics with it");
            announced.push(address);
            Ok(())
        })
    }

    fn probe<'a>(
        &'a self,
        _address: IpAddr,
        _interface: &'a str,
        _wait: Duration,
    ) -> Pending<'a, ProbeAnswer> {
        let mut answers = self.answers.lock().expect("no test panics with it");
        let answer = answers.pop_front().unwrap_or(ProbeAnswer::Free);
        Box::pin(async move { Ok(answer) })
    }
}

struct Ran {
    code: u8,
    out: String,
    err: String,
}

fn vipctl(paper: &Arc<Paper>, environment: &[(&str, &str)], line: &str) -> Ran {
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let args = std::iter::once("vipctl").chain(line.split_whitespace());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let paper: Arc<dyn Addresses> = paper.clone();
    let code = run_with(
        args.map(Into::into),
        &variable,
        || Ok(paper),
        &mut out,
        &mut err,
    );
    Ran {
        code,
        out: String::from_utf8(out).expect("text"),
        err: String::from_utf8(err).expect("text"),
    }
}

#[test]
fn up_adds_announces_and_a_second_up_finds_it_already_so() {
    let paper = Arc::new(Paper::default());
    let line = "up 10.10.11.103/24 --interface eth0 --label eth0:1";

    let first = vipctl(&paper, &[], line);
    assert_eq!(
        first.out,
        "10.10.11.103/24 on eth0 (eth0:1): added, announced\n"
    );
    assert_eq!((first.code, first.err.as_str()), (0, ""));

    let second = vipctl(&paper, &[], line);
    assert_eq!(
        second.out,
        "10.10.11.103/24 on eth0 (eth0:1): already so, announced\n"
    );
    assert_eq!(second.code, 0);
    assert_eq!(paper.addresses(), ["10.10.11.103/24"]);
}

#[test]
fn no_announce_leaves_telling_the_neighbours_to_others() {
    let paper = Arc::new(Paper::default());
    let ran = vipctl(
        &paper,
        &[],
        "up 10.10.11.103/24 --interface eth0 --no-announce",
    );
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "10.10.11.103/24 on eth0: added\n")
    );
    assert!(paper.announced.lock().expect("unpoisoned").is_empty());
}

#[test]
fn a_control_script_gets_its_lists_from_the_environment() {
    let paper = Arc::new(Paper::default());
    let environment = [
        ("CHANGEOVER_VIP", "10.10.11.103 fd00::103"),
        ("CHANGEOVER_PREFIX", "24 64"),
        ("CHANGEOVER_INTERFACE", "eth0 eth0"),
        ("CHANGEOVER_LABEL", "eth0:1 -"),
    ];
    let up = vipctl(&paper, &environment, "up");
    assert_eq!(
        up.out,
        "10.10.11.103/24 on eth0 (eth0:1): added, announced\nfd00::103/64 on eth0: added, announced\n"
    );
    let down = vipctl(&paper, &environment[..1], "down");
    assert_eq!(down.out, "10.10.11.103: removed\nfd00::103: removed\n");
    assert_eq!((up.code, down.code), (0, 0));
    assert_eq!(paper.addresses(), [""; 0]);
}

#[tokio::test]
async fn an_agent_carries_up_and_down_out_in_its_own_process() {
    let paper = Paper::default();
    let environment = |name: &str| match name {
        "CHANGEOVER_VIP" => Some("10.10.11.103".to_owned()),
        "CHANGEOVER_PREFIX" => Some("24".to_owned()),
        "CHANGEOVER_INTERFACE" => Some("eth0".to_owned()),
        _ => None,
    };
    let order = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };

    let up = within(&order("up --no-announce"), environment, &paper).await;
    assert_eq!(
        (up.code, up.output.as_str()),
        (0, "10.10.11.103/24 on eth0: added\n")
    );
    let misuse = within(&order("up 10.10.11.103"), environment, &paper).await;
    assert_eq!(
        (misuse.code, misuse.output.as_str()),
        (
            2,
            "vipctl: the addresses need an interface; add --interface IF\n"
        )
    );
    let down = within(&order("down"), environment, &paper).await;
    assert_eq!(
        (down.code, down.output.as_str()),
        (0, "10.10.11.103: removed\n")
    );
}

#[test]
fn under_fencing_up_gives_each_address_the_lifetime_that_the_lca_names() {
    let paper = Arc::new(Paper::default());
    let environment = [
        ("CHANGEOVER_VIP", "10.10.11.103"),
        ("CHANGEOVER_PREFIX", "24"),
        ("CHANGEOVER_INTERFACE", "eth0"),
        ("CHANGEOVER_ADDRESS_LIFETIME", "10"),
    ];
    assert_eq!(vipctl(&paper, &environment, "up").code, 0);
    let lifetimes = paper.lifetimes.lock().expect("no test panics with it");
    let vip = "10.10.11.103".parse().expect("literal");
    assert_eq!(*lifetimes, [(vip, Some(Duration::from_secs(10)))]);
}

#[test]
fn down_goes_by_address_whatever_the_prefix_and_twice_is_no_error() {
    let paper = Arc::new(Paper::holding(&[("10.10.11.103", 8)]));
    let first = vipctl(
        &paper,
        &[],
        "down 10.10.11.103/24 --interface eth0 --label eth0:1 --no-announce",
    );
    let second = vipctl(&paper, &[], "down 10.10.11.103");
    assert_eq!(
        (first.code, first.out.as_str()),
        (0, "10.10.11.103: removed\n")
    );
    assert_eq!(
        (second.code, second.out.as_str()),
        (0, "10.10.11.103: already so\n")
    );
}

#[test]
fn an_address_that_does_not_stay_is_named_and_the_others_are_done() {
    let paper = Arc::new(Paper {
        haunted: Some("10.10.11.103".parse().expect("literal")),
        ..Paper::default()
    });
    let ran = vipctl(
        &paper,
        &[],
        "up 10.10.11.103/24 10.10.11.104/24 --interface eth0",
    );
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.err,
        "vipctl: 10.10.11.103: read back, it is not there; something else removes it\n"
    );
    assert_eq!(paper.addresses(), ["10.10.11.104/24"]);
}

#[test]
fn an_address_that_could_not_be_announced_is_not_as_wanted() {
    let paper = Arc::new(Paper {
        cannot_announce: true,
        ..Paper::default()
    });
    let ran = vipctl(&paper, &[], "up 10.10.11.103/24 --interface eth0");
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.out,
        "10.10.11.103/24 on eth0: added: not announced: announcing: refused: the interface is off\n"
    );
}

#[test]
fn with_a_probe_wait_nothing_is_added_while_another_host_answers() {
    let paper = Arc::new(Paper {
        answers: Mutex::new(vec![ProbeAnswer::HeldBy(RIVAL); 100].into()),
        ..Paper::default()
    });
    let ran = vipctl(
        &paper,
        &[],
        "up 10.10.11.103/24 --interface eth0 --probe-wait 30ms",
    );
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.out,
        "10.10.11.103/24 on eth0: not added: 02:00:00:00:00:09 still had it after 30ms\n"
    );
    assert_eq!(paper.addresses(), [""; 0]);
}

#[test]
fn with_a_probe_wait_the_address_is_added_once_the_other_host_let_go() {
    let paper = Arc::new(Paper {
        answers: Mutex::new(vec![ProbeAnswer::HeldBy(RIVAL); 3].into()),
        ..Paper::default()
    });
    let ran = vipctl(
        &paper,
        &[],
        "up 10.10.11.103/24 --interface eth0 --probe-wait 1m",
    );
    assert_eq!(
        (ran.code, paper.addresses()),
        (0, vec!["10.10.11.103/24".to_owned()])
    );
}

#[test]
fn what_is_already_here_is_not_asked_for() {
    let paper = Arc::new(Paper {
        answers: Mutex::new(vec![ProbeAnswer::HeldBy(RIVAL)].into()),
        ..Paper::holding(&[("10.10.11.103", 24)])
    });
    let ran = vipctl(
        &paper,
        &[],
        "up 10.10.11.103/24 --interface eth0 --probe-wait 1ms",
    );
    assert_eq!(ran.out, "10.10.11.103/24 on eth0: already so, announced\n");
    assert_eq!(paper.answers.lock().expect("unpoisoned").len(), 1);
}

#[test]
fn without_permission_it_says_what_is_needed() {
    let paper = Arc::new(Paper {
        not_permitted: true,
        ..Paper::default()
    });
    for line in ["up 10.10.11.103/24 --interface eth0", "down 10.10.11.103"] {
        let ran = vipctl(&paper, &[], line);
        assert_eq!(ran.code, 3, "{line}");
        assert!(
            ran.err.contains("needs root or CAP_NET_ADMIN"),
            "{}",
            ran.err
        );
    }
}

const TWO: (&str, &str) = ("CHANGEOVER_VIP", "10.10.11.103 10.10.11.104");
/// Arguments, environment, part of the complaint.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const UNUSABLE_INPUT: &[Case] = &[
    ("up", &[], "CHANGEOVER_VIP is not set"),
    (
        "down",
        &[("CHANGEOVER_VIP", " ")],
        "CHANGEOVER_VIP is not set",
    ),
    ("up", &[TWO], "CHANGEOVER_PREFIX is not set"),
    (
        "up",
        &[TWO, ("CHANGEOVER_PREFIX", "24")],
        "CHANGEOVER_PREFIX has 1 entries for 2",
    ),
    (
        "up 10.10.11.103 --interface eth0",
        &[],
        "is no address with prefix",
    ),
    (
        "up 10.10.11.103/33 --interface eth0",
        &[],
        "IPv4 has 0 to 32",
    ),
    ("up 10.10.11/24 --interface eth0", &[], "is no IP address"),
    ("up 10.10.11.103/24", &[], "add --interface IF"),
    (
        "up 10.10.11.103/24 --interface eth0/x",
        &[],
        "cannot be an interface's name",
    ),
    (
        "up 10.10.11.103/24 --interface eth0 --label eth1:1",
        &[],
        "does not fit eth0",
    ),
    (
        "up 10.10.11.103/24 10.10.11.103/24 --interface eth0",
        &[],
        "is named twice",
    ),
    (
        "up 10.10.11.103/24 --interface eth0 --probe-wait 1",
        &[],
        "is no duration",
    ),
    (
        "up 10.10.11.103/24 --interface eth0 --probe-wait 2h",
        &[],
        "is no duration",
    ),
    (
        "up 10.10.11.103/24 --interface eth7",
        &[],
        "no interface is called \"eth7\"",
    ),
    ("probe 192.0.2.1", &[], "say where to ask with --interface"),
    ("sideways", &[], "unrecognized subcommand"),
];

#[test]
fn unusable_input_is_explained_and_changes_nothing() {
    let paper = Arc::new(Paper::default());
    for (line, environment, complaint) in UNUSABLE_INPUT {
        let ran = vipctl(&paper, environment, line);
        assert_eq!(ran.code, 2, "{line}: {}", ran.err);
        assert!(ran.err.contains(complaint), "{line}: {}", ran.err);
        assert_eq!(ran.out, "", "{line}");
    }
    assert_eq!(paper.addresses(), [""; 0]);
}

#[test]
fn probe_finds_the_interface_by_its_subnet_and_names_the_holder() {
    let paper = Arc::new(Paper {
        answers: Mutex::new(vec![ProbeAnswer::HeldBy(RIVAL)].into()),
        ..Paper::holding(&[("10.10.11.101", 24)])
    });
    let held = vipctl(&paper, &[], "probe 10.10.11.103");
    let free = vipctl(&paper, &[], "probe 10.10.11.103 --format json");
    assert_eq!(
        (held.code, held.out.as_str()),
        (1, "10.10.11.103 on eth0: held by 02:00:00:00:00:09\n")
    );
    let json: serde_json::Value = serde_json::from_str(&free.out).expect("JSON");
    assert_eq!(
        (free.code, &json["addresses"][0]["free"]),
        (0, &serde_json::json!(true))
    );
}

#[test]
fn show_lists_what_stands_where() {
    let paper = Arc::new(Paper::holding(&[("10.10.11.101", 24)]));
    let ran = vipctl(&paper, &[], "show");
    assert_eq!(
        ran.out,
        "INTERFACE  STATE  MAC                ADDRESS          LABEL\n\
         eth0       up     02:00:00:00:00:01  10.10.11.101/24  -\n"
    );
}

#[test]
fn results_for_programs_keep_their_keys() {
    let paper = Arc::new(Paper::default());
    let ran = vipctl(
        &paper,
        &[],
        "up 10.10.11.103/24 --interface eth0 --format json",
    );
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let expected = serde_json::json!({"verb": "up", "addresses": [{
        "address": "10.10.11.103", "prefix": 24, "interface": "eth0", "label": null,
        "change": "done", "announced": true, "as_wanted": true, "reason": null}]});
    assert_eq!(json, expected);
}

#[test]
fn watch_writes_a_line_for_each_event_and_ends_when_the_source_does() {
    let paper = Arc::new(Paper::default());
    let ran = vipctl(
        &paper,
        &[],
        "watch 10.10.11.103 --interface eth0 --format json",
    );
    let lines: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["changed"]["nics"][0]["name"], "eth0");
    assert_eq!(lines[1]["rival"]["mac"], "02:00:00:00:00:09");
    assert_eq!(ran.code, 3);
}

#[test]
fn help_is_an_answer_and_documents_the_exit_codes() {
    for line in [
        "--help",
        "up --help",
        "down --help",
        "show --help",
        "probe --help",
    ] {
        let ran = vipctl(&Arc::new(Paper::default()), &[], line);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}");
        assert!(ran.out.contains("Examples:"), "{line}: {}", ran.out);
        assert!(ran.out.contains("Exit codes:"), "{line}: {}", ran.out);
    }
}
