//! Every kind of message comes back from the wire as it left, with everything said and with nothing said; foreign
//! input never panics, and what it lacks is named.

mod samples;

use changeover_model::Refusal;
use changeover_model::environment::{LcaSlice, MessageServerSlice};
use changeover_model::message::{
    AlarmPicture, ApplicationState, ConditionPicture, FromApplication, FromLca, FromMessageServer,
    FromPeerLca, LogAcknowledged, LogBatch, LogQuery, LogRecord, OperatorAnswer, OperatorCommand,
    Picture, ReactionPicture, SipServerPicture, TimelineRecord, ToApplication, ToLca,
    ToMessageServer, ToPeerLca, TracedMessage,
};
use changeover_rpc::convert::{
    ConvertError, OperatorCall, TimelineSelection, WhatLcaSees, command_of, command_of_run,
    operator_call,
};
use changeover_rpc::wire;
use proptest::prelude::*;
use prost::Message;
use std::fmt::Debug;

/// Encodes to bytes and back, so that the numbers of the fields count as well.
fn there_and_back<M, W>(model: M)
where
    M: TryFrom<W, Error = ConvertError> + Clone + PartialEq + Debug,
    W: From<M> + Message + Default,
{
    let bytes = W::from(model.clone()).encode_to_vec();
    let wire = W::decode(bytes.as_slice()).expect("our own bytes");
    assert_eq!(M::try_from(wire), Ok(model));
}

macro_rules! all_come_back {
    ($($test:ident: $model:ty as $wire:ty = $samples:expr;)*) => {
        $(#[test]
        fn $test() {
            for sample in $samples {
                there_and_back::<$model, $wire>(sample);
            }
        })*
    };
}

all_come_back! {
    orders_to_an_lca_come_back: ToLca as wire::ToLca = samples::to_lca();
    reports_of_an_lca_come_back: FromLca as wire::FromLca = samples::from_lca();
    application_states_come_back: ApplicationState as wire::ApplicationState =
        samples::application_states();
    what_applications_say_comes_back: FromApplication as wire::FromApplication =
        samples::from_application();
    what_applications_hear_comes_back: ToApplication as wire::ToApplication =
        samples::to_application();
    what_the_message_server_hears_comes_back: ToMessageServer as wire::ToMessageServer =
        samples::to_message_server();
    what_the_message_server_says_comes_back: FromMessageServer as wire::FromMessageServer =
        samples::from_message_server();
    batches_come_back: LogBatch as wire::LogBatch = samples::log_batches();
    acknowledgements_come_back: LogAcknowledged as wire::LogAcknowledged =
        [LogAcknowledged { source: samples::source(), up_to: 7 }];
    what_a_sip_server_holds_comes_back: SipServerPicture as wire::ShowSipReply =
        samples::sip_servers();
    traced_messages_come_back: TracedMessage as wire::TracedMessage = samples::traced_messages();
    log_records_come_back: LogRecord as wire::LogRecord = samples::log_records();
    log_queries_come_back: LogQuery as wire::LogQuery = samples::log_queries();
    the_slice_of_an_lca_comes_back: LcaSlice as wire::LcaSlice = [samples::lca_slice()];
    the_slice_of_the_message_server_comes_back: MessageServerSlice as wire::MessageServerSlice =
        [samples::message_server_slice()];
    timeline_records_come_back: TimelineRecord as wire::TimelineRecord =
        samples::timeline_records();
    reactions_come_back: ReactionPicture as wire::ReactionPicture = samples::reactions();
    the_picture_comes_back: Picture as wire::Picture = samples::pictures();
    alarms_come_back: AlarmPicture as wire::AlarmPicture = samples::alarms();
    conditions_come_back: ConditionPicture as wire::ConditionPicture = samples::conditions();
    answers_to_operators_come_back: OperatorAnswer as wire::OperatorAnswer = samples::answers();
    refusals_come_back: Refusal as wire::Refusal = samples::refusals();
    what_an_lca_says_to_its_peer_comes_back: ToPeerLca as wire::ToPeerLca = samples::to_peer_lca();
    what_the_peer_answers_comes_back: FromPeerLca as wire::FromPeerLca = samples::from_peer_lca();
    what_a_peer_lca_sees_comes_back: WhatLcaSees as wire::WhatDoYouSeeReply =
        samples::what_lca_sees();
}

#[test]
fn every_order_of_an_operator_reaches_the_service_that_carries_it_out() {
    for command in samples::commands() {
        let goes_to_the_engine = matches!(
            command,
            OperatorCommand::TestAlarm { .. } | OperatorCommand::Realign { .. }
        );
        let arrived = match operator_call("root@laptop", command.clone()) {
            OperatorCall::Command(call) => {
                assert!(!goes_to_the_engine, "{command:?}");
                command_of(call)
            }
            OperatorCall::Run(call) => {
                assert!(goes_to_the_engine, "{command:?}");
                command_of_run(call)
            }
        };
        assert_eq!(arrived, Ok(("root@laptop".to_owned(), command)));
    }
}

#[test]
fn a_realignment_cannot_be_predicted_and_says_so() {
    let call = wire::RunRequest {
        operator: String::new(),
        what: Some(wire::run_request::What::Realign(
            wire::run_request::Realign {
                pair: "SIP_EAST".to_owned(),
            },
        )),
        dry_run: true,
        confirmed: false,
    };
    let refused = command_of_run(call).expect_err("there is no dry run of it");
    assert_eq!(
        refused.to_string(),
        "RunRequest.dry_run is 'true', which is no setting of a realignment (only a Test can be predicted)"
    );
}

