//! Owns what is to be rehearsed: from the arguments to a list of sites, each with its environment, its pair and its
//! workflows. Everything that can be refused is refused here, before a process is started.

use crate::applicable;
use crate::arguments::{NetworkKind, RedundancyChoice};
use crate::built_in::{self, ScriptStyle};
use crate::faults::Faults;
use crate::janitor::Run;
use crate::site::host_folder;
use crate::stand_in;
use crate::trouble::Trouble;
use crate::workflows::WorkflowName;
use crate::wrapped_scripts;
use changeover_configuration::{CheckOptions, Finding, Loaded, Severity, check, load, render};
use changeover_emulated_host::find_script;
use changeover_model::environment::{Application, Environment, Pair};
use changeover_model::{
    ApplicationName, ApplicationType, HostName, OperatingSystem, PairName, Redundancy, Takeover,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where an environment comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The built-in site.
    BuiltIn {
        redundancy: Redundancy,
        bound: Option<Duration>,
        style: ScriptStyle,
    },
    /// A file of the user's.
    File(PathBuf),
}

/// One site to bring up.
#[derive(Clone, Debug)]
pub(crate) struct SitePlan {
    pub(crate) source: Source,
    pub(crate) network: NetworkKind,
    pub(crate) pair: PairName,
    pub(crate) redundancy: Redundancy,
    /// Of the host of the configured primary.
    pub(crate) platform: OperatingSystem,
    pub(crate) faults: Faults,
    /// The names of its hosts.
    pub(crate) hosts: Vec<String>,
    /// The workflows that are carried out: at first all that apply.
    pub(crate) workflows: Vec<WorkflowName>,
    /// Those that do not apply, and why.
    pub(crate) left_out: Vec<(WorkflowName, &'static str)>,
    /// Its control scripts are started through a wrapper that can fail for them (`wrapped_scripts.rs`).
    pub(crate) wrapped: bool,
}

/// A site's environment as its run loads it.
#[derive(Debug)]
pub(crate) struct SiteEnvironment {
    pub(crate) loaded: Loaded,
    /// The file that components are given.
    pub(crate) config: PathBuf,
    /// Where relative paths of the file begin.
    pub(crate) home: PathBuf,
    /// How the control scripts work, for people.
    pub(crate) control: String,
    /// Members that are played by the responder of this release.
    pub(crate) stand_ins: Vec<ApplicationName>,
}

impl SiteEnvironment {
    /// The environment.
    pub(crate) fn environment(&self) -> &Environment {
        &self.loaded.environment
    }

