//! Clients of the pair: one program, connected to both servers under one name. What it asks for, what it is told, what
//! a takeover keeps, and exactly what it loses: requests sent between the failure and the end of the switchover, the
//! reference ID of one that was caught in between, and events that are lost or told twice.

use crate::flows::{FLOWS, Step, leaks, play, stage};
use crate::world::World;
use changeover_model::RunMode;
use changeover_sip_core::{
    AgentState, CallAction, CallKey, ClientEvent, ClientRequest, SessionId, SipInput,
};
use changeover_sip_phone::Manner;
use std::net::SocketAddr;
use std::time::Duration;

/// The client's sessions: one with each server.
const SESSIONS: [SessionId; 2] = [SessionId(10), SessionId(11)];

fn connect(world: &mut World, server: usize) {
    let session = SESSIONS[server];
    let name = "desktop".to_owned();
    world.feed(server, SipInput::ClientConnected { session, name });
}

fn ask(world: &mut World, server: usize, reference: u64, request: ClientRequest) {
    let session = SESSIONS[server];
    world.feed(
        server,
        SipInput::ClientRequested {
            session,
            reference,
            request,
        },
    );
}

/// What the client was told since it was asked last, in words.
fn told(world: &mut World) -> Vec<String> {
    let told = std::mem::take(&mut world.told);
    told.into_iter()
        .map(|(server, _, event)| format!("{server}: {}", words(&event)))
        .collect()
}

fn words(event: &ClientEvent) -> String {
    let by = |reference: &Option<u64>| match reference {
        Some(reference) => format!(" by {reference}"),
        None => String::new(),
    };
    match event {
        ClientEvent::RunMode(run_mode) => run_mode.to_string(),
        ClientEvent::Done { reference } => format!("done {reference}"),
        ClientEvent::Refused {
            reference, because, ..
        } => format!("refused {reference} {because:?}"),
        ClientEvent::Call {
            dn,
            state,
            other,
            reference,
            ..
        } => format!("{dn} {state:?} with '{other}'{}", by(reference)),
        ClientEvent::Agent {
            agent,
            dn,
            state,
            reference,
        } => format!("{agent} at {dn} {state:?}{}", by(reference)),
    }
}

fn subscribed(dns: &[&str], callee: usize) -> (World, [SocketAddr; 3]) {
    let (mut world, phones) = stage(&FLOWS[callee], true, 1);
    connect(&mut world, 0);
    connect(&mut world, 1);
    for dn in dns {
        ask(&mut world, 0, 1, ClientRequest::Subscribe((*dn).to_owned()));
    }
    world.run_for(Duration::from_millis(5));
    world.told.clear();
    (world, phones)
}

fn key(world: &World) -> CallKey {
    world.primary().expect("a primary").calls(1)[0].key
}

fn control(world: &mut World, server: usize, reference: u64, dn: &str, action: CallAction) {
    let call = key(world);
    let dn = dn.to_owned();
    let request = ClientRequest::Control { dn, call, action };
    ask(world, server, reference, request);
}

fn see(world: &mut World, phones: &[SocketAddr; 3], steps: &[Step]) {
    assert_eq!(
        play(world, phones, steps),
        Vec::<String>::new(),
        "{}",
        world.show()
    );
}

/// 1001 talks to 1002.
fn talk(world: &mut World, phones: &[SocketAddr; 3]) {
    see(
        world,
        phones,
        &[
            Step::Do(0, |a| drop(a.call("1002"))),
            Step::See(0, "established"),
            Step::See(1, "acked"),
            Step::Wait(50),
        ],
    );
}

fn hang_up(world: &mut World, phones: &[SocketAddr; 3]) {
    see(
        world,
        phones,
        &[
            Step::Do(0, |a| assert!(a.hang_up())),
            Step::See(0, "bye ok"),
            Step::See(1, "released"),
        ],
    );
    assert_eq!(leaks(world), Vec::<String>::new(), "{}", world.show());
}

