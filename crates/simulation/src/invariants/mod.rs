//! What must be true of every run. One file per invariant, with its reason and its named exceptions at the top;
//! each keeps what it has seen and says what broke it. `world` tells them what happens; none of them changes
//! anything there.

mod controller_alone;
mod delivery;
mod flap_bound;
mod health;
mod honest_outcome;
mod management_alone;
mod no_stuck_state;
mod one_log_event;
mod one_primary_per_epoch;
mod promotions;
mod reasons;
mod settled;
mod stale_effect;
mod two_holders;
mod two_holders_under_quorum;

use crate::scenario::Fault;
use crate::world::{HostIndex, World};
use changeover_model::message::{
    FromLca, LogAcknowledged, LogBatch, OperatorAnswer, OperatorCommand, OrderKey, ReactionPicture,
    ScriptResult, SourceId,
};
use changeover_model::{ApplicationName, CauseId, Epoch, HostName, PairName, ScriptAction};

/// Everything that is watched in a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invariants {
    primaries: one_primary_per_epoch::OnePrimaryPerEpoch,
    effects: stale_effect::StaleEffect,
    delivery: delivery::Delivery,
    hooks: health::Hooks,
    honesty: honest_outcome::HonestOutcome,
    pub(crate) holders: two_holders::TwoHolders,
    quorum: two_holders_under_quorum::TwoHoldersUnderQuorum,
    controller: controller_alone::ControllerAlone,
    management: management_alone::ManagementAlone,
    promotions: promotions::Promotions,
    flapping: flap_bound::FlapBound,
    log_events: one_log_event::OneLogEvent,
    reasons: reasons::Reasons,
    /// What broke, with its time.
    pub(crate) violations: Vec<String>,
    /// Pairs that ended otherwise, and what explains it.
    pub(crate) explained: Vec<String>,
}

/// The end of a wording: at which time of the run.
fn at(now: u64, text: &str) -> String {
    format!("{}.{:06} {text}", now / 1_000_000, now % 1_000_000)
}

impl Invariants {
    fn broken(&mut self, found: Option<String>) {
        // The first few say it all; a run that goes wrong often repeats itself.
        if let Some(text) = found
            && self.violations.len() < 20
        {
            self.violations.push(text);
        }
    }

    pub(crate) fn primary_named(
        &mut self,
        now: u64,
        pair: &PairName,
        epoch: Epoch,
        application: &ApplicationName,
    ) {
        let found = self.primaries.named(now, pair, epoch, application);
        self.broken(found);
    }

    pub(crate) fn script_took_effect(
        &mut self,
        now: u64,
        host: &HostName,
        pair: &PairName,
        epoch: Epoch,
        action: ScriptAction,
    ) {
        let found = self.effects.script(now, host, pair, epoch, action);
        self.broken(found);
    }

    pub(crate) fn power_lost(&mut self, host: &HostName) {
        self.effects.power_lost(host);
    }

    pub(crate) fn entered_run_mode(
        &mut self,
        now: u64,
        run: u64,
        application: &ApplicationName,
        epoch: Epoch,
    ) {
        let found = self.effects.run_mode(now, run, application, epoch);
        self.broken(found);
    }

    pub(crate) fn log_sent(&mut self, life: u64, batch: &LogBatch) {
        self.delivery.sent(life, batch);
    }

    pub(crate) fn acknowledged(&mut self, life: u64, acknowledged: &LogAcknowledged) {
        self.delivery.acknowledged(life, acknowledged);
    }

    pub(crate) fn outcome_arrived(&mut self, message: &FromLca) {
        self.honesty.outcome_arrived(message);
    }

    pub(crate) fn seen_as_wanted(&mut self, now: u64, script: ApplicationName) {
        self.honesty.seen_as_wanted(now, script);
    }

    pub(crate) fn lied(&mut self, now: u64, application: &ApplicationName, result: ScriptResult) {
        self.broken(Some(honest_outcome::lied(now, application, result)));
    }

