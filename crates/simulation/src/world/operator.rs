//! Operators, played: the one who brings the site up, those who ask at any moment, and the one who puts back in
//! order what they left otherwise. Keeps what was asked and answered.

use super::{Event, World};
use changeover_model::RequestId;
use changeover_model::message::{
    MaintenanceTarget, Operator, OperatorAnswer, OperatorCommand, OperatorRole, PairPicture,
    PairState, SwitchoverRequest,
};
use changeover_model::{ApplicationStatus, RefusalCode};
use changeover_scs_core::ScsInput;
use std::collections::BTreeMap;

/// The operator looks again after this, until everything was started once.
const AGAIN: u64 = 1_000_000;

/// What operators asked and were answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operators {
    requests: u64,
    open: BTreeMap<u64, (u64, OperatorCommand)>,
    /// Final answers, in the order in which they came.
    pub(crate) answers: Vec<(OperatorCommand, OperatorAnswer)>,
    /// Members whose start was accepted.
    brought_up: Vec<bool>,
    /// The operator puts things in order after healing.
    pub(crate) tidies: bool,
}

impl Operators {
    pub(crate) fn new(tidies: bool) -> Self {
        Self {
            tidies,
            ..Self::default()
        }
    }

    /// The SCS died: whoever waited for it is told so by their connection.
    pub(crate) fn forget_requests(&mut self) {
        self.open.clear();
    }
}

impl World {
    pub(crate) fn ask(&mut self, command: OperatorCommand) {
        let Some(life) = self.life_of(super::Node::Scs) else {
            return;
        };
        self.say(|_| format!("operator asks {command:?}"));
        self.operators.requests += 1;
        match command {
            OperatorCommand::Switchover(_) | OperatorCommand::Start { .. } => {}
            OperatorCommand::Stop { .. }
            | OperatorCommand::Restart { .. }
            | OperatorCommand::ClearAlarm { .. }
            | OperatorCommand::TestAlarm { .. }
            | OperatorCommand::Realign { .. }
            | OperatorCommand::SetMaintenance { .. }
            | OperatorCommand::ConfirmLost { .. }
            | OperatorCommand::LogEvent { .. } => self.invariants.holders.meddled(),
        }
        let request = self.operators.requests;
        self.operators
            .open
            .insert(request, (self.now, command.clone()));
        let input = ScsInput::OperatorRequested {
            request: RequestId(request),
            operator: Operator {
                name: "operator@console".to_owned(),
                role: OperatorRole::Operator,
            },
            command,
        };
        self.scs_input(life, input);
    }

    pub(crate) fn replied(&mut self, request: RequestId, answer: OperatorAnswer) {
        let is_final = match &answer {
            OperatorAnswer::Progress { .. } => false,
            OperatorAnswer::Finished(_)
            | OperatorAnswer::Done { .. }
            | OperatorAnswer::Predicted(_)
            | OperatorAnswer::Refused(_) => true,
        };
        self.trace.mark(self.now, 6);
        if !is_final {
            return;
        }
        self.invariants.answered(self.now, &answer);
        self.say(|_| match &answer {
            OperatorAnswer::Finished(record) => {
                format!("scs answers {:?}: {}", record.outcome, record.why)
            }
            OperatorAnswer::Refused(reasons) => format!("scs refuses {reasons:?}"),
            OperatorAnswer::Done { message, .. } => format!("scs answers {message}"),
            OperatorAnswer::Predicted(_) => "scs predicts".to_owned(),
            OperatorAnswer::Progress { .. } => String::new(),
        });
        // A Test predicts first; what follows is still an answer to it.
        let Some((_, command)) = self.operators.open.get(&request.0).cloned() else {
            return;
        };
        let only_predicts = matches!(command, OperatorCommand::TestAlarm { dry_run: true, .. });
        if only_predicts || !matches!(answer, OperatorAnswer::Predicted(_)) {
            self.operators.open.remove(&request.0);
        }
        self.operators.answers.push((command, answer));
    }

    /// Commands that the SCS has taken and not answered, with when they were asked.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &(u64, OperatorCommand)> {
        self.operators.open.values()
    }

    /// Starts every member, and again until each was taken.
    pub(crate) fn bring_up(&mut self) {
        let members = self.members.len();
        self.operators.brought_up.resize(members, false);
        for member in 0..members {
            let application = self.members[member].application.clone();
            let host = self.members[member].host;
            if self.hosts[host].run_of(&application).is_some() {
                self.operators.brought_up[member] = true;
            }
            if !self.operators.brought_up[member] {
                self.ask(OperatorCommand::Start { application });
            }
        }
        if self.operators.brought_up.contains(&false) {
            self.plan(AGAIN, Event::BringUp);
        }
    }

    /// Ends maintenance and holds, and starts what stands still, as far as the SCS shows it.
    pub(crate) fn tidy_up(&mut self) {
        if !self.operators.tidies {
            return;
        }
        let now = self.clock(0);
        let Some(driven) = self.scs.driven.as_ref() else {
            return;
        };
        let Some(picture) = driven.core.picture(now) else {
            return;
        };
        let mut commands = Vec::new();
        for host in picture.hosts.iter().filter(|host| host.maintenance) {
            commands.push(maintenance_off(host.name.as_str()));
        }
        for pair in &picture.pairs {
            if pair.maintenance {
                commands.push(maintenance_off(pair.name.as_str()));
            }
            if pair.state == PairState::Test {
                let pair = pair.name.to_string();
                commands.push(OperatorCommand::Realign { pair });
            }
            for member in &pair.members {
                if member.status == ApplicationStatus::Stopped {
                    let application = member.application.clone();
                    commands.push(OperatorCommand::Start { application });
                }
            }
            commands.extend(tidying(pair));
        }
        let all_well = picture.pairs.iter().all(|pair| pair.state == PairState::Ok);
        if commands.is_empty() && all_well {
            return;
        }
        for command in commands {
            self.ask(command);
            self.good_looks = 0;
        }
        // What is in the way now may hide something else: they look again.
        self.plan(10 * AGAIN, Event::TidyUp);
    }
}

/// What an operator does about a pair that waits for their word.
fn tidying(pair: &PairPicture) -> Option<OperatorCommand> {
    let needs_word = |code| matches!(code, RefusalCode::Held | RefusalCode::Flapping);
    let mut reasons = pair.suppressed.iter().chain(&pair.ready.reasons);
    let name = pair.name.to_string();
    let incomplete = matches!(pair.state, PairState::VipNone | PairState::VipPartial);
    if incomplete && pair.suppressed.is_empty() {
        return Some(OperatorCommand::Realign { pair: name });
    }
    let waits = matches!(pair.state, PairState::Held | PairState::Flapping)
        || (pair.state != PairState::Ok && reasons.any(|reason| needs_word(reason.code)));
    waits.then(|| {
        OperatorCommand::Switchover(SwitchoverRequest {
            pair: name,
            to: None,
            reason: "putting it in order".to_owned(),
            dry_run: false,
            force: true,
        })
    })
}

fn maintenance_off(name: &str) -> OperatorCommand {
    OperatorCommand::SetMaintenance {
        target: MaintenanceTarget::Named(name.to_owned()),
        on: false,
        duration: None,
        confirmed: true,
    }
}
