//! What the SCS tells Prometheus. Two sources: the picture, drawn for each scrape (`site`), and what passes the shell on
//! its way into and out of the core (`observer`, `records`). The core knows nothing of either.

mod observer;
mod records;
mod site;
#[cfg(test)]
mod tests;

pub(crate) use observer::Observer;

use changeover_component::Handle;
use changeover_metrics::{
    Catalogue, Endpoint, FamilyDescription, NoAnswer, ProcessFacts, Source, StoreMetrics,
};
use changeover_scs_core::ScsCore;
use observer::Flows;
use site::Site;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Name of the store in the families of stores.
pub(crate) const STORE: &str = crate::store::FILE;

/// Every family of the SCS.
pub(crate) struct Metrics {
    catalogue: Catalogue,
    pub(crate) store: StoreMetrics,
    pub(crate) flows: Flows,
    site: Site,
    process: ProcessFacts,
}

impl Metrics {
    pub(crate) fn new(tls: Option<&Path>) -> Self {
        let mut catalogue = Catalogue::new("scs", env!("CARGO_PKG_VERSION"));
        Self {
            site: Site::new(&mut catalogue),
            flows: Flows::new(&mut catalogue),
            store: StoreMetrics::new(&mut catalogue, &[STORE]),
            process: ProcessFacts::new(&mut catalogue, tls),
            catalogue,
        }
    }

    /// What there is to be scraped, for the documentation.
    pub(crate) fn families(&self) -> Vec<FamilyDescription> {
        self.catalogue.families().to_vec()
    }

    /// Serves them until the endpoint is dropped.
    pub(crate) fn serve(
        self,
        at: SocketAddr,
        handle: Handle<ScsCore>,
        database: PathBuf,
    ) -> Endpoint {
        let source = Scraped {
            site: self.site,
            store: self.store,
            database,
            process: self.process,
            handle,
        };
        Endpoint::start(at, self.catalogue, source)
    }
}

struct Scraped {
    site: Site,
    store: StoreMetrics,
    database: PathBuf,
    process: ProcessFacts,
    handle: Handle<ScsCore>,
}

impl Source for Scraped {
    async fn refresh(&self) -> Result<(), NoAnswer> {
        let picture = self
            .handle
            .ask(|now, core| core.picture(now))
            .await
            .map_err(|_| NoAnswer)?;
        self.site.show(picture.as_ref());
        self.store.measure(STORE, &self.database);
        self.process.refresh(self.handle.waiting());
        Ok(())
    }
}
