//! The slice in force: taking a new one, and what that means for applications that come, go or change.
//! A changed start takes effect with the next start; changed options are passed on at once.

use crate::StateChange;
use crate::applications::{Phase, Supervised};
use crate::core::LcaCore;
use crate::persistence::Awaiting;
use crate::{ApplicationRecord, LcaOutput};
use changeover_model::environment::{Application, LcaSlice};
use changeover_model::message::{LcaReport, ToApplication};
use changeover_model::{ApplicationName, ApplicationType, PairName, Redundancy, Revision};
use std::collections::BTreeMap;

/// Options that one application may have; more are not taken from `ChangeOption`.
const MOST_OPTIONS: usize = 1000;

impl LcaCore {
    pub(crate) fn configure(&mut self, slice: LcaSlice) {
        let revision = slice.revision;
        if slice.host.name != self.identity.host {
            return;
        }
        if let Some(present) = &self.slice {
            // Revision 0 is unnumbered and always meant; a lower one comes from an SCS that lags behind.
            if revision < present.revision && revision != Revision(0) {
                return;
            }
            if present == &slice {
                if !self.writes.slice_unwritten {
                    self.report(None, LcaReport::Configured { revision });
                }
                return;
            }
        }
        let change = StateChange::Slice(Box::new(slice.clone()));
        let before = self.slice.replace(slice);
        self.writes.slice_unwritten = true;
        self.persist_awaited(change, Awaiting::Slice);
        self.watch_addresses();
        self.take_applications(&BTreeMap::new());
        self.fencing_configured(before.map(|slice| slice.pairs).unwrap_or_default());
        let wanted: Vec<ApplicationName> = self
            .applications
            .iter()
            .filter(|(_, app)| app.incarnation().0 == 0 && app.phase == Phase::Down)
            .filter(|(_, app)| app.is_wanted())
            .map(|(name, _)| name.clone())
            .collect();
        for name in wanted {
            self.start_unordered(&name);
        }
    }

    /// Starts what is wanted by this LCA's own decision, unless the host is ending.
    pub(crate) fn start_unordered(&mut self, name: &ApplicationName) {
        let held = self
            .applications
            .get(name)
            .is_none_or(|app| self.pairs.in_maintenance(app.pair.as_ref()));
        if !held && !self.host_stop.is_stopping() {
            self.start_as_backup(name);
        }
    }

    /// Brings the supervised applications in line with the slice. New ones take up their stored record.
    pub(crate) fn take_applications(
        &mut self,
        records: &BTreeMap<ApplicationName, ApplicationRecord>,
    ) {
        let definitions = self.supervised_definitions();
        let gone: Vec<ApplicationName> = self
            .applications
            .keys()
            .filter(|name| !definitions.contains_key(*name))
            .cloned()
            .collect();
        for (name, definition) in definitions {
            let pair = self.pair_of_member(&name);
            if self.applications.contains_key(&name) {
                self.redefine(&name, definition, pair);
            } else {
                let app = Supervised::new(definition, pair, records.get(&name), self.now);
                self.applications.insert(name, app);
            }
        }
        for name in gone {
            if let Some(app) = self.applications.get_mut(&name) {
                app.leaving = true;
            }
            self.stop(&name, false);
        }
        self.watch_units();
    }

    /// Applications that this LCA starts as such: neither control scripts nor the central components.
    fn supervised_definitions(&self) -> BTreeMap<ApplicationName, Application> {
        let applications = self.slice.iter().flat_map(|slice| &slice.applications);
        applications
            .filter(|application| match application.application_type {
                ApplicationType::SipServer | ApplicationType::ThirdPartyServer => true,
                ApplicationType::SolutionControlServer | ApplicationType::MessageServer => false,
            })
            .filter(|application| self.script_action(&application.name).is_none())
            .map(|application| (application.name.clone(), application.clone()))
            .collect()
    }

    fn pair_of_member(&self, name: &ApplicationName) -> Option<(PairName, Redundancy)> {
        let pairs = &self.slice.as_ref()?.pairs;
        pairs
            .iter()
            .find(|pair| pair.members.iter().any(|(member, _)| member == name))
            .map(|pair| (pair.name.clone(), pair.redundancy))
    }

    fn redefine(
        &mut self,
        name: &ApplicationName,
        definition: Application,
        pair: Option<(PairName, Redundancy)>,
    ) {
        let Some(app) = self.applications.get_mut(name) else {
            return;
        };
        app.leaving = false;
        let (pair, redundancy) = pair.unzip();
        app.pair = pair;
        app.redundancy = redundancy;
        let before = std::mem::replace(&mut app.definition, definition);
        let link = app.link;
        let checks_changed = before.health != app.definition.health;
        let changed: Vec<(String, String, String)> = app
            .definition
            .options
            .iter()
            .flat_map(|(section, options)| {
                options
                    .iter()
                    .map(move |(option, value)| (section, option, value))
            })
            .filter(|(section, option, value)| {
                before.option(section, option) != Some(value.as_str())
            })
            .map(|(section, option, value)| (section.clone(), option.clone(), value.clone()))
            .collect();
        if checks_changed {
            self.align_health(name, true);
            self.settle(name);
        }
        let Some(link) = link else {
            return;
        };
        for (section, option, value) in changed {
            self.emit(LcaOutput::ToApplication {
                connection: link.connection,
                message: ToApplication::OptionChanged {
                    section,
                    option,
                    value,
                },
            });
        }
    }

    /// Changes an option in the slice in force, until the SCS sends the next one.
    pub(crate) fn change_option(
        &mut self,
        application: &ApplicationName,
        section: String,
        option: String,
        value: String,
    ) {
        let Some(slice) = &mut self.slice else {
            return;
        };
        let Some(definition) = slice
            .applications
            .iter_mut()
            .find(|candidate| &candidate.name == application)
        else {
            return;
        };
        if !set_option(definition, &section, &option, value) {
            return;
        }
        let definition = definition.clone();
        let change = StateChange::Slice(Box::new(slice.clone()));
        self.persist_durable(change);
        let pair = self.pair_of_member(application);
        self.redefine(application, definition, pair);
    }
}

/// Sets an option, matching names in any case; false if it has that value already or there is no room.
fn set_option(application: &mut Application, section: &str, option: &str, value: String) -> bool {
    if application.option(section, option) == Some(value.as_str()) {
        return false;
    }
    let count: usize = application
        .options
        .values()
        .map(|options| options.len())
        .sum();
    let known = application.option(section, option).is_some();
    if !known && count >= MOST_OPTIONS {
        return false;
    }
    let key = application
        .options
        .keys()
        .find(|key| key.eq_ignore_ascii_case(section))
        .cloned()
        .unwrap_or_else(|| section.to_owned());
    let options = application.options.entry(key).or_default();
    let key = options
        .keys()
        .find(|key| key.eq_ignore_ascii_case(option))
        .cloned()
        .unwrap_or_else(|| option.to_owned());
    options.insert(key, value);
    true
}
