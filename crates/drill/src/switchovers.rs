//! Owns `drill --switchovers N`: planned switchovers back to back, each measured from the order to rest.

use crate::carry_out::{Course, first_rest};
use crate::hands::end_of;
use crate::numbers::Spread;
use crate::report;
use changeover_rehearsal::{LiveSite, Moment, Trouble};
use serde::Serialize;
use std::time::Duration;

/// An order ends within this time.
const BOUND: Duration = Duration::from_secs(35);
/// Between two remarks of how far it is.
const EVERY: u32 = 50;

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Switchovers {
    pub(crate) asked: u32,
    pub(crate) done: u32,
    /// Those that did not end as asked.
    pub(crate) failed: Vec<String>,
    #[serde(skip)]
    gaps: Vec<f64>,
    #[serde(skip)]
    none: Vec<f64>,
    #[serde(skip)]
    two: Vec<f64>,
    #[serde(skip)]
    took: Vec<f64>,
    #[serde(skip)]
    idle: Vec<f64>,
    /// Longest time without an answer through the VIP, milliseconds.
    pub(crate) vip_gap_ms: Spread,
    /// The same of as many stretches in which nothing was done, for comparison: the machine's own doing.
    pub(crate) idle_gap_ms: Spread,
    /// Time without a holder, milliseconds.
    pub(crate) no_holder_ms: Spread,
    /// Time with two, milliseconds.
    pub(crate) two_holders_ms: Spread,
    /// From the order to its answer, milliseconds.
    pub(crate) took_ms: Spread,
}

impl Switchovers {
    fn count(&mut self) {
        let spread = |times: &[f64]| Spread::of(times.iter().copied());
        self.vip_gap_ms = spread(&self.gaps);
        self.idle_gap_ms = spread(&self.idle);
        self.no_holder_ms = spread(&self.none);
        self.two_holders_ms = spread(&self.two);
        self.took_ms = spread(&self.took);
    }

    /// True if every one ended as asked, without a moment with two holders.
    pub(crate) fn passed(&self) -> bool {
        self.done == self.asked && self.failed.is_empty() && self.two_holders_ms.max == 0.0
    }
}

/// Carries them out.
///
/// # Errors
/// When the site does not come to rest between two of them.
pub(crate) async fn carry_out(
    site: &mut LiveSite,
    course: &Course<'_>,
    count: u32,
    so_far: &mut Switchovers,
) -> Result<(), Trouble> {
    so_far.asked = count;
    for number in 1..=count {
        if number % EVERY == 1 {
            report::progress(&format!("switchover {number} of {count}"));
        }
        let quiet = Moment::now();
        first_rest(site, course).await?;
        let began = Moment::now();
        so_far.idle.extend(site.longest_gap(quiet, began));
        let (orders, pair) = (site.orders(), site.pair().name.clone());
        let order = tokio::spawn(async move { orders.switchover(&pair, "drill").await });
        let how = end_of(order, BOUND).await;
        let answered = Moment::now();
        first_rest(site, course).await?;
        let end = Moment::now();
        if how == "done" {
            so_far.done += 1;
        } else {
            so_far.failed.push(format!("switchover {number}: {how}"));
        }
        let times = site.sightings().times(began, end);
        so_far.gaps.extend(site.longest_gap(began, end));
        so_far.none.push(times.no_holder_ms);
        so_far.two.push(times.two_holders_ms);
        so_far.took.push(answered.ms_since(began));
        so_far.count();
    }
    Ok(())
}
