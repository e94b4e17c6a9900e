//! `sci status`: the whole site in one screen.

use super::table::aligned;
use super::time::{moment, span};
use super::visible;
use changeover_model::message::{
    AlarmPicture, MemberPicture, PairPicture, PairState, Picture, VirtualIpPicture,
};
use changeover_model::{ApplicationStatus, HostStatus, Redundancy, RunMode, Timestamp};

/// The whole picture.
pub fn picture_text(picture: &Picture) -> String {
    let mut text = headline(picture);
    for warning in &picture.warnings {
        text.push_str(&format!("WARNING: {}\n", visible(warning)));
    }
    if picture.is_it_me {
        text.push_str("HELD: more than half of the hosts went silent at once; is it the SCS that is cut off? (sci hosts confirm-lost HOST…)\n");
    }
    text.push('\n');
    text.push_str(&pairs_text(picture));
    if !picture.alarms.is_empty() {
        text.push_str(&aligned(
            picture
                .alarms
                .iter()
                .map(|alarm| alarm_row(alarm, picture.at))
                .collect(),
            "",
        ));
    }
    text
}

/// Every pair as a block.
pub fn pairs_text(picture: &Picture) -> String {
    picture
        .pairs
        .iter()
        .map(|pair| pair_text(pair, picture.at))
        .collect()
}

fn headline(picture: &Picture) -> String {
    let hosts: Vec<_> = picture.hosts.iter().filter(|host| host.needs_lca).collect();
    let running = hosts
        .iter()
        .filter(|host| host.status == HostStatus::Running)
        .count();
    let pairs_ok = picture
        .pairs
        .iter()
        .filter(|pair| pair.state == PairState::Ok)
        .count();
    format!(
        "{}   scs {}   message-server {}   hosts {running} of {} Running   pairs {pairs_ok} of {} ok   alarms {}\n",
        picture.environment,
        picture.scs,
        if picture.message_server_connected {
            "ok"
        } else {
            "NOT CONNECTED"
        },
        hosts.len(),
        picture.pairs.len(),
        picture.active_alarms,
    )
}

fn pair_text(pair: &PairPicture, now: Timestamp) -> String {
    let redundancy = match pair.redundancy {
        Redundancy::Hot => "hot standby",
        Redundancy::Warm => "warm standby",
    };
    let mut text = format!(
        "{}  {redundancy}  epoch {}   {}\n",
        pair.name,
        pair.epoch,
        state_text(pair, now)
    );
    let mut members: Vec<&MemberPicture> = pair.members.iter().collect();
    members.sort_by_key(|member| member.run_mode != RunMode::Primary);
    let rows = members
        .into_iter()
        .map(|member| member_row(pair, member, now))
        .collect();
    text.push_str(&aligned(rows, "  "));
    for vip in &pair.virtual_ips {
        text.push_str(&format!("  {}\n", vip_text(vip)));
    }
    for suppressed in &pair.suppressed {
        text.push_str(&format!(
            "  not done: {}\n",
            visible(&suppressed.to_string())
        ));
    }
    text.push('\n');
    text
}

fn state_text(pair: &PairPicture, now: Timestamp) -> String {
    let why = format!("(sci why {})", pair.name);
    match pair.state {
        PairState::Ok => "OK, ready to switch over".to_owned(),
        PairState::Maintenance => match pair.maintenance_until {
            Some(until) => format!("MAINTENANCE until {}", moment(until, now)),
            None => "MAINTENANCE until switched off".to_owned(),
        },
        PairState::Switching => "SWITCHING".to_owned(),
        PairState::TwoPrimaries => format!("TWO PRIMARIES {why}"),
        PairState::NoPrimary => format!("NO PRIMARY {why}"),
        PairState::VipTwo => format!("VIP ON TWO HOSTS {why}"),
        PairState::VipElsewhere => format!("VIP ON THE WRONG HOST {why}"),
        PairState::VipNone => match pair.test_hold_ms {
            Some(left) => format!(
                "VIP ON NO HOST, left so by an alarm Test for another {} (sci realign {})",
                span(left),
                pair.name
            ),
            None => format!("VIP ON NO HOST {why}"),
        },
        PairState::VipPartial => {
            let missing: Vec<&str> = pair
                .virtual_ips
                .iter()
                .filter(|vip| vip.observed.is_empty())
                .map(|vip| vip.address.as_str())
                .collect();
            format!(
                "VIPS NOT COMPLETE, {} on no host {why}",
                missing.join(" and ")
            )
        }
        PairState::Held => format!("HELD {why}"),
        PairState::Flapping => format!("FLAPPING, automatic switching stopped {why}"),
        PairState::Test => {
            format!(
                "TEST, realignment suspended for another {}",
                span(pair.test_hold_ms.unwrap_or_default())
            )
        }
        PairState::NotReady => {
            let reason = pair
                .ready
                .reasons
                .first()
                .map_or("the backup cannot take over", |first| first.reason.as_str());
            format!("NOT READY: {} {why}", visible(reason))
        }
    }
}

fn member_row(pair: &PairPicture, member: &MemberPicture, now: Timestamp) -> Vec<String> {
    let remark = if member.run_mode == RunMode::Primary {
        format!(
            "since {}, {}",
            moment(member.since, now),
            visible(&pair.primary_because)
        )
    } else if member.status != ApplicationStatus::Running {
        visible(&member.reason)
    } else if pair.redundancy == Redundancy::Hot {
        if member.in_step {
            "in step".to_owned()
        } else {
            "not in step yet".to_owned()
        }
    } else {
        String::new()
    };
    vec![
        member.application.to_string(),
        member.host.to_string(),
        member.status.for_people().to_owned(),
        member.run_mode.to_string(),
        remark,
    ]
}

fn vip_text(vip: &VirtualIpPicture) -> String {
    let address = vip.address.split('/').next().unwrap_or_default();
    let list = |hosts: &[changeover_model::HostName]| {
        hosts
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" and ")
    };
    let intended = vip
        .intended
        .as_ref()
        .map_or_else(|| "nobody (no primary)".to_owned(), ToString::to_string);
    let observed = match vip.observed.as_slice() {
        [] => format!("on no host, intended on {intended}"),
        [only] if Some(only) == vip.intended.as_ref() => format!("on {only}, as intended"),
        hosts => format!("on {}, intended on {intended}", list(hosts)),
    };
    let unseen: Vec<_> = vip
        .last_seen
        .iter()
        .filter(|host| !vip.observed.contains(host))
        .cloned()
        .collect();
    let unseen = if unseen.is_empty() {
        String::new()
    } else {
        format!("   (last seen on {}, which is silent)", list(&unseen))
    };
    format!("VIP {address}    {observed}{unseen}")
}

fn alarm_row(alarm: &AlarmPicture, now: Timestamp) -> Vec<String> {
    let when = match alarm.clears_at {
        Some(clears) => format!(
            "{}, clears {}",
            moment(alarm.activated_at, now),
            moment(clears, now)
        ),
        None => moment(alarm.activated_at, now),
    };
    vec![
        alarm.category.to_string(),
        format!("#{}", alarm.id),
        alarm.condition.to_string(),
        alarm.application.to_string(),
        when,
    ]
}
