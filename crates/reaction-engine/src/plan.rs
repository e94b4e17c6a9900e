//! What a request becomes: which of its scripts run, join, are refused, and which releases are added. One pure
//! function, used by the real run and by the prediction alike. `engine` turns a plan into reactions.

use crate::engine::ReactionEngine;
use crate::reaction::{Subject, Work};
use crate::release::Gate;
use crate::sight::Holding;
use crate::{HostReach, Origin, ReactionRequest, Target};
use changeover_model::environment::{
    Application, Environment, Pair, ReactionOrder, ReactionType, SwitchoverWhen,
};
use changeover_model::message::{LogOrigin, ReactionState};
use changeover_model::{
    ApplicationName, Epoch, HostName, PairName, Refusal, RefusalCode, ScriptAction, ScriptName,
    Timestamp, planted,
};

/// What becomes of one planned step at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Disposition {
    /// It runs, now or when its turn, host or release comes.
    Run,
    /// It shares the outcome of an open or just finished run.
    Join { with: u64, finished: bool },
    /// The same script stands earlier in the same plan, at this index.
    JoinPlanned(usize),
    /// It is not run.
    Refuse(Refusal),
    /// It belongs to an older epoch.
    Supersede(Refusal),
    /// Its host is lost.
    CannotLaunch(String),
    /// It does not apply (a switchover reaction for the other run mode): recorded, not bad.
    NotApplicable(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) subject: Subject,
    pub(crate) disposition: Disposition,
    /// For people: why it was added.
    pub(crate) detail: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Planned>,
    /// `as-listed`: each step waits for the end of the one before.
    pub(crate) sequential: bool,
}

impl ReactionEngine {
    pub(crate) fn plan(&self, now: Timestamp, request: &ReactionRequest) -> Plan {
        let mut plan = Plan::default();
        let Some(environment) = self.environment.as_deref() else {
            let subject = nothing(None);
            plan.steps.push(refused(
                subject,
                RefusalCode::NotYetJudged,
                "no environment is in force yet",
            ));
            return plan;
        };
        match &request.target {
            Target::Scripts(scripts) => {
                for script in scripts {
                    let step = self.plan_script(environment, request, script, &plan.steps);
                    plan.steps.push(step);
                }
            }
            Target::AlignPair(name) => self.plan_alignment(environment, request, name, &mut plan),
        }
        plan.sequential = plan.steps.iter().any(|step| {
            let pair = step.subject.pair.as_ref();
            pair.and_then(|pair| environment.pairs.get(pair))
                .is_some_and(is_as_listed)
        });
        if !plan.sequential {
            self.add_releases(now, environment, &mut plan);
        }
        plan
    }

    fn plan_script(
        &self,
        environment: &Environment,
        request: &ReactionRequest,
        name: &ScriptName,
        before: &[Planned],
    ) -> Planned {
        let Some(script) = environment.scripts.get(name) else {
            return refused(
                nothing(Some(name)),
                RefusalCode::UnknownName,
                format!("there is no script {name} in the environment"),
            );
        };
        if let ReactionType::StartApplication(application) = &script.reaction
            && let Some((pair, host, action)) = environment.control_script(application)
        {
            let subject = self.control_subject(Some(name), pair, host, action, false);
            let disposition = self.dispose_control(environment, request, pair, &subject, before);
            return Planned {
                subject,
                disposition,
                detail: String::new(),
            };
        }
        self.plan_other(environment, request, name, &script.reaction)
    }

    pub(crate) fn control_subject(
        &self,
        script: Option<&ScriptName>,
        pair: &Pair,
        host: &HostName,
        action: ScriptAction,
        added: bool,
    ) -> Subject {
        let application = pair.control.get(host).map(|control| match action {
            ScriptAction::Enable => control.enable.clone(),
            ScriptAction::Disable => control.disable.clone(),
        });
        Subject {
            script: script.cloned(),
            work: Work::Control,
            pair: Some(pair.name.clone()),
            application,
            host: Some(host.clone()),
            action: Some(action),
            epoch: self.epoch_of(&pair.name),
            added,
        }
    }

