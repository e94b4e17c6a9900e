//! The environment in force: the file, options changed by reactions over it, its numbered revision, and who
//! has to be told. Owns no parsing (that is `configuration`).

use crate::applications::ApplicationCare;
use crate::hosts::HostCare;
use crate::keeping::AfterWrite;
use crate::pairs::PairCare;
use crate::{OptionChange, ScsCore, ScsOutput, StoreChange, StoredRevision};
use changeover_model::environment::{Environment, LcaSlice, MessageServerSlice};
use changeover_model::message::{LcaOrder, ToMessageServer};
use changeover_model::{HostName, PairName, Revision};
use changeover_reaction_engine::Input as EngineInput;
use std::sync::Arc;

impl ScsCore {
    pub(crate) fn environment_loaded(&mut self, file: Arc<Environment>) {
        self.file = Some(file);
        self.apply_environment();
    }

    /// Records an option that a reaction changed; it lies over the file from now on.
    pub(crate) fn change_option(&mut self, change: OptionChange) {
        let kept = StoreChange::Option(change.clone());
        self.options.insert(kept.key(), change.clone());
        self.keep(kept);
        if let Some(host) = self
            .applications
            .get(&change.application)
            .map(|care| care.host.clone())
        {
            self.send(
                &host,
                None,
                LcaOrder::ChangeOption {
                    application: change.application,
                    section: change.section,
                    option: change.option,
                    value: change.value,
                },
            );
        }
        self.apply_environment();
    }

    fn effective(&self) -> Option<Environment> {
        let mut environment = Environment::clone(self.file.as_ref()?);
        for change in self.options.values() {
            let Some(application) = environment.applications.get_mut(&change.application) else {
                continue;
            };
            set_option(&mut application.options, change);
        }
        Some(environment)
    }

    fn apply_environment(&mut self) {
        let Some(environment) = self.effective() else {
            return;
        };
        let environment = Arc::new(environment);
        let fingerprint = fingerprint(&environment);
        self.environment = Some(environment.clone());
        if self.revision.revision == Revision(0) || self.revision.fingerprint != fingerprint {
            self.number_revision(Revision(self.revision.revision.0 + 1), fingerprint);
        } else {
            self.revision_kept = true;
        }
        self.alarms.configure(environment.clone());
        self.engine(EngineInput::Configured(environment.clone()));
        self.configure_hosts(&environment);
        self.configure_applications(&environment);
        self.configure_pairs(&environment);
        self.push_configuration();
        self.picture_changed = true;
    }

    fn number_revision(&mut self, revision: Revision, fingerprint: u64) {
        self.revision = StoredRevision {
            revision,
            fingerprint,
        };
        self.revision_kept = false;
        self.keep(StoreChange::Revision(self.revision));
        self.after_write(AfterWrite::Configure);
    }

    /// Somebody works with a revision that this store does not know (it was lost): go on above it.
    pub(crate) fn revision_seen(&mut self, seen: Revision) {
        if seen > self.revision.revision {
            self.number_revision(Revision(seen.0 + 1), self.revision.fingerprint);
        }
    }

    fn configure_hosts(&mut self, environment: &Environment) {
        let gone: Vec<HostName> = self
            .hosts
            .keys()
            .filter(|name| !environment.hosts.contains_key(*name))
            .cloned()
            .collect();
        for host in gone {
            self.forget_host(&host);
        }
        for (name, config) in &environment.hosts {
            let needs_lca = environment.needs_lca(name);
            match self.hosts.get_mut(name) {
                Some(care) if care.needs_lca == needs_lca => care.config = config.clone(),
                _ => {
                    self.forget_host(name);
                    let care = HostCare::new(config.clone(), needs_lca, self.now);
                    self.hosts.insert(name.clone(), care);
                    self.expect_host(name);
                    self.watch_host_maintenance(name);
                }
            }
        }
    }

    fn configure_applications(&mut self, environment: &Environment) {
        self.applications.retain(|name, care| {
            environment
                .applications
                .get(name)
                .is_some_and(|application| application.host == care.host)
        });
        for (name, application) in &environment.applications {
            if !self.applications.contains_key(name) {
                let care = ApplicationCare::new(application, self.now);
                self.applications.insert(name.clone(), care);
            }
        }
        self.operations
            .retain(|name, _| environment.applications.contains_key(name));
    }

    fn configure_pairs(&mut self, environment: &Environment) {
        let gone: Vec<PairName> = self
            .pairs
            .keys()
            .filter(|name| !environment.pairs.contains_key(*name))
            .cloned()
            .collect();
        for pair in gone {
            self.end_procedure_of_removed(&pair);
            if let Some(care) = self.pairs.remove(&pair) {
                self.stored_pairs.insert(pair, care.kept);
            }
        }
        for (name, config) in &environment.pairs {
            match self.pairs.get_mut(name) {
                Some(care) => care.config = config.clone(),
                None => {
                    let kept = self.stored_pairs.remove(name).unwrap_or_default();
                    self.pairs
                        .insert(name.clone(), PairCare::new(config.clone(), kept));
                    self.reserve_epochs(name);
                }
            }
            self.intend_engine(name);
            self.touched.insert(name.clone());
        }
    }

    /// Slices to everybody who works with another revision; not before the number is on disk.
    pub(crate) fn push_configuration(&mut self) {
        for host in self.hosts.keys().cloned().collect::<Vec<_>>() {
            self.configure_lca(&host);
        }
        if self.message_server_revision.is_some() {
            self.configure_message_server();
        }
    }

    pub(crate) fn configure_lca(&mut self, host: &HostName) {
        let Some(environment) = self.environment.clone() else {
            return;
        };
        let behind = self
            .hosts
            .get(host)
            .is_some_and(|care| care.reported && care.revision != self.revision.revision);
        if !behind || !self.revision_kept {
            return;
        }
        if let Some(slice) = LcaSlice::of(&environment, self.revision.revision, host) {
            self.send(host, None, LcaOrder::Configure(slice));
        }
    }

    pub(crate) fn configure_message_server(&mut self) {
        let Some(environment) = &self.environment else {
            return;
        };
        if !self.revision_kept
            || !self.message_server_connected
            || self.message_server_revision == Some(self.revision.revision)
        {
            return;
        }
        let slice = MessageServerSlice::of(environment, self.revision.revision);
        self.message_server_revision = Some(self.revision.revision);
        self.out.push(ScsOutput::ToMessageServer(Box::new(
            ToMessageServer::Configure(slice),
        )));
    }
}

/// Sets an option; section and name match in any case and keep the spelling they have.
fn set_option(options: &mut changeover_model::environment::OptionSections, change: &OptionChange) {
    let section = options
        .keys()
        .find(|key| key.eq_ignore_ascii_case(&change.section))
        .cloned()
        .unwrap_or_else(|| change.section.clone());
    let names = options.entry(section).or_default();
    let name = names
        .keys()
        .find(|key| key.eq_ignore_ascii_case(&change.option))
        .cloned()
        .unwrap_or_else(|| change.option.clone());
    names.insert(name, change.value.clone());
}

/// FNV-1a over everything the environment says: a new number is given only when it differs.
fn fingerprint(environment: &Environment) -> u64 {
    format!("{environment:?}")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}
