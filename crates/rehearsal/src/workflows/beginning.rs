//! Owns the state in which each workflow begins: who is primary, whose cable is out. What is missing is brought about,
//! unjudged, so that a workflow can be named alone.

use super::{
    BEGIN_BOUND, WorkflowName, cast_of, no_pair, pair_of, primary_disconnected, primary_of,
    sip_nic_lost, sip_nic_restored,
};
use crate::site::{Expected, Site};
use crate::trouble::Trouble;
use changeover_model::message::{PairPicture, Picture};
use changeover_model::{ApplicationName, HostStatus};

/// Brings about the state in which a workflow begins, and waits for it; the pair as it is then.
pub(super) async fn bring_about(
    name: WorkflowName,
    site: &mut Site,
) -> Result<PairPicture, Trouble> {
    let picture = site.operator.picture().await?;
    site.start_what_is_stopped(&picture, &mut Vec::new()).await;
    let now = pair_of(&picture, site)
        .cloned()
        .ok_or_else(|| no_pair(site))?;
    let mut primary = primary_of(&now).unwrap_or_else(|| site.pair.primary.clone());
    if name != WorkflowName::SipNicRestored
        && let Some(host) = site.sip_cable_out()
    {
        site.sip_cable(&host, true).await?;
        let cast = cast_of(site, &primary)?;
        if sip_nic_restored::switches_back(&cast) {
            primary = cast.server_2;
        }
    }
    let away = is_away(&picture, &now, &primary);
    if name != WorkflowName::Reconnect && away {
        let cast = cast_of(site, &primary)?;
        site.put_cable_back(&cast.host_2).await?;
    }
    let primary = match name {
        WorkflowName::Reconnect if !away => {
            reached(site, &primary, true).await?;
            let cast = cast_of(site, &primary)?;
            primary_disconnected::carry_out(site, &cast).await?;
            cast.server_2
        }
        WorkflowName::SipNicRestored if site.sip_cable_out().is_none() => {
            let primary = where_sip_would_go(site, primary).await?;
            reached(site, &primary, true).await?;
            let cast = cast_of(site, &primary)?;
            sip_nic_lost::carry_out(site, &cast).await?;
            cast.server_2
        }
        WorkflowName::SipNicLost => where_sip_would_go(site, primary).await?,
        // Switching back is what the second test does.
        WorkflowName::Test1 | WorkflowName::Test3 => {
            let wanted = site.pair.primary.clone();
            with_primary(site, primary, wanted).await?
        }
        WorkflowName::Test2 => {
            let wanted = site.pair.backup.clone();
            with_primary(site, primary, wanted).await?
        }
        _ => primary,
    };
    let backup_there = name != WorkflowName::Reconnect;
    let picture = reached(site, &primary, backup_there).await?;
    pair_of(&picture, site)
        .cloned()
        .ok_or_else(|| no_pair(site))
}

/// Whether the host of the one that is not primary is lost.
fn is_away(picture: &Picture, pair: &PairPicture, primary: &ApplicationName) -> bool {
    pair.members.iter().any(|member| {
        member.application != *primary
            && picture
                .hosts
                .iter()
                .any(|host| host.name == member.host && host.status != HostStatus::Running)
    })
}

async fn with_primary(
    site: &mut Site,
    now: ApplicationName,
    wanted: ApplicationName,
) -> Result<ApplicationName, Trouble> {
    if now != wanted {
        reached(site, &now, true).await?;
        let pair = site.pair.name.clone();
        site.operator
            .switchover(&pair, "rehearsal, before a test")
            .await?;
    }
    Ok(wanted)
}

/// In an NLB cluster the primary is to be on the node that gets the client's packets while both ports are enabled: what follows
/// when its cable is back is about SIP that reaches this node.
async fn where_sip_would_go(
    site: &mut Site,
    now: ApplicationName,
) -> Result<ApplicationName, Trouble> {
    let node = site.node_for_client();
    let members = site.pair.members();
    let there = members
        .iter()
        .find(|(_, _, host)| node.as_deref() == Some(host.as_str()))
        .map(|(_, application, _)| (*application).clone());
    match there {
        Some(wanted) => with_primary(site, now, wanted).await,
        None => Ok(now),
    }
}

async fn reached(
    site: &mut Site,
    primary: &ApplicationName,
    backup_there: bool,
) -> Result<Picture, Trouble> {
    let expected = Expected {
        primary: primary.clone(),
        backup_there,
    };
    // A second switchover comes after T.
    let bound = BEGIN_BOUND + site.patience + site.traffic_period();
    site.reach(&expected, bound).await
}