    pub(crate) fn reaction_changed(
        &mut self,
        now: u64,
        reaction: &ReactionPicture,
        as_wanted: Option<bool>,
    ) {
        let found = self.honesty.reaction_changed(now, reaction, as_wanted);
        self.broken(found);
    }

    pub(crate) fn hook_began(
        &mut self,
        now: u64,
        host: &HostName,
        pair: &PairName,
        epoch: Epoch,
        older_lives: bool,
    ) {
        let found = self.hooks.began(now, host, pair, epoch, older_lives);
        self.broken(found);
    }

    pub(crate) fn two_runs(&mut self, now: u64, of: &str) {
        self.broken(Some(health::two_runs(now, of)));
    }

    pub(crate) fn fault_happened(&mut self, fault: &Fault) {
        self.holders.fault_happened(fault);
        self.controller.fault_happened(fault);
        self.management.fault_happened(fault);
        self.flapping.fault_happened(fault);
    }

    /// An operator asks for something.
    pub(crate) fn asked(&mut self, now: u64, command: &OperatorCommand) {
        self.promotions.asked(now, command);
        self.controller.asked();
        self.management.asked();
        self.flapping.asked();
        self.quorum.asked(command);
    }

    /// The SCS lost its store at this time of its clock: what had been in it is not missed.
    pub(crate) fn store_lost(&mut self, at: u64) {
        self.delivery.store_lost(at);
    }

    /// A server logs the activation of a run mode.
    pub(crate) fn mode_logged(&mut self, source: &SourceId) {
        self.log_events.logged(source);
    }

    /// An operator is answered for good.
    pub(crate) fn answered(&mut self, now: u64, answer: &OperatorAnswer) {
        self.broken(reasons::answered(now, answer));
    }

    /// A host that stood still goes on.
    pub(crate) fn thawed(&mut self, now: u64, host: HostIndex) {
        self.quorum.thawed(now, host);
    }
}

/// The SCS orders a server to be primary.
pub(crate) fn promoted(world: &mut World, key: &OrderKey, cause: Option<CauseId>) {
    let found = promotions::ordered(world, key, cause);
    world.invariants.broken(found);
}

/// A look at what the SCS shows, once in a while.
pub(crate) fn inspect(world: &mut World) {
    for found in reasons::look(world) {
        world.invariants.broken(Some(found));
    }
    two_holders_under_quorum::look(world);
}

/// A pair's VIP goes from where it stands.
pub(crate) fn vip_went(world: &mut World, pair: &PairName) {
    let found = controller_alone::vip_went(world, pair);
    world.invariants.broken(found);
    let found = management_alone::vip_went(world, pair);
    world.invariants.broken(found);
}

impl World {
    /// The addresses or what can be heard of them have changed.
    pub(crate) fn count_holders(&mut self) {
        for found in two_holders::count(self) {
            self.invariants.broken(Some(found));
        }
    }
}

/// True if nothing is left to be done.
pub(crate) fn is_as_it_should_be(world: &World) -> bool {
    what_is_wrong(world).is_empty()
}

/// What is not as it should be now.
pub(crate) fn what_is_wrong(world: &World) -> Vec<String> {
    let mut wrong = settled::look(world).wrong;
    wrong.extend(no_stuck_state::look(world, 0));
    wrong.extend(delivery::look(world));
    wrong
}

/// The SCS opens one record after the other: a procedure ends and the next begins for the same reason.
pub(crate) fn goes_round(world: &mut World) {
    let text = at(world.now, "no stuck state: the SCS goes round in a circle");
    world.invariants.broken(Some(text));
}

/// The last look.
pub(crate) fn check_the_end(world: &mut World) {
    let now = world.now;
    if !world.healed {
        return;
    }
    world.neighbour_asks();
    let settled = settled::look(world);
    let mut wrong = settled.wrong;
    wrong.extend(no_stuck_state::look(world, 25_000_000));
    wrong.extend(delivery::look(world));
    wrong.extend(one_log_event::look(world));
    world.invariants.explained = settled.explained;
    for text in two_holders_under_quorum::at_the_end(world) {
        world.invariants.broken(Some(text));
    }
    for text in wrong {
        world.invariants.broken(Some(at(now, &text)));
    }
}
