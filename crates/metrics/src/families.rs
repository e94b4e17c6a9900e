//! The three kinds of family: counters, gauges, durations. Label names are fixed when a family is registered, values
//! are given in that order. All are cheap enough for the thread of a core: a look-up and an atomic, no allocation
//! that grows with the site.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Upper bounds of the buckets of every duration, seconds: from a hop on an open stream to a stuck script.
const BUCKETS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Names and values of one series.
pub(crate) type Labels = Vec<(&'static str, String)>;
pub(crate) type CounterFamily = Family<Labels, Counter>;
pub(crate) type GaugeFamily = Family<Labels, Gauge<f64, AtomicU64>>;
pub(crate) type HistogramFamily = Family<Labels, Histogram, fn() -> Histogram>;

/// A family without any bucket filled.
pub(crate) fn histograms() -> HistogramFamily {
    Family::new_with_constructor(|| Histogram::new(BUCKETS))
}

fn labelled(names: &'static [&'static str], values: &[&str]) -> Labels {
    assert_eq!(
        names.len(),
        values.len(),
        "one value for each label of {names:?}"
    );
    names
        .iter()
        .zip(values)
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

/// Counters that only grow, one per combination of label values.
#[derive(Clone, Debug)]
pub struct Counters {
    pub(crate) family: CounterFamily,
    pub(crate) labels: &'static [&'static str],
}

impl Counters {
    /// Counts one.
    pub fn increment(&self, values: &[&str]) {
        self.add(values, 1);
    }

    /// Counts several. With 0 the series is there from now on, so that its first event is seen as an increase.
    pub fn add(&self, values: &[&str], by: u64) {
        self.family
            .get_or_create(&labelled(self.labels, values))
            .inc_by(by);
    }
}

/// Values that go up and down, one per combination of label values.
#[derive(Clone, Debug)]
pub struct Gauges {
    pub(crate) family: GaugeFamily,
    pub(crate) labels: &'static [&'static str],
}

impl Gauges {
    /// Sets one.
    pub fn set(&self, values: &[&str], to: f64) {
        self.family
            .get_or_create(&labelled(self.labels, values))
            .set(to);
    }

    /// Sets one to 1 or 0.
    pub fn set_if(&self, values: &[&str], is_so: bool) {
        self.set(values, f64::from(u8::from(is_so)));
    }

    /// Adds to one.
    pub fn add(&self, values: &[&str], by: f64) {
        self.family
            .get_or_create(&labelled(self.labels, values))
            .inc_by(by);
    }

    /// A state set: one series per state, 1 for the one that is so now and 0 for all others. The state is the last
    /// label.
    pub fn set_state(&self, values: &[&str], states: &[&'static str], now: &str) {
        for state in states {
            let mut all = values.to_vec();
            all.push(state);
            self.set_if(&all, *state == now);
        }
    }

    /// Forgets every series: what is not set again is gone from the site.
    pub fn clear(&self) {
        self.family.clear();
    }
}

/// Histograms of durations in seconds, one per combination of label values.
#[derive(Clone, Debug)]
pub struct Durations {
    pub(crate) family: HistogramFamily,
    pub(crate) labels: &'static [&'static str],
}

impl Durations {
    /// Takes one measurement.
    pub fn observe(&self, values: &[&str], duration: Duration) {
        self.family
            .get_or_create(&labelled(self.labels, values))
            .observe(duration.as_secs_f64());
    }
}
