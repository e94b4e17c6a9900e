//! The rules of `changeover check`: what is wrong with a valid file.
//!
//! Owns the table of rules and the run over them. Each rule has a file of its own below, with its tests; a rule
//! judges the finished environment from the file alone (FACTS 2, 3, 6; BEHAVIOUR). Scripts are not looked into.

use crate::finding::{Finding, Severity};
use crate::nearest::did_you_mean;
use crate::{Loaded, Span};
use changeover_model::environment::{Application, Environment, Pair};
use changeover_model::{ApplicationType, LogEventId};
use std::time::Duration;

mod wiring;

#[cfg(test)]
mod testing;

macro_rules! rules {
    ($($module:ident,)*) => {
        $(mod $module;)*
        /// Every rule, in the order in which findings are made.
        static RULES: &[&Rule] = &[$(&$module::RULE,)*];
    };
}

rules! {
    not_in_this_build,
    scs_on_pair_host,
    quorum_with_scs_on_pair_host,
    message_server_on_pair_host,
    members_on_one_host,
    member_types_differ,
    backup_server_wrong,
    switch_differs,
    log_not_network,
    message_server_not_connected,
    sip_address_not_vip,
    sip_port_differs,
    sip_pass_check_unreadable,
    auto_restart_off,
    no_sync_port,
    backup_sync_without_addp,
    addp_below_latency,
    sync_reconnect_too_short,
    vip_twice,
    vip_is_host_address,
    vip_outside_host_network,
    label_not_of_interface,
    label_on_ipv6,
    label_twice,
    interface_name_too_long,
    vipctl_not_on_linux,
    control_script_timeout,
    control_script_shared,
    mode_change_without_reaction,
    vip_never_moves,
    wrong_event_for_redundancy,
    condition_not_by_application,
    both_event_families,
    reaction_not_verified,
    enables_before_release,
    never_releases,
    cancel_timeout_extreme,
    release_wait_too_short,
    enable_anyway,
    failover_on_agent_loss,
    address_lifetime_too_short,
    detection_bound_too_small,
    host_address_twice,
    hosts_of_different_systems,
    ports_collide,
    smtp_missing,
    snmp_missing,
    unused_script,
    unused_host,
    unused_switch,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Stable name, kebab-case.
    pub name: &'static str,
    /// Severity of its findings.
    pub severity: Severity,
    /// What it looks at, for the table of rules.
    pub about: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    judge: fn(&Context<'_>, &mut Report<'_>),
}

/// What a rule may look at.
pub(crate) struct Context<'c> {
    pub(crate) environment: &'c Environment,
    /// One-way network latency between the hosts, if the operator named it.
    pub(crate) latency: Option<Duration>,
    /// The file, for where things come from.
    pub(crate) loaded: &'c Loaded,
}

impl Context<'_> {
    /// The pairs with their members' Application objects, the configured primary first.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&Pair, [&Application; 2])> {
        self.environment.pairs.values().filter_map(|pair| {
            let primary = self.environment.applications.get(&pair.primary)?;
            let backup = self.environment.applications.get(&pair.backup)?;
            Some((pair, [primary, backup]))
        })
    }

    /// Members that are SIP Servers, with their pair.
    pub(crate) fn sip_members(&self) -> impl Iterator<Item = (&Pair, &Application)> {
        self.pairs().flat_map(|(pair, members)| {
            members
                .into_iter()
                .filter(|member| member.application_type == ApplicationType::SipServer)
                .map(move |member| (pair, member))
        })
    }
}

/// Collects the findings of one rule.
pub(crate) struct Report<'r> {
    rule: &'static Rule,
    loaded: &'r Loaded,
    findings: Vec<Finding>,
}

impl Report<'_> {
    /// A finding at the place of a path such as `pairs.EAST.policy.release_wait`, or of what stands around it.
    pub(crate) fn at(&mut self, path: &str, message: impl Into<String>) {
        let place = self
            .loaded
            .origins
            .nearest(path)
            .map(|origin| self.loaded.source.place(origin.span));
        self.findings.push(Finding {
            rule: self.rule.name,
            severity: self.rule.severity,
            message: message.into(),
            why: self.rule.why.to_owned(),
            fix: self.rule.fix.to_owned(),
            place,
        });
    }
}

/// What `check` is told beside the file.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// One-way network latency between the hosts; rules about ADDP need it.
    pub latency: Option<Duration>,
    /// Rules whose findings are left out, beside those the file allows.
    pub allow: Vec<String>,
}

/// Runs every rule. The file's own warnings come first; findings of allowed rules are left out.
pub fn check(loaded: &Loaded, options: &CheckOptions) -> Vec<Finding> {
    let context = Context {
        environment: &loaded.environment,
        latency: options.latency,
        loaded,
    };
    let mut findings = loaded.warnings.clone();
    for rule in RULES {
        findings.append(&mut run(rule, &context));
    }
    let mut without_effect = Vec::new();
    for (name, span) in &loaded.allowed {
        if !findings.iter().any(|finding| finding.rule == name) {
            without_effect.push(allowed_in_vain(loaded, name, *span));
        }
    }
    findings.retain(|finding| {
        let by_file = loaded.allowed.iter().any(|(name, _)| name == finding.rule);
        !by_file && !options.allow.iter().any(|name| name == finding.rule)
    });
    findings.append(&mut without_effect);
    findings
}

fn run(rule: &'static Rule, context: &Context<'_>) -> Vec<Finding> {
    let mut report = Report {
        rule,
        loaded: context.loaded,
        findings: Vec::new(),
    };
    (rule.judge)(context, &mut report);
    report.findings
}

fn allowed_in_vain(loaded: &Loaded, name: &str, span: Span) -> Finding {
    Finding {
        rule: "allowed-in-vain",
        severity: Severity::Warning,
        message: format!("the rule {name} finds nothing here, but is allowed to"),
        why: "an exception that outlived its reason hides the next mistake".to_owned(),
        fix: "remove it from check.allow".to_owned(),
        place: Some(loaded.source.place(span)),
    }
}

/// Every rule, for the documentation.
pub fn all() -> &'static [&'static Rule] {
    RULES
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    RULES.iter().map(|rule| rule.name)
}

pub(crate) fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Checks names given on a command line.
///
/// # Errors
/// The message for a name that no rule has.
pub fn refuse_unknown(name: &str) -> Result<(), String> {
    if is_known(name) {
        Ok(())
    } else {
        Err(format!(
            "there is no rule {name}{}",
            did_you_mean(name, names())
        ))
    }
}

/// 4560 to 4563, logged by SIP Servers at a change of run mode.
pub(crate) fn is_server_mode_event(event: LogEventId) -> bool {
    (4560..=4563).contains(&event.0)
}

/// 5150 and 5151, sent by the SCS at a change of run mode.
pub(crate) fn is_scs_mode_event(event: LogEventId) -> bool {
    matches!(event.0, 5150 | 5151)
}
