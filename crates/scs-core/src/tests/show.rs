//! Outputs as lines.

use crate::ScsOutput;
use changeover_model::ApplicationName;
use changeover_model::message::{LcaOrder, OperatorAnswer};

fn show_order(order: &LcaOrder) -> Option<String> {
    Some(match order {
        LcaOrder::Beat { .. } => return None,
        LcaOrder::Hello { .. } => "Hello".into(),
        LcaOrder::Configure(slice) => format!("Configure {}", slice.revision),
        LcaOrder::IntendPair {
            pair,
            epoch,
            primary,
            maintenance,
        } => {
            let primary = primary.as_ref().map_or("nobody", ApplicationName::as_str);
            let maintenance = if *maintenance { ", maintenance" } else { "" };
            format!("intend {pair}: {primary} in epoch {epoch}{maintenance}")
        }
        LcaOrder::StartApplication { key, .. } => format!("start {}", key.application),
        LcaOrder::StopApplication { key, at_once } => {
            let how = if *at_once { " at once" } else { "" };
            format!("stop {}{how}", key.application)
        }
        LcaOrder::SetRunMode { key, run_mode } => {
            format!("{} to {run_mode} in epoch {}", key.application, key.epoch)
        }
        LcaOrder::ReleaseAddresses { .. } => "release".into(),
        LcaOrder::AnnounceAddresses { .. } => "announce".into(),
        LcaOrder::ExecuteCommand { command_line, .. } => format!("execute {command_line}"),
        LcaOrder::RunHook { key, hook } => format!(
            "hook {} of {} in epoch {}",
            hook.command, key.application, key.epoch
        ),
        LcaOrder::ChangeOption { option, value, .. } => format!("option {option} = {value}"),
        LcaOrder::HandedOver => "handed over".into(),
        LcaOrder::RequestVote { epoch, yielded, .. } => {
            let yielded = if *yielded { ", yielded" } else { "" };
            format!("vote for epoch {epoch}{yielded}?")
        }
        LcaOrder::MarkSole { mark, sole } => {
            let word = if *sole { "sole" } else { "not sole" };
            format!("{word} {} in epoch {}", mark.host, mark.epoch)
        }
    })
}

pub(super) fn show(output: &ScsOutput) -> Option<String> {
    Some(match output {
        ScsOutput::ToLca { host, message, .. } => {
            format!("{host}: {}", show_order(&message.body)?)
        }
        ScsOutput::CloseLca { host } => format!("close {host}"),
        ScsOutput::SendLog(batch) => {
            let events: Vec<String> = batch
                .events
                .iter()
                .map(|event| format!("{} {}", event.id, event.application))
                .collect();
            format!("log {}", events.join(", "))
        }
        ScsOutput::RunCommand { command, .. } => format!("run {}", command.command_line),
        ScsOutput::Reply { request, answer } => match answer.as_ref() {
            OperatorAnswer::Progress { .. } => return None,
            OperatorAnswer::Finished(record) => {
                format!("answer {request}: {:?}: {}", record.outcome?, record.why)
            }
            OperatorAnswer::Done { message, .. } => format!("answer {request}: {message}"),
            OperatorAnswer::Predicted(prediction) => {
                format!("answer {request}: predicted {:?}", prediction.warnings)
            }
            OperatorAnswer::Refused(reasons) => {
                let codes: Vec<&str> = reasons.iter().map(|one| one.code.as_str()).collect();
                format!("answer {request}: refused {}", codes.join(" "))
            }
        },
        ScsOutput::ProbeHost { .. }
        | ScsOutput::ToMessageServer(_)
        | ScsOutput::Persist { .. }
        | ScsOutput::SendEmail { .. }
        | ScsOutput::SendSnmpTrap { .. }
        | ScsOutput::PictureChanged
        | ScsOutput::ReactionChanged(_) => return None,
    })
}
