//! Owns the course of `changeover rehearse`: site after site, workflow after workflow, each site with a janitor of its
//! own; interrupted at any point, everything is taken down first.

use crate::arguments::{Format, NetworkKind, RehearseArguments};
use crate::faults::Fault;
use crate::janitor::{Janitor, Run, sweep};
use crate::outcome::{Rehearsal, SiteDrawing, SiteOutcome, WorkflowOutcome};
use crate::plan::{SitePlan, sites};
use crate::report::{self, Progress};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::workflows::{self, WorkflowName};
use changeover_component::ExitCode;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};

/// Rehearses and reports; `program` is the binary that carries every component as a subcommand.
pub async fn rehearse(arguments: RehearseArguments, program: PathBuf) -> ExitCode {
    match whole(&arguments, &program).await {
        Ok(rehearsal) if rehearsal.passed => ExitCode::Good,
        Ok(_) => ExitCode::Bad,
        Err(trouble) => {
            report::complain("rehearse", &trouble);
            trouble.exit_code()
        }
    }
}

async fn whole(arguments: &RehearseArguments, program: &Path) -> Result<Rehearsal, Trouble> {
    let began = crate::moment::Moment::now();
    let (mut plans, remarks) = sites(
        arguments.file.as_deref(),
        arguments.network,
        arguments.redundancy,
        arguments.bound,
    )?;
    choose_workflows(&mut plans, &arguments.workflows, arguments.regardless)?;
    take_faults(&mut plans, &arguments.faults, arguments.network)?;
    let mut interrupted = Interruption::watch()?;
    let mut progress = Progress::on_stderr();
    for remark in remarks.into_iter().chain(sweep_in_background().await) {
        progress.remark(&remark);
    }
    let mut rehearsal = Rehearsal::default();
    for repetition in 1..=arguments.repeat {
        for plan in &plans {
            let outcome =
                one_site(plan, repetition, program, &mut interrupted, &mut progress).await?;
            rehearsal.sites.push(outcome);
        }
    }
    progress.done();
    rehearsal.passed = rehearsal.sites.iter().all(|site| {
        site.trouble.is_none() && site.workflows.iter().all(|workflow| workflow.passed)
    });
    rehearsal.duration_ms = crate::moment::Moment::now().ms_since(began);
    if let Some(folder) = &arguments.report {
        let page = report::write_page(&rehearsal, folder)?;
        progress.remark(&format!("The page is {}", page.display()));
    }
    match arguments.format {
        Format::Text => report::print(&report::text(
            &rehearsal,
            arguments.verbose,
            report::colour(),
        )),
        Format::Json => report::print(&report::json(&rehearsal)),
    }
    Ok(rehearsal)
}

/// Gives every site the faults, which need an emulated network and hosts that there are.
fn take_faults(
    plans: &mut [SitePlan],
    faults: &[Fault],
    network: NetworkKind,
) -> Result<(), Trouble> {
    if network == NetworkKind::Netns && !faults.is_empty() {
        return Err(Trouble::Unusable(
            "--fault is played by the emulated network; leave --network netns out".to_owned(),
        ));
    }
    for plan in plans {
        // What is asked here counts before what the file asks for: the last word is this one.
        plan.faults.0.extend(faults.iter().cloned());
        let unknown = plan
            .faults
            .hosts()
            .find(|host| !plan.hosts.iter().any(|known| known == host));
        if let Some(host) = unknown {
            return Err(Trouble::Unusable(format!(
                "a fault names the host {host:?}; the site has {}",
                plan.hosts.join(", ")
            )));
        }
    }
    Ok(())
}

/// Leaves each site the workflows that were asked for, in the order in which they follow each other; a site without
/// any is not brought up.
fn choose_workflows(
    plans: &mut Vec<SitePlan>,
    asked: &[WorkflowName],
    regardless: bool,
) -> Result<(), Trouble> {
    if asked.is_empty() {
        return Ok(());
    }
    for name in asked {
        if regardless || plans.iter().any(|plan| plan.workflows.contains(name)) {
            continue;
        }
        let why = plans
            .iter()
            .flat_map(|plan| &plan.left_out)
            .find(|(left_out, _)| left_out == name)
            .map_or("no site has it", |(_, why)| *why);
        return Err(Trouble::Unusable(format!(
            "the workflow {} does not apply here: {why}",
            name.as_str()
        )));
    }
    for plan in plans.iter_mut() {
        let has = plan.workflows.clone();
        plan.workflows = WorkflowName::FULL_RUN
            .into_iter()
            .filter(|name| asked.contains(name) && (regardless || has.contains(name)))
            .collect();
    }
    plans.retain(|plan| !plan.workflows.is_empty());
    Ok(())
}

