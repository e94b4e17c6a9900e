//! `sci calls`: what a SIP Server holds, and its messages as they come and go.

use crate::arguments::Calls;
use crate::client::{Scs, ScsError};
use crate::output::{Format, print, print_json, print_json_line};
use crate::text;
use changeover_component::ExitCode;
use tokio_stream::StreamExt as _;

pub(super) async fn run(scs: &mut Scs, format: Format, calls: Calls) -> Result<ExitCode, ScsError> {
    let Calls {
        application,
        most,
        trace,
        call,
    } = calls;
    if !trace {
        let picture = scs.calls(&application, most).await?;
        match format {
            Format::Text => print(&text::calls_text(&picture)),
            Format::Json => print_json(&picture),
        }
        return Ok(ExitCode::Good);
    }
    let mut messages = scs
        .trace_calls(&application, call.unwrap_or_default())
        .await?;
    while let Some(message) = messages.next().await {
        let message = message?;
        match format {
            Format::Text => print(&text::traced_text(&message)),
            Format::Json => print_json_line(&message),
        }
    }
    Err(ScsError::Unreachable(format!(
        "{application} ended the trace"
    )))
}
