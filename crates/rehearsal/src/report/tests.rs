//! What the three forms of a report say about the same rehearsal.

use super::text::{median_and_max, text};
use super::{json, page::page};
use crate::outcome::*;
use crate::workflows::WorkflowName;

fn event(at_ms: f64, who: &str, what: &str, evidence: &str) -> EventOutcome {
    EventOutcome {
        at_ms,
        who: who.into(),
        what: what.into(),
        evidence: evidence.into(),
    }
}

fn step(number: u32, text: &str, events: Vec<EventOutcome>) -> StepOutcome {
    StepOutcome {
        number,
        text: text.into(),
        passed: true,
        events,
        problem: None,
    }
}

fn workflow() -> WorkflowOutcome {
    WorkflowOutcome {
        name: WorkflowName::ManualSwitchover,
        passed: true,
        duration_ms: 9.4,
        vip_gap_ms: Some(5.9),
        no_holder_ms: Some(3.456_789),
        two_holders_ms: Some(0.0),
        unreachable_holder_ms: Some(0.0),
        primary_before: Some("SIP_SERVER_PRIMARY".into()),
        primary_after: Some("SIP_SERVER_BACKUP".into()),
        holders_after: vec!["host2".into()],
        epoch_before: 1,
        epoch_after: 2,
        steps: vec![
            step(
                1,
                "the operator asks for it",
                vec![event(0.0, "sci", "switchover of SIP_EAST", "request 1")],
            ),
            step(
                2,
                "the SCS orders server 1 to backup",
                vec![
                    event(
                        0.7,
                        "scs > lca@host1",
                        "SIP_SERVER_PRIMARY to Backup",
                        "acknowledged after 0.4 ms",
                    ),
                    event(
                        8.8,
                        "lca@host2",
                        "SIP_SERVER_BACKUP_VIP_UP",
                        "exit 0 <in 3 ms>",
                    ),
                ],
            ),
        ],
        checks: vec![CheckOutcome {
            text: "one primary".into(),
            passed: true,
            seen: "ok".into(),
            problem: None,
        }],
        notes: Vec::new(),
        chart: Chart {
            events: vec![event(0.0, "sci", "switchover of SIP_EAST", "request 1")],
            bars: vec![
                Bar {
                    host: "host1".into(),
                    from_ms: 0.0,
                    to_ms: 5.2,
                    reachable: true,
                },
                Bar {
                    host: "host2".into(),
                    from_ms: 8.8,
                    to_ms: 30.0,
                    reachable: true,
                },
            ],
            gap: Some((4.1, 10.0)),
            hosts: vec!["host1".into(), "host2".into()],
        },
    }
}

fn rehearsal(workflows: Vec<WorkflowOutcome>) -> Rehearsal {
    let host = |name: &str, processes: &[&str]| DrawnHost {
        name: name.into(),
        address: "10.10.11.101".into(),
        processes: processes.iter().map(|one| (*one).into()).collect(),
    };
    Rehearsal {
        passed: workflows.iter().all(|workflow| workflow.passed),
        duration_ms: 21_600.0,
        sites: vec![SiteOutcome {
            environment: "linux".into(),
            network: "loopback".into(),
            platform: "linux".into(),
            redundancy: "hot".into(),
            pair: "SIP_EAST".into(),
            repetition: 1,
            workflows,
            trouble: None,
            drawing: SiteDrawing {
                hosts: vec![
                    host("host1", &["lca@host1", "SIP_SERVER_PRIMARY"]),
                    host("host2", &["lca@host2", "SIP_SERVER_BACKUP"]),
                ],
                virtual_ips: vec!["10.10.11.103/24".into()],
                client: "client".into(),
                started: vec!["scs".into(), "lca@host1".into()],
                up_after_ms: 410.0,
                control: "shell scripts with ifconfig".into(),
                description:
                    "built-in \"linux\": IP Address Takeover, one NIC, VIP 10.10.11.103/24".into(),
            },
        }],
    }
}

fn failing() -> WorkflowOutcome {
    let mut failing = workflow();
    failing.name = WorkflowName::PrimaryFailure;
    failing.passed = false;
    failing.steps[1] = StepOutcome {
        number: 2,
        text: "server 1 tells the Message Server that it is backup".into(),
        passed: false,
        events: Vec::new(),
        problem: Some(ProblemOutcome {
            expected: "SIP_SERVER_PRIMARY logs 00-04561 to the Message Server".into(),
            seen: "nothing of it".into(),
            look_at: "east.yaml:52 (applications.SIP_SERVER_PRIMARY.options.log)".into(),
        }),
    };
    failing
}

