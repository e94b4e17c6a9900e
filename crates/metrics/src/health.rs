//! Results of health checks, as an LCA tells them. Whoever runs a check calls [`HealthChecks::finished`] once per run;
//! nothing else is needed.

use crate::{Catalogue, Counters, Durations, Gauges};
use std::time::Duration;

/// The families of health checks. Clones share them.
#[derive(Clone, Debug)]
pub struct HealthChecks {
    results: Counters,
    durations: Durations,
    failing: Gauges,
}

impl HealthChecks {
    /// Registers the families.
    pub fn new(catalogue: &mut Catalogue) -> Self {
        Self {
            results: catalogue.counters(
                "changeover_lca_health_checks_total",
                &["application", "check", "result"],
                "Health checks that have ended, by result: passed, failed, timed-out",
            ),
            durations: catalogue.durations(
                "changeover_lca_health_check_duration_seconds",
                &["application", "check"],
                "How long health checks took",
            ),
            failing: catalogue.gauge(
                "changeover_lca_health_check_failing",
                &["application", "check"],
                "1 while the check has failed as often in a row as its `fall`, so that the application counts as unavailable",
            ),
        }
    }

    /// One run of a check has ended. `check` is its name, or its kind and place among the application's checks
    /// (`tcp-1`): never text that a check printed. `failing`: after this run the application counts as unavailable
    /// because of it.
    pub fn finished(
        &self,
        application: &str,
        check: &str,
        result: HealthResult,
        took: Duration,
        failing: bool,
    ) {
        self.results
            .increment(&[application, check, result.as_str()]);
        self.durations.observe(&[application, check], took);
        self.failing.set_if(&[application, check], failing);
    }
}

/// How one run of a health check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthResult {
    /// The service is there.
    Passed,
    /// It is not.
    Failed,
    /// No answer in time.
    TimedOut,
}

impl HealthResult {
    fn as_str(self) -> &'static str {
        match self {
            HealthResult::Passed => "passed",
            HealthResult::Failed => "failed",
            HealthResult::TimedOut => "timed-out",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition;

    #[test]
    fn a_check_that_times_out_shows_as_result_duration_and_as_failing_once_it_counts() {
        let mut catalogue = Catalogue::new("lca", "0.1.0");
        let health = HealthChecks::new(&mut catalogue);
        let took = Duration::from_secs(2);
        health.finished("KAMAILIO_1", "sip-options", HealthResult::Passed, took, false);
        health.finished("KAMAILIO_1", "sip-options", HealthResult::TimedOut, took, true);
        let samples = exposition::samples(&catalogue.text());
        let of = |name: &str| samples[&format!("{name}{{application=\"KAMAILIO_1\",check=\"sip-options\"}}")];
        assert_eq!(of("changeover_lca_health_check_failing"), 1.0);
        assert_eq!(of("changeover_lca_health_check_duration_seconds_count"), 2.0);
        assert_eq!(
            samples[r#"changeover_lca_health_checks_total{application="KAMAILIO_1",check="sip-options",result="timed-out"}"#],
            1.0
        );
    }
}