    fn dispose_control(
        &self,
        environment: &Environment,
        request: &ReactionRequest,
        pair: &Pair,
        subject: &Subject,
        before: &[Planned],
    ) -> Disposition {
        let (Some(host), Some(action)) = (&subject.host, subject.action) else {
            return Disposition::NotApplicable("no control script".to_owned());
        };
        if let Some(disposition) = self.judge_epoch(environment, request, pair, host, action) {
            return disposition;
        }
        let same = |other: &Subject| other.application == subject.application;
        let planned = before
            .iter()
            .position(|step| step.disposition == Disposition::Run && same(&step.subject));
        if let Some(index) = planned {
            return Disposition::JoinPlanned(index);
        }
        let under_way = self.runs().find(|run| same(&run.subject));
        if let Some(run) = under_way.filter(|_| !planted("reaction-started-twice")) {
            return Disposition::Join {
                with: run.number,
                finished: false,
            };
        }
        if matches!(request.origin, Origin::Event { .. })
            && let Some(with) = self.finished_success(pair, subject)
        {
            return Disposition::Join {
                with,
                finished: true,
            };
        }
        if self.sight.reach(host) == HostReach::Lost && !planted("lost-host-waited-for") {
            return Disposition::CannotLaunch(cannot_launch(host));
        }
        Disposition::Run
    }

    /// The last run of the same script and epoch, if it succeeded and what it reached still stands.
    fn finished_success(&self, pair: &Pair, subject: &Subject) -> Option<u64> {
        let (host, action) = (subject.host.as_ref()?, subject.action?);
        let last = self.ended_newest_first().find(|ended| {
            ended.subject.pair.as_ref() == Some(&pair.name)
                && ended.subject.host.as_ref() == Some(host)
                && ended.attempts > 0
        })?;
        let opposed = self.runs().any(|run| {
            run.subject.pair.as_ref() == Some(&pair.name) && run.subject.host.as_ref() == Some(host)
        });
        (last.subject.application == subject.application
            && last.subject.epoch == subject.epoch
            && (last.state() == ReactionState::Succeeded || planted("failure-joined"))
            && !opposed
            && self.sight.is_as_wanted(pair, host, action))
        .then_some(last.number)
    }

    /// Older epochs are not run; without an epoch a contradiction needs an operator (BEHAVIOUR, Epochs).
    fn judge_epoch(
        &self,
        environment: &Environment,
        request: &ReactionRequest,
        pair: &Pair,
        host: &HostName,
        action: ScriptAction,
    ) -> Option<Disposition> {
        let present = self.epoch_of(&pair.name);
        let reporting = request.reporting_application.as_ref();
        let speaks_of_pair = matches!(request.target, Target::AlignPair(_))
            || reporting
                .and_then(|name| environment.pair_of(name))
                .is_some_and(|own| own.name == pair.name);
        if let Some(epoch) = request.epoch.filter(|_| speaks_of_pair) {
            return (epoch < present && !planted("older-event-runs")).then(|| {
                Disposition::Supersede(Refusal::new(
                    RefusalCode::Superseded,
                    format!(
                        "it belongs to epoch {epoch}; {} has reached {present}",
                        pair.name
                    ),
                ))
            });
        }
        let confirmed = match &request.origin {
            Origin::Test { .. } | Origin::Realignment | Origin::Operator { .. } => true,
            Origin::Clearance { .. } => request.operator_confirmed,
            Origin::Event { event, .. } => {
                request.operator_confirmed && event.origin != LogOrigin::Application
            }
        };
        if confirmed {
            return None;
        }
        let intended = self.intended_host(pair);
        let contradicts = match action {
            ScriptAction::Enable => intended != Some(host),
            ScriptAction::Disable => intended == Some(host),
        };
        (contradicts && !planted("contradiction-runs")).then(|| {
            let verb = match action {
                ScriptAction::Enable => "enable",
                ScriptAction::Disable => "disable",
            };
            let holder = intended.map_or("nobody".to_owned(), ToString::to_string);
            Disposition::Refuse(Refusal::new(
                RefusalCode::ContradictsRoles,
                format!(
                    "an event without an epoch would {verb} the VIP on {host}, but by the run modes \
                     {holder} shall hold it; an operator can confirm with --yes"
                ),
            ))
        })
    }

