//! `sci log`: the Message Server's log.

use crate::arguments::Log;
use crate::client::{Scs, ScsError};
use crate::output::{Format, print, print_json_line};
use crate::text;
use changeover_component::ExitCode;
use changeover_model::message::LogQuery;
use tokio_stream::StreamExt as _;

pub(super) async fn run(scs: &mut Scs, format: Format, log: Log) -> Result<ExitCode, ScsError> {
    let since = match log.since {
        Some(since) => Some(scs.picture().await?.at - since),
        None => None,
    };
    let query = LogQuery {
        application: log.application.map(Into::into),
        id: log.event,
        level: log.level,
        since,
        limit: log.limit,
        follow: log.follow,
    };
    let mut records = scs.log(query).await?;
    while let Some(record) = records.next().await {
        let record = record?;
        match format {
            Format::Text => print(&text::log_line(&record)),
            Format::Json => print_json_line(&record),
        }
    }
    Ok(ExitCode::Good)
}
