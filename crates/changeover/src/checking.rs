//! `changeover check`: arguments, the look at control scripts, and printing. The rules are in `changeover-configuration`,
//! the trials of scripts in `changeover-script-trials`.

use crate::arguments::{Check, CheckFormat, Format};
use crate::offline::{load, print, print_json};
use crate::read;
use changeover_component::ExitCode;
use changeover_configuration::{
    CheckOptions, Finding, Loaded, ScriptFacts, Severity, findings_json, findings_sarif,
    problems_sarif, render, worst_times, worst_times_json, worst_times_text,
};
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

pub(crate) fn check(arguments: &Check) -> ExitCode {
    for rule in &arguments.allow {
        if let Err(complaint) = changeover_configuration::refuse_unknown(rule) {
            eprintln!("changeover: {complaint}");
            return ExitCode::Unusable;
        }
    }
    let loaded = match loaded(arguments) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let options = CheckOptions {
        latency: arguments.latency.map(Duration::from_millis),
        scripts: scripts(arguments, &loaded),
        allow: arguments.allow.clone(),
    };
    let findings = changeover_configuration::check(&loaded, &options);
    tell(arguments.format, &loaded, &findings);
    if findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        ExitCode::Bad
    } else {
        ExitCode::Good
    }
}

fn loaded(arguments: &Check) -> Result<Loaded, ExitCode> {
    let format = match arguments.format {
        CheckFormat::Text => Format::Text,
        CheckFormat::Json => Format::Json,
        CheckFormat::Sarif => {
            let text = read(&arguments.file)?;
            let name = arguments.file.display().to_string();
            return changeover_configuration::load(&name, &text).map_err(|problems| {
                print_json(&problems_sarif(&problems));
                ExitCode::Unusable
            });
        }
    };
    load(&arguments.file, format)
}

/// What is known about the control scripts. That they cannot be tried here is said, and is no reason not to check.
fn scripts(arguments: &Check, loaded: &Loaded) -> Vec<ScriptFacts> {
    let home = std::path::absolute(&arguments.file)
        .ok()
        .and_then(|file| Some(file.parent()?.to_owned()))
        .unwrap_or_default();
    if !arguments.no_trials {
        if std::io::stderr().is_terminal() {
            eprintln!(
                "changeover: trying the control scripts on emulated hosts (--no-trials leaves it out)"
            );
        }
        match tried(loaded, &home) {
            Ok(facts) => return facts,
            Err(error) => eprintln!("changeover: {error}; their files are checked all the same"),
        }
    }
    changeover_script_trials::look(loaded, &home)
}

fn tried(loaded: &Loaded, home: &Path) -> Result<Vec<ScriptFacts>, String> {
    let program = std::env::current_exe().map_err(|error| {
        format!("control scripts cannot be tried: this program cannot find its own file: {error}")
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| format!("control scripts cannot be tried: {error}"))?;
    let facts = runtime
        .block_on(changeover_script_trials::look_and_try(
            loaded, home, &program,
        ))
        .map_err(|error| error.to_string());
    runtime.shutdown_timeout(Duration::from_secs(1));
    facts
}

fn tell(format: CheckFormat, loaded: &Loaded, findings: &[Finding]) {
    let worst = worst_times(&loaded.environment);
    match format {
        CheckFormat::Text => {
            let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            print(&worst_times_text(&worst));
            print(&render(&loaded.source, findings, colour));
        }
        CheckFormat::Json => {
            let mut all = findings_json(&loaded.source, findings);
            all["worst_times"] = worst_times_json(&worst);
            print_json(&all);
        }
        CheckFormat::Sarif => print_json(&findings_sarif(&loaded.source, findings)),
    }
}
