//! Results of health checks, as an LCA tells them. Whoever runs a check calls [`HealthChecks::finished`] once per run, and
//! whoever judges it [`HealthChecks::standing`] for each check before a scrape; nothing else is needed.

use crate::{Catalogue, Counters, Durations, Gauges};
use std::time::Duration;

/// The families of health checks. Clones share them. `check` is the name that the environment gives it: never text that
/// a check printed.
#[derive(Clone, Debug)]
pub struct HealthChecks {
    results: Counters,
    durations: Durations,
    down: Gauges,
}

impl HealthChecks {
    /// Registers the families.
    pub fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            results: catalogue.counters(
                "changeover_lca_health_checks_total",
                &["application", "check", "result"],
                "Health checks that have ended, by result: passed or failed (which includes no answer in time)",
            ),
            durations: catalogue.durations(
                "changeover_lca_health_check_duration_seconds",
                &["application", "check"],
                "How long health checks took",
            ),
            down: catalogue.gauge(
                "changeover_lca_health_check_down",
                &["application", "check"],
                "1 while the check has failed so often that its application counts as unavailable",
            ),
        }
    }

    /// One run of a check has ended.
    pub fn finished(&self, application: &str, check: &str, passed: bool, took: Duration) {
        let result = if passed { "passed" } else { "failed" };
        self.results.increment(&[application, check, result]);
        self.durations.observe(&[application, check], took);
    }

    /// What a check adds up to now, after its `fall` and `rise`.
    pub fn standing(&self, application: &str, check: &str, down: bool) {
        self.down.set_if(&[application, check], down);
    }

    /// Forgets which checks there are; each that there is has its standing told again.
    pub fn clear(&self) {
        self.down.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition;

    #[test]
    fn a_check_shows_by_its_results_its_duration_and_what_it_adds_up_to() {
        let mut catalogue = Catalogue::new("lca", "0.1.0");
        let health = HealthChecks::new(&mut catalogue);
        health.finished("KAMAILIO_1", "options", true, Duration::from_millis(3));
        health.finished("KAMAILIO_1", "options", false, Duration::from_secs(2));
        health.standing("KAMAILIO_1", "options", true);
        let samples = exposition::samples(&catalogue.text());
        let of = |name: &str| {
            samples[&format!("{name}{{application=\"KAMAILIO_1\",check=\"options\"}}")]
        };
        assert_eq!(of("changeover_lca_health_check_down"), 1.0);
        assert_eq!(
            of("changeover_lca_health_check_duration_seconds_count"),
            2.0
        );
        assert_eq!(
            samples[r#"changeover_lca_health_checks_total{application="KAMAILIO_1",check="options",result="failed"}"#],
            1.0
        );
        health.clear();
        assert!(!catalogue.text().contains("health_check_down"));
    }
}
