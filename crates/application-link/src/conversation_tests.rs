//! What is said to the LCA in which situation.

use super::*;
use changeover_model::{Refusal, RefusalCode};

fn conversation() -> Conversation {
    Conversation::new(Register {
        application: "A".into(),
        token: "secret".to_owned(),
        version: "1".to_owned(),
    })
}

fn register(run_mode: RunMode, epoch: u64, status: ApplicationStatus) -> FromApplication {
    FromApplication::Register {
        application: "A".into(),
        token: "secret".to_owned(),
        version: "1".to_owned(),
        run_mode,
        epoch: Epoch(epoch),
        status,
    }
}

fn registered(number: u64, epoch: u64, run_mode: RunMode) -> Registered {
    Registered {
        host: "host1".into(),
        pair: Some("P".into()),
        redundancy: Some(changeover_model::Redundancy::Hot),
        options: [].into_iter().collect(),
        default_port: None,
        ha_sync_port: None,
        host_address: [127, 0, 0, 1].into(),
        peer_address: None,
        message_server: ([127, 0, 0, 1], 7120).into(),
        incarnation: changeover_model::Incarnation(1),
        epoch: Epoch(epoch),
        run_mode,
        number: OrderNumber(number),
        cause: None,
        demote_after: None,
    }
}

fn order(number: u64, epoch: u64, run_mode: RunMode) -> Ordered {
    Ordered {
        number: OrderNumber(number),
        epoch: Epoch(epoch),
        run_mode,
        cause: None,
    }
}

fn set_run_mode(order: &Ordered) -> ToApplication {
    ToApplication::SetRunMode {
        number: order.number,
        epoch: order.epoch,
        run_mode: order.run_mode,
        cause: order.cause,
    }
}

fn hears(
    conversation: &mut Conversation,
    message: ToApplication,
) -> (Vec<Told>, Vec<FromApplication>) {
    let mut answers = Vec::new();
    let told = conversation.heard(message, &mut answers);
    (told, answers)
}

/// Registered as backup of epoch 3 by order 7, which is done.
fn running() -> Conversation {
    let mut conversation = conversation();
    conversation.connected();
    let as_backup = registered(7, 3, RunMode::Backup);
    hears(&mut conversation, ToApplication::Registered(as_backup));
    conversation.said(Said::Activated(order(7, 3, RunMode::Backup)));
    conversation
}

#[test]
fn the_first_registration_knows_nothing_and_brings_the_first_order() {
    let mut conversation = conversation();
    let first = register(RunMode::Unknown, 0, ApplicationStatus::Initializing);
    assert_eq!(conversation.connected(), first);
    let accepted = registered(7, 3, RunMode::Backup);
    let heard = hears(
        &mut conversation,
        ToApplication::Registered(accepted.clone()),
    );
    let told = vec![
        Told::Registered(Box::new(accepted)),
        Told::Order(order(7, 3, RunMode::Backup)),
    ];
    assert_eq!(heard, (told, vec![]));
    let done = order(7, 3, RunMode::Backup);
    let answer = conversation.said(Said::Activated(done.clone()));
    assert_eq!(answer, Some(acknowledgement(&done)));
}

#[test]
fn an_order_that_comes_again_is_given_once_and_answered_each_time() {
    let mut conversation = running();
    let promote = order(8, 4, RunMode::Primary);
    let told = vec![Told::Order(promote.clone())];
    assert_eq!(
        hears(&mut conversation, set_run_mode(&promote)),
        (told, vec![])
    );
    assert_eq!(
        hears(&mut conversation, set_run_mode(&promote)),
        (vec![], vec![])
    );
    conversation.said(Said::Activated(promote.clone()));
    let answer = acknowledgement(&promote);
    assert_eq!(
        hears(&mut conversation, set_run_mode(&promote)),
        (vec![], vec![answer])
    );
}

#[test]
fn an_order_that_comes_again_after_another_one_in_its_epoch_is_given_again() {
    let mut conversation = running();
    let promote = order(8, 4, RunMode::Primary);
    hears(&mut conversation, set_run_mode(&promote));
    conversation.said(Said::Activated(promote.clone()));
    // The LCA has let go by itself, in the same epoch; then the SCS, which had no answer, repeats its order.
    let let_go = order(1_000, 4, RunMode::Backup);
    hears(&mut conversation, set_run_mode(&let_go));
    conversation.said(Said::Activated(let_go));
    let told = vec![Told::Order(promote.clone())];
    assert_eq!(
        hears(&mut conversation, set_run_mode(&promote)),
        (told, vec![])
    );
    let answer = acknowledgement(&promote);
    assert_eq!(
        conversation.said(Said::Activated(promote.clone())),
        Some(answer.clone())
    );
    assert_eq!(
        hears(&mut conversation, set_run_mode(&promote)),
        (vec![], vec![answer])
    );
    // One of an epoch that is over is answered as it was, and nothing else.
    let demote = order(9, 5, RunMode::Backup);
    hears(&mut conversation, set_run_mode(&demote));
    conversation.said(Said::Activated(demote));
    assert_eq!(
        hears(&mut conversation, set_run_mode(&promote)),
        (vec![], vec![acknowledgement(&promote)])
    );
}