async fn sweep_in_background() -> Vec<String> {
    tokio::task::spawn_blocking(sweep).await.unwrap_or_default()
}

/// One site from its first process to the last trace of it.
async fn one_site(
    plan: &SitePlan,
    repetition: u32,
    program: &Path,
    interrupted: &mut Interruption,
    progress: &mut Progress,
) -> Result<SiteOutcome, Trouble> {
    let janitor = Janitor::start(program, Run::new()).await?;
    let run = janitor.run().clone();
    let mut outcome = SiteOutcome {
        environment: String::new(),
        network: plan.network.as_str().to_owned(),
        platform: plan.platform.to_string(),
        redundancy: plan.redundancy.to_string(),
        pair: plan.pair.to_string(),
        repetition,
        workflows: Vec::new(),
        trouble: None,
        drawing: SiteDrawing::default(),
    };
    let done = tokio::select! {
        done = on_the_site(plan, program, &run, &mut outcome, progress) => done,
        () = interrupted.comes() => Err(Trouble::Interrupted),
    };
    let taken_down = janitor.finish().await;
    match (done, taken_down) {
        (Ok(()), Ok(())) => Ok(outcome),
        (Err(trouble @ (Trouble::Interrupted | Trouble::Unusable(_))), _) => Err(trouble),
        (Err(trouble), _) | (Ok(()), Err(trouble)) => {
            outcome.trouble = Some(trouble.to_string());
            Ok(outcome)
        }
    }
}

async fn on_the_site(
    plan: &SitePlan,
    program: &Path,
    run: &Run,
    outcome: &mut SiteOutcome,
    progress: &mut Progress,
) -> Result<(), Trouble> {
    progress.step(outcome, "bringing the site up");
    let mut site = Site::bring_up(plan, program, run).await?;
    outcome.environment = site.environment.environment().name.to_string();
    outcome.drawing = site.drawing(plan);
    for name in &plan.workflows {
        progress.step(outcome, name.as_str());
        let workflow: WorkflowOutcome = workflows::run(*name, &mut site).await?;
        outcome.workflows.push(workflow);
    }
    Ok(())
}

/// Ctrl-C and SIGTERM.
pub struct Interruption {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Interruption {
    /// From now on neither ends the process by itself.
    ///
    /// # Errors
    /// When the signals cannot be taken.
    pub fn watch() -> Result<Self, Trouble> {
        let take = |kind| {
            signal(kind).map_err(|source| Trouble::Start {
                what: "the watch for Ctrl-C".to_owned(),
                source,
            })
        };
        Ok(Self {
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
        })
    }

    /// Waits for the first of them.
    pub async fn comes(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::RedundancyChoice;

    fn chosen(
        redundancy: RedundancyChoice,
        asked: &[WorkflowName],
        regardless: bool,
    ) -> Result<Vec<Vec<WorkflowName>>, Trouble> {
        let (mut plans, _) =
            sites(None, NetworkKind::Loopback, Some(redundancy), None).expect("always there");
        choose_workflows(&mut plans, asked, regardless)?;
        Ok(plans.into_iter().map(|plan| plan.workflows).collect())
    }

    #[test]
    fn workflows_follow_each_other_in_the_order_of_a_full_run_however_they_were_named() {
        let asked = [WorkflowName::Reconnect, WorkflowName::ManualSwitchover];
        let in_order = vec![WorkflowName::ManualSwitchover, WorkflowName::Reconnect];
        let both = chosen(RedundancyChoice::Both, &asked, false).expect("both are there");
        assert_eq!(both, [in_order.clone(), in_order]);
        let all = chosen(RedundancyChoice::Both, &[], false).expect("all");
        assert_eq!([all[0].len(), all[1].len()], [8, 5]);
    }

    #[test]
    fn a_site_to_which_nothing_that_was_asked_for_applies_is_left_out_and_without_any_it_is_2() {
        let asked = [WorkflowName::Test1];
        let hot = chosen(RedundancyChoice::Both, &asked, false).expect("the hot one");
        assert_eq!(hot, [asked.to_vec()]);
        let trouble = chosen(RedundancyChoice::Warm, &asked, false).expect_err("no calls");
        assert_eq!(trouble.exit_code(), ExitCode::Unusable);
        assert_eq!(
            trouble.to_string(),
            "the workflow test-1 does not apply here: only hot standby keeps calls over a change of roles"
        );
        let control = chosen(RedundancyChoice::Warm, &asked, true).expect("a negative control");
        assert_eq!(control, [asked.to_vec()]);
    }
}
