//! A site as Prometheus sees it: every component is scraped before and after a switchover, and counts, holders and run
//! modes are where they belong. What a component exports in detail is tested beside it.

use crate::asking::{BACKUP, BOUND, PRIMARY, pair};
use crate::environment::{VIP, Wishes};
use crate::site::{Site, wait_until};
use changeover_metrics::exposition;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// What a component says where it serves its metrics.
const SERVED: &str = "metrics are served at http://";

/// A scrape: series with their values.
type Scrape = BTreeMap<String, f64>;

impl Site {
    /// Where something that logs says that it can be scraped; the newest word counts.
    fn scraped_at(&self, what: &str) -> Option<SocketAddr> {
        let log = match what {
            PRIMARY | BACKUP => {
                let lca = if what == PRIMARY {
                    "lca-host1"
                } else {
                    "lca-host2"
                };
                let output = self
                    .folder
                    .join("state")
                    .join(lca)
                    .join("output")
                    .join(what);
                std::fs::read_to_string(output).unwrap_or_default()
            }
            component => self.log_of(component),
        };
        let (_, rest) = log.rsplit_once(SERVED)?;
        rest.split("/metrics").next()?.parse().ok()
    }

    fn exposition(&self, what: &str) -> Result<String, String> {
        let at = self
            .scraped_at(what)
            .ok_or_else(|| format!("{what} serves no metrics"))?;
        let answer = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(at)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: site\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        };
        let text = answer().map_err(|error| format!("{what} at {at}: {error}"))?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no answer of HTTP")?;
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("{what}: {head}"));
        }
        Ok(body.to_owned())
    }

    /// Scrapes until everything that is wanted is there.
    fn scrape(&self, what: &str, wanted: &[(&str, Wanted)]) -> Scrape {
        let mut found = None;
        wait_until(BOUND, || {
            let text = self.exposition(what)?;
            assert_eq!(exposition::faults(&text), Vec::<String>::new(), "{text}");
            let scrape = exposition::samples(&text);
            for (series, wanted) in wanted {
                let value = scrape.get(*series).copied();
                if !wanted.is_met(value) {
                    return Err(format!(
                        "{what}: {series} is {value:?}, not {wanted:?}\n{text}"
                    ));
                }
            }
            found = Some(scrape);
            Ok(())
        });
        found.expect("the wait has ended well")
    }
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Is(f64),
    AtLeast(f64),
}

impl Wanted {
    fn is_met(self, value: Option<f64>) -> bool {
        match (self, value) {
            (Wanted::Is(wanted), Some(value)) => value == wanted,
            (Wanted::AtLeast(wanted), Some(value)) => value >= wanted,
            (_, None) => false,
        }
    }
}

use Wanted::{AtLeast, Is};

const PLANNED: &str =
    r#"changeover_switchovers_total{cause="planned",outcome="done",pair="SIP_EAST"}"#;
const EPOCH: &str = r#"changeover_pair_epoch{pair="SIP_EAST"}"#;

fn holder(host: &str) -> String {
    format!(
        "changeover_vip_holder{{host=\"{host}\",kind=\"observed\",pair=\"SIP_EAST\",vip=\"{VIP}/24\"}}"
    )
}

fn primary(application: &str, host: &str) -> String {
    format!(
        "changeover_application_run_mode{{application=\"{application}\",host=\"{host}\",run_mode=\"Primary\"}}"
    )
}

