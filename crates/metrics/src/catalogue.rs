//! The catalogue: every family of a component, registered and described in one place, so that the documentation can
//! be compared with it.

use crate::families::{self, CounterFamily, Counters, Durations, GaugeFamily, Gauges};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::time::{SystemTime, UNIX_EPOCH};

/// Kind of a family, in the words of OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FamilyKind {
    /// Only grows; its series end in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations in buckets; its series end in `_bucket`, `_sum` and `_count`.
    Histogram,
}

impl FamilyKind {
    /// The word of the exposition.
    pub fn as_str(self) -> &'static str {
        match self {
            FamilyKind::Counter => "counter",
            FamilyKind::Gauge => "gauge",
            FamilyKind::Histogram => "histogram",
        }
    }
}

/// What documentation says about a family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FamilyDescription {
    /// Name as it is queried: counters with `_total`, histograms without a suffix.
    pub name: &'static str,
    /// Kind.
    pub kind: FamilyKind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// One sentence, without a full stop.
    pub help: &'static str,
}

/// Families of one component.
#[derive(Debug)]
pub struct Catalogue {
    registry: Registry,
    families: Vec<FamilyDescription>,
}

impl Catalogue {
    /// A catalogue with what every process says: which program it is, and since when it runs.
    pub fn new(component: &str, version: &str) -> Self {
        let mut catalogue = Self {
            registry: Registry::default(),
            families: Vec::new(),
        };
        catalogue
            .gauge(
                "changeover_build_info",
                &["component", "version"],
                "Always 1; the labels tell which program this is",
            )
            .set(&[component, version], 1.0);
        let started = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let help = "When the process started, seconds since 1970";
        let name = catalogue.describe(
            "changeover_process_start_time_seconds",
            FamilyKind::Gauge,
            &[],
            help,
        );
        catalogue.registry.register_with_unit(
            name,
            help,
            Unit::Seconds,
            ConstGauge::<f64>::new(started),
        );
        catalogue
    }

    /// Registers counters; the name ends in `_total`.
    pub fn counters(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Counters {
        let base = self.describe(name, FamilyKind::Counter, labels, help);
        let family = CounterFamily::default();
        match base.strip_suffix("_seconds") {
            Some(base) => {
                self.registry
                    .register_with_unit(base, help, Unit::Seconds, family.clone())
            }
            None => self.registry.register(base, help, family.clone()),
        }
        Counters { family, labels }
    }

    /// Registers gauges; the name ends in its unit where it has one (`_seconds`, `_bytes`).
    pub fn gauge(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Gauges {
        let base = self.describe(name, FamilyKind::Gauge, labels, help);
        let family = GaugeFamily::default();
        match unit_of(name) {
            Some(unit) => self
                .registry
                .register_with_unit(base, help, unit, family.clone()),
            None => self.registry.register(base, help, family.clone()),
        }
        Gauges { family, labels }
    }

    /// Registers histograms of durations; the name ends in `_seconds`.
    pub fn durations(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Durations {
        let base = self.describe(name, FamilyKind::Histogram, labels, help);
        let family = families::histograms();
        self.registry
            .register_with_unit(base, help, Unit::Seconds, family.clone());
        Durations { family, labels }
    }

    /// Every family, in the order of registration.
    pub fn families(&self) -> &[FamilyDescription] {
        &self.families
    }

    /// The exposition as it stands now, in OpenMetrics text. Families without any series are left out.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(16 << 10);
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("writing into a String does not fail");
        text
    }

    /// Notes a family and gives its name without the suffixes that the encoder adds. The rules for names are asserted:
    /// breaking one is our own mistake, and every family is registered at the start of every process.
    fn describe(
        &mut self,
        name: &'static str,
        kind: FamilyKind,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> &'static str {
        assert!(name.starts_with("changeover_"), "{name} has not our prefix");
        assert!(
            self.families.iter().all(|family| family.name != name),
            "{name} is registered twice"
        );
        assert!(!help.ends_with('.'), "the encoder ends the help of {name}");
        let base = match kind {
            FamilyKind::Counter => name
                .strip_suffix("_total")
                .unwrap_or_else(|| panic!("the counter {name} does not end in _total")),
            FamilyKind::Histogram => name
                .strip_suffix("_seconds")
                .unwrap_or_else(|| panic!("the histogram {name} does not end in _seconds")),
            FamilyKind::Gauge => {
                assert!(!name.ends_with("_total"), "{name} is no counter");
                match unit_of(name) {
                    Some(unit) => name
                        .strip_suffix(unit.as_str())
                        .and_then(|rest| rest.strip_suffix('_'))
                        .unwrap_or(name),
                    None => name,
                }
            }
        };
        self.families.push(FamilyDescription {
            name,
            kind,
            labels,
            help,
        });
        base
    }
}

fn unit_of(name: &str) -> Option<Unit> {
    if name.ends_with("_seconds") {
        Some(Unit::Seconds)
    } else if name.ends_with("_bytes") {
        Some(Unit::Bytes)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition;
    use std::time::Duration;

    #[test]
    fn every_kind_of_family_is_written_as_openmetrics_wants_it() {
        let mut catalogue = Catalogue::new("scs", "0.1.0");
        let switchovers = catalogue.counters(
            "changeover_switchovers_total",
            &["pair", "outcome"],
            "Changes of the primary",
        );
        let states = catalogue.gauge("changeover_pair_state", &["pair", "state"], "State");
        let size = catalogue.gauge("changeover_store_size_bytes", &[], "Size of the store");
        let took = catalogue.durations("changeover_commit_duration_seconds", &[], "Commits");
        catalogue.counters("changeover_never_total", &[], "Nothing of it has happened");
        switchovers.add(&["SIP \"EAST\"\\", "done"], 2);
        switchovers.increment(&["SIP \"EAST\"\\", "done"]);
        states.set_state(&["P"], &["ok", "held"], "held");
        size.set(&[], 4096.0);
        took.observe(&[], Duration::from_millis(3));

        let text = catalogue.text();
        assert_eq!(exposition::faults(&text), Vec::<String>::new(), "{text}");
        let samples = exposition::samples(&text);
        let value = |series: &str| samples.get(series).copied();
        assert_eq!(
            value(r#"changeover_switchovers_total{outcome="done",pair="SIP \"EAST\"\\"}"#),
            Some(3.0),
            "{text}"
        );
        assert_eq!(
            value(r#"changeover_pair_state{pair="P",state="held"}"#),
            Some(1.0)
        );
        assert_eq!(
            value(r#"changeover_pair_state{pair="P",state="ok"}"#),
            Some(0.0)
        );
        assert_eq!(value("changeover_store_size_bytes"), Some(4096.0));
        assert_eq!(
            value(r#"changeover_commit_duration_seconds_bucket{le="0.0025"}"#),
            Some(0.0)
        );
        assert_eq!(
            value(r#"changeover_commit_duration_seconds_bucket{le="0.005"}"#),
            Some(1.0)
        );
        assert_eq!(
            value(r#"changeover_build_info{component="scs",version="0.1.0"}"#),
            Some(1.0)
        );
        for line in [
            "# TYPE changeover_switchovers counter",
            "# UNIT changeover_store_size_bytes bytes",
            "# TYPE changeover_commit_duration_seconds histogram",
            "# UNIT changeover_process_start_time_seconds seconds",
        ] {
            assert!(
                text.lines().any(|one| one == line),
                "{line} is not in {text}"
            );
        }
        assert!(!text.contains("changeover_never"), "{text}");
    }
}
