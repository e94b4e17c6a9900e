//! keepalived: the VRRP instances of one host, or of both, become pairs whose VIPs `vipctl` moves.
//!
//! Owns what belongs together: the two files, instances of a sync group, a check and the instance that tracks it. The
//! form of the file is in `syntax.rs`, single statements in `reading.rs`.

mod reading;
mod syntax;

use crate::draft::{Draft, DraftPair, DraftVip, hook};
use crate::words::{command, duration, list, name, scalar, unit_asked_for};
use crate::{ImportError, Known, Source};
use reading::{CheckScript, HostFile, Instance, Notify};

/// Makes a draft of one host's file, or of both hosts'.
///
/// # Errors
/// When a file is not of this form, has no instance, or the two have different ones.
pub(crate) fn draft(
    first: Source<'_>,
    second: Option<Source<'_>>,
    known: &Known,
) -> Result<Draft, ImportError> {
    let mut draft = Draft::default();
    let one = read(first, &mut draft)?;
    let other = second.map(|second| read(second, &mut draft)).transpose()?;
    draft.from = match second {
        Some(second) => format!("{} and {}", first.name, second.name),
        None => first.name.to_owned(),
    };
    if let Some(other) = &other {
        belong_together(&one, other)?;
        belong_together(other, &one)?;
        differences(&one, other, &mut draft);
    }
    let files: Vec<&HostFile> = std::iter::once(&one).chain(&other).collect();
    hosts(&files, &mut draft);
    let routers = one
        .instances
        .iter()
        .find_map(|instance| instance.router.as_ref());
    draft.name = routers.map_or_else(
        || "imported".to_owned(),
        |router| name(&format!("vrrp-{router}")),
    );
    for (name, instances, notify) in together(&one, &mut draft) {
        let pair = pair(&name, &instances, &notify, &files, known, &mut draft);
        draft.pairs.push(pair);
    }
    said_once(&files, &mut draft);
    Ok(draft)
}

fn read(source: Source<'_>, draft: &mut Draft) -> Result<HostFile, ImportError> {
    let nodes = syntax::parse(source)?;
    let host = reading::read(source.name, &nodes, draft);
    let usable = host
        .instances
        .iter()
        .any(|instance| !instance.addresses.is_empty());
    if usable {
        Ok(host)
    } else {
        Err(ImportError::NoPair {
            file: source.name.to_owned(),
            what: "there is no vrrp_instance with a virtual_ipaddress in it",
        })
    }
}

fn addresses(instance: &Instance) -> Vec<String> {
    let mut all: Vec<String> = instance
        .addresses
        .iter()
        .map(|one| one.address.to_string())
        .collect();
    all.sort();
    all
}

fn twin<'h>(instance: &Instance, of: &'h HostFile) -> Option<&'h Instance> {
    of.instances
        .iter()
        .find(|other| other.name == instance.name)
        .or_else(|| {
            let same =
                |other: &&Instance| other.router.is_some() && other.router == instance.router;
            of.instances.iter().find(same)
        })
}

fn belong_together(one: &HostFile, other: &HostFile) -> Result<(), ImportError> {
    for instance in &one.instances {
        let what = match twin(instance, other) {
            None => format!("{} is in the first only", instance.name),
            Some(twin) if addresses(twin) != addresses(instance) => {
                format!("{} has other addresses", instance.name)
            }
            Some(_) => continue,
        };
        return Err(ImportError::NotAPair {
            one: one.file.clone(),
            other: other.file.clone(),
            what,
        });
    }
    Ok(())
}

/// What the second file says otherwise: both servers of a pair are written once, as the first file has it.
fn differences(one: &HostFile, other: &HostFile, draft: &mut Draft) {
    let names = |instance: &Instance| -> Vec<String> {
        let scripts = instance.tracked_scripts.iter();
        scripts.map(|(_, name)| name.clone()).collect()
    };
    for instance in &other.instances {
        let Some(first) = twin(instance, one) else {
            continue;
        };
        let told: Vec<Notify> = [one, other]
            .map(|file| group_of(file, &instance.name))
            .to_vec();
        for (what, same) in [
            (
                "what it tells",
                instance.notify == first.notify && told[0] == told[1],
            ),
            ("the scripts it tracks", names(instance) == names(first)),
            (
                "the interfaces it tracks",
                instance.tracked_interfaces.len() == first.tracked_interfaces.len(),
            ),
            ("advert_int", instance.advert == first.advert),
        ] {
            if !same {
                let said = format!("vrrp_instance {}: {what}", instance.name);
                draft.leave_out(&other.file, instance.line, &said, WRITTEN_ONCE);
            }
        }
    }
    for (name, script) in &other.scripts {
        let same = one.scripts.get(name).is_none_or(|first| first.says(script));
        if !same {
            draft.leave_out(
                &other.file,
                script.line,
                &format!("vrrp_script {name}"),
                WRITTEN_ONCE,
            );
        }
    }
}

