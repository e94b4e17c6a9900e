//! One pair of a site as it can be explored: its environment cut down to what the simulated world has room for (the
//! Management Layer on one machine, the pair's two hosts), and the list of what that leaves out, by name. Owns no
//! judgement; what is explored on it stands in `roots` and `faults`.

use changeover_model::environment::{
    ControllerLoss, Environment, Pair, ReactionType, Script, Selection,
};
use changeover_model::{ApplicationName, ApplicationType, HostName, PairName, Takeover};
use changeover_model::{ScriptName, show_duration};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A Test's hold is played as this, so that a run does not wait for a minute of nothing.
const TEST_HOLD: Duration = Duration::from_secs(4);

/// A pair to be explored.
pub(crate) struct PairSite {
    pub(crate) pair: PairName,
    pub(crate) environment: Arc<Environment>,
    /// Its members are Third Party Servers.
    pub(crate) third_party: bool,
    /// What of the site the simulation does not represent.
    pub(crate) left_out: Vec<String>,
    /// The hold of a Test as the site has it.
    pub(crate) test_hold: Duration,
}

impl PairSite {
    /// The pair, or why it cannot be explored at all.
    pub(crate) fn of(site: &Environment, name: &PairName) -> Result<Self, String> {
        let Some(pair) = site.pairs.get(name) else {
            return Err(format!("{name} is no pair of this site"));
        };
        can_be_played(site, pair)?;
        let mut left_out = Vec::new();
        name_left_out(site, pair, &mut left_out);
        let mut cut = site.clone();
        cut.pairs.retain(|other, _| other == name);
        let scs_host = site.management_layer.scs_host.clone();
        cut.management_layer.message_server_host = scs_host.clone();
        let hosts = [
            scs_host.clone(),
            pair.primary_host.clone(),
            pair.backup_host.clone(),
        ];
        cut.hosts = hosts
            .iter()
            .filter_map(|host| site.hosts.get_key_value(host))
            .map(|(host, object)| (host.clone(), object.clone()))
            .collect();
        keep_applications(&mut cut, pair, &scs_host);
        keep_reactions(&mut cut);
        let mut test_hold = Duration::ZERO;
        for pair in cut.pairs.values_mut() {
            test_hold = pair.policy.test_hold;
            pair.policy.test_hold = test_hold.min(TEST_HOLD);
        }
        Ok(Self {
            pair: name.clone(),
            third_party: is_third_party(site, pair),
            environment: Arc::new(cut),
            left_out,
            test_hold,
        })
    }

    /// The pair itself.
    pub(crate) fn object(&self) -> &Pair {
        self.environment
            .pairs
            .get(&self.pair)
            .expect("the cut-down environment keeps its pair")
    }

    /// Long enough for every timeout of the site that a fault can start to run out while it lasts.
    pub(crate) fn longest_timeout(&self) -> Duration {
        let hosts = self.environment.hosts.values();
        let lost = hosts
            .clone()
            .map(|host| host.detection_bound() + host.disconnect_switchover_timeout);
        let agent = hosts.map(|host| host.lca_restart_timeout);
        let longest = lost.chain(agent).max().unwrap_or_default();
        match self.object().policy.on_controller_loss {
            ControllerLoss::Hold => longest,
            ControllerLoss::ReleaseAfter(time) => longest.max(time),
            ControllerLoss::Quorum => longest.max(self.object().policy.address_lifetime),
        }
    }
}

fn is_third_party(site: &Environment, pair: &Pair) -> bool {
    pair.members().iter().any(|(_, name, _)| {
        site.applications
            .get(*name)
            .is_some_and(|it| it.application_type == ApplicationType::ThirdPartyServer)
    })
}

fn can_be_played(site: &Environment, pair: &Pair) -> Result<(), String> {
    let name = &pair.name;
    if pair.takeover != Takeover::IpAddress {
        return Err(format!(
            "{name} is of takeover {}: the simulation has no such network, only addresses that move",
            pair.takeover.as_str()
        ));
    }
    if pair.virtual_ips.is_empty() {
        return Err(format!(
            "{name} has no VIP, so that there is no holder to speak of"
        ));
    }
    if pair.primary_host == pair.backup_host {
        return Err(format!("both members of {name} are on one host"));
    }
    let scs = &site.management_layer.scs_host;
    if scs == &pair.primary_host || scs == &pair.backup_host {
        return Err(format!(
            "the SCS is on {scs}, a host of {name}: the simulation has it on a machine of its own"
        ));
    }
    Ok(())
}

