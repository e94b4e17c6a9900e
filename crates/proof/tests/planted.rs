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
fn probe() {
    for policy in [
        ControllerLoss::Quorum,
        ControllerLoss::ReleaseAfter(std::time::Duration::from_secs(5)),
    ] {
        let (verdict, text) = with_bug(policy, "without-epochs");
        println!("{policy:?} {verdict:?}\n{text}");
    }
}