    /// Makes working directories absolute, for an environment that is written elsewhere than the file that it was read from. One
    /// of a Windows host that names a drive begins in the host's own folder, wherever the file is.
    pub(crate) fn keep_working_directories(&mut self) {
        for application in self.loaded.environment.applications.values_mut() {
            let folder = &mut application.start_info.working_directory;
            let names_a_drive = folder.as_bytes().get(1) == Some(&b':');
            if !folder.is_empty() && !names_a_drive {
                let absolute: PathBuf = self.home.join(&*folder).components().collect();
                *folder = absolute.display().to_string();
            }
        }
    }
}

/// The sites that the arguments ask for, without repetitions, and remarks about the file.
///
/// # Errors
/// [`Trouble::Unusable`] and [`Trouble::AgainstTheRules`].
pub(crate) fn sites(
    file: Option<&Path>,
    network: NetworkKind,
    redundancy: Option<RedundancyChoice>,
    bound: Option<Duration>,
) -> Result<(Vec<SitePlan>, Vec<String>), Trouble> {
    if network == NetworkKind::Netns && !rustix::process::geteuid().is_root() {
        return Err(Trouble::Unusable(
            "--network netns makes network namespaces, which needs root: run it with sudo, or without --network \
             on the emulated network"
                .to_owned(),
        ));
    }
    match file {
        None => Ok((built_in_sites(network, redundancy, bound), Vec::new())),
        Some(_) if bound.is_some() => Err(Trouble::Unusable(
            "--bound is for the built-in site: in a file write `addp: {addp-timeout: …}` at its hosts, half the \
             bound each"
                .to_owned(),
        )),
        Some(path) => sites_of_file(path, network, redundancy),
    }
}

fn built_in_sites(
    network: NetworkKind,
    redundancy: Option<RedundancyChoice>,
    bound: Option<Duration>,
) -> Vec<SitePlan> {
    let style = match network {
        NetworkKind::Loopback => ScriptStyle::Ifconfig,
        NetworkKind::Netns => ScriptStyle::of_this_machine(),
    };
    redundancy
        .unwrap_or(RedundancyChoice::Both)
        .types()
        .iter()
        .map(|redundancy| SitePlan {
            source: Source::BuiltIn {
                redundancy: *redundancy,
                bound,
                style,
            },
            network,
            pair: PairName::from("SIP_EAST"),
            redundancy: *redundancy,
            platform: OperatingSystem::Linux,
            faults: Faults::default(),
            hosts: built_in::HOSTS.map(str::to_owned).into(),
            workflows: Vec::new(),
            left_out: Vec::new(),
            wrapped: false,
        })
        .map(|mut plan| {
            let text = built_in::environment(plan.redundancy, bound, Path::new("/"));
            // That it can be read is tested.
            if let Ok(loaded) = load(built_in::NAME, &text)
                && let Some(pair) = loaded.environment.pairs.get(&plan.pair)
            {
                plan.apply(&loaded.environment, pair);
            }
            plan
        })
        .collect()
}

fn sites_of_file(
    path: &Path,
    network: NetworkKind,
    redundancy: Option<RedundancyChoice>,
) -> Result<(Vec<SitePlan>, Vec<String>), Trouble> {
    let site = load_file(path)?;
    let findings = check(&site.loaded, &CheckOptions::default());
    let against = |finding: &Finding| finding.severity == Severity::Error;
    if findings.iter().any(against) {
        let errors: Vec<Finding> = findings.into_iter().filter(against).collect();
        return Err(Trouble::AgainstTheRules(render(
            &site.loaded.source,
            &errors,
            false,
        )));
    }
    let mut plans = Vec::new();
    for pair in site.environment().pairs.values() {
        can_rehearse(&site, pair, network, redundancy)?;
        let mut plan = SitePlan {
            source: Source::File(path.to_owned()),
            network,
            pair: pair.name.clone(),
            redundancy: pair.redundancy,
            platform: platform_of(&site, &pair.primary_host),
            faults: Faults::of_file(&site.loaded.rehearsal),
            hosts: site
                .environment()
                .hosts
                .keys()
                .map(ToString::to_string)
                .collect(),
            workflows: Vec::new(),
            left_out: Vec::new(),
            wrapped: false,
        };
        plan.apply(site.environment(), pair);
        plans.push(plan);
    }
    if plans.is_empty() {
        return Err(Trouble::Unusable(format!(
            "{} has no pair to rehearse",
            path.display()
        )));
    }
    let remarks = match findings.len() {
        0 => Vec::new(),
        count => vec![format!(
            "{count} warnings; `changeover check {}` shows them",
            path.display()
        )],
    };
    Ok((plans, remarks))
}

/// Refuses what this build cannot rehearse yet, and what cannot work on this machine.
fn can_rehearse(
    site: &SiteEnvironment,
    pair: &Pair,
    network: NetworkKind,
    wanted: Option<RedundancyChoice>,
) -> Result<(), Trouble> {
    let name = &pair.name;
    let refuse = |why: String| Err(Trouble::Unusable(why));
    if wanted.is_some_and(|wanted| wanted.types() != [pair.redundancy]) {
        return refuse(format!(
            "--redundancy is for the built-in site: {name} is {} standby by its file; leave the option out",
            pair.redundancy
        ));
    }
    match pair.takeover {
        Takeover::IpAddress | Takeover::SingleHost => {}
        Takeover::WindowsNlb | Takeover::NetworkDevice if network == NetworkKind::Loopback => {}
        Takeover::WindowsNlb => {
            return refuse(format!(
                "{name}: an NLB cluster is emulated; leave --network netns out"
            ));
        }
        Takeover::NetworkDevice => {
            return refuse(format!(
                "{name}: the network device is part of the emulated network; leave --network netns out"
            ));
        }
    }
    for (_, _, host) in pair.members() {
        let environment = site.environment();
        if let Some(host) = environment.hosts.get(host)
            && host.os != OperatingSystem::Linux
            && network == NetworkKind::Netns
        {
            return refuse(format!(
                "{name}: {} runs {}, and network namespaces are Linux; leave --network netns out and it is emulated",
                host.name, host.os
            ));
        }
    }
    for host in site.environment().hosts.keys() {
        let fits = host
            .as_str()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !fits || ["lan", crate::site::CLIENT].contains(&host.as_str()) {
            return refuse(format!(
                "the host name {host} cannot be used on a rehearsed network; choose another"
            ));
        }
    }
    programs_exist(site, network)
}

fn platform_of(site: &SiteEnvironment, host: &HostName) -> OperatingSystem {
    let host = site.environment().hosts.get(host);
    host.map_or(OperatingSystem::Linux, |host| host.os)
}

/// Every program that is named by a path must be on this machine.
fn programs_exist(site: &SiteEnvironment, network: NetworkKind) -> Result<(), Trouble> {
    let members: Vec<&ApplicationName> = site
        .environment()
        .pairs
        .values()
        .flat_map(|pair| [&pair.primary, &pair.backup])
        .collect();
    for application in site.environment().applications.values() {
        if members.contains(&&application.name) && stand_in::why(network, application).is_some() {
            continue;
        }
        let command = application.start_info.command_line.as_str();
        let is_server = application.application_type == ApplicationType::SipServer;
        if platform_of(site, &application.host) == OperatingSystem::Windows {
            let folder = host_folder(&site.home, application.host.as_str());
            let directory = application.start_info.working_directory.as_str();
            if !is_server && find_script(&site.home, &folder, directory, command).is_none() {
                let place = Path::new(directory).join(command);
                return Err(Trouble::Unusable(missing_program(
                    site,
                    application,
                    &place,
                )));
            }
        } else if command.contains('/') {
            let program = site
                .home
                .join(&application.start_info.working_directory)
                .join(command);
            // Without `.` in the middle, for people.
            let program: PathBuf = program.components().collect();
            if !program.is_file() {
                return Err(Trouble::Unusable(missing_program(
                    site,
                    application,
                    &program,
                )));
            }
        }
    }
    Ok(())
}

fn missing_program(site: &SiteEnvironment, application: &Application, program: &Path) -> String {
    let path = format!("applications.{}.start_info.command_line", application.name);
    let place = place_of(&site.loaded, &path);
    let hint = if application.application_type == ApplicationType::SipServer {
        "; write `command_line: sip-server` for the server of this release"
    } else {
        "; a rehearsal runs the control scripts themselves, so they must be here, at an absolute path or one \
         relative to the file"
    };
    format!(
        "{place}: {} starts {}, which is not on this machine{hint}",
        application.name,
        program.display()
    )
}

/// `file:line` of what decides a path such as `pairs.EAST.policy.release_wait`.
pub(crate) fn place_of(loaded: &Loaded, path: &str) -> String {
    match loaded.origins.nearest(path) {
        Some(origin) => {
            let place = loaded.source.place(origin.span);
            format!("{}:{} ({path})", place.file, place.line)
        }
        None => format!("{} ({path})", loaded.source.name()),
    }
}

/// What a Windows site may take longer: its scripts ping for seconds.
const WINDOWS_PATIENCE: Duration = Duration::from_secs(10);

impl SitePlan {
    /// Sorts the workflows into those that apply to a pair and those that do not.
    fn apply(&mut self, environment: &Environment, pair: &Pair) {
        self.workflows = applicable::workflows(environment, pair);
        self.left_out = WorkflowName::FULL_RUN
            .into_iter()
            .filter_map(|name| Some((name, applicable::why_not(name, environment, pair)?)))
            .collect();
    }

