//! May this pair be switched over now? All reasons at once; `--force` overrides what can be. The same answer is
//! shown as `ready` in the picture.

use super::Member;
use crate::ScsCore;
use changeover_model::{ApplicationName, PairName, Refusal, RefusalCode, planted};

/// Which of two directions a switchover takes.
#[derive(Clone, Debug)]
pub(crate) struct Direction {
    /// The primary now, if any.
    pub(crate) from: Option<Member>,
    /// Who shall be primary.
    pub(crate) to: Member,
}

impl ScsCore {
    /// The member that shall be primary: the one named (application or host), else the one that is not.
    pub(crate) fn direction(
        &self,
        pair: &PairName,
        to: Option<&str>,
    ) -> Result<Direction, Refusal> {
        let unknown = |text: String| Refusal::new(RefusalCode::UnknownName, text);
        let members = self
            .members(pair)
            .ok_or_else(|| unknown(format!("there is no pair {pair}")))?;
        let from = members.iter().find(|member| member.is_primary()).cloned();
        let intended = self
            .pairs
            .get(pair)
            .and_then(|care| care.kept.primary.clone());
        let present: Option<ApplicationName> = from
            .as_ref()
            .map(|member| member.application.clone())
            .or(intended);
        let [first, second] = members;
        let to = match to {
            Some(text) => [first, second]
                .into_iter()
                .find(|member| member.application.as_str() == text || member.host.as_str() == text)
                .ok_or_else(|| {
                    unknown(format!(
                        "{text} is neither an application nor a host of {pair}"
                    ))
                })?,
            None if present.as_ref() == Some(&first.application) => second,
            None if present.is_some() => first,
            None if second.can_take_over() && !first.can_take_over() => second,
            None => first,
        };
        Ok(Direction { from, to })
    }

    /// Every reason against it.
    pub(crate) fn precheck(&self, pair: &PairName, direction: &Direction) -> Vec<Refusal> {
        let mut reasons = Vec::new();
        let to = &direction.to;
        if self.is_busy(pair) || self.stops_member(pair) {
            reasons.push(Refusal::new(
                RefusalCode::ProcedureUnderWay,
                format!("another procedure of {pair} is under way; sci timeline last"),
            ));
        }
        reasons.extend(to.obstacles());
        if to.can_take_over() && !to.in_step && !planted("synchronisation-unchecked") {
            reasons.push(Refusal::new(
                RefusalCode::NotInStep,
                format!(
                    "{} has not reached the primary's state yet; wait, or --force and lose calls",
                    to.application
                ),
            ));
        }
        if let Some(from) = &direction.from {
            reasons.extend(
                from.obstacles().into_iter().filter(|one| {
                    matches!(one.code, RefusalCode::HostLost | RefusalCode::AgentLost)
                }),
            );
        } else {
            reasons.extend(self.hidden_primary(pair, to));
        }
        reasons.extend(self.sole_obstacle(pair, &to.host));
        if let Some(what) = self.maintenance_of(pair) {
            reasons.push(Refusal::new(
                RefusalCode::Maintenance,
                format!("{what} is in maintenance; sci maintenance off {what}, or --force"),
            ));
        }
        if let Some(held) = self.pairs.get(pair).and_then(|care| care.kept.held.clone()) {
            reasons.push(held);
        }
        reasons
    }

    /// The other member is out of contact on a living host: it may be primary.
    fn hidden_primary(&self, pair: &PairName, to: &Member) -> Vec<Refusal> {
        let other = self
            .pairs
            .get(pair)
            .and_then(|care| care.config.peer_of(&to.application))
            .and_then(|peer| self.member_named(pair, peer));
        match other.map(|other| (other.condition, other.obstacles())) {
            Some((crate::hosts::HostCondition::AgentLost(_), reasons)) => reasons,
            _ => Vec::new(),
        }
    }

    /// What remains when an operator forces it: nothing that would promote a server that is not Started.
    pub(crate) fn not_forcible(reasons: Vec<Refusal>, direction: &Direction) -> Vec<Refusal> {
        let to_in_contact = direction.to.reported();
        reasons
            .into_iter()
            .filter(|reason| {
                let forcible = matches!(
                    reason.code,
                    RefusalCode::NotInStep
                        | RefusalCode::Maintenance
                        | RefusalCode::Flapping
                        | RefusalCode::Held
                        | RefusalCode::FenceFailed
                );
                let of_the_other = to_in_contact
                    && matches!(reason.code, RefusalCode::AgentLost | RefusalCode::HostLost);
                // Its holder can be asked, and gives the mark up with the demotion.
                let sole = reason.code == RefusalCode::SoleMark
                    && direction.from.as_ref().is_some_and(Member::reported);
                !forcible && !of_the_other && !sole
            })
            .collect()
    }
}