#[test]
fn a_refusal_is_remembered_like_an_acknowledgement() {
    let mut conversation = running();
    let promote = order(8, 4, RunMode::Primary);
    hears(&mut conversation, set_run_mode(&promote));
    let refused = FromApplication::RunModeRefused {
        number: OrderNumber(8),
        reason: "no licence".to_owned(),
    };
    let said = Said::Refused(OrderNumber(8), "no licence".to_owned());
    assert_eq!(conversation.said(said), Some(refused.clone()));
    assert_eq!(
        hears(&mut conversation, set_run_mode(&promote)),
        (vec![], vec![refused])
    );
    let still_backup = register(RunMode::Backup, 3, ApplicationStatus::Initializing);
    assert_eq!(conversation.connected(), still_backup);
}

#[test]
fn after_a_restart_of_the_lca_it_registers_as_what_it_is_and_reports_its_status_again() {
    let mut conversation = running();
    let report = Said::Status {
        status: ApplicationStatus::Running,
        reason: "ready".to_owned(),
        in_step: true,
    };
    let reported = conversation.said(report).expect("the link stands");
    conversation.disconnected();
    assert_eq!(conversation.said(Said::Alive(9)), None, "nobody is there");
    let again = register(RunMode::Backup, 3, ApplicationStatus::Running);
    assert_eq!(conversation.connected(), again);
    let on_record = registered(12, 3, RunMode::Backup);
    let heard = hears(
        &mut conversation,
        ToApplication::Registered(on_record.clone()),
    );
    let confirmed = acknowledgement(&order(12, 3, RunMode::Backup));
    let told = vec![Told::Registered(Box::new(on_record))];
    assert_eq!(heard, (told, vec![reported, confirmed]));
}

#[test]
fn an_answer_given_while_the_lca_was_away_is_in_the_registration() {
    let mut conversation = running();
    let promote = order(8, 4, RunMode::Primary);
    hears(&mut conversation, set_run_mode(&promote));
    conversation.disconnected();
    assert_eq!(conversation.said(Said::Activated(promote.clone())), None);
    let as_primary = register(RunMode::Primary, 4, ApplicationStatus::Initializing);
    assert_eq!(conversation.connected(), as_primary);
    let answer = acknowledgement(&promote);
    assert_eq!(
        hears(&mut conversation, set_run_mode(&promote)),
        (vec![], vec![answer])
    );
}

#[test]
fn a_re_registration_gives_a_newer_order_and_ignores_what_is_older() {
    let newer = registered(12, 4, RunMode::Primary);
    let (told, answers) = hears(&mut running(), ToApplication::Registered(newer));
    assert_eq!(
        told.last(),
        Some(&Told::Order(order(12, 4, RunMode::Primary)))
    );
    assert_eq!(answers, []);
    let older = registered(5, 2, RunMode::Primary);
    let (told, answers) = hears(&mut running(), ToApplication::Registered(older.clone()));
    assert_eq!(told, [Told::Registered(Box::new(older))]);
    assert_eq!(answers, []);
}

#[test]
fn a_refused_registration_is_told() {
    let refusal = Refusal::new(RefusalCode::RegistrationRefused, "not your token");
    let message = ToApplication::RegistrationRefused(refusal.clone());
    let heard = hears(&mut conversation(), message);
    assert_eq!(heard, (vec![Told::Refused(refusal)], vec![]));
}

#[test]
fn a_primary_that_is_cut_off_demotes_itself_in_its_own_epoch_and_says_so_when_it_registers_again() {
    let mut conversation = conversation();
    let mut answers = Vec::new();
    conversation.connected();
    let message = ToApplication::Registered(registered(1, 3, RunMode::Primary));
    conversation.heard(message, &mut answers);
    assert!(
        conversation
            .said(Said::Activated(order(1, 3, RunMode::Primary)))
            .is_some()
    );
    conversation.disconnected();
    let Some(Told::Order(told)) = conversation.cut_off(1) else {
        panic!("a primary is told");
    };
    assert_eq!((told.epoch, told.run_mode), (Epoch(3), RunMode::Backup));
    assert_eq!(conversation.said(Said::Activated(told)), None);
    assert_eq!(conversation.cut_off(2), None, "it is no primary any more");
    assert_eq!(
        conversation.connected(),
        register(RunMode::Backup, 3, ApplicationStatus::Initializing)
    );
}
