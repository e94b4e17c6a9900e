//! Owns the acceptance tests 1 to 3 (FACTS 4): a call that stands between two built-in endpoints is still held,
//! retrieved, transferred and released after the roles were swapped, swapped back, or the primary was stopped. Hot
//! standby only: in warm standby nobody knows the call afterwards.

use super::{Carried, END_BOUND, WorkflowName, settle};
use crate::endpoint::Endpoint;
use crate::judge::{CallStep, Cast, EndState, OwnSighting, Rule, evidence, traffic};
use crate::moment::Moment;
use crate::site::{Site, describe_pair};
use crate::trouble::Trouble;
use changeover_model::{ApplicationStatus, RunMode};
use changeover_sip_phone::Phone;
use std::time::Duration;

/// What an endpoint asks for is answered within this time: a repetition or two are allowed for.
const ANSWER_BOUND: Duration = Duration::from_secs(6);
/// The callee, the caller and who the call is transferred to.
pub(crate) const USERS: [&str; 3] = ["rehearsal-a", "rehearsal-b", "rehearsal-c"];

/// Carries one of them out.
pub(super) async fn carry_out(
    name: WorkflowName,
    site: &mut Site,
    cast: &Cast,
) -> Result<Carried, Trouble> {
    let mut parties = Parties::invite(site).await?;
    let start = Moment::now();
    parties.begin(start);
    parties.establish().await;
    let stops = name == WorkflowName::Test3;
    let outcome = if stops {
        site.operator.stop(&cast.server_1).await?
    } else {
        site.operator
            .switchover(&site.pair.name, "rehearsal")
            .await?
    };
    let mut own: Vec<OwnSighting> = outcome.refused().collect();
    let end = EndState {
        primary: cast.server_2.clone(),
        host: cast.host_2.clone(),
        backup_there: !stops,
        two_holders: Duration::ZERO,
    };
    settle(site, &end, END_BOUND).await?;
    own.push(roles(site, cast, stops, start).await?);
    parties.go_on().await;
    own.extend(parties.account());
    Ok(Carried {
        start,
        own,
        end,
        rules: rules(cast, stops),
        notes: Vec::new(),
    })
}

/// What SCI shows of the pair's roles now.
async fn roles(
    site: &Site,
    cast: &Cast,
    stopped: bool,
    start: Moment,
) -> Result<OwnSighting, Trouble> {
    let picture = site.operator.picture().await?;
    let pair = super::pair_of(&picture, site);
    let so = pair.is_some_and(|pair| {
        pair.members.iter().all(|member| {
            if member.application == cast.server_2 {
                (member.run_mode, member.status) == (RunMode::Primary, ApplicationStatus::Running)
            } else if stopped {
                member.status == ApplicationStatus::Stopped
            } else {
                (member.run_mode, member.status) == (RunMode::Backup, ApplicationStatus::Running)
            }
        })
    });
    Ok(OwnSighting::Roles {
        at_ms: Moment::now().ms_since(start),
        shown: pair.map_or_else(|| "no such pair".to_owned(), describe_pair),
        as_wanted: so,
    })
}

/// The three endpoints and what they have seen.
struct Parties {
    phones: [Endpoint; 3],
    start: Moment,
    own: Vec<OwnSighting>,
}

impl Parties {
    /// Registers three fresh endpoints; one that cannot register is found out when it is called.
    async fn invite(site: &Site) -> Result<Self, Trouble> {
        let [a, b, c] = USERS;
        let phones = [
            site.endpoint(a).await?,
            site.endpoint(b).await?,
            site.endpoint(c).await?,
        ];
        for phone in &phones {
            phone.act(|phone| phone.register(Some(600)));
        }
        for phone in &phones {
            if let Err(seen) = phone.sees(0, "register ok", ANSWER_BOUND).await {
                tracing::debug!(?seen, "an endpoint is not registered");
            }
        }
        Ok(Self {
            phones,
            start: Moment::now(),
            own: Vec::new(),
        })
    }

    fn begin(&mut self, start: Moment) {
        self.start = start;
    }

    async fn establish(&mut self) {
        let asks = |phone: &mut Phone| drop(phone.call(USERS[1]));
        let sees = [(0, "established"), (1, "acked")];
        self.step(
            CallStep::Up,
            0,
            |phone| {
                asks(phone);
                true
            },
            &sees,
        )
        .await;
    }

