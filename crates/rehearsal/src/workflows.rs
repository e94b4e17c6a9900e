//! Owns the documented workflows (FACTS 4): their names, their order on a site, and the stage on which each is carried
//! out. One file each below: what an operator or fate does, what the workflow waits for, the rules of its steps, the
//! state it must leave. The verdicts are made in `judge`.

mod acceptance;
mod alarm_test;
mod beginning;
mod manual_switchover;
mod primary_disconnected;
mod primary_failure;
mod reconnect;
mod sip_nic_lost;
mod sip_nic_restored;
mod sip_nic_switched_back;
mod sip_silence;

pub(crate) use acceptance::USERS;

use crate::judge::{Cast, EndState, OwnSighting, Rule, Witness, end_checks, judge};
use crate::moment::Moment;
use crate::operator::Outcome;
use crate::outcome::{Chart, EventOutcome, WorkflowOutcome};
use crate::plan::place_of;
use crate::probe::longest_gap;
use crate::site::{Expected, Site};
use crate::trouble::Trouble;
use changeover_model::message::{PairPicture, Picture, TimelineRecord};
use changeover_model::{ApplicationName, RunMode};
use clap::ValueEnum;
use serde::{Serialize, Serializer};
use std::time::Duration;

#[cfg(test)]
pub(crate) mod rules {
    //! The rules of each workflow, for the judge's tests.

    pub(crate) use super::acceptance::rules as acceptance;
    pub(crate) use super::alarm_test::rules as alarm_test;
    pub(crate) use super::manual_switchover::rules as manual_switchover;
    pub(crate) use super::primary_disconnected::rules as primary_disconnected;
    pub(crate) use super::primary_failure::rules as primary_failure;
    pub(crate) use super::reconnect::rules as reconnect;
    pub(crate) use super::sip_nic_lost::rules as sip_nic_lost;
    pub(crate) use super::sip_nic_restored::rules as sip_nic_restored;
    pub(crate) use super::sip_nic_switched_back::rules as sip_nic_switched_back;
}

/// The state in which a workflow begins is reached within this time.
const BEGIN_BOUND: Duration = Duration::from_secs(20);
/// A workflow that waits for no detection ends within this time.
const END_BOUND: Duration = Duration::from_secs(10);
/// Its records are closed, and the client's neighbour entry is confirmed, within this time after that.
const CLOSE_BOUND: Duration = Duration::from_secs(3);
/// Two hosts may have the VIP for this long once the link of one of them is back.
const TWO_HOLDERS: Duration = Duration::from_secs(1);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A workflow's name (INTERFACE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum WorkflowName {
    /// An operator swaps the roles
    ManualSwitchover,
    /// The primary dies
    PrimaryFailure,
    /// The primary's host loses its network
    PrimaryDisconnected,
    /// That host comes back
    Reconnect,
    /// The SIP NIC of a host with two is unplugged
    SipNicLost,
    /// That NIC is plugged in again
    SipNicRestored,
    /// Test of an Alarm Condition
    AlarmTest,
    /// Acceptance test 1
    #[value(name = "test-1")]
    Test1,
    /// Acceptance test 2
    #[value(name = "test-2")]
    Test2,
    /// Acceptance test 3
    #[value(name = "test-3")]
    Test3,
}

impl WorkflowName {
    /// Those of a full run, in order: each begins where the one before has ended.
    pub(crate) const FULL_RUN: [WorkflowName; 10] = [
        WorkflowName::ManualSwitchover,
        WorkflowName::PrimaryFailure,
        WorkflowName::PrimaryDisconnected,
        WorkflowName::Reconnect,
        WorkflowName::SipNicLost,
        WorkflowName::SipNicRestored,
        WorkflowName::AlarmTest,
        WorkflowName::Test1,
        WorkflowName::Test2,
        WorkflowName::Test3,
    ];

    /// The name as INTERFACE writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkflowName::ManualSwitchover => "manual-switchover",
            WorkflowName::PrimaryFailure => "primary-failure",
            WorkflowName::PrimaryDisconnected => "primary-disconnected",
            WorkflowName::Reconnect => "reconnect",
            WorkflowName::SipNicLost => "sip-nic-lost",
            WorkflowName::SipNicRestored => "sip-nic-restored",
            WorkflowName::AlarmTest => "alarm-test",
            WorkflowName::Test1 => "test-1",
            WorkflowName::Test2 => "test-2",
            WorkflowName::Test3 => "test-3",
        }
    }
}

impl Serialize for WorkflowName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a workflow's file gives back: what was done, and how it must end.
pub(crate) struct Carried {
    pub(crate) start: Moment,
    pub(crate) own: Vec<OwnSighting>,
    pub(crate) end: EndState,
    pub(crate) rules: Vec<Rule>,
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    /// What the judge is told when an order was refused, ended otherwise than asked, or has no end.
    fn refused(&self) -> impl Iterator<Item = OwnSighting> {
        self.not_done().map(OwnSighting::Refused).into_iter()
    }
}

