//! Owns what a drill may do with a site that is up on network namespaces: look at it from outside, ask its SCS, and reach
//! into its processes, cables, disks and scripts. Which of these is done when, and what it means, is the drill's.

use crate::arguments::{NetworkKind, RedundancyChoice};
use crate::janitor::{Ended, Janitor, Run, sweep};
use crate::moment::{Moment, ms};
use crate::observer::{HolderTimes, Holding};
use crate::operator::{Answered, Operator, Outcome, ScsClock};
use crate::plan::{SitePlan, sites};
use crate::probe::longest_gap;
use crate::site::{Site, within};
use crate::trouble::Trouble;
use crate::wrapped_scripts;
use changeover_model::environment::{Environment, Pair};
use changeover_model::message::{LogRecord, Picture, TimelineRecord};
use changeover_model::{ApplicationName, ConditionName, HostName, LogEventId, PairName, Timestamp};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Size of the small file system on which each component keeps its state.
const STATE_SIZE: &str = "size=48m";
/// What fills it.
const FILLER: &str = "filler";
/// `mount` takes no longer.
const MOUNT_BOUND: Duration = Duration::from_secs(10);

/// A site to bring up.
#[derive(Debug)]
pub struct LivePlan {
    plan: SitePlan,
    /// What an operator should know of the file.
    pub remarks: Vec<String>,
}

impl LivePlan {
    /// The first pair of a file, or the built-in site, on network namespaces.
    ///
    /// # Errors
    /// What cannot be used is refused here, before anything is started.
    pub fn read(file: Option<&Path>) -> Result<Self, Trouble> {
        let redundancy = file.is_none().then_some(RedundancyChoice::Hot);
        let (plans, mut remarks) = sites(file, NetworkKind::Netns, redundancy, None)?;
        if plans.len() > 1 {
            remarks.push("the file has several pairs; the first one is observed".to_owned());
        }
        let mut plan = plans
            .into_iter()
            .next()
            .ok_or_else(|| Trouble::Unusable("there is no pair to bring up".to_owned()))?;
        plan.wrapped = true;
        Ok(Self { plan, remarks })
    }
}

/// A run whose end is looked after, whatever becomes of this process.
#[derive(Debug)]
pub struct Ground {
    janitor: Janitor,
    program: PathBuf,
}

impl Ground {
    /// Removes what earlier runs left, and begins one; `program` carries every component as a subcommand.
    ///
    /// # Errors
    /// When the janitor or the run's folder cannot be made.
    pub async fn begin(program: &Path) -> Result<(Self, Vec<String>), Trouble> {
        let swept = tokio::task::spawn_blocking(sweep).await.unwrap_or_default();
        let ground = Self {
            janitor: Janitor::start(program, Run::new()).await?,
            program: program.to_owned(),
        };
        Ok((ground, swept))
    }

    /// Makes a small file system for the state of each component, which can be filled. What shall lie above one must be
    /// there before the component starts.
    ///
    /// # Errors
    /// When one cannot be mounted.
    pub async fn lay_disks(&self, plan: &LivePlan) -> Result<Vec<StateDisk>, Trouble> {
        let lcas = plan.plan.hosts.iter().map(|host| format!("lca@{host}"));
        let names = ["scs", "message-server"].map(str::to_owned);
        let mut disks = Vec::new();
        for component in names.into_iter().chain(lcas) {
            let state = self.janitor.run().folder.join("state");
            let place = state.join(component.replace('@', "-"));
            std::fs::create_dir_all(&place).map_err(Trouble::file("make the folder", &place))?;
            mount(&place).await?;
            let inside = std::fs::File::open(&place).map_err(Trouble::file("open", &place))?;
            disks.push(StateDisk {
                component,
                place,
                inside,
            });
        }
        Ok(disks)
    }

    /// Brings a site up, each component with its state on its disk.
    ///
    /// # Errors
    /// When something cannot be started, or the start state is not reached.
    pub async fn bring_up(
        &self,
        plan: &LivePlan,
        disks: Vec<StateDisk>,
    ) -> Result<LiveSite, Trouble> {
        let run = self.janitor.run();
        let site = Site::bring_up(&plan.plan, &self.program, run).await?;
        Ok(LiveSite {
            site,
            folder: run.folder.clone(),
            disks,
        })
    }

    /// Takes everything down.
    ///
    /// # Errors
    /// When something was left.
    pub async fn clear(self) -> Result<(), Trouble> {
        self.janitor.finish().await
    }
}

/// The small file system on which a component keeps its state.
#[derive(Debug)]
pub struct StateDisk {
    /// `scs`, `message-server`, `lca@HOST`.
    pub component: String,
    /// Where the component finds it.
    pub place: PathBuf,
    /// Its root, whatever is mounted above it by now.
    pub inside: std::fs::File,
}

impl StateDisk {
    /// A path by which only this process reaches a file of the disk itself. What lies above it may be served by this very
    /// process, which must never wait for itself.
    fn beneath(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.inside.as_raw_fd()))
    }
}

