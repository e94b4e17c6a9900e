//! What would happen, before it does.

use super::table::aligned;
use super::visible;
use changeover_model::HostName;
use changeover_model::message::Prediction;

/// A prediction: what would run, and who would hold the VIP.
pub(crate) fn prediction_text(prediction: &Prediction) -> String {
    let mut text = String::new();
    if prediction.runs.is_empty() {
        text.push_str("Nothing would run.\n");
    } else {
        text.push_str("Would run:\n");
        let rows = prediction
            .runs
            .iter()
            .map(|run| {
                vec![
                    run.application.as_ref().map_or_else(
                        || {
                            run.script
                                .as_ref()
                                .map_or_else(|| "-".to_owned(), ToString::to_string)
                        },
                        ToString::to_string,
                    ),
                    run.host
                        .as_ref()
                        .map_or_else(String::new, |host| format!("on {host}")),
                    run.action
                        .map_or_else(String::new, |action| action.to_string()),
                    visible(&run.detail),
                ]
            })
            .collect();
        text.push_str(&aligned(rows, "  "));
    }
    for vip in &prediction.virtual_ips {
        let holders = match vip.holders.as_slice() {
            [] => "no host".to_owned(),
            hosts => hosts
                .iter()
                .map(HostName::as_str)
                .collect::<Vec<_>>()
                .join(" and "),
        };
        let intended = vip
            .intended
            .as_ref()
            .map_or_else(|| "nobody".to_owned(), ToString::to_string);
        text.push_str(&format!(
            "VIP {} would then be on {holders} (intended: {intended})\n",
            vip.address
        ));
    }
    for warning in &prediction.warnings {
        text.push_str(&format!("WARNING: {}\n", visible(warning)));
    }
    text
}
