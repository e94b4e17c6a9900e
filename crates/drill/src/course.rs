//! Owns the course of `changeover drill`: site up, rounds until the time is over, what the SCS has recorded, verdicts, report,
//! everything down again, also after Ctrl-C.

use crate::arguments::DrillArguments;
use crate::carry_out::{self, Course};
use crate::fault::Kind;
use crate::hands::{self, NotPossible};
use crate::report::{self, Report};
use crate::schedule::{Cast, Schedule};
use crate::seen::{Case, Promises, Promotion, Recorded, Seen};
use crate::slow_disk::SlowDisks;
use crate::switchovers::{self, Switchovers};
use changeover_component::ExitCode;
use changeover_configuration::{Worst, WorstTimes, worst_times};
use changeover_model::environment::{ControllerLoss, Host};
use changeover_model::{HostName, LogEventId, show_duration};
use changeover_rehearsal::{Ground, Interruption, LivePlan, LiveSite, Moment, Trouble};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// "Is primary now", of a SIP Server itself and, for a Third Party Server, by the SCS.
const IS_PRIMARY: [LogEventId; 2] = [LogEventId(4563), LogEventId(5150)];
/// What the SCS and the Message Server are asked at the end takes no longer.
const ASK_BOUND: Duration = Duration::from_secs(8);
/// A record that was closed at a moment speaks of what is seen at most this much later: notices take their time.
const NOTICE: Duration = Duration::from_millis(150);

/// Drills and reports; `program` is the binary that carries every component as a subcommand.
pub async fn drill(arguments: DrillArguments, program: PathBuf) -> ExitCode {
    match whole(&arguments, &program).await {
        Ok(report) if report.interrupted => ExitCode::Interrupted,
        Ok(report) if report.passed => ExitCode::Good,
        Ok(_) => ExitCode::Bad,
        Err(trouble) => {
            report::complain(&trouble);
            trouble.exit_code()
        }
    }
}

/// What has been found out so far; the report of an interrupted drill is made of it.
#[derive(Default)]
struct Found {
    seen: Seen,
    not_possible: Vec<NotPossible>,
    switchovers: Option<Switchovers>,
    control: String,
    began: Option<Moment>,
    ended: Option<Moment>,
}

async fn whole(arguments: &DrillArguments, program: &Path) -> Result<Report, Trouble> {
    arguments.refuse()?;
    let plan = LivePlan::read(arguments.file.as_deref())?;
    let mut interrupted = Interruption::watch()?;
    let seed = arguments.seed.unwrap_or_else(clock);
    let (ground, swept) = Ground::begin(program).await?;
    for remark in plan.remarks.iter().chain(&swept) {
        report::remark(remark);
    }
    let mut found = Found::default();
    let done = tokio::select! {
        done = on_the_site(arguments, seed, &ground, &plan, &mut found) => done,
        () = interrupted.comes() => Err(Trouble::Interrupted),
    };
    let ended = found.ended.unwrap_or_else(Moment::now);
    let taken_down = ground.clear().await;
    let (trouble, was_interrupted) = match (done, taken_down) {
        (Ok(()), Ok(())) => (None, false),
        (Err(Trouble::Interrupted), Ok(())) => (None, true),
        (Err(Trouble::Interrupted), Err(trouble)) => (Some(trouble.to_string()), true),
        (Err(trouble @ Trouble::Unusable(_)), _) => return Err(trouble),
        (Err(trouble), _) | (Ok(()), Err(trouble)) => (Some(trouble.to_string()), false),
    };
    let minutes = found
        .began
        .map_or(0.0, |began| ended.ms_since(began) / 60_000.0);
    let report = Report::of(report::Parts {
        source: arguments.file.as_deref(),
        seed,
        minutes,
        interrupted: was_interrupted,
        trouble,
        control: found.control,
        not_possible: found.not_possible,
        switchovers: found.switchovers,
        seen: found.seen,
    });
    if let Some(folder) = &arguments.report {
        report::write(&report, folder)?;
    }
    report::print(&report, arguments.format);
    Ok(report)
}

fn clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

