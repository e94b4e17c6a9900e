//! The rules of `changeover check`: what is wrong with a valid file.
//!
//! Owns the table of rules and the run over them. Each rule has a file of its own below, and a planted defect in
//! tests/defects that it alone finds; a rule judges the finished environment (FACTS 2, 3, 5, 6; BEHAVIOUR). What control
//! scripts are and do is handed in as facts: this crate reads no file and starts no program.

use crate::finding::{Finding, Severity};
use crate::nearest::did_you_mean;
use crate::script_facts::ScriptFacts;
use crate::{Loaded, Span};
use changeover_model::environment::{Application, Environment, Pair};
use changeover_model::{ApplicationType, LogEventId};
use std::time::Duration;

mod addp_below_latency;
mod address_lifetime_too_short;
mod agent_restart_too_short;
mod auto_restart_off;
mod backup_server_wrong;
mod backup_sync_differs;
mod backup_sync_unreadable;
mod backup_sync_without_addp;
mod both_event_families;
mod cancel_event_is_detect_event;
mod cancel_timeout_extreme;
mod condition_never_met;
mod condition_not_by_application;
mod condition_twice;
mod control_script_does_both;
mod control_script_restarts;
mod control_script_shared;
mod control_script_timeout;
mod detection_bound_too_small;
mod enable_anyway;
mod enables_before_release;
mod failover_on_agent_loss;
mod failover_too_slow;
mod flapping_never_stops;
mod flapping_stops_at_once;
mod ha_condition_not_critical;
mod health_check_looks_elsewhere;
mod health_check_notices_late;
mod health_check_too_slow;
mod health_link_not_of_vip;
mod hooks_delay_failover;
mod host_address_twice;
mod host_address_unusable;
mod host_loss_waits_too_long;
mod hosts_of_different_systems;
mod interface_name_too_long;
mod label_not_of_interface;
mod label_on_ipv6;
mod label_twice;
mod log_not_network;
mod member_types_differ;
mod members_on_one_host;
mod message_server_not_connected;
mod message_server_on_pair_host;
mod message_servers_differ;
mod mode_change_without_reaction;
mod network;
mod never_releases;
mod nlb_not_on_windows;
mod no_sync_port;
mod oos_force_without_check;
mod pass_check_without_service_dn;
mod pid_file_shared;
mod ports_collide;
mod quorum_with_scs_on_pair_host;
mod reaction_not_verified;
mod reaction_of_another_pair;
mod reaction_on_wrong_host;
mod reaction_twice;
mod release_wait_too_short;
mod restart_delays_reversed;
mod restart_limit_zero;
mod script_missing;
mod script_names_another_interface;
mod script_names_another_vip;
mod script_never_ends;
mod script_not_covered;
mod script_not_executable;
mod script_not_idempotent;
mod script_passes_file_to_ifconfig;
mod script_without_effect;
mod script_without_interpreter;
mod script_wrong_netmask;
mod scripts;
mod scripts_differ_between_hosts;
mod scs_on_pair_host;
mod server_startup_timeout;
mod shared;
mod single_host_many_seats;
mod sip_address_not_vip;
mod sip_nic_unwatched;
mod sip_pass_check_unreadable;
mod sip_port_differs;
mod sip_probe_cannot_reach;
mod smtp_missing;
mod snmp_missing;
mod switch_differs;
mod switchover_causes_itself;
mod sync_reconnect_too_short;
mod unit_shared;
mod unused_host;
mod unused_script;
mod unused_switch;
mod vip_is_host_address;
mod vip_never_moves;
mod vip_on_management_nic;
mod vip_outside_host_network;
mod vip_part_of_address;
mod vip_twice;
mod vipctl_not_on_linux;
mod wiring;
mod wrong_event_for_redundancy;

#[cfg(test)]
mod testing;