    /// How much longer than usual the site may take.
    pub(crate) fn patience(&self) -> Duration {
        let platform = match self.platform {
            OperatingSystem::Windows => WINDOWS_PATIENCE,
            OperatingSystem::Linux | OperatingSystem::Aix | OperatingSystem::Solaris => {
                Duration::ZERO
            }
        };
        platform + self.faults.patience()
    }

    /// The environment for a run; the built-in one is written into the run's folder first.
    ///
    /// # Errors
    /// When the file cannot be read or is unusable.
    pub(crate) fn prepare(&self, run: &Run) -> Result<SiteEnvironment, Trouble> {
        let mut site = self.site(run)?;
        if self.wrapped {
            wrapped_scripts::put_in(&mut site, &run.folder)?;
        }
        Ok(site)
    }

    fn site(&self, run: &Run) -> Result<SiteEnvironment, Trouble> {
        match &self.source {
            Source::File(path) => {
                let mut site = load_file(path)?;
                stand_in::put_in(&mut site, self.network, &run.folder)?;
                Ok(site)
            }
            Source::BuiltIn {
                redundancy,
                bound,
                style,
            } => {
                built_in::write_scripts(&run.folder, *style)?;
                let text = built_in::environment(*redundancy, *bound, &run.folder);
                let config = run.folder.join(format!("{}.yaml", built_in::NAME));
                std::fs::write(&config, &text).map_err(Trouble::file("write", &config))?;
                let loaded = load(&format!("built-in {}.yaml", built_in::NAME), &text)
                    .map_err(|problems| Trouble::Unusable(problems.to_string()))?;
                Ok(SiteEnvironment {
                    loaded,
                    config,
                    home: run.folder.clone(),
                    control: style.name().to_owned(),
                    stand_ins: Vec::new(),
                })
            }
        }
    }