async fn mount(place: &Path) -> Result<(), Trouble> {
    let what = format!("mount -t tmpfs on {}", place.display());
    let start = |source| Trouble::Start {
        what: what.clone(),
        source,
    };
    let run = Command::new("mount")
        .args(["-t", "tmpfs", "-o", STATE_SIZE, "changeover-drill"])
        .arg(place)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = tokio::time::timeout(MOUNT_BOUND, run)
        .await
        .map_err(|_| Trouble::TooLong {
            what: what.clone(),
            bound: MOUNT_BOUND,
        })?
        .map_err(start)?;
    if ran.status.success() {
        return Ok(());
    }
    Err(Trouble::Command {
        command: what,
        status: ran.status.to_string(),
        said: String::from_utf8_lossy(&ran.stderr).trim().to_owned(),
    })
}

/// How an operator's order ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ordered {
    /// It has ended; its record tells how.
    Finished(Box<TimelineRecord>),
    /// Done at once, or nothing to do.
    Done,
    /// Refused, with reasons.
    Refused(String),
    /// The SCS's answer broke off before it told the end.
    NotTold,
}

impl From<Outcome> for Ordered {
    fn from(outcome: Outcome) -> Self {
        match outcome.answered {
            Some(Answered::Finished(record)) => Self::Finished(record),
            Some(Answered::Refused(why)) => Self::Refused(why),
            Some(Answered::Done(_)) => Self::Done,
            None => Self::NotTold,
        }
    }
}

/// An operator who gives orders while others look.
#[derive(Debug)]
pub struct Orders(Operator);

impl Orders {
    /// A planned switchover, to its end.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub async fn switchover(&self, pair: &PairName, reason: &str) -> Result<Ordered, Trouble> {
        Ok(self.0.switchover(pair, reason).await?.into())
    }

    /// The start of an application, to its end.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub async fn start(&self, application: &ApplicationName) -> Result<Ordered, Trouble> {
        Ok(self.0.start(application).await?.into())
    }

    /// An alarm Test.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub async fn test_alarm(&self, condition: &ConditionName) -> Result<Ordered, Trouble> {
        Ok(self.0.test_alarm(condition, false).await?.into())
    }

    /// A realignment, to its end.
    ///
    /// # Errors
    /// When the SCS does not answer in time.
    pub async fn realign(&self, pair: &PairName) -> Result<Ordered, Trouble> {
        Ok(self.0.realign(pair).await?.into())
    }
}

/// A site that is up.
pub struct LiveSite {
    site: Site,
    folder: PathBuf,
    disks: Vec<StateDisk>,
}

impl LiveSite {
    /// What the components were given.
    pub fn environment(&self) -> &Environment {
        self.site.environment.environment()
    }

    /// The pair that is observed.
    pub fn pair(&self) -> &Pair {
        &self.site.pair
    }

    /// How its control scripts work, for people.
    pub fn control(&self) -> &str {
        &self.site.environment.control
    }

    /// The folder of the run, which goes with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The picture now.
    ///
    /// # Errors
    /// When the SCS does not answer.
    pub async fn picture(&self) -> Result<Picture, Trouble> {
        self.site.operator.picture().await
    }

    /// The newest timeline records, and the means to read their times.
    ///
    /// # Errors
    /// When the SCS does not answer.
    pub async fn timeline(&self) -> Result<(Vec<TimelineRecord>, ScsTime), Trouble> {
        let clock = self.site.operator.clock().await?;
        Ok((self.site.operator.timeline().await?, ScsTime(clock)))
    }

    /// The log events with a number.
    ///
    /// # Errors
    /// When the SCS or the Message Server does not answer.
    pub async fn log(&self, id: LogEventId) -> Result<Vec<LogRecord>, Trouble> {
        self.site.operator.log(Some(id)).await
    }

    /// An operator of their own.
    pub fn orders(&self) -> Orders {
        Orders(self.site.operator.colleague())
    }

    /// Hosts that hold the VIP where neighbours reach it.
    pub fn holders(&self) -> Vec<String> {
        self.site.observer.holding().reachable_now()
    }

    /// True if exactly this host holds every VIP.
    pub fn is_held_by(&self, host: &HostName) -> bool {
        self.site.observer.holding().is_held_by(host.as_str())
    }

    /// What was seen of holders so far.
    pub fn sightings(&self) -> Sightings {
        Sightings(self.site.observer.holding())
    }

    /// Waits until exactly this host holds every VIP; false if it did not come to that within the bound.
    pub async fn until_held_by(&self, host: &HostName, bound: Duration) -> bool {
        self.site
            .observer
            .wait_until(bound, |holding| holding.is_held_by(host.as_str()))
            .await
    }

    /// The longest time without an answer through the VIP within a window, milliseconds. `None` without a VIP.
    pub fn longest_gap(&self, from: Moment, to: Moment) -> Option<f64> {
        let answers = self.site.probe.as_ref()?.answers_since(from);
        let (since, until) = longest_gap(&answers, from, to);
        Some(ms(until.since(since)))
    }