/// Every rule, in the order in which findings are made.
static RULES: &[&Rule] = &[
    &scs_on_pair_host::RULE,
    &quorum_with_scs_on_pair_host::RULE,
    &message_server_on_pair_host::RULE,
    &members_on_one_host::RULE,
    &member_types_differ::RULE,
    &backup_server_wrong::RULE,
    &switch_differs::RULE,
    &log_not_network::RULE,
    &message_server_not_connected::RULE,
    &sip_address_not_vip::RULE,
    &sip_port_differs::RULE,
    &sip_pass_check_unreadable::RULE,
    &auto_restart_off::RULE,
    &no_sync_port::RULE,
    &backup_sync_without_addp::RULE,
    &addp_below_latency::RULE,
    &sync_reconnect_too_short::RULE,
    &vip_twice::RULE,
    &vip_is_host_address::RULE,
    &vip_outside_host_network::RULE,
    &label_not_of_interface::RULE,
    &label_on_ipv6::RULE,
    &label_twice::RULE,
    &interface_name_too_long::RULE,
    &vipctl_not_on_linux::RULE,
    &control_script_timeout::RULE,
    &control_script_shared::RULE,
    &mode_change_without_reaction::RULE,
    &vip_never_moves::RULE,
    &wrong_event_for_redundancy::RULE,
    &condition_not_by_application::RULE,
    &both_event_families::RULE,
    &reaction_not_verified::RULE,
    &enables_before_release::RULE,
    &never_releases::RULE,
    &cancel_timeout_extreme::RULE,
    &release_wait_too_short::RULE,
    &enable_anyway::RULE,
    &failover_on_agent_loss::RULE,
    &address_lifetime_too_short::RULE,
    &detection_bound_too_small::RULE,
    &health_check_too_slow::RULE,
    &health_check_notices_late::RULE,
    &health_check_looks_elsewhere::RULE,
    &health_link_not_of_vip::RULE,
    &hooks_delay_failover::RULE,
    &reaction_on_wrong_host::RULE,
    &reaction_of_another_pair::RULE,
    &condition_twice::RULE,
    &reaction_twice::RULE,
    &ha_condition_not_critical::RULE,
    &switchover_causes_itself::RULE,
    &condition_never_met::RULE,
    &cancel_event_is_detect_event::RULE,
    &message_servers_differ::RULE,
    &backup_sync_differs::RULE,
    &backup_sync_unreadable::RULE,
    &sip_nic_unwatched::RULE,
    &pass_check_without_service_dn::RULE,
    &oos_force_without_check::RULE,
    &single_host_many_seats::RULE,
    &vip_on_management_nic::RULE,
    &vip_part_of_address::RULE,
    &host_address_unusable::RULE,
    &unit_shared::RULE,
    &pid_file_shared::RULE,
    &failover_too_slow::RULE,
    &host_loss_waits_too_long::RULE,
    &flapping_stops_at_once::RULE,
    &flapping_never_stops::RULE,
    &restart_limit_zero::RULE,
    &restart_delays_reversed::RULE,
    &agent_restart_too_short::RULE,
    &server_startup_timeout::RULE,
    &sip_probe_cannot_reach::RULE,
    &control_script_restarts::RULE,
    &control_script_does_both::RULE,
    &nlb_not_on_windows::RULE,
    &script_missing::RULE,
    &script_not_executable::RULE,
    &script_without_interpreter::RULE,
    &script_names_another_vip::RULE,
    &script_names_another_interface::RULE,
    &script_passes_file_to_ifconfig::RULE,
    &scripts_differ_between_hosts::RULE,
    &script_not_covered::RULE,
    &script_never_ends::RULE,
    &script_without_effect::RULE,
    &script_not_idempotent::RULE,
    &script_wrong_netmask::RULE,
    &host_address_twice::RULE,
    &hosts_of_different_systems::RULE,
    &ports_collide::RULE,
    &smtp_missing::RULE,
    &snmp_missing::RULE,
    &unused_script::RULE,
    &unused_host::RULE,
    &unused_switch::RULE,
];

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
    /// What is known about control scripts beyond the file.
    pub(crate) scripts: &'c [ScriptFacts],
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
    /// What was found out about control scripts; rules about them need it.
    pub scripts: Vec<ScriptFacts>,
    /// Rules whose findings are left out, beside those the file allows.
    pub allow: Vec<String>,
}

/// Runs every rule. The file's own warnings come first; findings of allowed rules are left out.
pub fn check(loaded: &Loaded, options: &CheckOptions) -> Vec<Finding> {
    let context = Context {
        environment: &loaded.environment,
        latency: options.latency,
        scripts: &options.scripts,
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

#[cfg(test)]
mod tests {
    use super::testing::{GOOD, edited};
    use super::*;

    const BOTH_ON_HOST1: &[(&str, &str)] =
        &[("host: mgmt1", "host: host1"), ("  mgmt1: {", "  # {")];

    fn names_found(text: &str, options: &CheckOptions) -> Vec<&'static str> {
        let loaded = crate::load("site.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
        check(&loaded, options)
            .iter()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn every_rule_has_a_name_of_its_own_and_says_why_and_what_to_do() {
        let mut seen = std::collections::BTreeSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.name), "{} twice", rule.name);
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(rule.name.chars().all(kebab), "{}", rule.name);
            for text in [rule.about, rule.why, rule.fix] {
                assert!(
                    text.len() > 10 && !text.contains('|'),
                    "{}: {text}",
                    rule.name
                );
            }
        }
    }

    #[test]
    fn the_example_has_no_finding_at_all() {
        assert!(names_found(GOOD, &CheckOptions::default()).is_empty());
    }

    #[test]
    fn a_finding_is_left_out_only_where_the_file_or_the_command_allows_its_rule() {
        let text = edited(BOTH_ON_HOST1);
        let all = CheckOptions::default();
        assert_eq!(
            names_found(&text, &all),
            ["scs-on-pair-host", "message-server-on-pair-host"]
        );
        let by_file = format!("{text}check: {{allow: [scs-on-pair-host]}}\n");
        assert_eq!(names_found(&by_file, &all), ["message-server-on-pair-host"]);
        let by_command = CheckOptions {
            allow: vec!["message-server-on-pair-host".to_owned()],
            ..CheckOptions::default()
        };
        assert!(names_found(&by_file, &by_command).is_empty());
    }

    #[test]
    fn an_exception_that_is_no_longer_needed_is_reported() {
        let text = format!("{GOOD}check: {{allow: [scs-on-pair-host]}}\n");
        assert_eq!(
            names_found(&text, &CheckOptions::default()),
            ["allowed-in-vain"]
        );
    }

    #[test]
    fn an_anchor_that_nobody_uses_is_reported() {
        let text = edited(&[("address: 10.10.11.110", "address: &management 10.10.11.110")]);
        assert_eq!(
            names_found(&text, &CheckOptions::default()),
            ["unused-anchor"]
        );
    }

    #[test]
    fn a_misspelt_rule_on_the_command_line_is_refused_with_the_right_name() {
        assert_eq!(refuse_unknown("vip-twice"), Ok(()));
        assert_eq!(
            refuse_unknown("vip-twise"),
            Err("there is no rule vip-twise; did you mean `vip-twice`?".to_owned())
        );
    }
}
