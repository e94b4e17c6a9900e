//! `changeover certs show`: what is there, and whether it will do.

use super::{Show, Trouble};
use crate::arguments::Format;
use changeover_certificates::{Certificate, Kind, Standing, day, inspect};
use changeover_component::ExitCode;
use std::time::SystemTime;

pub(super) fn show(arguments: &Show) -> Result<ExitCode, Trouble> {
    let found = inspect(&arguments.path)?;
    let now = SystemTime::now();
    let is_good = |certificate: &Certificate| {
        certificate.faults.is_empty()
            && certificate.standing(now, arguments.within) == Standing::Good
    };
    let good = found.iter().all(is_good);
    match arguments.format {
        Format::Text => {
            let text: String = found
                .iter()
                .map(|certificate| in_words(certificate, now, arguments))
                .collect();
            crate::offline::print(&text);
        }
        Format::Json => {
            let list: Vec<serde_json::Value> = found
                .iter()
                .map(|certificate| document(certificate, now, arguments))
                .collect();
            crate::offline::print_json(&serde_json::json!({"certificates": list, "good": good}));
        }
    }
    Ok(if arguments.check && !good {
        ExitCode::Bad
    } else {
        ExitCode::Good
    })
}

/// A moment as JSON carries it.
pub(super) fn moment(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

fn in_words(certificate: &Certificate, now: SystemTime, arguments: &Show) -> String {
    let who = match &certificate.kind {
        Kind::Component(identity) => identity.to_string(),
        Kind::Authority => format!("authority {}", certificate.subject),
        Kind::Foreign => format!("no component of a site: {}", certificate.subject),
    };
    let left = certificate.days_left(now);
    let standing = match certificate.standing(now, arguments.within) {
        Standing::Good => format!("expires in {left} days"),
        Standing::ExpiresSoon => format!("EXPIRES IN {left} DAYS"),
        Standing::Expired => format!("EXPIRED {} days ago", -left - 1),
        Standing::NotYetValid => "NOT VALID YET (is this machine's clock right?)".to_owned(),
    };
    let mut text = format!(
        "{who}\n  file         {}\n  valid        {} to {}, {standing}\n  signed by    {}\n  fingerprint  {}\n",
        certificate.file.display(),
        day(certificate.validity.from),
        day(certificate.validity.until),
        certificate.authority,
        certificate.fingerprint,
    );
    for fault in &certificate.faults {
        text.push_str(&format!("  WRONG        {fault}\n"));
    }
    text
}

fn document(certificate: &Certificate, now: SystemTime, arguments: &Show) -> serde_json::Value {
    let (kind, identity) = match &certificate.kind {
        Kind::Component(identity) => ("component", Some(identity)),
        Kind::Authority => ("authority", None),
        Kind::Foreign => ("foreign", None),
    };
    serde_json::json!({
        "file": certificate.file,
        "kind": kind,
        "role": identity.map(|identity| identity.role.as_str()),
        "name": identity.map(|identity| identity.name.as_str()),
        "subject": certificate.subject,
        "authority": certificate.authority,
        "not_before": moment(certificate.validity.from),
        "not_after": moment(certificate.validity.until),
        "expires_in_days": certificate.days_left(now),
        "sha256": certificate.fingerprint,
        "standing": certificate.standing(now, arguments.within),
        "faults": certificate.faults,
    })
}
