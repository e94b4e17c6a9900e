//! Owns when a site is at rest (one primary, one holder, the same host, a backup that could take over, no open record), what
//! is missing otherwise, and what an operator would do about it by the pages for operators. Pure.

use changeover_model::message::{PairPicture, PairState, Picture, TimelineRecord};
use changeover_model::{
    ApplicationName, ApplicationStatus, HostName, HostStatus, PairName, RunMode,
};
use std::fmt;

/// What the SCS says is compared with what is seen from outside.
pub(crate) fn missing(
    picture: &Picture,
    pair: &PairName,
    is_held_by: impl Fn(&HostName) -> bool,
    holders: &[String],
) -> Vec<String> {
    let mut missing = Vec::new();
    for host in picture.hosts.iter().filter(|host| host.needs_lca) {
        if host.status != HostStatus::Running {
            missing.push(format!("{} is {}: {}", host.name, host.status, host.reason));
        }
    }
    if !picture.message_server_connected {
        missing.push("the Message Server is not connected".to_owned());
    }
    let Some(pair) = pair_of(picture, pair) else {
        missing.push(format!("the SCS does not know {pair}"));
        return missing;
    };
    if pair.state != PairState::Ok {
        let suppressed = pair.suppressed.iter().chain(&pair.ready.reasons);
        let reasons: Vec<String> = suppressed.map(ToString::to_string).collect();
        missing.push(format!(
            "{} is {}: {}",
            pair.name,
            pair.state.as_str(),
            reasons.join("; ")
        ));
    }
    match primary(pair) {
        Some((application, host)) => {
            if !pair.virtual_ips.is_empty() && !is_held_by(host) {
                missing.push(format!(
                    "{application} is primary on {host}, and the VIP is seen on {}",
                    if holders.is_empty() {
                        "no host".to_owned()
                    } else {
                        holders.join(" and ")
                    }
                ));
            }
        }
        None => missing.push(format!("{} has not exactly one primary", pair.name)),
    }
    missing
}

/// What the SCS has begun and not ended: the roles may be as they should be while scripts and reactions still go on.
pub(crate) fn open(records: &[TimelineRecord]) -> Vec<String> {
    records
        .iter()
        .filter(|record| record.closed_at.is_none())
        .map(|record| format!("record {} ({}) is still open", record.id, record.title))
        .collect()
}

/// The pair in a picture.
pub(crate) fn pair_of<'a>(picture: &'a Picture, pair: &PairName) -> Option<&'a PairPicture> {
    picture.pairs.iter().find(|one| one.name == *pair)
}

/// The only primary and its host.
pub(crate) fn primary(pair: &PairPicture) -> Option<(&ApplicationName, &HostName)> {
    let mut primaries = pair
        .members
        .iter()
        .filter(|member| member.run_mode == RunMode::Primary);
    match (primaries.next(), primaries.next()) {
        (Some(member), None) => Some((&member.application, &member.host)),
        _ => None,
    }
}

/// What an operator does about a state that does not end by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// `sci switchover`: begins anew after flapping.
    Switchover,
    /// `sci realign`: ends a Test, and what holds a pair.
    Realign,
    /// `sci start`: a server whose restart limit is reached.
    Start(ApplicationName),
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remedy::Switchover => f.write_str("sci switchover"),
            Remedy::Realign => f.write_str("sci realign"),
            Remedy::Start(application) => write!(f, "sci start {application}"),
        }
    }
}

/// The way out that the pages name for what the SCS shows; `None` while the site is to find out by itself.
pub(crate) fn remedy(picture: &Picture, pair: &PairName) -> Option<Remedy> {
    let pair = pair_of(picture, pair)?;
    let stopped = pair
        .members
        .iter()
        .find(|member| member.status == ApplicationStatus::Stopped);
    match pair.state {
        PairState::Flapping => Some(Remedy::Switchover),
        PairState::Test | PairState::Held => Some(Remedy::Realign),
        PairState::NoPrimary
        | PairState::NotReady
        | PairState::VipNone
        | PairState::VipElsewhere
        | PairState::VipPartial => stopped.map(|member| Remedy::Start(member.application.clone())),
        PairState::Maintenance
        | PairState::Switching
        | PairState::TwoPrimaries
        | PairState::VipTwo
        | PairState::Ok => None,
    }
}

