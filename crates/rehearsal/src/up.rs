//! Owns the course of `changeover up`: one site, kept until Ctrl-C.

use crate::arguments::UpArguments;
use crate::janitor::{Janitor, Run, sweep};
use crate::plan::{SitePlan, sites};
use crate::rehearse::Interruption;
use crate::report::{self, Progress};
use crate::site::Site;
use crate::trouble::Trouble;
use changeover_component::ExitCode;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks whether every component still runs.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Brings a site up and keeps it; `program` is the binary that carries every component as a subcommand.
pub async fn up(arguments: UpArguments, program: PathBuf) -> ExitCode {
    match keep_up(&arguments, &program).await {
        // Ctrl-C is how this is meant to end.
        Ok(()) | Err(Trouble::Interrupted) => ExitCode::Interrupted,
        Err(trouble) => {
            report::complain("up", &trouble);
            trouble.exit_code()
        }
    }
}

async fn keep_up(arguments: &UpArguments, program: &Path) -> Result<(), Trouble> {
    let (plans, remarks) = sites(
        arguments.file.as_deref(),
        arguments.network,
        arguments.redundancy,
        arguments.bound,
    )?;
    // Without --redundancy the built-in site gives two plans: hot comes first.
    let plan = plans
        .first()
        .ok_or_else(|| Trouble::Unusable("there is no pair to bring up".to_owned()))?;
    let mut interrupted = Interruption::watch()?;
    let mut progress = Progress::on_stderr();
    let swept = tokio::task::spawn_blocking(sweep).await.unwrap_or_default();
    for remark in remarks.into_iter().chain(swept) {
        progress.remark(&remark);
    }
    let janitor = Janitor::start(program, Run::new()).await?;
    let run = janitor.run().clone();
    let done = tokio::select! {
        done = on_the_site(plan, program, &run) => done,
        () = interrupted.comes() => Err(Trouble::Interrupted),
    };
    progress.done();
    janitor.finish().await?;
    done
}

async fn on_the_site(plan: &SitePlan, program: &Path, run: &Run) -> Result<(), Trouble> {
    let mut site = Site::bring_up(plan, program, run).await?;
    report::print(&introduction(plan, &site, program, run).await?);
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        site.check_components()?;
    }
}

/// What to paste, and where things are.
async fn introduction(
    plan: &SitePlan,
    site: &Site,
    program: &Path,
    run: &Run,
) -> Result<String, Trouble> {
    let (address, tls, namespace) = site.way_for_sci().await?;
    let drawing = site.drawing(plan);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut text = format!(
        "Site     {}; {} standby\nNetwork  {}\nStarted  {}    {:.2} s\nLogs     {}\n\nexport SCI_SCS={scheme}://{address}\n",
        drawing.description,
        plan.redundancy,
        report::network_line(plan.network.as_str()),
        drawing.started.join(", "),
        drawing.up_after_ms / 1e3,
        run.folder.join("logs").display(),
    );
    if let Some(tls) = tls {
        text.push_str(&format!("export SCI_TLS={}\n", tls.display()));
    }
    let sci = format!("{} sci status", program.display());
    text.push_str(&match namespace {
        None => format!("\n{sci}\n"),
        Some(namespace) => format!("\nip netns exec {namespace} {sci}\n"),
    });
    text.push_str("\nCtrl-C takes everything down.\n");
    Ok(text)
}
