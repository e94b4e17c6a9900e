//! Owns what each verb of `vipctl` does with the addresses, and when that counts as done. It knows neither the kernel
//! nor the emulated network; how results look is `report.rs`.

use std::io::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use ipnet::IpNet;

use super::arguments::{Format, Order};
use super::report::{self, Answer, Line};
use super::{AS_WANTED, NOT_AS_WANTED, UNUSABLE, code_of, write};
use crate::{AddressError, Addresses, Change, Guarded, ProbeAnswer, Snapshot, VirtualAddress};

/// `up` believes a silence of this length: hosts of one subnet answer within a millisecond or so.
const SILENCE: Duration = Duration::from_millis(100);
/// `up` asks a holder again after this time.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// How it ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) code: u8,
    /// For stderr, one line each.
    pub(super) complaints: Vec<String>,
}

impl Outcome {
    fn good() -> Self {
        Self {
            code: AS_WANTED,
            complaints: Vec::new(),
        }
    }
}

/// Carries out an order and writes its results to `out`.
///
/// Fails where nothing at all could be found out or done; what is not as wanted afterwards is no failure but an outcome.
pub(super) async fn carry_out(
    order: &Order,
    addresses: &dyn Addresses,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Outcome, AddressError> {
    match order {
        Order::Up {
            wanted,
            probe_wait,
            announce,
            lifetime,
        } => {
            let mut lines = up(wanted, *probe_wait, *announce, addresses).await?;
            if lifetime.is_some() {
                limit(wanted, *lifetime, addresses, &mut lines).await;
            }
            write(out, &report::changes(format, "up", &lines));
            Ok(judged(&lines))
        }
        Order::Down { addresses: leaving } => {
            let lines = down(leaving, addresses).await?;
            write(out, &report::changes(format, "down", &lines));
            Ok(judged(&lines))
        }
        Order::Show => {
            let snapshot = addresses.snapshot().await?;
            write(out, &report::picture(format, &snapshot));
            Ok(Outcome::good())
        }
        Order::Probe {
            addresses: asked,
            interface,
            wait,
        } => probe(asked, interface.as_deref(), *wait, addresses, format, out).await,
        Order::Watch { guarded } => watch(guarded, addresses, format, out).await,
    }
}

fn judged(lines: &[Line]) -> Outcome {
    let bad = lines.iter().filter(|line| !is_good(line));
    let complaints: Vec<String> = bad
        .map(|line| {
            let reason = line.reason.as_deref().unwrap_or("not as wanted");
            format!("{}: {reason}", line.address)
        })
        .collect();
    let code = match complaints.is_empty() {
        true => AS_WANTED,
        false => NOT_AS_WANTED,
    };
    Outcome { code, complaints }
}

/// An address that stands but was not announced is not good: neighbours may go on sending to the other host.
fn is_good(line: &Line) -> bool {
    line.as_wanted && line.reason.is_none()
}

/// Under fencing an address that cannot be given its lifetime may outlive its right to stand: that is not as wanted.
async fn limit(
    wanted: &[VirtualAddress],
    lifetime: Option<Duration>,
    addresses: &dyn Addresses,
    lines: &mut [Line],
) {
    for (one, line) in wanted.iter().zip(lines) {
        if let Err(error) = addresses.renew(one.address, lifetime).await {
            line.reason = Some(error.to_string());
        }
    }
}

async fn up(
    wanted: &[VirtualAddress],
    probe_wait: Duration,
    announce: bool,
    addresses: &dyn Addresses,
) -> Result<Vec<Line>, AddressError> {
    let mut lines: Vec<Line> = wanted.iter().map(Line::of).collect();
    if !probe_wait.is_zero() && !let_go(wanted, probe_wait, addresses, &mut lines).await? {
        return Ok(lines);
    }
    let mut touched = false;
    for (one, line) in wanted.iter().zip(&mut lines) {
        match addresses.add(one).await {
            Ok(change) => {
                line.change = Some(change);
                touched |= change == Change::Done;
                if announce {
                    announce_one(one, line, addresses).await;
                }
            }
            // While nothing has been done, the whole order is what failed.
            Err(error) if !touched && code_of(&error) != NOT_AS_WANTED => return Err(error),
            Err(error) => line.reason = Some(error.to_string()),
        }
    }
    verify_up(wanted, &mut lines, &addresses.snapshot().await?);
    Ok(lines)
}

async fn announce_one(wanted: &VirtualAddress, line: &mut Line, addresses: &dyn Addresses) {
    match addresses.announce(wanted.address, &wanted.interface).await {
        Ok(()) => line.announced = Some(true),
        Err(error) => line.reason = Some(format!("not announced: {error}")),
    }
}

fn verify_up(wanted: &[VirtualAddress], lines: &mut [Line], now: &Snapshot) {
    for (one, line) in wanted.iter().zip(lines) {
        let mut holders = now.holders_of(one.address);
        let as_wanted = |held: &crate::HeldAddress| {
            held.interface == one.interface && held.prefix == one.prefix
        };
        line.as_wanted = holders.any(as_wanted);
        if !line.as_wanted && line.reason.is_none() {
            line.reason = Some(match now.holder_of(one.address) {
                None => "read back, it is not there; something else removes it".to_owned(),
                Some(held) => format!(
                    "read back, it stands as /{} on {}",
                    held.prefix, held.interface
                ),
            });
        }
    }
}

/// Waits until no other host answers for the addresses that are not here yet. Returns false, with the reason in
/// `lines`, when one still does as the wait ends.
async fn let_go(
    wanted: &[VirtualAddress],
    wait: Duration,
    addresses: &dyn Addresses,
    lines: &mut [Line],
) -> Result<bool, AddressError> {
    let here = addresses.snapshot().await?;
    let missing = |one: &VirtualAddress| {
        !here
            .holders_of(one.address)
            .any(|held| held.interface == one.interface)
    };
    let until = Instant::now() + wait;
    let questions = wanted
        .iter()
        .filter(|one| missing(one))
        .map(|one| async move {
            let holder = last_holder(one, until, addresses).await?;
            Ok::<_, AddressError>((one.address, holder))
        });
    let mut all_free = true;
    for (address, holder) in try_join_all(questions).await? {
        let ProbeAnswer::HeldBy(mac) = holder else {
            continue;
        };
        all_free = false;
        for line in lines.iter_mut().filter(|line| line.address == address) {
            let mac = report::mac_text(mac);
            line.reason = Some(format!("{mac} still had it after {wait:?}"));
        }
    }
    if !all_free {
        for line in lines.iter_mut().filter(|line| line.reason.is_none()) {
            line.as_wanted = !wanted
                .iter()
                .any(|one| one.address == line.address && missing(one));
            line.change = line.as_wanted.then_some(Change::AlreadySo);
            let waits = "not tried, because another address was not free".to_owned();
            line.reason = (!line.as_wanted).then_some(waits);
        }
    }
    Ok(all_free)
}

async fn last_holder(
    wanted: &VirtualAddress,
    until: Instant,
    addresses: &dyn Addresses,
) -> Result<ProbeAnswer, AddressError> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // The last question, too, gets time to be answered.
        let listen = left.clamp(ASK_AGAIN, SILENCE);
        let answer = addresses
            .probe(wanted.address, &wanted.interface, listen)
            .await?;
        let left = until.saturating_duration_since(Instant::now());
        if answer == ProbeAnswer::Free || left.is_zero() {
            return Ok(answer);
        }
        tokio::time::sleep(ASK_AGAIN.min(left)).await;
    }
}