/// Carries a workflow out on a site and judges it.
///
/// # Errors
/// When the state in which it begins is not reached, or the site breaks down; a workflow that ends badly is an
/// outcome, no error.
pub(crate) async fn run(name: WorkflowName, site: &mut Site) -> Result<WorkflowOutcome, Trouble> {
    let before = beginning::bring_about(name, site).await?;
    let cast = cast(site, &before)?;
    let known: Vec<TimelineRecord> = site.operator.timeline().await?;
    let newest = known
        .iter()
        .map(|record| record.id)
        .max()
        .unwrap_or_default();
    let clock = site.operator.clock().await?;
    let logged_before = last_position(site).await?;
    let probing_from = Moment::now();

    let carried = match name {
        WorkflowName::ManualSwitchover => manual_switchover::carry_out(site, &cast).await?,
        WorkflowName::PrimaryFailure => primary_failure::carry_out(site, &cast).await?,
        WorkflowName::PrimaryDisconnected => primary_disconnected::carry_out(site, &cast).await?,
        WorkflowName::Reconnect => reconnect::carry_out(site, &cast).await?,
        WorkflowName::AlarmTest => alarm_test::carry_out(site, &cast).await?,
        WorkflowName::SipNicLost => sip_nic_lost::carry_out(site, &cast).await?,
        WorkflowName::SipNicRestored => sip_nic_restored::carry_out(site, &cast, newest).await?,
        WorkflowName::Test1 | WorkflowName::Test2 | WorkflowName::Test3 => {
            acceptance::carry_out(name, site, &cast).await?
        }
    };
    let end = Moment::now();
    let records = closed_records(site, newest).await?;
    wait_for_the_neighbour(site, &carried.end).await?;
    let mut entries = Witness::entries_of(&records, &site.pair, &clock, carried.start);
    if site.pair.control.is_empty() {
        let log = site.operator.log(None).await?;
        entries.extend(Witness::entries_of_log(
            &log,
            logged_before,
            &clock,
            carried.start,
        ));
    }

    let after = site.operator.picture().await.ok();
    let answers = site
        .probe
        .as_ref()
        .map_or_else(Vec::new, |probe| probe.answers_since(probing_from));
    let witness = Witness {
        entries,
        cast,
        start: carried.start,
        end,
        own: carried.own,
        holding: site.observer.holding(),
        answers,
        neighbour: site.neighbour_entry().await?,
        pair: after
            .as_ref()
            .and_then(|picture| pair_of(picture, site))
            .cloned(),
    };
    let place = |path: &str| place_of(&site.environment.loaded, path);
    let steps = judge(&carried.rules, &witness, place);
    let checks = end_checks(&carried.end, &witness, place);
    Ok(outcome(
        name,
        site,
        &before,
        &witness,
        carried.notes,
        steps,
        checks,
    ))
}

/// The position of the newest record in the Message Server's log, where the log is evidence.
async fn last_position(site: &Site) -> Result<u64, Trouble> {
    if !site.pair.control.is_empty() {
        return Ok(0);
    }
    let log = site.operator.log(None).await?;
    Ok(log.last().map_or(0, |record| record.position))
}

/// Who plays whom: server 1 is the primary now; in a reconnect it is the one that comes back.
fn cast(site: &Site, before: &PairPicture) -> Result<Cast, Trouble> {
    let primary = primary_of(before).ok_or_else(|| no_pair(site))?;
    cast_of(site, &primary)
}

fn cast_of(site: &Site, primary: &ApplicationName) -> Result<Cast, Trouble> {
    Cast::of(site.environment.environment(), &site.pair, primary).ok_or_else(|| no_pair(site))
}

fn no_pair(site: &Site) -> Trouble {
    Trouble::Operator {
        what: "asking the SCS for the pair".to_owned(),
        said: format!("it shows no primary of {}", site.pair.name),
    }
}

fn pair_of<'p>(picture: &'p Picture, site: &Site) -> Option<&'p PairPicture> {
    picture
        .pairs
        .iter()
        .find(|pair| pair.name == site.pair.name)
}

fn primary_of(pair: &PairPicture) -> Option<ApplicationName> {
    let mut primaries = pair
        .members
        .iter()
        .filter(|member| member.run_mode == RunMode::Primary);
    match (primaries.next(), primaries.next()) {
        (Some(one), None) => Some(one.application.clone()),
        // A lost host's server counts as what it was; the one that can be seen decides.
        (Some(one), Some(other)) => {
            let seen = |member: &changeover_model::message::MemberPicture| {
                member.status == changeover_model::ApplicationStatus::Running
            };
            Some(
                if seen(other) && !seen(one) {
                    other
                } else {
                    one
                }
                .application
                .clone(),
            )
        }
        (None, _) => None,
    }
}