#[test]
fn the_text_shows_the_first_workflow_step_by_step_and_every_one_in_the_table() {
    let expected = r#"Site     built-in "linux": IP Address Takeover, one NIC, VIP 10.10.11.103/24; hot
Network  loopback: emulated subnet, real processes, no root
Scripts  shell scripts with ifconfig
Started  scs, lca@host1    0.41 s

HOT STANDBY  manual-switchover  epoch 1 -> 2                                         2/2  PASS
  #    ms  who                 what                              evidence
  1    0.0  sci                 switchover of SIP_EAST            request 1
  2    0.7  scs > lca@host1     SIP_SERVER_PRIMARY to Backup      acknowledged after 0.4 ms
       8.8  lca@host2           SIP_SERVER_BACKUP_VIP_UP          exit 0 <in 3 ms>

                             steps  result   VIP gap   no holder  two holders  primary, holder
hot   manual-switchover        2/2  PASS      5.9 ms      3.5 ms       0.0 ms  host2, host2

The workflow passes: one primary, one holder, the same host.                           21.6 s
Next: --report DIR for the page; sudo changeover rehearse --network netns for real kernel hosts
"#;
    assert_eq!(text(&rehearsal(vec![workflow()]), false, false), expected);
}

#[test]
fn a_failing_workflow_expands_by_itself_and_says_where_to_look() {
    let shown = text(&rehearsal(vec![workflow(), failing()]), false, false);
    let expected = "\
  2      -  server 1 tells the Message Server that it is backup
           expected SIP_SERVER_PRIMARY logs 00-04561 to the Message Server
           seen     nothing of it
           look at  east.yaml:52 (applications.SIP_SERVER_PRIMARY.options.log)
";
    assert!(shown.contains(expected), "{shown}");
    assert!(shown.contains("1 of 2 workflows fail."), "{shown}");
    assert!(!shown.contains('\x1b'), "no colour was asked for");
    assert!(text(&rehearsal(vec![failing()]), false, true).contains("\x1b[31mFAIL\x1b[0m"));
}

#[test]
fn over_repetitions_the_table_shows_median_and_maximum() {
    let mut whole = rehearsal(vec![workflow()]);
    for (repetition, gap) in [(2, 7.0), (3, 30.0)] {
        let mut site = whole.sites[0].clone();
        site.repetition = repetition;
        site.workflows[0].vip_gap_ms = Some(gap);
        whole.sites.push(site);
    }
    let shown = text(&whole, false, false);
    assert!(
        shown.contains("hot   manual-switchover         3/3  PASS       7.0 ms / 30.0 ms"),
        "{shown}"
    );
    assert_eq!(median_and_max(Vec::new()), None);
}

#[test]
fn the_json_has_the_keys_and_the_form_that_others_rely_on() {
    let text = json(&rehearsal(vec![workflow()]));
    let value: serde_json::Value = serde_json::from_str(&text).expect("one document");
    let site = &value["sites"][0];
    assert_eq!(value["passed"], true);
    assert_eq!(
        (
            &site["environment"],
            &site["network"],
            &site["platform"],
            &site["redundancy"]
        ),
        (
            &"linux".into(),
            &"loopback".into(),
            &"linux".into(),
            &"hot".into()
        )
    );
    let expected = serde_json::json!({
        "name": "manual-switchover", "passed": true, "duration_ms": 9.4, "vip_gap_ms": 5.9, "no_holder_ms": 3.457,
        "two_holders_ms": 0.0, "unreachable_holder_ms": 0.0, "primary_before": "SIP_SERVER_PRIMARY",
        "primary_after": "SIP_SERVER_BACKUP", "holders_after": ["host2"]
    });
    for (key, wanted) in expected.as_object().expect("an object") {
        assert_eq!(&site["workflows"][0][key], wanted, "{key}");
    }
    let first = serde_json::json!({
        "number": 1, "text": "the operator asks for it", "passed": true, "problem": null,
        "events": [{"at_ms": 0.0, "who": "sci", "what": "switchover of SIP_EAST", "evidence": "request 1"}]
    });
    assert_eq!(site["workflows"][0]["steps"][0], first);
}

/// Every tag that is opened is closed, in order; enough of a parser for pages that this crate writes.
fn well_formed(page: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part
            .split_once('>')
            .ok_or_else(|| format!("<{part} never ends"))?;
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or_default();
        if tag.starts_with('!') || ["meta", "br"].contains(&name) || tag.ends_with('/') {
            continue;
        }
        if tag.starts_with('/') {
            let last = open.pop();
            if last != Some(name) {
                return Err(format!("</{name}> closes {last:?}"));
            }
        } else {
            open.push(name);
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("{open:?} stay open"))
    }
}

#[test]
fn the_page_is_one_well_formed_file_that_needs_nothing_from_outside() {
    let page = page(&rehearsal(vec![workflow(), failing()]));
    assert_eq!(well_formed(&page), Ok(()));
    for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside} leads out of the file");
    }
    assert_eq!(
        page.matches("<svg").count(),
        3,
        "the site and one chart each"
    );
    assert!(page.contains("exit 0 &lt;in 3 ms&gt;"), "text is escaped");
    assert!(page.contains("no answer for 5.9 ms"));
    assert!(page.contains("look at: east.yaml:52"));
}
