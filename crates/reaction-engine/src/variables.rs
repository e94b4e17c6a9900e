//! The variables of e-mails and commands, expanded by pure functions.

use crate::reaction::{Asked, Subject};
use changeover_model::environment::{Environment, Pair};
use changeover_model::{HostName, RunMode};

/// Expands `$NAME` by `value` and `$$` to `$`. What `value` does not know stays as it is written. A name is the
/// longest run of capital letters, digits and `_` after the `$`.
pub fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(beyond) = after.strip_prefix('$') {
            expanded.push('$');
            rest = beyond;
            continue;
        }
        let length = after
            .bytes()
            .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
            .count();
        let (name, beyond) = after.split_at(length);
        match value(name) {
            Some(value) => expanded.push_str(&value),
            None => {
                expanded.push('$');
                expanded.push_str(name);
            }
        }
        rest = beyond;
    }
    expanded.push_str(rest);
    expanded
}

/// Value of an e-mail variable (BEHAVIOUR, Reaction types). Conditions and applications have no numbers of
/// their own here: their ids are their positions in the environment, from 1.
pub(crate) fn mail_value(
    environment: &Environment,
    subject: &Subject,
    asked: &Asked,
    name: &str,
) -> Option<String> {
    let condition = asked.condition.as_ref();
    let application = asked.reporting.as_ref();
    let position = |found: Option<usize>| found.map(|at| (at + 1).to_string()).unwrap_or_default();
    let value = match name {
        "REACT_NAME" => subject
            .script
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        "COND_ID" => {
            position(condition.and_then(|name| environment.alarm_conditions.get_index_of(name)))
        }
        "COND_NAME" => condition.map(ToString::to_string).unwrap_or_default(),
        "COND_CTGR" => condition
            .and_then(|name| environment.alarm_conditions.get(name))
            .map(|condition| condition.category.to_string())
            .unwrap_or_default(),
        "APP_ID" => {
            position(application.and_then(|name| environment.applications.get_index_of(name)))
        }
        "APP_NAME" => application.map(ToString::to_string).unwrap_or_default(),
        "APP_TYPE" => application
            .and_then(|name| environment.applications.get(name))
            .map(|application| application.application_type.to_string())
            .unwrap_or_default(),
        "MSG_ID" => asked
            .event
            .as_ref()
            .map(|event| event.id.wire_form())
            .unwrap_or_default(),
        "MSG_DESCR" => asked
            .event
            .as_ref()
            .map(|event| event.text.clone())
            .unwrap_or_default(),
        _ => return None,
    };
    Some(value)
}

/// The `CHANGEOVER_` variables of an OS command that runs for the reporting application.
pub(crate) fn command_environment(
    environment: &Environment,
    asked: &Asked,
    primary: Option<&changeover_model::ApplicationName>,
    epoch: changeover_model::Epoch,
) -> Vec<(String, String)> {
    let application = asked.reporting.as_ref();
    let pair = application.and_then(|name| environment.pair_of(name));
    let host = application
        .and_then(|name| environment.applications.get(name))
        .map(|application| &application.host);
    let run_mode = match (pair, primary) {
        (None, _) => RunMode::Unknown,
        (Some(_), primary) if primary == application => RunMode::Primary,
        (Some(_), _) => RunMode::Backup,
    };
    let vips = |of: &dyn Fn(&Pair, &HostName) -> Vec<String>| match (pair, host) {
        (Some(pair), Some(host)) => of(pair, host).join(" "),
        _ => String::new(),
    };
    let shown =
        |text: Option<&dyn std::fmt::Display>| text.map(ToString::to_string).unwrap_or_default();
    let peer = pair
        .zip(host)
        .and_then(|(pair, host)| pair.peer_host_of(host));
    [
        ("ENVIRONMENT", environment.name.to_string()),
        ("PAIR", shown(pair.map(|pair| &pair.name as _))),
        ("APPLICATION", shown(application.map(|name| name as _))),
        ("HOST", shown(host.map(|name| name as _))),
        ("PEER_HOST", shown(peer.map(|name| name as _))),
        ("RUN_MODE", run_mode.to_string()),
        ("ACTION", String::new()),
        ("EPOCH", epoch.to_string()),
        (
            "VIP",
            vips(&|pair, host| each(pair, host, |vip| vip.address.to_string())),
        ),
        (
            "PREFIX",
            vips(&|pair, host| each(pair, host, |vip| vip.prefix.to_string())),
        ),
        (
            "INTERFACE",
            vips(&|pair, host| each(pair, host, |vip| vip.interface.clone())),
        ),
        (
            "EVENT_ID",
            shown(asked.event.as_ref().map(|event| &event.id as _)),
        ),
        (
            "ALARM",
            shown(asked.condition.as_ref().map(|name| name as _)),
        ),
        ("REASON", asked.reason.clone()),
        ("SWITCHOVER_ID", asked.cause.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (format!("CHANGEOVER_{name}"), value))
    .collect()
}

fn each(
    pair: &Pair,
    host: &HostName,
    part: impl Fn(&changeover_model::environment::VirtualIpOnHost) -> String,
) -> Vec<String> {
    pair.virtual_ips_on(host).iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::expand;

    fn known(name: &str) -> Option<String> {
        match name {
            "COND_NAME" => Some("ALRM_PRIMARY_4561_HABackup".to_owned()),
            "APP_NAME" => Some("SIP_SERVER_PRIMARY".to_owned()),
            "MSG_DESCR" => Some("costs $APP_NAME".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn known_variables_are_expanded_once_and_unknown_ones_stay_as_written() {
        for (text, expected) in [
            (
                "$COND_NAME on $APP_NAME",
                "ALRM_PRIMARY_4561_HABackup on SIP_SERVER_PRIMARY",
            ),
            (
                "$APP_NAME's, ($APP_NAME)",
                "SIP_SERVER_PRIMARY's, (SIP_SERVER_PRIMARY)",
            ),
            ("$$APP_NAME costs 5$$", "$APP_NAME costs 5$"),
            ("$APP_NAMES, $Host, $, $", "$APP_NAMES, $Host, $, $"),
            // A value is not expanded again: a log text cannot inject.
            ("$MSG_DESCR", "costs $APP_NAME"),
            ("", ""),
            ("ünïcode $ä $APP_NAME", "ünïcode $ä SIP_SERVER_PRIMARY"),
        ] {
            assert_eq!(expand(text, known), expected, "{text}");
        }
    }
}