const WRITTEN_ONCE: &str =
    "it differs between the two files: both servers are written once, as in the first file";

fn group_of(file: &HostFile, instance: &str) -> Notify {
    let groups = &mut file.groups.iter();
    groups
        .find(|(_, members, _)| members.iter().any(|name| name == instance))
        .map_or_else(Notify::default, |(_, _, notify)| notify.clone())
}

fn hosts(files: &[&HostFile], draft: &mut Draft) {
    for (index, file) in files.iter().enumerate() {
        let own = file.instances.iter().find_map(|instance| instance.own);
        draft.hosts[index].address = own;
        draft.hosts[index].name = file.router_id.as_deref().map(name);
        let peer = file.instances.iter().find_map(|instance| instance.peer);
        let other = &mut draft.hosts[1 - index].address;
        *other = other.or(peer);
    }
    if draft.hosts[0].name == draft.hosts[1].name {
        // One router_id for both says nothing.
        draft.hosts[1].name = None;
    }
}

/// A pair to be: its name, its instances, and whom its group tells.
type Group<'h> = (String, Vec<&'h Instance>, Notify);

/// Instances of a sync group are one pair, and so are all that have the same preferred host: the VIPs of one server.
fn together<'h>(host: &'h HostFile, draft: &mut Draft) -> Vec<Group<'h>> {
    let mut groups: Vec<Group<'h>> = Vec::new();
    let usable = || host.instances.iter().filter(|it| !it.addresses.is_empty());
    for empty in host.instances.iter().filter(|it| it.addresses.is_empty()) {
        let said = format!("vrrp_instance {}", empty.name);
        draft.leave_out(
            &host.file,
            empty.line,
            &said,
            "it has no address that could move",
        );
    }
    for (name, members, notify) in &host.groups {
        let of: Vec<&Instance> = usable().filter(|it| members.contains(&it.name)).collect();
        if !of.is_empty() {
            groups.push((name.clone(), of, notify.clone()));
        }
    }
    let grouped = |it: &Instance| {
        host.groups
            .iter()
            .any(|(_, members, _)| members.contains(&it.name))
    };
    let free: Vec<&Instance> = usable().filter(|it| !grouped(it)).collect();
    for master in [true, false] {
        let of: Vec<&Instance> = free
            .iter()
            .copied()
            .filter(|it| it.master == master)
            .collect();
        let Some((first, more)) = of.split_first() else {
            continue;
        };
        for other in more {
            let said = format!("vrrp_instance {}", other.name);
            let why = format!(
                "became a part of the pair {}: its addresses move together with those of {}",
                name(&first.name),
                first.name
            );
            draft.leave_out(&host.file, other.line, &said, &why);
        }
        groups.push((first.name.clone(), of, Notify::default()));
    }
    groups
}

fn pair(
    title: &str,
    instances: &[&Instance],
    group: &Notify,
    files: &[&HostFile],
    known: &Known,
    draft: &mut Draft,
) -> DraftPair {
    let own = files[0];
    let mut pair = DraftPair {
        name: name(title),
        ..DraftPair::default()
    };
    for instance in instances {
        let other = files.get(1).and_then(|file| twin(instance, file));
        let preferred = other.map_or(
            instance.master || own.instances.iter().all(|it| !it.master),
            |other| (instance.master, instance.priority) >= (other.master, other.priority),
        );
        pair.primary = usize::from(!preferred);
        vips(instance, other, &own.file, &mut pair, draft);
        health(instance, own, &mut pair, draft);
        notify(&instance.notify, "INSTANCE", instance, &mut pair);
        // VRRP counts three silent intervals, we count two of addp-timeout: 1.5 s for its default of a second.
        if let Some(advert) = instance
            .advert
            .filter(|advert| *advert > 0 && *advert != 1000)
        {
            draft.addp = Some((advert.saturating_mul(3) / 2).max(1));
        }
    }
    if let Some(first) = instances.first() {
        notify(
            group,
            "GROUP",
            &Instance {
                name: title.to_owned(),
                priority: first.priority,
                ..Instance::default()
            },
            &mut pair,
        );
    }
    if known.unit.is_none()
        && let Some(unit) = &pair.unit
    {
        draft.missing.push(format!(
            "the program behind {}: the unit {unit} is taken from a check that asks after it",
            pair.name
        ));
    }
    pair
}