#[test]
fn a_switchover_shows_in_the_metrics_of_every_component() {
    let mut site = Site::up(&Wishes {
        metrics: true,
        start_info: r#"arguments: [--metrics, "127.0.0.1:0"]"#.to_owned(),
        ..Wishes::default()
    });
    let before = site.scrape(
        "scs",
        &[
            (PLANNED, Is(0.0)),
            (&holder("host1"), Is(1.0)),
            (&holder("host2"), Is(0.0)),
            (&primary(PRIMARY, "host1"), Is(1.0)),
            (r#"changeover_pair_ready{pair="SIP_EAST"}"#, Is(1.0)),
        ],
    );
    let start = r#"changeover_switchovers_total{cause="start",outcome="done",pair="SIP_EAST"}"#;
    assert_eq!(before.get(start), Some(&1.0));

    site.sci(&["switchover", "SIP_EAST"]).expect(0);
    let picture = site.reach_ok(BACKUP);
    let after = the_scs_tells(&site);
    assert_eq!(after[EPOCH], before[EPOCH] + 1.0);
    assert_eq!(after[EPOCH], pair(&picture).epoch.0 as f64);
    the_agents_tell(&site, after[EPOCH]);
    the_message_server_tells(&site);
    the_servers_tell(&site);

    // Counters of a new life begin at 0, whatever the timeline holds; the site is as it is.
    site.kill_and_restart("scs");
    site.reach_ok(BACKUP);
    site.scrape("scs", &[(PLANNED, Is(0.0)), (&holder("host2"), Is(1.0))]);
}

fn the_scs_tells(site: &Site) -> Scrape {
    let step = |step: &str| {
        format!("changeover_switchover_step_duration_seconds_count{{step=\"{step}\"}}")
    };
    site.scrape(
        "scs",
        &[
            (PLANNED, Is(1.0)),
            (&holder("host1"), Is(0.0)),
            (&holder("host2"), Is(1.0)),
            (&primary(PRIMARY, "host1"), Is(0.0)),
            (&primary(BACKUP, "host2"), Is(1.0)),
            (
                r#"changeover_pair_state{pair="SIP_EAST",state="ok"}"#,
                Is(1.0),
            ),
            (
                r#"changeover_switchover_duration_seconds_count{cause="planned",pair="SIP_EAST"}"#,
                Is(1.0),
            ),
            (&step("demotion"), AtLeast(1.0)),
            (&step("promotion"), AtLeast(1.0)),
            (&step("event-to-alarm"), AtLeast(1.0)),
            (&step("alarm-to-takeover"), AtLeast(1.0)),
            (&step("vip-move"), AtLeast(1.0)),
            (
                r#"changeover_reactions_total{action="enable",outcome="succeeded",pair="SIP_EAST"}"#,
                AtLeast(1.0),
            ),
            (
                r#"changeover_alarms_activated_total{category="Critical",condition="ALRM_BACKUP_4563_HAPrimary"}"#,
                Is(1.0),
            ),
            (
                r#"changeover_link_up{peer="MessageServer",role="message-server"}"#,
                Is(1.0),
            ),
            (r#"changeover_link_up{peer="host2",role="lca"}"#, Is(1.0)),
            (
                r#"changeover_link_round_trip_seconds_count{peer="host1"}"#,
                AtLeast(1.0),
            ),
            (
                r#"changeover_store_commit_duration_seconds_count{store="scs.db"}"#,
                AtLeast(1.0),
            ),
            (
                r#"changeover_store_failures_total{store="scs.db"}"#,
                Is(0.0),
            ),
        ],
    )
}

fn the_agents_tell(site: &Site, epoch: f64) {
    for (lca, script, held) in [
        ("lca-host1", "SIP_SERVER_PRIMARY_VIP_DOWN", 0.0),
        ("lca-host2", "SIP_SERVER_BACKUP_VIP_UP", 1.0),
    ] {
        let ran = format!(
            "changeover_lca_control_scripts_total{{application=\"{script}\",result=\"succeeded\"}}"
        );
        let held_here = format!("changeover_lca_vip_held{{pair=\"SIP_EAST\",vip=\"{VIP}\"}}");
        site.scrape(
            lca,
            &[
                (&ran, AtLeast(1.0)),
                (&held_here, Is(held)),
                (r#"changeover_lca_pair_epoch{pair="SIP_EAST"}"#, Is(epoch)),
                (r#"changeover_link_up{peer="SCS",role="scs"}"#, Is(1.0)),
                ("changeover_lca_in_contact", Is(1.0)),
                (
                    r#"changeover_store_commit_duration_seconds_count{store="runtime"}"#,
                    AtLeast(1.0),
                ),
            ],
        );
    }
    let sent = format!("changeover_lca_announcements_total{{outcome=\"sent\",vip=\"{VIP}\"}}");
    site.scrape("lca-host2", &[(&sent, AtLeast(1.0))]);
}

fn the_message_server_tells(site: &Site) {
    site.scrape(
        "message-server",
        &[
            (
                "changeover_message_server_events_received_total",
                AtLeast(2.0),
            ),
            (
                "changeover_message_server_events_stored_total",
                AtLeast(2.0),
            ),
            ("changeover_message_server_detections_total", AtLeast(2.0)),
            ("changeover_message_server_senders", AtLeast(3.0)),
            (r#"changeover_link_up{peer="SCS",role="scs"}"#, Is(1.0)),
            (
                r#"changeover_store_size_bytes{store="log.db"}"#,
                AtLeast(4096.0),
            ),
        ],
    );
}

/// The new primary answers through the VIP and counts that; its peer says that it is a backup.
fn the_servers_tell(site: &Site) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a loopback address");
    let from = socket.local_addr().expect("it is bound");
    let request = format!(
        "OPTIONS sip:{VIP} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK-1;rport\r\n\
         From: <sip:probe@site>;tag=1\r\nTo: <sip:{VIP}>\r\nCall-ID: 1@site\r\nCSeq: 1 OPTIONS\r\n\r\n"
    );
    socket
        .set_read_timeout(Some(BOUND))
        .expect("a good duration");
    socket
        .send_to(request.as_bytes(), site.real(VIP, 5060))
        .expect("loopback takes it");
    let mut answer = [0; 2048];
    let length = socket.recv(&mut answer).expect("the primary answers");
    assert!(answer[..length].starts_with(b"SIP/2.0 200 OK"));
    for (server, run_mode, answered) in [(BACKUP, "Primary", 1.0), (PRIMARY, "Backup", 0.0)] {
        let mode = format!("changeover_sip_server_run_mode{{run_mode=\"{run_mode}\"}}");
        site.scrape(
            server,
            &[
                (&mode, Is(1.0)),
                ("changeover_sip_server_available", Is(1.0)),
                (
                    r#"changeover_sip_server_requests_total{outcome="answered"}"#,
                    Is(answered),
                ),
            ],
        );
    }
}