    /// For people: built-in "linux", or the file.
    pub(crate) fn source_name(&self) -> String {
        match &self.source {
            Source::BuiltIn { .. } => format!("built-in \"{}\"", built_in::NAME),
            Source::File(path) => path.display().to_string(),
        }
    }
}

fn load_file(path: &Path) -> Result<SiteEnvironment, Trouble> {
    let unreadable = |error: std::io::Error| {
        Trouble::Unusable(format!("cannot read {}: {error}", path.display()))
    };
    let config = std::path::absolute(path).map_err(unreadable)?;
    let text = std::fs::read_to_string(&config).map_err(unreadable)?;
    let loaded = load(&path.display().to_string(), &text)
        .map_err(|problems| Trouble::Unusable(problems.render(false)))?;
    let home = config.parent().unwrap_or(Path::new("/")).to_owned();
    let builtin = loaded
        .environment
        .pairs
        .values()
        .flat_map(|pair| pair.control.values())
        .all(|control| {
            let started = loaded.environment.applications.get(&control.enable);
            started.is_some_and(|application| application.start_info.command_line == "vipctl")
        });
    let without = loaded
        .environment
        .pairs
        .values()
        .all(|pair| pair.control.is_empty());
    let control = match (without, builtin) {
        (true, _) => "none: nothing is moved by scripts",
        (false, true) => "vipctl",
        (false, false) => "the site's own scripts",
    };
    Ok(SiteEnvironment {
        loaded,
        config,
        home,
        control: control.to_owned(),
        stand_ins: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("site.yaml");
        std::fs::write(&file, text).expect("the folder is ours");
        (folder, file)
    }

    fn refusal(change: impl Fn(String) -> String) -> (u8, String) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        built_in::write_scripts(folder.path(), ScriptStyle::Ifconfig).expect("the folder is ours");
        let text = change(built_in::environment(Redundancy::Hot, None, folder.path()));
        let (_keep, file) = write(&text);
        let trouble = sites(Some(&file), NetworkKind::Loopback, None, None).expect_err("refused");
        (trouble.exit_code().code(), trouble.to_string())
    }

    #[test]
    fn without_a_file_the_built_in_site_is_rehearsed_hot_and_warm() {
        let (plans, remarks) =
            sites(None, NetworkKind::Loopback, None, None).expect("always there");
        let types: Vec<_> = plans.iter().map(|plan| plan.redundancy).collect();
        assert_eq!(types, [Redundancy::Hot, Redundancy::Warm]);
        assert_eq!(remarks, Vec::<String>::new());
    }

    #[test]
    fn a_file_gives_one_site_for_each_pair_with_the_pairs_own_redundancy_type() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        built_in::write_scripts(folder.path(), ScriptStyle::Ifconfig).expect("the folder is ours");
        let (_keep, file) = write(&built_in::environment(
            Redundancy::Warm,
            None,
            folder.path(),
        ));
        let (plans, _) =
            sites(Some(&file), NetworkKind::Loopback, None, None).expect("a good file");
        let seen: Vec<_> = plans
            .iter()
            .map(|plan| (plan.pair.as_str(), plan.redundancy))
            .collect();
        assert_eq!(seen, [("SIP_EAST", Redundancy::Warm)]);
        let other = sites(
            Some(&file),
            NetworkKind::Loopback,
            Some(RedundancyChoice::Hot),
            None,
        );
        assert_eq!(other.expect_err("refused").exit_code().code(), 2);
    }

    #[test]
    fn what_cannot_be_rehearsed_is_refused_with_2_and_says_where_it_stands() {
        let (code, text) = refusal(|text| text.replace("./set_ip_up.sh", "./nowhere.sh"));
        assert_eq!(code, 2);
        assert!(
            text.contains("nowhere.sh, which is not on this machine"),
            "{text}"
        );
        assert!(text.contains("site.yaml:"), "{text}");
        let (code, text) = refusal(|text| text.replace("host2", "client"));
        assert_eq!(
            (code, text.contains("host name client")),
            (2, true),
            "{text}"
        );
        let (code, text) = refusal(|text| text.replace("version: 1", "version: 1\nsurprise: 2"));
        assert_eq!((code, text.contains("surprise")), (2, true), "{text}");
        let (code, _) = refusal(|_| String::new());
        assert_eq!(code, 2);
    }

    #[test]
    fn a_rule_of_severity_error_refuses_the_file_with_1() {
        let (code, text) = refusal(|text| {
            text.replace(
                "solution_control_server: {host: mgmt1",
                "solution_control_server: {host: host1",
            )
        });
        assert_eq!(
            (code, text.contains("scs-on-pair-host")),
            (1, true),
            "{text}"
        );
    }
}
