//! `changeover certs issue`: one certificate, or all that an environment file needs.

use super::{Issue, Trouble, showing};
use crate::arguments::Format;
use changeover_certificates::{
    Authority, Issued, Kind, Names, People, Planned, Standing, Validity, day, inspect, plan,
};
use changeover_component::ExitCode;
use changeover_rpc::identity::{Identity, Role};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What is good for this much longer is kept.
const WORTH_KEEPING: Duration = Duration::from_secs(30 * 86_400);

/// What happened to one folder.
struct Done {
    folder: PathBuf,
    identity: Identity,
    until: SystemTime,
    kept: bool,
}

pub(super) fn issue(arguments: &Issue) -> Result<ExitCode, Trouble> {
    let planned = match planned(arguments) {
        Ok(planned) => planned,
        Err(Refused::Said(code)) => return Ok(code),
        Err(Refused::Because(words)) => {
            return Err(Trouble {
                words,
                code: ExitCode::Unusable,
            });
        }
    };
    let mut authority = Authority::open(&arguments.folder)?;
    trust(arguments, &mut authority)?;
    // All of them are made before one is written: a name that cannot stand in a certificate leaves nothing half done.
    let mut made = Vec::new();
    for Planned {
        folder,
        identity,
        names,
    } in planned
    {
        let kept = (arguments.config.is_some() && !arguments.renew)
            .then(|| still_good(&folder, &identity, &authority))
            .flatten();
        let made_now = match kept {
            Some(until) => Made::Before(until),
            None => {
                Made::Now(authority.issue(&identity, &names, Validity::days(arguments.days))?)
            }
        };
        made.push((folder, identity, made_now));
    }
    let mut done = Vec::new();
    for (folder, identity, made) in made {
        let (until, kept) = match made {
            Made::Before(until) => (until, true),
            Made::Now(issued) => {
                issued.write(&folder)?;
                (issued.until, false)
            }
        };
        done.push(Done {
            folder,
            identity,
            until,
            kept,
        });
    }
    tell(arguments, &done);
    Ok(ExitCode::Good)
}

enum Made {
    /// It lies there and is good until then.
    Before(SystemTime),
    Now(Issued),
}

enum Refused {
    /// It has been said on standard error.
    Said(ExitCode),
    Because(String),
}

fn planned(arguments: &Issue) -> Result<Vec<Planned>, Refused> {
    if let Some(file) = &arguments.config {
        let loaded = crate::offline::load(file, arguments.format).map_err(Refused::Said)?;
        let people = People {
            operators: arguments.operator.clone(),
            viewers: arguments.viewer.clone(),
        };
        let mut planned = plan(&loaded.environment, &people);
        for planned in &mut planned {
            planned.folder = arguments.folder.join(&planned.folder);
        }
        return Ok(planned);
    }
    let (Some(role), Some(name)) = (arguments.role, &arguments.name) else {
        return Err(Refused::Because(
            "give --role and --name, or --config".to_owned(),
        ));
    };
    if role != Role::Lca && !arguments.application.is_empty() {
        return Err(Refused::Because(
            "--application goes with --role lca: an LCA hands these certificates to what it starts; for one of its \
             own use --role application --name NAME"
                .to_owned(),
        ));
    }
    let folder = arguments
        .to
        .clone()
        .unwrap_or_else(|| arguments.folder.join(format!("{role}-{name}")));
    let below = arguments.application.iter().map(|application| Planned {
        folder: folder.join(application),
        identity: Identity::new(Role::Application, application),
        names: Names::default(),
    });
    let own = Planned {
        folder: folder.clone(),
        identity: Identity::new(role, name),
        names: Names {
            dns: arguments.dns.clone(),
            addresses: arguments.address.clone(),
        },
    };
    Ok(std::iter::once(own).chain(below).collect())
}

fn trust(arguments: &Issue, authority: &mut Authority) -> Result<(), Trouble> {
    for file in &arguments.trust {
        let unusable = |words: String| Trouble {
            words,
            code: ExitCode::Unusable,
        };
        if inspect(file)?
            .iter()
            .any(|found| found.kind != Kind::Authority)
        {
            return Err(unusable(format!(
                "{} holds something else than authorities: --trust takes a ca.pem",
                file.display()
            )));
        }
        let text = std::fs::read_to_string(file)
            .map_err(|error| unusable(format!("cannot read {}: {error}", file.display())))?;
        authority.also_believe(&text);
    }
    Ok(())
}

/// Until when the certificate in a folder is good, if it is this authority's, for this identity, and not to be
/// replaced soon.
fn still_good(folder: &Path, identity: &Identity, authority: &Authority) -> Option<SystemTime> {
    let found = inspect(&folder.join("cert.pem")).ok()?.into_iter().next()?;
    let believed = std::fs::read_to_string(folder.join("ca.pem")).ok()?;
    let good = found.kind == Kind::Component(identity.clone())
        && changeover_certificates::is_whole(folder)
        && believed == authority.believed()
        && found.standing(SystemTime::now(), WORTH_KEEPING) == Standing::Good;
    good.then_some(found.validity.until)
}

fn tell(arguments: &Issue, done: &[Done]) {
    match arguments.format {
        Format::Text => {
            let mut text = String::new();
            let width = done
                .iter()
                .map(|done| done.folder.display().to_string().chars().count())
                .max()
                .unwrap_or_default();
            for done in done {
                let kept = if done.kept { ", kept" } else { "" };
                text.push_str(&format!(
                    "{:width$}  {}, until {}{kept}\n",
                    done.folder.display().to_string(),
                    done.identity,
                    day(done.until),
                ));
            }
            if arguments.config.is_some() {
                text.push_str(&format!(
                    "Copy {}/HOST to /etc/changeover/tls of each HOST; each component is started with --tls \
                     /etc/changeover/tls/COMPONENT\n",
                    arguments.folder.join("hosts").display()
                ));
            }
            crate::offline::print(&text);
        }
        Format::Json => {
            let list: Vec<serde_json::Value> = done
                .iter()
                .map(|done| {
                    serde_json::json!({
                        "folder": done.folder,
                        "role": done.identity.role.as_str(),
                        "name": done.identity.name,
                        "not_after": showing::moment(done.until),
                        "kept": done.kept,
                    })
                })
                .collect();
            crate::offline::print_json(&serde_json::json!({ "certificates": list }));
        }
    }
}