#[test]
fn a_client_hears_of_its_dns_and_nobody_elses() {
    let (mut world, phones) = stage(&FLOWS[0], true, 1);
    connect(&mut world, 0);
    connect(&mut world, 1);
    ask(
        &mut world,
        0,
        1,
        ClientRequest::Subscribe("1002".to_owned()),
    );
    ask(
        &mut world,
        1,
        2,
        ClientRequest::Subscribe("1002".to_owned()),
    );
    world.run_for(Duration::from_millis(5));
    assert_eq!(
        told(&mut world),
        [
            "0: Primary",
            "1: Backup",
            "1: refused 2 NotPrimary",
            "0: done 1"
        ]
    );
    talk(&mut world, &phones);
    hang_up(&mut world, &phones);
    assert_eq!(
        told(&mut world),
        [
            "0: 1002 Ringing with '1001'",
            "0: 1002 Established with '1001'",
            "0: 1002 Released with '1001'",
        ]
    );
}

#[test]
fn a_client_holds_retrieves_and_releases_a_call_and_the_phones_follow() {
    let (mut world, phones) = subscribed(&["1001"], 0);
    talk(&mut world, &phones);
    told(&mut world);
    control(&mut world, 0, 7, "1001", CallAction::Hold);
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world), ["0: 1001 Held with '1002' by 7"]);
    let heard =
        |world: &World, at: usize| world.phones[&phones[at]].dialogs[0].heard_direction.clone();
    assert_eq!(
        (heard(&world, 0), heard(&world, 1)),
        ("inactive".into(), "sendonly".into())
    );
    control(&mut world, 0, 8, "1001", CallAction::Hold);
    assert_eq!(told(&mut world), ["0: refused 8 WrongState"]);
    control(&mut world, 0, 9, "1001", CallAction::Retrieve);
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world), ["0: 1001 Established with '1002' by 9"]);
    assert_eq!(
        (heard(&world, 0), heard(&world, 1)),
        ("sendrecv".into(), "sendrecv".into())
    );
    control(&mut world, 0, 10, "1001", CallAction::Release);
    see(
        &mut world,
        &phones,
        &[Step::See(0, "released"), Step::See(1, "released")],
    );
    assert_eq!(told(&mut world), ["0: 1001 Released with '1002' by 10"]);
    assert_eq!(leaks(&mut world), Vec::<String>::new(), "{}", world.show());
}

#[test]
fn a_client_transfers_a_call_or_hears_why_not() {
    let (mut world, phones) = subscribed(&["1001"], 0);
    talk(&mut world, &phones);
    told(&mut world);
    world.with(phones[2], |c| c.manner = Manner::Rejects(486));
    control(
        &mut world,
        0,
        5,
        "1001",
        CallAction::Transfer("1003".to_owned()),
    );
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world), ["0: refused 5 Failed"]);
    world.with(phones[2], |c| {
        c.manner = Manner::Answers(Duration::from_millis(50))
    });
    control(
        &mut world,
        0,
        6,
        "1001",
        CallAction::Transfer("1003".to_owned()),
    );
    see(
        &mut world,
        &phones,
        &[
            Step::See(2, "acked"),
            Step::See(0, "released"),
            Step::Wait(50),
        ],
    );
    assert_eq!(told(&mut world), ["0: 1001 Released with '' by 6"]);
    see(
        &mut world,
        &phones,
        &[
            Step::Do(2, |c| assert!(c.hang_up())),
            Step::See(2, "bye ok"),
            Step::See(1, "released"),
        ],
    );
    assert_eq!(leaks(&mut world), Vec::<String>::new(), "{}", world.show());
}

#[test]
fn subscriptions_agents_and_calls_are_there_on_the_new_primary() {
    let (mut world, phones) = subscribed(&["1001"], 0);
    let (agent, dn) = ("ada".to_owned(), "1001".to_owned());
    ask(
        &mut world,
        0,
        2,
        ClientRequest::LogIn {
            agent: agent.clone(),
            dn,
        },
    );
    let state = AgentState::Ready;
    ask(
        &mut world,
        0,
        3,
        ClientRequest::SetAgentState { agent, state },
    );
    talk(&mut world, &phones);
    control(&mut world, 0, 4, "1001", CallAction::Hold);
    world.run_for(Duration::from_secs(1));
    assert_eq!(
        told(&mut world),
        [
            "0: ada at 1001 Some(NotReady) by 2",
            "0: ada at 1001 Some(Ready) by 3",
            "0: 1001 Dialing with '1002'",
            "0: 1001 Established with '1002'",
            "0: 1001 Held with '1002' by 4",
        ]
    );
    world.kill_primary();
    world.run_for(Duration::from_secs(1));
    // Nothing was asked for: the connection with the backup was enough. What was known is told again.
    assert_eq!(
        told(&mut world),
        [
            "1: Primary",
            "1: 1001 Held with '1002'",
            "1: ada at 1001 Some(Ready)"
        ]
    );
    control(&mut world, 1, 5, "1001", CallAction::Retrieve);
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world), ["1: 1001 Established with '1002' by 5"]);
    ask(&mut world, 1, 6, ClientRequest::LogOut("ada".to_owned()));
    assert_eq!(told(&mut world), ["1: ada at 1001 None by 6"]);
    hang_up(&mut world, &phones);
}