    /// Names of the components: `scs`, `message-server`, `lca@HOST`.
    pub fn components(&self) -> Vec<String> {
        self.site.component_names()
    }

    /// The process of a component; `None` while it is down.
    pub fn component(&mut self, name: &str) -> Option<u32> {
        self.site.component(name)
    }

    /// Starts a component again that has ended, as the service manager of a real host does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start_again(&mut self, name: &str) -> Result<(), Trouble> {
        self.site.start_again(name).await
    }

    /// `kill -9`; true if the process was there and ended.
    pub async fn kill(&self, pid: u32) -> bool {
        matches!(self.site.kill(pid).await, Some((_, Ended::At(_))))
    }

    /// Stops a process, or lets it go on; false when there is none.
    pub fn pause(&self, pid: u32, paused: bool) -> bool {
        self.site.pause(pid, paused)
    }

    /// Every process of the site on a host.
    pub fn processes_on(&self, host: &HostName) -> Vec<u32> {
        self.site.processes_on(host)
    }

    /// Pulls every cable of a host, or puts them back.
    ///
    /// # Errors
    /// When the network does not obey.
    pub async fn cable(&self, host: &HostName, plugged: bool) -> Result<(), Trouble> {
        if plugged {
            self.site.put_cable_back(host).await?;
        } else {
            self.site.pull_cable(host).await?;
        }
        Ok(())
    }

    /// The namespace of a host, that of the wire, and the wire's ends of the host's cables.
    pub fn wiring(&self, host: &HostName) -> Option<(String, String, Vec<String>)> {
        self.site.wiring(host)
    }

    /// Says to the observer whether neighbours can reach a host, which only a drill knows that keeps them apart without
    /// pulling a cable.
    pub async fn reachable(&self, host: &HostName, reachable: bool) {
        self.site.reachable(host, reachable).await;
    }

    /// Runs `ip` with these words.
    ///
    /// # Errors
    /// When it fails.
    pub async fn ip(&self, words: &[&str]) -> Result<String, Trouble> {
        Site::ip(words).await
    }

    /// Does something short inside a network namespace; what it opens stays there.
    ///
    /// # Errors
    /// When the namespace cannot be entered, or the work fails.
    pub async fn inside<T: Send + 'static>(
        &self,
        namespace: &str,
        work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        within(Some(namespace), work).await
    }

    /// True if the site has control scripts that are programs of their own.
    pub fn has_scripts(&self) -> bool {
        !wrapped_scripts::wrappable(&self.site.environment).is_empty()
    }

    /// From now on control scripts on a host fail, are slow, or hang; `None`: they work again.
    ///
    /// # Errors
    /// When the run's folder cannot be written.
    pub fn scripts(&self, host: &HostName, fault: Option<&str>) -> Result<(), Trouble> {
        let file = wrapped_scripts::fault_file(&self.folder, host.as_str());
        match fault {
            Some(what) => {
                std::fs::write(&file, format!("{what}\n")).map_err(Trouble::file("write", &file))
            }
            None => std::fs::remove_file(&file).map_err(Trouble::file("remove", &file)),
        }
    }

    /// Fills the file system on which a component keeps its state, or makes room again.
    ///
    /// # Errors
    /// When it cannot be written, for another reason than that it is full.
    pub async fn disk(&self, component: &str, full: bool) -> Result<(), Trouble> {
        let disk = self.disks.iter().find(|disk| disk.component == component);
        let path = disk.map(|disk| disk.beneath(FILLER)).ok_or_else(|| {
            let path = Path::new(component);
            let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
            Trouble::file("find the disk of", path)(missing)
        })?;
        let work = move || {
            if full {
                fill(&path).map_err(Trouble::file("fill", &path))
            } else {
                std::fs::remove_file(&path).map_err(Trouble::file("remove", &path))
            }
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

fn fill(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    // To the last byte: a page at the end, and not more.
    for block in [vec![0_u8; 1 << 20], vec![0; 4096]] {
        loop {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// What was seen of holders up to a moment.
#[derive(Clone, Debug)]
pub struct Sightings(Holding);

impl Sightings {
    /// Times with none, with two, and with an unreachable one within a window.
    pub fn times(&self, from: Moment, to: Moment) -> HolderTimes {
        self.0.times(from, to)
    }

    /// True if the host lost a VIP after a moment.
    pub fn left(&self, host: &str, after: Moment) -> bool {
        self.0.change(host, false, after).is_some()
    }

    /// True if some host held a VIP at some moment of a window.
    pub fn was_held_by(&self, host: &str, from: Moment, to: Moment) -> bool {
        self.0.bars(from, to).iter().any(|bar| bar.host == host)
    }
}

/// Reads the SCS's clock.
#[derive(Clone, Copy, Debug)]
pub struct ScsTime(ScsClock);

impl ScsTime {
    /// The moment at which the SCS's clock showed this.
    pub fn moment(&self, at: Timestamp) -> Moment {
        self.0.moment(at)
    }
}
