//! A core that takes orders of an epoch that is over: the exploration must say what then goes wrong, or that the other
//! defences cover it. Run with `cargo test -p changeover-proof --features planted-bugs`.

use changeover_model::environment::ControllerLoss;
use changeover_model::with_planted;
use changeover_proof::{Options, Verdict, prove, text};
use changeover_simulation::Site;

fn with_bug(policy: ControllerLoss, bug: &'static str) -> (Verdict, String) {
    let site = Site {
        on_controller_loss: policy,
        ..Site::default()
    };
    let environment = changeover_configuration::load("simulated.yaml", &site.text())
        .expect("the simulated site is valid")
        .environment;
    let options = Options {
        faults: 2,
        threads: 1,
        ..Options::default()
    };
    let proof = with_planted(Some(bug), || prove(&environment, &options, &|_| {}));
    (proof.pairs[0].verdict, text(&proof))
}

#[test]
fn an_lca_without_epochs_is_found_out_under_quorum() {
    let (verdict, text) = with_bug(ControllerLoss::Quorum, "without-epochs");
    assert_eq!(verdict, Verdict::Counterexample, "{text}");
    assert!(text.contains("no stale effect: "), "{text}");
}

/// Under `hold` the check is one of several: connections that are over are not listened to, starts are counted, and
/// order numbers answer a repetition.
#[test]
fn under_hold_other_defences_cover_what_an_lca_without_epochs_would_let_in() {
    let (verdict, text) = with_bug(ControllerLoss::Hold, "without-epochs");
    assert_eq!(verdict, Verdict::Proved, "{text}");
}