fn vips(
    instance: &Instance,
    other: Option<&Instance>,
    file: &str,
    pair: &mut DraftPair,
    draft: &mut Draft,
) {
    for one in &instance.addresses {
        let here = one
            .interface
            .clone()
            .unwrap_or_else(|| instance.interface.clone());
        let there = other.map_or_else(
            || here.clone(),
            |other| {
                let same = other.addresses.iter().find(|it| it.address == one.address);
                same.and_then(|it| it.interface.clone())
                    .unwrap_or_else(|| other.interface.clone())
            },
        );
        // A label is one for both hosts.
        let fits = here == there && one.address.is_ipv4();
        if let (Some(label), false) = (&one.label, fits) {
            let said = format!("{} label {label}", one.address);
            draft.leave_out(
                file,
                instance.line,
                &said,
                "a label is one for both hosts, and for IPv4",
            );
        }
        pair.vips.push(DraftVip {
            address: one.address,
            prefix: one.prefix,
            label: one.label.clone().filter(|_| fits),
            interfaces: [here, there],
        });
    }
}

/// Most health checks of an application; one is kept for interfaces.
const MOST_CHECKS: usize = 16;

fn health(instance: &Instance, file: &HostFile, pair: &mut DraftPair, draft: &mut Draft) {
    for (line, script) in &instance.tracked_scripts {
        match file.scripts.get(script) {
            Some(found) => {
                let check = check(script, found, &file.file, draft);
                if pair.health.len() + 1 >= MOST_CHECKS {
                    draft.leave_out(&file.file, *line, script, "a server has 16 checks at most");
                } else if !pair.health.contains(&check) {
                    pair.health.push(check);
                }
                pair.unit = pair.unit.take().or_else(|| unit_asked_for(&found.command));
            }
            None => draft.leave_out(
                &file.file,
                *line,
                script,
                "there is no vrrp_script of this name",
            ),
        }
    }
    let carries = |name: &String| pair.vips.iter().any(|vip| vip.interfaces.contains(name));
    let further: Vec<String> = instance
        .tracked_interfaces
        .iter()
        .filter(|name| !carries(name))
        .cloned()
        .collect();
    if !further.is_empty() {
        // The VIP's own interface is watched anyway; these on purpose.
        pair.health.push(format!("{{link: {}}}", list(&further)));
        draft.allow.insert("health-link-not-of-vip");
    }
}

fn check(title: &str, script: &CheckScript, file: &str, draft: &mut Draft) -> String {
    let (program, arguments) = command(&script.command);
    let every = script.interval.unwrap_or(1000).max(1);
    let wished = script.timeout.unwrap_or(every);
    let timeout = if wished < every {
        wished.max(1)
    } else {
        (every / 2).max(1)
    };
    if script.timeout.is_some_and(|wished| wished != timeout) {
        let said = format!("timeout of vrrp_script {title}");
        draft.leave_out(
            file,
            script.line,
            &said,
            "a run must end before the next one is due: half the interval is written",
        );
    }
    let mut text = format!("{{command: {}", scalar(&program));
    if !arguments.is_empty() {
        text.push_str(&format!(", arguments: {}", list(&arguments)));
    }
    text.push_str(&format!(
        ", name: {}, every: {}, timeout: {}",
        scalar(title),
        duration(every),
        duration(timeout)
    ));
    for (key, count) in [("fall", script.fall), ("rise", script.rise)] {
        // keepalived's own default is one of each.
        text.push_str(&format!(", {key}: {}", count.unwrap_or(1).max(1)));
    }
    text.push('}');
    text
}

/// Hooks are called with the arguments that keepalived gives.
fn notify(told: &Notify, kind: &str, of: &Instance, pair: &mut DraftPair) {
    let as_keepalived = |line: &str, state: &str| {
        let (program, mut arguments) = command(line);
        arguments.extend([
            kind.to_owned(),
            of.name.clone(),
            state.to_owned(),
            of.priority.to_string(),
        ]);
        hook(&program, &arguments)
    };
    let alone = |line: &String| {
        let (program, arguments) = command(line);
        hook(&program, &arguments)
    };
    pair.on_primary.extend(told.master.as_ref().map(alone));
    pair.on_backup.extend(told.backup.as_ref().map(alone));
    pair.on_primary.extend(
        told.any
            .as_deref()
            .map(|line| as_keepalived(line, "MASTER")),
    );
    pair.on_backup.extend(
        told.any
            .as_deref()
            .map(|line| as_keepalived(line, "BACKUP")),
    );
}

/// Checks that no instance tracks.
fn said_once(files: &[&HostFile], draft: &mut Draft) {
    for file in files {
        for (name, script) in &file.scripts {
            let tracked = file
                .instances
                .iter()
                .flat_map(|it| &it.tracked_scripts)
                .any(|(_, it)| it == name);
            if !tracked {
                draft.leave_out(
                    &file.file,
                    script.line,
                    &format!("vrrp_script {name}"),
                    "no instance tracks it",
                );
            }
        }
    }
}
