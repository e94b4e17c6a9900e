//! Owns one round of a drill on a live site: makes its faults and heals them at their times, waits for rest, and writes down
//! what was seen meanwhile. Chooses and judges nothing.

use crate::fault::Kind;
use crate::hands::{Order, Undo, end_of, heal, make};
use crate::rest::{self, Remedy};
use crate::schedule::{Cast, Planned, host_of};
use crate::seen::{Made, Promises, Round};
use crate::slow_disk::SlowDisks;
use changeover_model::message::Picture;
use changeover_rehearsal::{LiveSite, Moment, Trouble};
use std::collections::BTreeMap;
use std::time::Duration;

/// An operator's order ends within this time, or is left alone.
const ORDER_BOUND: Duration = Duration::from_secs(35);
/// Between two looks at a site that is not at rest yet.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// What lasts so long is rest: what was on its way when a fault ended has arrived by then.
const CALM: Duration = Duration::from_secs(1);
/// An operator lets the site find out by itself for so long, except where the pages say that it does not.
const PATIENCE: Duration = Duration::from_secs(5);
/// No round needs an operator more often.
const MOST_REMEDIES: usize = 3;

/// What a round needs to know of the drill.
pub(crate) struct Course<'a> {
    pub(crate) cast: &'a Cast,
    pub(crate) promises: &'a Promises,
    pub(crate) slow: &'a SlowDisks,
    pub(crate) began: Moment,
}

impl Course<'_> {
    fn rest_bound(&self) -> Duration {
        Duration::from_secs_f64(self.promises.rest_ms / 1e3)
    }
}

/// Carries a round out.
///
/// # Errors
/// When the machine does not obey; what the site does wrong is written down.
pub(crate) async fn round(
    site: &mut LiveSite,
    course: &Course<'_>,
    number: u32,
    planned: &[Planned],
) -> Result<Round, Trouble> {
    let before = site.picture().await?;
    let began = Moment::now();
    let mut round = Round {
        number,
        began_ms: began.ms_since(course.began),
        ..Round::default()
    };
    (round.epoch_before, round.primary_before) = epoch_and_primary(site, &before);
    let holder = site.holders().into_iter().next();
    round.faults = act(site, course, planned, &before, began).await?;
    let rest = until_rest(site, course, &mut round, CALM).await?;
    let sightings = site.sightings();
    let to = rest.measured_until.unwrap_or_else(Moment::now);
    let times = sightings.times(began, to);
    round.vip_gap_ms = site.longest_gap(began, to);
    round.no_holder_ms = times.no_holder_ms;
    round.unreachable_holder_ms = times.unreachable_holder_ms;
    // Two holders are never an operator's doing.
    round.two_holders_ms = sightings.times(began, Moment::now()).two_holders_ms;
    round.vip_left = holder.is_some_and(|host| sightings.left(&host, began));
    if let Some(picture) = &rest.picture {
        (round.epoch_after, round.primary_after) = epoch_and_primary(site, picture);
        round.stuck = rest::under_way(picture);
    }
    for component in site.components() {
        if site.component(&component).is_none() {
            site.start_again(&component).await?;
            round.ended.push(component);
        }
    }
    Ok(round)
}

fn epoch_and_primary(site: &LiveSite, picture: &Picture) -> (u64, String) {
    let Some(pair) = rest::pair_of(picture, &site.pair().name) else {
        return (0, String::new());
    };
    let primary = rest::primary(pair).map(|(application, _)| application.to_string());
    (pair.epoch.0, primary.unwrap_or_default())
}

/// A fault under way.
struct UnderWay {
    made: Made,
    undo: Undo,
    orders: Vec<Order>,
}

/// Makes and heals every fault at its time.
async fn act(
    site: &mut LiveSite,
    course: &Course<'_>,
    planned: &[Planned],
    before: &Picture,
    began: Moment,
) -> Result<Vec<Made>, Trouble> {
    let processes: BTreeMap<String, u32> = before
        .applications
        .iter()
        .filter_map(|application| Some((application.name.to_string(), application.pid?)))
        .collect();
    let mut steps: Vec<(Duration, bool, usize)> = Vec::new();
    for (index, fault) in planned.iter().enumerate() {
        steps.push((fault.after, false, index));
        steps.push((fault.healed_after(), true, index));
    }
    steps.sort();
    let mut under_way: BTreeMap<usize, UnderWay> = BTreeMap::new();
    for (at, is_end, index) in steps {
        let wait = began.plus(at).since(Moment::now());
        // Nothing is waited for but the moment that the schedule says.
        tokio::time::sleep(wait).await;
        let Some(fault) = planned.get(index) else {
            continue;
        };
        if !is_end {
            let begun = begin(site, course, fault, &processes, began).await?;
            under_way.insert(index, begun);
        } else if let Some(fault) = under_way.get_mut(&index) {
            let undo = std::mem::replace(&mut fault.undo, Undo::Nothing);
            let healed = heal(site, undo).await?;
            fault.orders.extend(healed.order);
            fault.made.slowed = healed.slowed;
            fault.made.until_ms = Moment::now().ms_since(began);
        }
    }
    let mut made = Vec::new();
    for mut fault in under_way.into_values() {
        for order in fault.orders {
            let how = end_of(order, ORDER_BOUND).await;
            if !fault.made.note.is_empty() {
                fault.made.note.push_str(", ");
            }
            fault.made.note.push_str(&how);
            fault.made.until_ms = Moment::now().ms_since(began);
        }
        made.push(fault.made);
    }
    Ok(made)
}