    fn plan_alignment(
        &self,
        environment: &Environment,
        request: &ReactionRequest,
        name: &PairName,
        plan: &mut Plan,
    ) {
        let Some(pair) = environment.pairs.get(name) else {
            plan.steps.push(refused(
                nothing(None),
                RefusalCode::UnknownName,
                format!("there is no pair {name} in the environment"),
            ));
            return;
        };
        if request.origin == Origin::Realignment && self.in_maintenance(name) {
            let mut subject = nothing(None);
            subject.pair = Some(name.clone());
            plan.steps.push(refused(
                subject,
                RefusalCode::Maintenance,
                format!("{name} is in maintenance: nothing is realigned"),
            ));
            return;
        }
        let intended = self.intended_host(pair);
        let wanted = |host: &HostName| match intended {
            Some(holder) if holder == host => ScriptAction::Enable,
            _ => ScriptAction::Disable,
        };
        let mut hosts: Vec<&HostName> = pair.control.keys().collect();
        hosts.sort_by_key(|host| wanted(host) == ScriptAction::Enable);
        for host in hosts {
            let action = wanted(host);
            if self.is_aligned(pair, host, action) {
                continue;
            }
            let subject = self.control_subject(None, pair, host, action, false);
            let disposition =
                self.dispose_control(environment, request, pair, &subject, &plan.steps);
            plan.steps.push(Planned {
                subject,
                disposition,
                detail: String::new(),
            });
        }
    }

    /// True if nothing needs to run on a host to bring it in line.
    fn is_aligned(&self, pair: &Pair, host: &HostName, action: ScriptAction) -> bool {
        let opposite = match action {
            ScriptAction::Enable => ScriptAction::Disable,
            ScriptAction::Disable => ScriptAction::Enable,
        };
        let opposed = self.sight.may_run(&pair.name, host, opposite);
        let seen = self.sight.holding(&pair.name, host);
        match self.sight.reach(host) {
            HostReach::Lost => seen != Holding::Held && action == ScriptAction::Disable,
            HostReach::AgentAway | HostReach::Connected => {
                !opposed && self.sight.is_as_wanted(pair, host, action)
            }
        }
    }

    fn plan_other(
        &self,
        environment: &Environment,
        request: &ReactionRequest,
        name: &ScriptName,
        reaction: &ReactionType,
    ) -> Planned {
        let reporting = request.reporting_application.as_ref();
        let known = reporting.and_then(|name| environment.applications.get(name));
        let needs_reporting = |what: &str| {
            refused(
                nothing(Some(name)),
                RefusalCode::BadRequest,
                format!("{name} cannot {what}: the event names no application of the environment"),
            )
        };
        let work = match reaction {
            ReactionType::StartApplication(application) => Work::Start(application.clone()),
            ReactionType::ShutDownApplication(application) => Work::ShutDown(application.clone()),
            ReactionType::RestartReportingApplication => match known {
                Some(application) => Work::Restart(application.name.clone()),
                None => return needs_reporting("restart the reporting application"),
            },
            ReactionType::Switchover(when) => {
                return self.plan_switchover(environment, reporting, name, *when);
            }
            ReactionType::OsCommand {
                command_line,
                on_application_host,
            } => match (on_application_host, known) {
                (false, _) => Work::CommandHere(command_line.clone()),
                (true, Some(_)) => Work::CommandThere(command_line.clone()),
                (true, None) => return needs_reporting("run on the application's host"),
            },
            ReactionType::ChangeOption {
                application,
                section,
                option,
                value,
            } => match application.as_ref().or(known.map(|known| &known.name)) {
                Some(application) => Work::ChangeOption {
                    application: application.clone(),
                    section: section.clone(),
                    option: option.clone(),
                    value: value.clone(),
                },
                None => return needs_reporting("change its option"),
            },
            ReactionType::SendEmail { to, subject, body } => Work::Email {
                to: to.clone(),
                subject: subject.clone(),
                body: body.clone(),
            },
            ReactionType::SendSnmpTrap => Work::Trap,
        };
        self.other_step(environment, name, work, known)
    }