#[test]
fn timeline_requests_come_back_with_a_limit_that_is_never_without_bound() {
    for selection in samples::timeline_selections() {
        let asked = TimelineSelection::of(selection.clone().request(7));
        assert_eq!(asked, Ok((selection.clone(), 7)));
        let asked = TimelineSelection::of(selection.clone().request(0));
        assert_eq!(asked, Ok((selection.clone(), 100)));
        let asked = TimelineSelection::of(selection.clone().request(u32::MAX));
        assert_eq!(asked, Ok((selection, 10_000)));
    }
}

#[test]
fn what_is_missing_is_named() {
    let missing = |order: wire::to_lca::Order| {
        let message = wire::ToLca {
            sent_at_us: 1,
            cause: None,
            order: Some(order),
        };
        ToLca::try_from(message)
            .expect_err("something is missing")
            .to_string()
    };
    use wire::to_lca::{IntendPair, Order, SetRunMode};
    assert_eq!(
        missing(Order::SetRunMode(SetRunMode::default())),
        "SetRunMode.key is missing"
    );
    assert_eq!(
        missing(Order::IntendPair(IntendPair::default())),
        "IntendPair.pair is missing"
    );
    assert_eq!(
        missing(Order::Configure(wire::LcaSlice {
            environment: "east".to_owned(),
            ..Default::default()
        })),
        "LcaSlice.host is missing"
    );
}

#[test]
fn a_message_of_a_newer_release_is_recognised_as_one() {
    let error = ToLca::try_from(wire::ToLca::default()).expect_err("it says nothing we know");
    assert_eq!(error, ConvertError::UnknownKind { message: "ToLca" });
    assert!(error.is_of_newer_release());
    let error = LogQuery::try_from(wire::LogQuery {
        level: Some(99),
        ..Default::default()
    })
    .expect_err("there is no such level");
    assert!(error.is_of_newer_release());
    assert_eq!(
        error.to_string(),
        "LogQuery.level is 99, which this release does not know; update this side or use an older peer"
    );
}

#[test]
fn unknown_statuses_and_run_modes_are_unknown_and_no_error() {
    let mut state = wire::ApplicationState::from(samples::application_states().remove(0));
    (state.status, state.run_mode) = (77, 78);
    let state = ApplicationState::try_from(state).expect("a newer release may know more");
    assert_eq!(state.status, changeover_model::ApplicationStatus::Unknown);
    assert_eq!(state.run_mode, changeover_model::RunMode::Unknown);
}

#[test]
fn names_and_lists_are_bounded_and_prose_is_cut() {
    let mut batch = wire::LogBatch::from(samples::log_batches().remove(0));
    let event = batch.events[0].clone();
    batch.events = vec![event.clone(); 1001];
    assert_eq!(
        LogBatch::try_from(batch)
            .expect_err("it is too long")
            .to_string(),
        "LogBatch.events has 1001 entries, at most 1000 are allowed"
    );
    let long = wire::LogEvent {
        application: "A".repeat(256),
        ..event.clone()
    };
    assert_eq!(
        changeover_model::message::LogEvent::try_from(long)
            .expect_err("the name is too long")
            .to_string(),
        "LogEvent.application has 256 bytes, at most 255 are allowed"
    );
    let split = wire::LogEvent {
        application: "A\nB".to_owned(),
        ..event.clone()
    };
    assert_eq!(
        changeover_model::message::LogEvent::try_from(split)
            .expect_err("a name has no line breaks")
            .to_string(),
        "LogEvent.application is 'A\\nB', which is no name"
    );
    let wordy = wire::LogEvent {
        text: "ä".repeat(4000),
        ..event
    };
    let kept = changeover_model::message::LogEvent::try_from(wordy).expect("texts are cut");
    assert_eq!(kept.text, "ä".repeat(2048));
}

proptest! {
    #[test]
    fn damaged_messages_never_panic_and_what_is_accepted_is_stable(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let samples = samples::from_lca();
        let mut bytes = wire::FromLca::from(which.get(&samples).clone()).encode_to_vec();
        for (place, value) in &changes {
            let place = place.index(bytes.len());
            bytes[place] = *value;
        }
        if let Ok(wire) = wire::FromLca::decode(bytes.as_slice())
            && let Ok(model) = FromLca::try_from(wire)
        {
            there_and_back::<FromLca, wire::FromLca>(model);
        }
        if let Ok(wire) = wire::TimelineRecord::decode(bytes.as_slice())
            && let Ok(model) = TimelineRecord::try_from(wire)
        {
            there_and_back::<TimelineRecord, wire::TimelineRecord>(model);
        }
    }

    #[test]
    fn any_number_survives_the_wire(at: u64, epoch: Option<u64>, id: u32, micros: u64) {
        let mut record = samples::log_records().remove(0);
        record.event.at = changeover_model::Timestamp(at);
        record.event.epoch = epoch.map(changeover_model::Epoch);
        record.event.id = changeover_model::LogEventId(id);
        there_and_back::<LogRecord, wire::LogRecord>(record);
        let mut slice = samples::lca_slice();
        slice.host.addp.timeout = std::time::Duration::from_micros(micros);
        there_and_back::<LcaSlice, wire::LcaSlice>(slice);
    }
}