/// What is still under way at rest, which nothing may be: applications between two states.
pub(crate) fn under_way(picture: &Picture) -> Vec<String> {
    let between = |status: ApplicationStatus| match status {
        ApplicationStatus::StartPending
        | ApplicationStatus::StartTransition
        | ApplicationStatus::Initializing
        | ApplicationStatus::StopPending
        | ApplicationStatus::StopTransition
        | ApplicationStatus::Suspending => true,
        ApplicationStatus::Unknown
        | ApplicationStatus::ServiceUnavailable
        | ApplicationStatus::Running
        | ApplicationStatus::Stopped
        | ApplicationStatus::Suspended => false,
    };
    picture
        .applications
        .iter()
        .filter(|application| between(application.status))
        .map(|application| {
            format!(
                "{} is {}: {}",
                application.name, application.status, application.reason
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_model::message::{
        ApplicationPicture, MemberPicture, ReadyPicture, RecordKind, RecordOutcome,
        VirtualIpPicture,
    };
    use changeover_model::{ApplicationType, CauseId, ConfiguredAs, Epoch, Redundancy, Timestamp};

    fn member(application: &str, host: &str, run_mode: RunMode) -> MemberPicture {
        MemberPicture {
            application: application.into(),
            host: host.into(),
            configured_as: ConfiguredAs::Primary,
            run_mode,
            status: ApplicationStatus::Running,
            in_step: true,
            since: Timestamp(0),
            reason: String::new(),
        }
    }

    /// A on host1 is primary and all is well.
    fn picture(state: PairState) -> Picture {
        let pair = PairPicture {
            name: "EAST".into(),
            redundancy: Redundancy::Hot,
            epoch: Epoch(4),
            state,
            maintenance: false,
            maintenance_until: None,
            test_hold_ms: None,
            members: vec![
                member("A", "host1", RunMode::Primary),
                member("B", "host2", RunMode::Backup),
            ],
            virtual_ips: vec![VirtualIpPicture {
                address: "10.10.11.103/24".to_owned(),
                intended: Some("host1".into()),
                observed: vec!["host1".into()],
                last_seen: Vec::new(),
            }],
            ready: ReadyPicture {
                switchover: true,
                reasons: Vec::new(),
            },
            suppressed: Vec::new(),
            primary_because: String::new(),
            last_record: None,
        };
        Picture {
            environment: "east".into(),
            hosts: Vec::new(),
            applications: Vec::new(),
            pairs: vec![pair],
            active_alarms: 0,
            alarms: Vec::new(),
            message_server_connected: true,
            scs: String::new(),
            revision: changeover_model::Revision(1),
            is_it_me: false,
            warnings: Vec::new(),
            at: Timestamp(0),
        }
    }

    fn looks(picture: &Picture, holder: &str) -> Vec<String> {
        missing(
            picture,
            &"EAST".into(),
            |host| host.as_str() == holder,
            &[holder.to_owned()],
        )
    }

    #[test]
    fn a_site_is_at_rest_when_the_scs_and_the_kernel_say_the_same() {
        assert_eq!(
            looks(&picture(PairState::Ok), "host1"),
            Vec::<String>::new()
        );
        assert_eq!(
            looks(&picture(PairState::Ok), "host2"),
            ["A is primary on host1, and the VIP is seen on host2"]
        );
        assert_eq!(
            looks(&picture(PairState::Switching), "host1"),
            ["EAST is switching: "]
        );
        let mut two = picture(PairState::Ok);
        two.pairs[0].members[1].run_mode = RunMode::Primary;
        two.message_server_connected = false;
        assert_eq!(
            looks(&two, "host1"),
            [
                "the Message Server is not connected",
                "EAST has not exactly one primary"
            ]
        );
    }

    #[test]
    fn what_the_scs_has_begun_and_not_ended_is_no_rest() {
        let record = |id, closed_at| TimelineRecord {
            id: CauseId(id),
            kind: RecordKind::Failover,
            pair: Some("EAST".into()),
            title: "failover of EAST".to_owned(),
            trigger: String::new(),
            opened_at: Timestamp(0),
            closed_at,
            epoch_before: Epoch(4),
            epoch_after: Epoch(5),
            outcome: closed_at.map(|_| RecordOutcome::Done),
            why: String::new(),
            reasons: Vec::new(),
            entries: Vec::new(),
        };
        let records = [record(4, Some(Timestamp(1))), record(5, None)];
        assert_eq!(
            open(&records),
            ["record 5 (failover of EAST) is still open"]
        );
        assert_eq!(open(&records[..1]), Vec::<String>::new());
    }

    #[test]
    fn an_operator_helps_only_where_the_pages_say_so() {
        let of = |state| remedy(&picture(state), &"EAST".into());
        assert_eq!(of(PairState::Flapping), Some(Remedy::Switchover));
        assert_eq!(of(PairState::Held), Some(Remedy::Realign));
        assert_eq!(of(PairState::Test), Some(Remedy::Realign));
        for by_itself in [PairState::Ok, PairState::VipTwo, PairState::NotReady] {
            assert_eq!(of(by_itself), None);
        }
        let mut stopped = picture(PairState::NotReady);
        stopped.pairs[0].members[1].status = ApplicationStatus::Stopped;
        assert_eq!(
            remedy(&stopped, &"EAST".into()),
            Some(Remedy::Start("B".into()))
        );
    }

    #[test]
    fn an_application_between_two_states_is_under_way() {
        let mut picture = picture(PairState::Ok);
        picture.applications.push(ApplicationPicture {
            name: "B".into(),
            application_type: ApplicationType::SipServer,
            host: "host2".into(),
            status: ApplicationStatus::StartPending,
            run_mode: RunMode::Backup,
            pid: None,
            since: Timestamp(0),
            reason: "waits".to_owned(),
            health: Vec::new(),
        });
        assert_eq!(under_way(&picture), ["B is StartPending: waits"]);
    }
}