    /// What a call must still be good for after the takeover.
    async fn go_on(&mut self) {
        let sees = [(0, "hold ok"), (1, "held")];
        self.step(CallStep::Hold, 0, Phone::hold, &sees).await;
        let sees = [(0, "retrieve ok"), (1, "retrieved")];
        self.step(CallStep::Retrieve, 0, Phone::retrieve, &sees)
            .await;
        let sees = [(0, "notify 200"), (2, "acked"), (1, "retrieved")];
        self.step(CallStep::Transfer, 0, |phone| phone.refer(USERS[2]), &sees)
            .await;
        self.phones[0].act(Phone::hang_up);
        let sees = [(2, "bye ok"), (1, "released")];
        self.step(CallStep::Release, 2, Phone::hang_up, &sees).await;
    }

    /// One phone does something, and these phones must see these things.
    async fn step(
        &mut self,
        step: CallStep,
        who: usize,
        act: impl FnOnce(&mut Phone) -> bool,
        sees: &[(usize, &str)],
    ) {
        let since: Vec<usize> = self.phones.iter().map(Endpoint::count).collect();
        let asked = Moment::now();
        let repeated = self.repetitions();
        let has_call = self.phones[who].act(act);
        let mut sighting = CallSighting::new(step, asked.ms_since(self.start));
        sighting.who = self.phones[who].user();
        if !has_call {
            sighting
                .missing
                .push(format!("{} has a call", sighting.who));
        }
        for (phone, wanted) in sees {
            if !has_call || !sighting.missing.is_empty() {
                break;
            }
            let user = self.phones[*phone].user();
            match self.phones[*phone]
                .sees(since[*phone], wanted, ANSWER_BOUND)
                .await
            {
                Ok(seen) => sighting.seen.push(format!(
                    "{user}: {} after {:.1} ms",
                    seen.what,
                    seen.at.ms_since(asked)
                )),
                Err(instead) => {
                    sighting.missing.push(format!("{user} sees '{wanted}'"));
                    sighting.instead.push(if instead.is_empty() {
                        format!("{user} sees nothing")
                    } else {
                        format!("{user} sees {}", instead.join(", "))
                    });
                }
            }
        }
        let repeated = self.repetitions() - repeated;
        if repeated > 0 {
            sighting.seen.push(format!("{repeated} repeated"));
        }
        self.own.push(sighting.done());
    }

    fn repetitions(&self) -> u64 {
        self.phones.iter().map(Endpoint::repetitions).sum()
    }

    fn account(self) -> Vec<OwnSighting> {
        let mut own = self.own;
        for phone in &self.phones {
            for fault in phone.faults() {
                own.push(OwnSighting::CallFault(format!("{}: {fault}", phone.user())));
            }
        }
        own
    }
}

/// A sighting in the making.
struct CallSighting {
    step: CallStep,
    at_ms: f64,
    who: String,
    seen: Vec<String>,
    missing: Vec<String>,
    instead: Vec<String>,
}

impl CallSighting {
    fn new(step: CallStep, at_ms: f64) -> Self {
        Self {
            step,
            at_ms,
            who: String::new(),
            seen: Vec::new(),
            missing: Vec::new(),
            instead: Vec::new(),
        }
    }

    fn done(self) -> OwnSighting {
        OwnSighting::Call {
            step: self.step,
            at_ms: self.at_ms,
            who: self.who,
            evidence: self.seen.join("; "),
            missing: self.missing,
            instead: self.instead,
        }
    }
}

/// The rules of its seven steps.
pub(crate) fn rules(cast: &Cast, stops: bool) -> Vec<Rule> {
    let server = format!("applications.{}", cast.server_2);
    let pair = format!("pairs.{}", cast.pair.name);
    let call = |text: &str, step: CallStep| {
        Rule::new(text, format!("{server}.options"), move |witness| {
            traffic::called(witness, step)
        })
    };
    vec![
        call("a call is up between two endpoints", CallStep::Up),
        Rule::new(
            if stops {
                "the operator stops the primary"
            } else {
                "the operator asks for the switchover"
            },
            &pair,
            evidence::requested,
        ),
        Rule::new(
            if stops {
                "SCI shows server 2 as primary and server 1 as stopped"
            } else {
                "SCI shows the roles swapped"
            },
            &pair,
            traffic::roles_shown,
        ),
        call(
            "the call is put on hold, and the other end knows",
            CallStep::Hold,
        ),
        call("it is retrieved", CallStep::Retrieve),
        call("it is transferred to a third endpoint", CallStep::Transfer),
        call(
            "it is released, and no endpoint was ever sent what it should not",
            CallStep::Release,
        ),
    ]
}