/// The records that were opened since, once they are all closed, or as they are when that takes too long.
async fn closed_records(
    site: &Site,
    newest: changeover_model::CauseId,
) -> Result<Vec<TimelineRecord>, Trouble> {
    let end = Moment::now().plus(CLOSE_BOUND + site.patience);
    loop {
        let mut records = site.operator.timeline().await?;
        records.retain(|record| record.id > newest);
        if Moment::now() > end || records.iter().all(|record| record.closed_at.is_some()) {
            return Ok(records);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The neighbour entry follows the announcement, which may be a moment later than the address.
async fn wait_for_the_neighbour(site: &Site, end: &EndState) -> Result<(), Trouble> {
    let limit = Moment::now().plus(CLOSE_BOUND);
    let has_vip = !site.pair.virtual_ips.is_empty() || site.pair.network_device.is_some();
    while has_vip
        && site.neighbour_entry().await?.as_deref() != Some(end.host.as_str())
        && Moment::now() < limit
    {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Waits until the pair has settled and the probe is answered by the primary. Not to get there is for the judge.
pub(crate) async fn settle(
    site: &mut Site,
    end: &EndState,
    bound: Duration,
) -> Result<(), Trouble> {
    let expected = Expected {
        primary: end.primary.clone(),
        backup_there: end.backup_there,
    };
    let bound = bound + site.patience;
    let limit = Moment::now().plus(bound);
    match site.reach(&expected, bound).await {
        Ok(_) => {}
        Err(Trouble::NotReached { .. }) => return Ok(()),
        Err(other) => return Err(other),
    }
    until_answered(site, &end.primary, limit).await;
    Ok(())
}

/// Waits until this server answers the probe from now on. Not to get there is for the judge.
async fn until_answered(site: &Site, server: &ApplicationName, limit: Moment) {
    let now = Moment::now();
    while let Some(probe) = &site.probe
        && Moment::now() < limit
    {
        let by_it = probe.last_answer().is_some_and(|answer| {
            answer.at >= now
                && answer
                    .server
                    .is_none_or(|name| name.contains(server.as_str()))
        });
        if by_it {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn outcome(
    name: WorkflowName,
    site: &Site,
    before: &PairPicture,
    witness: &Witness,
    notes: Vec<String>,
    steps: Vec<crate::outcome::StepOutcome>,
    checks: Vec<crate::outcome::CheckOutcome>,
) -> WorkflowOutcome {
    let has_vip = !site.pair.virtual_ips.is_empty();
    // What a network device holds never moves, and still goes unanswered for a while.
    let is_asked = has_vip || site.pair.network_device.is_some();
    let times = witness.times();
    let gap = longest_gap(&witness.answers, witness.start, witness.end);
    let passed = steps.iter().all(|step| step.passed) && checks.iter().all(|check| check.passed);
    WorkflowOutcome {
        name,
        passed,
        duration_ms: duration_ms(witness),
        vip_gap_ms: is_asked.then(|| gap.1.ms_since(gap.0)),
        no_holder_ms: has_vip.then_some(times.no_holder_ms),
        two_holders_ms: has_vip.then_some(times.two_holders_ms),
        unreachable_holder_ms: has_vip.then_some(times.unreachable_holder_ms),
        primary_before: primary_of(before).map(|name| name.to_string()),
        primary_after: witness
            .pair
            .as_ref()
            .and_then(primary_of)
            .map(|name| name.to_string()),
        holders_after: if has_vip {
            witness.holding.reachable_now()
        } else {
            Vec::new()
        },
        epoch_before: before.epoch.0,
        epoch_after: witness
            .pair
            .as_ref()
            .map_or(before.epoch.0, |pair| pair.epoch.0),
        steps,
        checks,
        notes,
        chart: chart(site, witness, gap),
    }
}

/// From the start to the last step that the timeline or the observer shows.
fn duration_ms(witness: &Witness) -> f64 {
    let sightings = witness
        .holding
        .sightings
        .iter()
        .filter(|sighting| sighting.at >= witness.start && sighting.at <= witness.end)
        .map(|sighting| sighting.at.ms_since(witness.start));
    witness
        .entries
        .iter()
        .map(|entry| entry.at_ms)
        .chain(sightings)
        .fold(0.0, f64::max)
}

fn chart(site: &Site, witness: &Witness, gap: (Moment, Moment)) -> Chart {
    let mut events: Vec<EventOutcome> = witness
        .entries
        .iter()
        .map(crate::judge::SeenEntry::event)
        .collect();
    events.sort_by(|one, other| one.at_ms.total_cmp(&other.at_ms));
    Chart {
        events,
        bars: witness.holding.bars(witness.start, witness.end),
        gap: (!site.pair.virtual_ips.is_empty())
            .then(|| (gap.0.ms_since(witness.start), gap.1.ms_since(witness.start))),
        hosts: vec![
            site.pair.primary_host.to_string(),
            site.pair.backup_host.to_string(),
        ],
    }
}
