//! Registration: the first one, refused or not, and those after the link was lost.

use crate::played::{LONG, Lca, acknowledged, nobody, run_mode_order, set_run_mode};
use changeover_application_link::ApplicationLink;
use changeover_model::message::{FromApplication, ToApplication};
use changeover_model::{ApplicationStatus, Epoch, Refusal, RefusalCode, RunMode};
use std::time::Duration;
use tokio::time::timeout;

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

#[tokio::test]
async fn a_refused_first_registration_is_an_error_that_says_why() {
    let mut lca = Lca::run(nobody()).await;
    let registering = ApplicationLink::register(lca.settings());
    let refuse = async {
        let (mut connection, said) = lca.attached().await;
        let first = register(RunMode::Unknown, 0, ApplicationStatus::Initializing);
        assert_eq!(said, first);
        let refusal = Refusal::new(
            RefusalCode::RegistrationRefused,
            "this token was never given",
        );
        let refused = ToApplication::RegistrationRefused(refusal);
        connection.say(refused).await;
        assert_eq!(connection.heard().await, None, "it hangs up");
    };
    let (registered, ()) = tokio::join!(registering, refuse);
    let error = registered.err().map(|error| error.to_string());
    let expected = "the LCA does not accept the registration of A: registration-refused: this token was never given";
    assert_eq!(error.as_deref(), Some(expected));
}

#[tokio::test]
async fn the_link_comes_back_within_a_quarter_of_a_second_and_orders_go_on() {
    let mut lca = Lca::run(nobody()).await;
    let (mut link, mut connection) = lca.registered().await;
    run_mode_order(&mut link).await.activated();
    let done = acknowledged(7, 3, RunMode::Backup);
    assert_eq!(connection.heard().await, Some(done.clone()));
    link.report_status(ApplicationStatus::Running, "ready", true)
        .await;
    let report = connection.heard().await;
    drop(connection);
    let again = timeout(Duration::from_millis(500), lca.accept()).await;
    let mut connection = again.expect("it dials again");
    assert_eq!(connection.heard().await, report, "said again by itself");
    assert_eq!(connection.heard().await, Some(done), "confirmed");
    connection.say(set_run_mode(8, 4, RunMode::Primary)).await;
    let order = run_mode_order(&mut link).await;
    let seen = (order.run_mode(), order.epoch());
    assert_eq!(seen, (RunMode::Primary, Epoch(4)));
}

#[tokio::test]
async fn an_lca_that_does_not_answer_a_registration_is_dialled_again() {
    let mut lca = Lca::run(nobody()).await;
    let registering = ApplicationLink::register(lca.settings());
    let answers_late = async {
        let (mut silent, _) = lca.attached().await;
        assert_eq!(silent.heard().await, None, "given up after two seconds");
        lca.accept().await
    };
    let both = async { tokio::join!(registering, answers_late) };
    let (registered, _connection) = timeout(LONG, both).await.expect("in time");
    assert!(registered.is_ok(), "{registered:?}");
}

#[tokio::test]
async fn an_application_that_ends_hangs_up() {
    let mut lca = Lca::run(nobody()).await;
    let (link, mut connection) = lca.registered().await;
    drop(link);
    assert_eq!(connection.heard().await, None);
}