#[test]
fn a_request_between_the_failure_and_the_end_of_the_switchover_is_lost_and_can_be_repeated() {
    let (mut world, phones) = subscribed(&["1001"], 0);
    talk(&mut world, &phones);
    told(&mut world);
    world.kill_primary();
    let call = world.servers[1].as_ref().expect("it lives").core.calls(1)[0].key;
    let request = ClientRequest::Control {
        dn: "1001".to_owned(),
        call,
        action: CallAction::Hold,
    };
    // To the dead one, and to the one that does not know yet.
    ask(&mut world, 0, 20, request.clone());
    ask(&mut world, 1, 21, request.clone());
    world.run_for(Duration::from_secs(2));
    assert_eq!(
        told(&mut world),
        [
            "1: refused 21 NotPrimary",
            "1: Primary",
            "1: 1001 Established with '1002'",
        ]
    );
    ask(&mut world, 1, 22, request);
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world), ["1: 1001 Held with '1002' by 22"]);
    hang_up(&mut world, &phones);
}

#[test]
fn a_request_caught_in_between_is_carried_out_and_loses_its_reference_id() {
    let (mut world, phones) = subscribed(&["1001"], 0);
    talk(&mut world, &phones);
    told(&mut world);
    control(&mut world, 0, 30, "1001", CallAction::Hold);
    // The re-INVITEs are out, nobody has answered.
    world.run_for(Duration::from_micros(600));
    world.kill_primary();
    world.run_for(Duration::from_secs(2));
    assert_eq!(
        told(&mut world),
        [
            "1: Primary",
            "1: 1001 Established with '1002'",
            "1: 1001 Held with '1002'",
        ]
    );
    hang_up(&mut world, &phones);
}

#[test]
fn an_event_may_be_lost_or_told_twice_and_the_state_is_never_wrong() {
    let (mut world, phones) = subscribed(&["1001"], 0);
    talk(&mut world, &phones);
    told(&mut world);
    // Held and retrieved while the client's way to the primary is broken: two events that nobody gets.
    world.feed(
        0,
        SipInput::ClientGone {
            session: SESSIONS[0],
        },
    );
    see(
        &mut world,
        &phones,
        &[
            Step::Do(0, |a| assert!(a.hold())),
            Step::See(0, "hold ok"),
            Step::Do(0, |a| assert!(a.retrieve())),
            Step::See(0, "retrieve ok"),
        ],
    );
    assert_eq!(told(&mut world), Vec::<String>::new());
    world.kill_primary();
    world.run_for(Duration::from_secs(1));
    // Established: told before, and told again.
    assert_eq!(
        told(&mut world),
        ["1: Primary", "1: 1001 Established with '1002'"]
    );
    hang_up(&mut world, &phones);
}

#[test]
fn calls_from_before_the_backup_started_are_not_lost_to_clients() {
    let (mut world, phones) = subscribed(&["1001"], 0);
    world.disconnect();
    world.servers[1] = None;
    talk(&mut world, &phones);
    world.start(1, RunMode::Backup);
    world.connect();
    connect(&mut world, 1);
    world.run_for(Duration::from_millis(20));
    told(&mut world);
    world.kill_primary();
    world.run_for(Duration::from_secs(1));
    assert_eq!(
        told(&mut world),
        ["1: Primary", "1: 1001 Established with '1002'"]
    );
    hang_up(&mut world, &phones);
}

#[test]
fn a_switchover_refuses_what_is_under_way_and_goes_on_with_the_rest() {
    let (mut world, phones) = subscribed(&["1001"], 0);
    talk(&mut world, &phones);
    told(&mut world);
    control(&mut world, 0, 40, "1001", CallAction::Hold);
    world.run_for(Duration::from_micros(600));
    world.switch_over();
    world.run_for(Duration::from_secs(1));
    assert_eq!(
        told(&mut world),
        [
            "0: refused 40 NotPrimary",
            "0: Backup",
            "1: Primary",
            "1: 1001 Established with '1002'",
            "1: 1001 Held with '1002'",
        ]
    );
    hang_up(&mut world, &phones);
}