async fn begin(
    site: &mut LiveSite,
    course: &Course<'_>,
    fault: &Planned,
    processes: &BTreeMap<String, u32>,
    began: Moment,
) -> Result<UnderWay, Trouble> {
    let host = host_of(fault, course.cast);
    let hit_holder = host
        .as_ref()
        .is_some_and(|host| site.holders().contains(host));
    let from_ms = Moment::now().ms_since(began);
    let done = make(site, course.slow, fault, processes).await?;
    Ok(UnderWay {
        made: Made {
            kind: fault.kind,
            target: fault.target.clone(),
            from_ms,
            until_ms: Moment::now().ms_since(began),
            host,
            hit_holder,
            note: done.note,
            slowed: None,
        },
        undo: done.undo,
        orders: done.order.into_iter().collect(),
    })
}

/// What was there at rest, or when the bound was over.
struct Rest {
    picture: Option<Picture>,
    /// Before an operator helped, if one had to.
    measured_until: Option<Moment>,
}

/// Waits until the site is at rest, and helps where the pages say that an operator must.
async fn until_rest(
    site: &mut LiveSite,
    course: &Course<'_>,
    round: &mut Round,
    enough: Duration,
) -> Result<Rest, Trouble> {
    let healed = Moment::now();
    let mut end = healed.plus(course.rest_bound());
    let mut explained_since: Option<(Remedy, Moment)> = None;
    let mut rest = Rest {
        picture: None,
        measured_until: None,
    };
    let mut calm: Option<Moment> = None;
    loop {
        let pair = site.pair().name.clone();
        let asked = Moment::now();
        let mut missing = match site.picture().await {
            Ok(picture) => {
                let missing = rest::missing(
                    &picture,
                    &pair,
                    |host| site.is_held_by(host),
                    &site.holders(),
                );
                rest.picture = Some(picture);
                missing
            }
            Err(trouble) => vec![trouble.to_string()],
        };
        let is_over = calm.is_some_and(|since| asked.since(since) >= enough);
        // When rest begins and when it is believed: asking at every look would only load the SCS.
        if missing.is_empty() && (calm.is_none() || is_over) {
            missing = match site.timeline().await {
                Ok((records, _)) => rest::open(&records),
                Err(trouble) => vec![trouble.to_string()],
            };
        }
        if missing.is_empty() {
            // At least twice: what was under way when it was asked is over by the second time.
            if let Some(since) = calm.filter(|_| is_over) {
                round.rest_ms = Some(since.ms_since(healed).max(0.0));
                return Ok(rest);
            }
            calm.get_or_insert(asked);
        } else {
            calm = None;
            if let Some(remedy) = due(&rest, &pair, &mut explained_since, round.remedies.len()) {
                rest.measured_until.get_or_insert_with(Moment::now);
                let how = help(site, &remedy).await;
                round.remedies.push(format!("{remedy}: {how}"));
                end = Moment::now().plus(course.rest_bound());
            }
        }
        if Moment::now() > end {
            round.missing = missing;
            return Ok(rest);
        }
        // Rest is the absence of events, which nobody announces: it is looked for, up to `end`.
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The remedy whose time has come.
fn due(
    rest: &Rest,
    pair: &changeover_model::PairName,
    explained_since: &mut Option<(Remedy, Moment)>,
    so_far: usize,
) -> Option<Remedy> {
    let remedy = rest::remedy(rest.picture.as_ref()?, pair);
    let Some(remedy) = remedy.filter(|_| so_far < MOST_REMEDIES) else {
        *explained_since = None;
        return None;
    };
    let since = match explained_since {
        Some((known, since)) if *known == remedy => *since,
        _ => Moment::now(),
    };
    *explained_since = Some((remedy.clone(), since));
    let patience = match remedy {
        Remedy::Switchover => LOOK_AGAIN,
        Remedy::Realign | Remedy::Start(_) => PATIENCE,
    };
    if Moment::now().since(since) < patience {
        return None;
    }
    *explained_since = None;
    Some(remedy)
}

async fn help(site: &LiveSite, remedy: &Remedy) -> String {
    let (orders, pair, remedy) = (site.orders(), site.pair().name.clone(), remedy.clone());
    let order = tokio::spawn(async move {
        match remedy {
            Remedy::Switchover => orders.switchover(&pair, "drill: begin anew").await,
            Remedy::Realign => orders.realign(&pair).await,
            Remedy::Start(application) => orders.start(&application).await,
        }
    });
    end_of(order, ORDER_BOUND).await
}

/// Waits for rest before the first round, unjudged.
///
/// # Errors
/// When the site does not come to rest at all.
pub(crate) async fn first_rest(site: &mut LiveSite, course: &Course<'_>) -> Result<(), Trouble> {
    let mut none = Round::default();
    until_rest(site, course, &mut none, Duration::ZERO).await?;
    if none.rest_ms.is_some() {
        return Ok(());
    }
    Err(Trouble::NotReached {
        state: "rest before the first fault".to_owned(),
        bound: course.rest_bound(),
        missing: none.missing.join("; "),
        logs: String::new(),
    })
}

/// Every kind, for a drill that is not told which.
pub(crate) fn all_kinds() -> Vec<Kind> {
    use clap::ValueEnum as _;
    Kind::value_variants().to_vec()
}
