//! Which conditions an event matches.

use super::*;
use changeover_model::environment::{AlarmCategory, AlarmCondition};
use changeover_model::message::{LogOrigin, SourceId};
use changeover_model::{LogLevel, Revision, Timestamp};
use std::time::Duration;

fn condition(name: &str, detect: u32, selection: Selection) -> AlarmCondition {
    AlarmCondition {
        name: name.into(),
        description: String::new(),
        category: AlarmCategory::Critical,
        detect: LogEventId(detect),
        selection,
        cancel: None,
        cancel_timeout: Duration::from_secs(3600),
        reaction_scripts: Vec::new(),
        clearance_scripts: Vec::new(),
        enabled: true,
    }
}

fn detector(conditions: Vec<AlarmCondition>) -> Detector {
    Detector::new(&MessageServerSlice {
        revision: Revision(1),
        conditions,
        application_types: [
            ("A", ApplicationType::SipServer),
            ("T", ApplicationType::ThirdPartyServer),
        ]
        .into_iter()
        .map(|(name, of_type)| (name.into(), of_type))
        .collect(),
        log_keep: Duration::from_secs(86_400),
        log_size: 1 << 20,
    })
}

fn matched(detector: &Detector, id: u32, application: &str) -> Vec<String> {
    let event = LogEvent {
        source: SourceId("A/1".into()),
        sequence: 1,
        application: application.into(),
        host: None,
        id: LogEventId(id),
        level: LogLevel::Standard,
        text: String::new(),
        at: Timestamp(1),
        epoch: None,
        cause: None,
        origin: LogOrigin::Application,
    };
    let shown = |found: AlarmMatch| format!("{} {:?}", found.condition, found.role);
    detector.matches(&event).into_iter().map(shown).collect()
}

#[test]
fn selections_by_any_type_and_application_match_together_in_the_order_of_the_configuration() {
    let detector = detector(vec![
        condition("BY_APPLICATION", 4561, Selection::Application("A".into())),
        condition("BY_ANY", 4561, Selection::Any),
        condition(
            "BY_TYPE",
            4561,
            Selection::ApplicationType(ApplicationType::SipServer),
        ),
        condition("OTHER_EVENT", 4563, Selection::Any),
    ]);
    assert_eq!(
        matched(&detector, 4561, "A"),
        ["BY_APPLICATION Detect", "BY_ANY Detect", "BY_TYPE Detect"]
    );
    assert_eq!(matched(&detector, 4561, "T"), ["BY_ANY Detect"]);
    assert_eq!(matched(&detector, 4561, "UNHEARD_OF"), ["BY_ANY Detect"]);
    assert_eq!(matched(&detector, 4562, "A"), Vec::<String>::new());
}

#[test]
fn a_cancel_event_matches_with_the_selection_of_its_condition() {
    let mut host_lost = condition("HOST", 8002, Selection::Application("A".into()));
    host_lost.cancel = Some(LogEventId(8001));
    let detector = detector(vec![host_lost, condition("BACK", 8001, Selection::Any)]);
    assert_eq!(matched(&detector, 8002, "A"), ["HOST Detect"]);
    assert_eq!(
        matched(&detector, 8001, "A"),
        ["HOST Cancel", "BACK Detect"]
    );
    assert_eq!(matched(&detector, 8001, "T"), ["BACK Detect"]);
}

#[test]
fn a_condition_that_is_switched_off_matches_nothing() {
    let mut off = condition("OFF", 4561, Selection::Any);
    off.cancel = Some(LogEventId(4563));
    off.enabled = false;
    let detector = detector(vec![off]);
    assert_eq!(matched(&detector, 4561, "A"), Vec::<String>::new());
    assert_eq!(matched(&detector, 4563, "A"), Vec::<String>::new());
}