fn name_left_out(site: &Environment, pair: &Pair, left_out: &mut Vec<String>) {
    let layer = &site.management_layer;
    if layer.message_server_host != layer.scs_host {
        left_out.push(format!(
            "the Message Server is played on {}, not on {}: the two are not cut from each other",
            layer.scs_host, layer.message_server_host
        ));
    }
    let others: Vec<&str> = site
        .pairs
        .keys()
        .filter(|name| *name != &pair.name)
        .map(PairName::as_str)
        .collect();
    if !others.is_empty() {
        left_out.push(format!(
            "what {} do at the same time: each pair is explored by itself, as if its two hosts were all",
            others.join(", ")
        ));
    }
    let interfaces: BTreeSet<String> = [&pair.primary_host, &pair.backup_host]
        .into_iter()
        .flat_map(|host| pair.virtual_ips_on(host))
        .map(|vip| vip.interface)
        .collect();
    if interfaces.len() > 1 {
        let names: Vec<&str> = interfaces.iter().map(String::as_str).collect();
        left_out.push(format!(
            "cables pulled one by one: {} of a host share one",
            names.join(", ")
        ));
    }
    let members = pair.members();
    let applications = members
        .iter()
        .filter_map(|(_, name, _)| site.applications.get(*name));
    for application in applications {
        let name = &application.name;
        if !application.health.is_empty() {
            left_out.push(format!(
                "health checks of {name} that fail: they pass at once"
            ));
        }
        if !application.on_primary.is_empty() || !application.on_backup.is_empty() {
            left_out.push(format!("hooks of {name} that fail: they end well at once"));
        }
    }
    left_out.push("what the control scripts really do: each is played, not run".to_owned());
}

/// Members, their control scripts, and what stands on the management host.
fn keep_applications(cut: &mut Environment, pair: &Pair, scs_host: &HostName) {
    let mut kept: BTreeSet<ApplicationName> = [pair.primary.clone(), pair.backup.clone()].into();
    for control in pair.control.values() {
        kept.insert(control.enable.clone());
        kept.insert(control.disable.clone());
    }
    let central = cut.management_layer.message_server.clone();
    kept.insert(central.clone());
    cut.applications.retain(|name, application| {
        let is_scs = &application.host == scs_host && !application.is_managed() && name != &central;
        kept.contains(name) || is_scs
    });
    if let Some(message_server) = cut.applications.get_mut(&central) {
        message_server.host = scs_host.clone();
    }
}

/// Conditions and scripts of what is left.
fn keep_reactions(cut: &mut Environment) {
    let applications: BTreeSet<ApplicationName> = cut.applications.keys().cloned().collect();
    cut.scripts.retain(|_, script| {
        started_by(script).is_none_or(|application| applications.contains(application))
    });
    let scripts: BTreeSet<ScriptName> = cut.scripts.keys().cloned().collect();
    cut.alarm_conditions
        .retain(|_, condition| match &condition.selection {
            Selection::Application(name) => applications.contains(name),
            Selection::Any | Selection::ApplicationType(_) => true,
        });
    for condition in cut.alarm_conditions.values_mut() {
        condition
            .reaction_scripts
            .retain(|script| scripts.contains(script));
        condition
            .clearance_scripts
            .retain(|script| scripts.contains(script));
    }
}

/// The application that a script starts or ends.
pub(crate) fn started_by(script: &Script) -> Option<&ApplicationName> {
    match &script.reaction {
        ReactionType::StartApplication(name) | ReactionType::ShutDownApplication(name) => {
            Some(name)
        }
        _ => None,
    }
}

/// The policy in the words of the file.
pub(crate) fn policy_of(pair: &Pair) -> String {
    match pair.policy.on_controller_loss {
        ControllerLoss::Hold => "hold".to_owned(),
        ControllerLoss::ReleaseAfter(time) => format!("release-after {}", show_duration(time)),
        ControllerLoss::Quorum => "quorum".to_owned(),
    }
}
