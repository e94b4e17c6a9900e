//! A pair's policy, in the words of the file.

use super::Page;
use changeover_model::environment::{
    ControllerLoss, ForceRelease, OnAgentLoss, OnFailure, Policy, ReactionOrder,
};
use changeover_model::show_duration;

pub(super) fn policy(page: &mut Page<'_>, policy: &Policy) {
    page.value(
        "reaction_order",
        match policy.reaction_order {
            ReactionOrder::ReleaseFirst => "release-first",
            ReactionOrder::AsListed => "as-listed",
        },
    );
    page.duration("release_wait", policy.release_wait);
    page.value(
        "force_release",
        match policy.force_release {
            ForceRelease::On => "on",
            ForceRelease::Off => "off",
            ForceRelease::EnableAnyway => "enable-anyway",
        },
    );
    let realign = policy
        .realign_after
        .map_or_else(|| "off".to_owned(), show_duration);
    page.value("realign_after", &realign);
    page.duration("event_wait", policy.event_wait);
    page.duration("demotion_wait", policy.demotion_wait);
    page.value(
        "on_failure",
        match policy.on_failure {
            OnFailure::RollBack => "roll-back",
            OnFailure::Alarm => "alarm",
        },
    );
    page.value(
        "on_agent_loss",
        match policy.on_agent_loss {
            OnAgentLoss::Hold => "hold",
            OnAgentLoss::Failover => "failover",
        },
    );
    let controller_loss = match policy.on_controller_loss {
        ControllerLoss::Hold => "hold".to_owned(),
        ControllerLoss::ReleaseAfter(time) => format!("release-after {}", show_duration(time)),
        ControllerLoss::Quorum => "quorum".to_owned(),
    };
    page.value("on_controller_loss", &controller_loss);
    page.value("retries", &policy.retries.to_string());
    page.duration("retry_after", policy.retry_after);
    page.duration("test_hold", policy.test_hold);
    if let Some(check) = policy.carrier_check {
        page.value("carrier_check", &check.to_string());
    }
    page.duration("address_lifetime", policy.address_lifetime);
    if let Some(fence) = &policy.fence {
        page.map("fence", |page| {
            page.text("command_line", &fence.command_line);
            page.duration("timeout", fence.timeout);
            page.value("on", "scs");
        });
    }
    page.map("flapping", |page| {
        page.value("switches", &policy.flapping.switches.to_string());
        page.duration("within", policy.flapping.within);
    });
}
