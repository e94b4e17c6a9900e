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
use crate::workflows::{self, WorkflowName, not_in_this_build};
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
    let names = chosen_workflows(&arguments.workflows)?;
    let (mut plans, remarks) = sites(
        arguments.file.as_deref(),
        arguments.network,
        arguments.redundancy,
        arguments.bound,
    )?;
    take_faults(&mut plans, &arguments.faults, arguments.network)?;
    let mut interrupted = Interruption::watch()?;
    let mut progress = Progress::on_stderr();
    for remark in remarks.into_iter().chain(sweep_in_background().await) {
        progress.remark(&remark);
    }
    let mut rehearsal = Rehearsal::default();
    for repetition in 1..=arguments.repeat {
        for plan in &plans {
            let outcome = one_site(
                plan,
                repetition,
                &names,
                program,
                &mut interrupted,
                &mut progress,
            )
            .await?;
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

/// The workflows in the order in which they follow each other on a site.
fn chosen_workflows(asked: &[WorkflowName]) -> Result<Vec<WorkflowName>, Trouble> {
    if let Some(name) = asked.iter().find(|name| !name.in_this_build()) {
        return Err(not_in_this_build(*name));
    }
    let chosen = |name: &WorkflowName| asked.is_empty() || asked.contains(name);
    Ok(WorkflowName::FULL_RUN.into_iter().filter(chosen).collect())
}

async fn sweep_in_background() -> Vec<String> {
    tokio::task::spawn_blocking(sweep).await.unwrap_or_default()
}

/// One site from its first process to the last trace of it.
async fn one_site(
    plan: &SitePlan,
    repetition: u32,
    names: &[WorkflowName],
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
        done = on_the_site(plan, names, program, &run, &mut outcome, progress) => done,
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
    names: &[WorkflowName],
    program: &Path,
    run: &Run,
    outcome: &mut SiteOutcome,
    progress: &mut Progress,
) -> Result<(), Trouble> {
    progress.step(outcome, "bringing the site up");
    let mut site = Site::bring_up(plan, program, run).await?;
    outcome.environment = site.environment.environment().name.to_string();
    outcome.drawing = site.drawing(plan);
    for name in names {
        progress.step(outcome, name.as_str());
        let workflow: WorkflowOutcome = workflows::run(*name, &mut site).await?;
        outcome.workflows.push(workflow);
    }
    Ok(())
}

/// Ctrl-C and SIGTERM.
pub(crate) struct Interruption {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Interruption {
    /// From now on neither ends the process by itself.
    pub(crate) fn watch() -> Result<Self, Trouble> {
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
    pub(crate) async fn comes(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflows_follow_each_other_in_the_order_of_a_full_run_however_they_were_named() {
        let names = chosen_workflows(&[WorkflowName::Reconnect, WorkflowName::ManualSwitchover])
            .expect("both are there");
        assert_eq!(
            names,
            [WorkflowName::ManualSwitchover, WorkflowName::Reconnect]
        );
        assert_eq!(chosen_workflows(&[]).expect("all").len(), 5);
    }

    #[test]
    fn a_workflow_of_a_later_build_is_refused_with_2_and_says_so() {
        let trouble = chosen_workflows(&[WorkflowName::SipNicLost]).expect_err("not in this build");
        assert_eq!(trouble.exit_code(), ExitCode::Unusable);
        assert!(
            trouble
                .to_string()
                .starts_with("the workflow sip-nic-lost is documented"),
            "{trouble}"
        );
    }
}