async fn on_the_site(
    arguments: &DrillArguments,
    seed: u64,
    ground: &Ground,
    plan: &LivePlan,
    found: &mut Found,
) -> Result<(), Trouble> {
    report::progress("bringing the site up");
    let disks = ground.lay_disks(plan).await?;
    // Only where one may be slow: everything else stays on what it has always stood on.
    let slow = if arguments.switchovers.is_none() && wanted(arguments).contains(&Kind::SlowDisk) {
        SlowDisks::lay(&disks, seed).await
    } else {
        SlowDisks::default()
    };
    let mut site = ground.bring_up(plan, disks).await?;
    let began = Moment::now();
    found.began = Some(began);
    found.control = site.control().to_owned();
    found.seen.promises = promises(&site);
    let cast = cast(&mut site);
    let promises = found.seen.promises.clone();
    let course = Course {
        cast: &cast,
        promises: &promises,
        slow: &slow,
        began,
    };
    carry_out::first_rest(&mut site, &course).await?;
    let done = match arguments.switchovers {
        Some(count) => {
            let so_far = found.switchovers.insert(Switchovers::default());
            switchovers::carry_out(&mut site, &course, count, so_far).await
        }
        None => rounds(arguments, seed, &mut site, &course, found).await,
    };
    found.ended = Some(Moment::now());
    found.seen.broke_off = done.is_err();
    // What is not known at the end is not judged: a drill that could not ask says so.
    let gathered = gather(&site, &mut found.seen, began).await;
    report::progress("");
    done.and(gathered)
}

/// The kinds of fault that were asked for.
fn wanted(arguments: &DrillArguments) -> Vec<Kind> {
    if arguments.only.is_empty() {
        carry_out::all_kinds()
    } else {
        arguments.only.clone()
    }
}

async fn rounds(
    arguments: &DrillArguments,
    seed: u64,
    site: &mut LiveSite,
    course: &Course<'_>,
    found: &mut Found,
) -> Result<(), Trouble> {
    let (possible, not_possible) = hands::possible(site, course.slow, &wanted(arguments)).await;
    found.not_possible = not_possible;
    if possible.is_empty() {
        let why: Vec<String> = found
            .not_possible
            .iter()
            .map(|not| format!("{}: {}", not.fault.as_str(), not.why))
            .collect();
        return Err(Trouble::Unusable(format!(
            "no fault that was asked for can be made here: {}",
            why.join("; ")
        )));
    }
    let mut schedule = Schedule::new(seed, possible, arguments.at_once);
    let end = course.began.plus(arguments.time());
    for number in 1.. {
        if Moment::now() > end {
            break;
        }
        let planned = schedule.round(course.cast);
        let names: Vec<String> = planned
            .iter()
            .map(|fault| format!("{} {}", fault.kind.as_str(), fault.target))
            .collect();
        report::progress(&format!("round {number}: {}", names.join(", ")));
        let from = Moment::now();
        let round = carry_out::round(site, course, number, &planned).await?;
        let is_at_rest = round.rest_ms.is_some();
        found.seen.rounds.push(round);
        if !is_at_rest {
            // Faults on top of a broken site say nothing about a sound one.
            report::remark("the site does not come to rest; the drill ends here");
            break;
        }
        // What cannot be asked now is asked after the next round, at the latest at the end.
        if let Err(trouble) = gather(site, &mut found.seen, from).await {
            tracing::debug!(%trouble, "the records of a round are not read yet");
        }
    }
    Ok(())
}