    fn other_step(
        &self,
        environment: &Environment,
        name: &ScriptName,
        work: Work,
        reporting: Option<&Application>,
    ) -> Planned {
        let application = match &work {
            Work::Start(application) | Work::ShutDown(application) | Work::Restart(application) => {
                Some(application.clone())
            }
            Work::ChangeOption { application, .. } => Some(application.clone()),
            Work::Control
            | Work::Switchover(_)
            | Work::CommandHere(_)
            | Work::CommandThere(_)
            | Work::Email { .. }
            | Work::Trap
            | Work::Nothing => reporting.map(|reporting| reporting.name.clone()),
        };
        let host = match &work {
            Work::CommandThere(_) => reporting.map(|reporting| reporting.host.clone()),
            Work::Start(application) | Work::ShutDown(application) | Work::Restart(application) => {
                environment
                    .applications
                    .get(application)
                    .map(|application| application.host.clone())
            }
            Work::Control
            | Work::Switchover(_)
            | Work::CommandHere(_)
            | Work::ChangeOption { .. }
            | Work::Email { .. }
            | Work::Trap
            | Work::Nothing => None,
        };
        let layer = &environment.management_layer;
        let unable = if matches!(work, Work::Email { .. }) && layer.smtp.is_none() {
            Some("smtp")
        } else if work == Work::Trap && layer.snmp.is_none() {
            Some("snmp")
        } else {
            None
        };
        let subject = Subject {
            script: Some(name.clone()),
            work,
            pair: None,
            application,
            host,
            action: None,
            epoch: Epoch(0),
            added: false,
        };
        match unable {
            Some(key) => refused(
                subject,
                RefusalCode::BadRequest,
                format!("{name} needs management_layer.{key}, which the environment does not have"),
            ),
            None => Planned {
                subject,
                disposition: Disposition::Run,
                detail: String::new(),
            },
        }
    }

    fn plan_switchover(
        &self,
        environment: &Environment,
        reporting: Option<&ApplicationName>,
        name: &ScriptName,
        when: SwitchoverWhen,
    ) -> Planned {
        let found = reporting.and_then(|name| Some((name, environment.pair_of(name)?)));
        let Some((application, pair)) = found else {
            return refused(
                nothing(Some(name)),
                RefusalCode::BadRequest,
                format!("{name} cannot switch over: the event's application is in no pair"),
            );
        };
        let is_primary = self.primary_of(&pair.name) == Some(application);
        let applies = match when {
            SwitchoverWhen::Any => true,
            SwitchoverWhen::Primary => is_primary,
            SwitchoverWhen::Backup => !is_primary,
        };
        let mode = if is_primary { "primary" } else { "backup" };
        Planned {
            subject: Subject {
                script: Some(name.clone()),
                work: Work::Switchover(pair.name.clone()),
                pair: None,
                application: Some(application.clone()),
                host: None,
                action: None,
                epoch: Epoch(0),
                added: false,
            },
            disposition: if applies {
                Disposition::Run
            } else {
                Disposition::NotApplicable(format!("not run: {application} is {mode}"))
            },
            detail: String::new(),
        }
    }

    /// Adds the release of every holder that an enabling step must wait for and nobody releases.
    fn add_releases(&self, now: Timestamp, environment: &Environment, plan: &mut Plan) {
        let enabling: Vec<(PairName, HostName)> = plan
            .steps
            .iter()
            .filter(|step| step.disposition == Disposition::Run)
            .filter(|step| step.subject.action == Some(ScriptAction::Enable))
            .filter_map(|step| step.subject.pair.clone().zip(step.subject.host.clone()))
            .collect();
        for (name, host) in enabling {
            let Some(pair) = environment.pairs.get(&name) else {
                continue;
            };
            for other in pair.control.keys().filter(|other| **other != host) {
                let released = plan.steps.iter().any(|step| {
                    step.subject.pair.as_ref() == Some(&name)
                        && step.subject.host.as_ref() == Some(other)
                        && step.subject.action == Some(ScriptAction::Disable)
                        && !matches!(
                            step.disposition,
                            Disposition::Refuse(_) | Disposition::Supersede(_)
                        )
                });
                let waits = matches!(self.gate(now, pair, other), Gate::Wait(_));
                if released || !waits || self.open_release(&name, other).is_some() {
                    continue;
                }
                plan.steps.push(Planned {
                    subject: self.control_subject(None, pair, other, ScriptAction::Disable, true),
                    disposition: Disposition::Run,
                    detail: format!("added: no requested reaction releases the VIP on {other}"),
                });
            }
        }
    }
}

pub(crate) fn is_as_listed(pair: &Pair) -> bool {
    pair.policy.reaction_order == ReactionOrder::AsListed
}

pub(crate) fn cannot_launch(host: &HostName) -> String {
    format!(
        "cannot be launched: {host} is lost; its VIP is released by realignment after its return"
    )
}

fn nothing(script: Option<&ScriptName>) -> Subject {
    Subject {
        script: script.cloned(),
        work: Work::Nothing,
        pair: None,
        application: None,
        host: None,
        action: None,
        epoch: Epoch(0),
        added: false,
    }
}

fn refused(subject: Subject, code: RefusalCode, reason: impl Into<String>) -> Planned {
    Planned {
        subject,
        disposition: Disposition::Refuse(Refusal::new(code, reason)),
        detail: String::new(),
    }
}
