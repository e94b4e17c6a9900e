//! Owns the waits for a state of the site: the start state, and the state in which each workflow begins and ends.
//! Asked of the SCS like an operator would, and of the observer; every wait is bounded and says what is missing.

use super::Site;
use crate::moment::Moment;
use crate::trouble::Trouble;
use changeover_model::message::{PairPicture, Picture};
use changeover_model::{ApplicationName, ApplicationStatus, HostStatus, RunMode};
use std::time::Duration;

/// From the first process to the start state.
const START_BOUND: Duration = Duration::from_secs(20);
/// Between two questions to the SCS.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// A state of the pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The application that is primary, on the host that holds the VIP.
    pub(crate) primary: ApplicationName,
    /// Whether the other one is Started as backup; otherwise its host is away.
    pub(crate) backup_there: bool,
}

impl Site {
    /// Waits for the start state; starts what the site does not start by itself.
    pub(super) async fn reach_start_state(&mut self) -> Result<(), Trouble> {
        let end = Moment::now().plus(START_BOUND);
        let expected = Expected {
            primary: self.pair.primary.clone(),
            backup_there: true,
        };
        let mut asked: Vec<ApplicationName> = Vec::new();
        loop {
            self.check_components()?;
            let missing = match self.operator.picture().await {
                Ok(picture) => {
                    let missing = self.missing(&picture, &expected);
                    if missing.is_empty() {
                        return Ok(());
                    }
                    self.start_what_is_stopped(&picture, &mut asked).await;
                    missing.join("; ")
                }
                Err(trouble) => trouble.to_string(),
            };
            if Moment::now() > end {
                return Err(Trouble::NotReached {
                    state: "its start state".to_owned(),
                    bound: START_BOUND,
                    missing,
                    logs: self.log_tails(),
                });
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Asks once for the start of each member that is Stopped, the configured primary first.
    pub(crate) async fn start_what_is_stopped(
        &self,
        picture: &Picture,
        asked: &mut Vec<ApplicationName>,
    ) {
        let connected = picture
            .hosts
            .iter()
            .filter(|host| host.needs_lca)
            .all(|host| host.status == HostStatus::Running);
        let stopped = picture
            .pairs
            .iter()
            .filter(|pair| pair.name == self.pair.name)
            .flat_map(|pair| &pair.members)
            .find(|member| {
                member.status == ApplicationStatus::Stopped && !asked.contains(&member.application)
            });
        if let (true, Some(member)) = (connected, stopped) {
            asked.push(member.application.clone());
            if let Err(trouble) = self.operator.start(&member.application).await {
                tracing::debug!(%trouble, application = %member.application, "the start was not done");
            }
        }
    }

    /// Waits until the pair is as expected.
    ///
    /// # Errors
    /// Says what is missing when the bound is over.
    pub(crate) async fn reach(
        &mut self,
        expected: &Expected,
        bound: Duration,
    ) -> Result<Picture, Trouble> {
        let end = Moment::now().plus(bound);
        loop {
            self.check_components()?;
            let missing = match self.operator.picture().await {
                Ok(picture) => {
                    let missing = self.missing(&picture, expected);
                    if missing.is_empty() {
                        return Ok(picture);
                    }
                    missing.join("; ")
                }
                Err(trouble) => trouble.to_string(),
            };
            if Moment::now() > end {
                return Err(Trouble::NotReached {
                    state: format!("the state with {} as primary", expected.primary),
                    bound,
                    missing,
                    logs: String::new(),
                });
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// What is not as expected, in words.
    fn missing(&self, picture: &Picture, expected: &Expected) -> Vec<String> {
        let mut missing = Vec::new();
        let away = (!expected.backup_there)
            .then(|| {
                self.pair
                    .peer_of(&expected.primary)
                    .and_then(|peer| self.pair.host_of(peer))
            })
            .flatten();
        for host in picture
            .hosts
            .iter()
            .filter(|host| host.needs_lca && Some(&host.name) != away)
        {
            if host.status != HostStatus::Running {
                missing.push(format!("{} is {}", host.name, host.status));
            }
        }
        if !picture.message_server_connected {
            missing.push("the Message Server is not connected".to_owned());
        }
        match picture
            .pairs
            .iter()
            .find(|pair| pair.name == self.pair.name)
        {
            Some(pair) => missing.extend(missing_of_pair(pair, expected)),
            None => missing.push(format!("the SCS does not know {}", self.pair.name)),
        }
        if let Some(host) = self.pair.host_of(&expected.primary)
            && !self.pair.virtual_ips.is_empty()
        {
            let holding = self.observer.holding();
            if !holding.is_held_by(host.as_str()) {
                missing.push(format!(
                    "the VIP is seen on {}, not on {host} alone",
                    list(&holding.reachable_now())
                ));
            }
        }
        missing
    }
}

fn missing_of_pair(pair: &PairPicture, expected: &Expected) -> Vec<String> {
    let mut missing = Vec::new();
    for member in &pair.members {
        let wanted = if member.application == expected.primary {
            RunMode::Primary
        } else if expected.backup_there {
            RunMode::Backup
        } else {
            continue;
        };
        if (member.run_mode, member.status) != (wanted, ApplicationStatus::Running) {
            missing.push(format!(
                "{} is {} and {}, not Started and {wanted}",
                member.application,
                member.status.for_people(),
                member.run_mode
            ));
        }
    }
    if expected.backup_there && missing.is_empty() && !pair.ready.switchover {
        let reasons: Vec<&str> = pair
            .ready
            .reasons
            .iter()
            .map(|reason| reason.reason.as_str())
            .collect();
        missing.push(format!(
            "{} is not ready to switch over ({})",
            pair.name,
            reasons.join(", ")
        ));
    }
    missing
}

/// The pair in one line, for a complaint.
pub(crate) fn describe_pair(pair: &PairPicture) -> String {
    let members: Vec<String> = pair
        .members
        .iter()
        .map(|member| {
            format!(
                "{} {} {}",
                member.application,
                member.status.for_people(),
                member.run_mode
            )
        })
        .collect();
    format!("{}: {}", pair.state.as_str(), members.join(", "))
}

fn list(hosts: &[String]) -> String {
    if hosts.is_empty() {
        "no host".to_owned()
    } else {
        hosts.join(" and ")
    }
}