#[test]
fn a_client_that_stays_away_is_forgotten_on_both_servers_and_a_second_session_ends_the_first() {
    let (mut world, _) = subscribed(&["1001"], 0);
    let session = SessionId(77);
    let name = "desktop".to_owned();
    world.feed(0, SipInput::ClientConnected { session, name });
    assert_eq!(world.closed, [(0, SESSIONS[0])]);
    world.feed(
        0,
        SipInput::ClientGone {
            session: SESSIONS[0],
        },
    );
    world.feed(0, SipInput::ClientGone { session });
    world.run_for(Duration::from_secs(59));
    let held = |world: &World| {
        let servers = world.servers.iter().flatten();
        servers
            .map(|it| it.core.picture().clients)
            .collect::<Vec<_>>()
    };
    assert_eq!(held(&world), [1, 1]);
    world.run_for(Duration::from_secs(2));
    assert_eq!(held(&world), [0, 0]);
}

#[test]
fn every_cut_within_a_hold_by_a_client_leaves_a_call_that_is_held_or_not_and_can_be_released() {
    for cut in 1..60 {
        let (mut world, phones) = subscribed(&["1001"], 0);
        talk(&mut world, &phones);
        world.boundaries = 0;
        world.cut_at = Some(cut);
        control(&mut world, 0, 1, "1001", CallAction::Hold);
        world.run_for(Duration::from_secs(3));
        if world.killed_at.is_none() {
            world.kill_primary();
            world.run_for(Duration::from_secs(3));
        }
        let last = told(&mut world).pop().unwrap_or_default();
        assert!(
            last.starts_with("1: 1001 Held") || last.starts_with("1: 1001 Established"),
            "cut {cut}: {last}\n{}",
            world.show()
        );
        control(&mut world, 1, 2, "1001", CallAction::Release);
        see(
            &mut world,
            &phones,
            &[Step::See(0, "released"), Step::See(1, "released")],
        );
        assert_eq!(
            leaks(&mut world),
            Vec::<String>::new(),
            "cut {cut}: {}",
            world.show()
        );
    }
}

/// Asks for something on behalf of 1001 in a call that its phone ends later, and hears what `then` makes of it.
fn asked_in_vain(then: impl FnOnce(&mut World)) -> Vec<String> {
    let (mut world, phones) = subscribed(&["1001"], 0);
    talk(&mut world, &phones);
    told(&mut world);
    control(&mut world, 0, 50, "1001", CallAction::Hold);
    then(&mut world);
    world.run_for(Duration::from_secs(1));
    let told = told(&mut world);
    hang_up(&mut world, &phones);
    told
}

#[test]
fn a_client_that_unsubscribes_hears_that_what_it_asked_for_there_is_nothing_it_will_be_told() {
    let told = asked_in_vain(|world| {
        ask(world, 0, 51, ClientRequest::Unsubscribe("1001".to_owned()));
    });
    assert_eq!(told, ["0: refused 50 Failed", "0: done 51"]);
}

#[test]
fn nothing_of_a_session_that_was_replaced_stays_and_its_event_comes_without_the_reference_id() {
    let told = asked_in_vain(|world| {
        let (session, name) = (SessionId(77), "desktop".to_owned());
        world.feed(0, SipInput::ClientConnected { session, name });
        let session = SESSIONS[0];
        world.feed(0, SipInput::ClientGone { session });
    });
    assert_eq!(
        told,
        [
            "0: Primary",
            "0: 1001 Established with '1002'",
            "0: 1001 Held with '1002'",
        ]
    );
}

#[test]
fn a_release_before_the_phone_has_said_a_word_is_told() {
    let (mut world, phones) = subscribed(&["1002"], 0);
    world.with(phones[1], |b| b.manner = Manner::Mute);
    world.with(phones[0], |a| drop(a.call("1002")));
    world.run_for(Duration::from_millis(20));
    assert_eq!(told(&mut world), Vec::<String>::new());
    control(&mut world, 0, 60, "1002", CallAction::Release);
    world.run_for(Duration::from_secs(60));
    assert_eq!(told(&mut world), ["0: 1002 Released with '1001' by 60"]);
    assert_eq!(leaks(&mut world), Vec::<String>::new(), "{}", world.show());
}
