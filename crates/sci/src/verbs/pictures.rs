//! `sci status`, `hosts`, `applications`, `pairs`, `reactions`: what is there now, once or as it changes.

use crate::arguments::Watch;
use crate::client::{Scs, ScsError};
use crate::output::{Format, print, print_json, print_json_line};
use crate::text;
use changeover_component::ExitCode;
use changeover_model::message::{PairState, Picture};
use tokio_stream::StreamExt as _;

async fn show(
    scs: &mut Scs,
    format: Format,
    watch: Watch,
    as_text: impl Fn(&Picture) -> String,
    as_json: impl Fn(&Picture) -> serde_json::Value,
) -> Result<Picture, ScsError> {
    if !watch.watch {
        let picture = scs.picture().await?;
        match format {
            Format::Text => print(&as_text(&picture)),
            Format::Json => print_json(&as_json(&picture)),
        }
        return Ok(picture);
    }
    let mut pictures = scs.watch().await?;
    let mut shown = String::new();
    let mut last = None;
    while let Some(picture) = pictures.next().await {
        let picture = picture?;
        match format {
            Format::Json => print_json_line(&as_json(&picture)),
            Format::Text => {
                let text = as_text(&picture);
                if text != shown {
                    // Clears the screen where there is one, so that the newest picture stands alone.
                    let clear = if crate::output::colour() {
                        "\x1b[H\x1b[2J"
                    } else {
                        ""
                    };
                    print(&format!("{clear}{text}"));
                    shown = text;
                }
            }
        }
        last = Some(picture);
    }
    last.ok_or_else(|| ScsError::Unreachable("the SCS ended the watch".to_owned()))
}

fn part<T: serde::Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).expect("these types have no keys that JSON cannot write")
}

pub(super) async fn status(
    scs: &mut Scs,
    format: Format,
    watch: Watch,
    check: bool,
) -> Result<ExitCode, ScsError> {
    let picture = show(scs, format, watch, text::picture_text, part).await?;
    let all_ok = picture.pairs.iter().all(|pair| pair.state == PairState::Ok);
    Ok(if check && !all_ok {
        ExitCode::Bad
    } else {
        ExitCode::Good
    })
}

pub(super) async fn hosts(
    scs: &mut Scs,
    format: Format,
    watch: Watch,
) -> Result<ExitCode, ScsError> {
    show(scs, format, watch, text::hosts_text, |picture| {
        part(&picture.hosts)
    })
    .await?;
    Ok(ExitCode::Good)
}

pub(super) async fn applications(
    scs: &mut Scs,
    format: Format,
    watch: Watch,
) -> Result<ExitCode, ScsError> {
    show(scs, format, watch, text::applications_text, |picture| {
        part(&picture.applications)
    })
    .await?;
    Ok(ExitCode::Good)
}

pub(super) async fn pairs(
    scs: &mut Scs,
    format: Format,
    watch: Watch,
) -> Result<ExitCode, ScsError> {
    show(scs, format, watch, text::pairs_text, |picture| {
        part(&picture.pairs)
    })
    .await?;
    Ok(ExitCode::Good)
}

pub(super) async fn reactions(
    scs: &mut Scs,
    format: Format,
    follow: bool,
) -> Result<ExitCode, ScsError> {
    let now = scs.picture().await?.at;
    if !follow {
        let reactions = scs.reactions().await?;
        match format {
            Format::Text => print(&text::reactions_text(&reactions, now)),
            Format::Json => print_json(&reactions),
        }
        return Ok(ExitCode::Good);
    }
    let mut changes = scs.follow_reactions().await?;
    while let Some(reaction) = changes.next().await {
        let reaction = reaction?;
        match format {
            Format::Text => print(&text::reactions_text(std::slice::from_ref(&reaction), now)),
            Format::Json => print_json_line(&reaction),
        }
    }
    Err(ScsError::Unreachable(
        "the SCS ended the stream of reactions".to_owned(),
    ))
}
