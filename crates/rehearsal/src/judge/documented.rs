//! Owns the steps that several documented workflows share, as rules: an order through an LCA, an event to the Message
//! Server, and the chain from the condition to the control scripts.

use super::{Cast, Rule, evidence, traffic};
use changeover_model::{ApplicationName, ConditionName, RunMode};

/// The SCS orders a server to a run mode.
pub(crate) fn order(text: &str, cast: &Cast, server: &ApplicationName, mode: RunMode) -> Rule {
    let host = cast.pair.host_of(server).map_or("", |host| host.as_str());
    let server = server.clone();
    Rule::new(text, format!("hosts.{host}"), move |witness| {
        evidence::ordered(witness, &server, mode)
    })
}

/// A server tells the Message Server its new run mode.
pub(crate) fn event(text: &str, cast: &Cast, server: &ApplicationName, mode: RunMode) -> Rule {
    let (server, event) = (server.clone(), cast.event(server, mode));
    if cast.is_third_party(&server) {
        // It knows nothing of run modes; the SCS speaks for it once its LCA has confirmed the mode.
        let number = if server == cast.server_1 { 1 } else { 2 };
        let text = format!(
            "the SCS tells the Message Server on behalf of server {number}: {event}, now {mode}"
        );
        let look_at = format!("applications.{server}");
        return Rule::new(text, look_at, move |witness| {
            evidence::said_by_scs(witness, &server, event)
        });
    }
    let look_at = format!("applications.{server}.options.log");
    Rule::new(text, look_at, move |witness| {
        evidence::logged(witness, &server, event)
    })
}

/// The last step where no script moves a VIP: the network device, or on a single host whoever asks at the SIP address,
/// finds server 2.
pub(crate) fn followed(cast: &Cast) -> Rule {
    let server = cast.server_2.clone();
    let host = cast.host_2.clone();
    let (pair, device) = (&cast.pair.name, cast.pair.network_device.is_some());
    if device {
        return Rule::new(
            "the network device finds server 2 by OPTIONS, and SIP reaches it through the VIP",
            format!("pairs.{pair}.network_device"),
            move |witness| traffic::reaches(witness, &server, Some(&host)),
        );
    }
    Rule::new(
        "server 2 opens the SIP address, and SIP reaches it",
        format!("pairs.{pair}.takeover"),
        move |witness| traffic::reaches(witness, &server, None),
    )
}

/// What follows from these servers' changes of run mode: conditions found, activated, control scripts triggered.
pub(crate) fn alarms(cast: &Cast, changes: &[(&ApplicationName, RunMode)]) -> [Rule; 3] {
    let conditions: Vec<ConditionName> = changes
        .iter()
        .flat_map(|(server, mode)| cast.conditions(server, *mode))
        .collect();
    let mut scripts: Vec<ApplicationName> = Vec::new();
    for script in changes
        .iter()
        .flat_map(|(server, mode)| cast.reactions(server, *mode))
    {
        if !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    let active = conditions.clone();
    let found = if changes.len() > 1 {
        "the Message Server finds the Alarm Conditions and notifies the SCS"
    } else {
        "the Message Server finds the Alarm Condition and notifies the SCS"
    };
    [
        Rule::new(found, "alarm_conditions", move |witness| {
            evidence::found(witness, &conditions)
        }),
        Rule::new(
            "the SCS activates it, and with it the reaction scripts",
            "alarm_conditions",
            move |witness| evidence::activated(witness, &active),
        ),
        Rule::new(
            "the reaction scripts trigger the control scripts",
            "scripts",
            move |witness| evidence::triggered(witness, &scripts),
        ),
    ]
}
