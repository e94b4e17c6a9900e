//! Owns which workflows apply to a site (INTERFACE, "all that apply"), and why one does not: it needs a VIP that moves,
//! two hosts, two NICs with traffic monitoring, or a pair that keeps calls.

use crate::site::SipNics;
use crate::workflows::WorkflowName;
use changeover_model::environment::{Environment, Pair};
use changeover_model::{ApplicationType, Redundancy, Takeover};
use std::time::Duration;

/// Why a workflow does not apply to a pair; `None` = it does.
pub(crate) fn why_not(
    name: WorkflowName,
    environment: &Environment,
    pair: &Pair,
) -> Option<&'static str> {
    let one_host = pair.primary_host == pair.backup_host;
    match name {
        WorkflowName::ManualSwitchover | WorkflowName::PrimaryFailure => None,
        WorkflowName::PrimaryDisconnected | WorkflowName::Reconnect => {
            one_host.then_some("both servers are on one host, which cannot lose one of them alone")
        }
        WorkflowName::SipNicLost | WorkflowName::SipNicRestored => no_sip_nic(environment, pair),
        WorkflowName::AlarmTest => pair
            .control
            .is_empty()
            .then_some("no Alarm Condition moves a VIP there"),
        WorkflowName::Test1 | WorkflowName::Test2 | WorkflowName::Test3 => {
            no_calls(environment, pair)
        }
    }
}

/// The workflows that apply, in the order of a full run.
pub(crate) fn workflows(environment: &Environment, pair: &Pair) -> Vec<WorkflowName> {
    WorkflowName::FULL_RUN
        .into_iter()
        .filter(|name| why_not(*name, environment, pair).is_none())
        .collect()
}

fn no_sip_nic(environment: &Environment, pair: &Pair) -> Option<&'static str> {
    if !matches!(pair.takeover, Takeover::IpAddress | Takeover::WindowsNlb) {
        return Some("no host of the pair has a SIP NIC with a VIP on it");
    }
    if !SipNics::are_apart(environment, pair) {
        return Some("SIP and management share a NIC there");
    }
    traffic_period(environment, pair)
        .is_none()
        .then_some("SIP traffic monitoring is off there: sip-pass-check, and a DN with oos-check")
}

fn no_calls(environment: &Environment, pair: &Pair) -> Option<&'static str> {
    let ours = pair.members().into_iter().all(|(_, name, _)| {
        environment
            .applications
            .get(name)
            .is_some_and(|member| member.application_type == ApplicationType::SipServer)
    });
    if !ours {
        return Some("the servers are foreign programs, whose calls nobody here keeps");
    }
    (pair.redundancy != Redundancy::Hot)
        .then_some("only hot standby keeps calls over a change of roles")
}

/// T: the largest `oos-check` + `oos-force` of the pair's DNs, where `sip-pass-check` is on (FACTS 2).
pub(crate) fn traffic_period(environment: &Environment, pair: &Pair) -> Option<Duration> {
    let server = environment.applications.get(&pair.primary)?;
    if !server.sip_pass_check() {
        return None;
    }
    let switch = environment.switches.get(server.switch.as_ref()?)?;
    switch
        .dns
        .values()
        .filter_map(|dn| Some(dn.oos_check? + dn.oos_force.unwrap_or_default()))
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflows::WorkflowName as Name;
    use std::path::Path;

    fn applying(redundancy: Redundancy, change: impl Fn(String) -> String) -> Vec<Name> {
        let text = change(crate::built_in::environment(
            redundancy,
            None,
            Path::new("/tmp/run"),
        ));
        let loaded = changeover_configuration::load("linux.yaml", &text)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let pair = loaded.environment.pairs.values().next().expect("a pair");
        workflows(&loaded.environment, pair)
    }

    #[test]
    fn the_acceptance_tests_apply_to_hot_standby_only() {
        let hot = applying(Redundancy::Hot, |text| text);
        let warm = applying(Redundancy::Warm, |text| text);
        assert_eq!(hot[..5], warm[..]);
        assert_eq!(hot[5..], [Name::Test1, Name::Test2, Name::Test3]);
    }

    #[test]
    fn the_sip_nic_is_rehearsed_where_it_is_apart_and_watched() {
        let watched = |text: String| {
            text.replace(
                "  SIP_Switch: {}",
                "  SIP_Switch: {dns: {gw: {contact: \"sip:192.0.2.9\", oos-check: 1, oos-force: 2}}}",
            )
            .replace("sip-port: 5060", "sip-port: 5060, sip-pass-check: true")
        };
        let two_nics = |text: String| text.replace("10.10.11.103/24", "192.0.2.3/24");
        let has_both = |names: Vec<Name>| {
            names.contains(&Name::SipNicLost) && names.contains(&Name::SipNicRestored)
        };
        assert!(has_both(applying(Redundancy::Hot, |text| two_nics(
            watched(text)
        ))));
        assert!(!has_both(applying(Redundancy::Hot, watched)), "one NIC");
        assert!(
            !has_both(applying(Redundancy::Hot, two_nics)),
            "nothing watched"
        );
    }
}