/// Adds what the SCS and the Message Server have recorded since a moment.
///
/// # Errors
/// When one of them does not answer in time: then nothing is added.
async fn gather(site: &LiveSite, seen: &mut Seen, since: Moment) -> Result<(), Trouble> {
    let asked = tokio::time::timeout(ASK_BOUND, async {
        let (records, time) = site.timeline().await?;
        let mut events = Vec::new();
        for id in IS_PRIMARY {
            events.extend(site.log(id).await?);
        }
        Ok::<_, Trouble>((records, time, events))
    });
    let (records, time, events) = asked.await.map_err(|_| Trouble::TooLong {
        what: "asking for the records of the drill".to_owned(),
        bound: ASK_BOUND,
    })??;
    let sightings = site.sightings();
    let hosts: Vec<String> = seen
        .promises
        .members
        .iter()
        .map(|(_, host)| host.clone())
        .collect();
    for record in records {
        let known = seen.records.iter().position(|one| one.id == record.id.0);
        let held_at_close = match record.closed_at.map(|at| time.moment(at)) {
            // Closed rounds ago: it was looked at then.
            Some(at) if at < since && known.is_some() => continue,
            Some(at) => hosts
                .iter()
                .filter(|host| sightings.was_held_by(host, at, at.plus(NOTICE)))
                .cloned()
                .collect(),
            None => Vec::new(),
        };
        let recorded = Recorded {
            id: record.id.0,
            kind: word(&record.kind),
            title: record.title,
            outcome: record.outcome.as_ref().map(word),
            epoch_before: record.epoch_before.0,
            epoch_after: record.epoch_after.0,
            reasons: record.reasons.len(),
            why: record.why,
            held_at_close,
        };
        match known.and_then(|index| seen.records.get_mut(index)) {
            Some(old) => *old = recorded,
            None => seen.records.push(recorded),
        }
    }
    for event in events {
        let promotion = Promotion {
            application: event.event.application.to_string(),
            epoch: event.event.epoch.map_or(0, |epoch| epoch.0),
        };
        if promotion.epoch != 0 && !seen.promotions.contains(&promotion) {
            seen.promotions.push(promotion);
        }
    }
    Ok(())
}

/// The word by which JSON names a variant.
fn word(of: &impl serde::Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

fn cast(site: &mut LiveSite) -> Cast {
    let members = site.pair().members();
    let layer = &site.environment().management_layer;
    Cast {
        pair: site.pair().name.to_string(),
        members: members
            .into_iter()
            .map(|(_, application, host)| (application.to_string(), host.to_string()))
            .collect(),
        hosts: site
            .environment()
            .hosts
            .keys()
            .map(HostName::to_string)
            .collect(),
        layer_hosts: vec![
            layer.scs_host.to_string(),
            layer.message_server_host.to_string(),
        ],
        components: site.components(),
        conditions: hands::conditions(site),
    }
}

/// What the site's file promises, in the words of `check`.
fn promises(site: &LiveSite) -> Promises {
    let (environment, pair) = (site.environment(), site.pair());
    let worst: Option<WorstTimes> = worst_times(environment)
        .into_iter()
        .find(|times| times.pair == pair.name);
    let time = |worst: Worst| match worst {
        Worst::Time(time) => Some(time.as_secs_f64() * 1e3),
        Worst::UntilReconnect => None,
    };
    let cases: Vec<Case> = worst
        .iter()
        .flat_map(|worst| &worst.cases)
        .map(|case| Case {
            name: case.name.to_owned(),
            two_holders_ms: time(case.two_holders),
            no_holder_ms: time(case.no_holder),
        })
        .collect();
    Promises {
        pair: pair.name.to_string(),
        policy: match pair.policy.on_controller_loss {
            ControllerLoss::Hold => "hold".to_owned(),
            ControllerLoss::ReleaseAfter(time) => format!("release-after {}", show_duration(time)),
            ControllerLoss::Quorum => "quorum".to_owned(),
        },
        rest_ms: rest_bound(site, &cases).as_secs_f64() * 1e3,
        cases,
        members: pair
            .members()
            .into_iter()
            .map(|(_, application, host)| (application.to_string(), host.to_string()))
            .collect(),
    }
}

/// A site is at rest again after the longest time without a holder that `check` prints, the wait before realignment, and
/// one detection bound each for the peers that are given one anew and for the judgement itself.
fn rest_bound(site: &LiveSite, cases: &[Case]) -> Duration {
    let longest = cases
        .iter()
        .filter_map(|case| case.no_holder_ms)
        .fold(0.0, f64::max);
    let hosts = site.environment().hosts.values();
    let bound = hosts.map(Host::detection_bound).max().unwrap_or_default();
    let realign = site.pair().policy.realign_after.unwrap_or_default();
    Duration::from_secs_f64(longest / 1e3) + realign + bound * 2
}