async fn down(leaving: &[IpAddr], addresses: &dyn Addresses) -> Result<Vec<Line>, AddressError> {
    let mut lines: Vec<Line> = leaving.iter().copied().map(Line::to_remove).collect();
    let mut touched = false;
    for line in &mut lines {
        match addresses.remove(line.address).await {
            Ok(change) => {
                line.change = Some(change);
                touched |= change == Change::Done;
            }
            Err(error) if !touched && code_of(&error) != NOT_AS_WANTED => return Err(error),
            Err(error) => line.reason = Some(error.to_string()),
        }
    }
    let now = addresses.snapshot().await?;
    for line in &mut lines {
        let holder = now.holder_of(line.address);
        line.as_wanted = holder.is_none();
        if let (Some(held), None) = (holder, &line.reason) {
            line.reason = Some(format!(
                "read back, it stands as /{} on {}; something else puts it there",
                held.prefix, held.interface
            ));
        }
    }
    Ok(lines)
}

async fn probe(
    asked: &[IpAddr],
    interface: Option<&str>,
    wait: Duration,
    addresses: &dyn Addresses,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Outcome, AddressError> {
    let here = addresses.snapshot().await?;
    let mut places = Vec::new();
    for address in asked {
        let interface = interface.or_else(|| interface_for(*address, &here));
        let Some(interface) = interface else {
            return Ok(Outcome {
                code: UNUSABLE,
                complaints: vec![format!(
                    "no interface has a subnet with {address}; say where to ask with --interface"
                )],
            });
        };
        places.push((*address, interface));
    }
    let answers = try_join_all(places.into_iter().map(|(address, interface)| async move {
        let answer = addresses.probe(address, interface, wait).await?;
        Ok::<_, AddressError>(Answer {
            address,
            interface: interface.to_owned(),
            answer,
        })
    }))
    .await?;
    write(out, &report::answers(format, &answers));
    let held = |answer: &Answer| answer.answer != ProbeAnswer::Free;
    let code = match answers.iter().any(held) {
        true => NOT_AS_WANTED,
        false => AS_WANTED,
    };
    Ok(Outcome {
        code,
        complaints: Vec::new(),
    })
}

/// The interface with the narrowest subnet that has the address.
fn interface_for(address: IpAddr, here: &Snapshot) -> Option<&str> {
    here.addresses
        .iter()
        .filter(|held| held.address != address)
        .filter(|held| {
            IpNet::new(held.address, held.prefix).is_ok_and(|subnet| subnet.contains(&address))
        })
        .max_by_key(|held| held.prefix)
        .map(|held| held.interface.as_str())
}

async fn watch(
    guarded: &[Guarded],
    addresses: &dyn Addresses,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Outcome, AddressError> {
    let mut events = addresses.watch(guarded.to_vec()).await?;
    while let Some(event) = events.recv().await {
        if !write(out, &report::event(format, &event)) {
            // Nobody reads any more.
            return Ok(Outcome::good());
        }
    }
    Err(AddressError::Unreachable {
        operation: "watching the host's addresses".to_owned(),
        reason: "the source of changes was lost; start again".to_owned(),
    })
}
