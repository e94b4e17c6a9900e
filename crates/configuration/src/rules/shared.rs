//! What two applications of a host have in common although each needs its own: found once here, for several rules.

use super::Context;
use changeover_model::environment::Application;
use std::collections::BTreeMap;

/// Applications that have what another one on their host has: the application, the first one, what it is.
pub(super) fn sharing<'c>(
    context: &Context<'c>,
    of: impl Fn(&Application) -> Option<String>,
) -> Vec<(&'c str, &'c str, String)> {
    let mut seen: BTreeMap<(&str, String), &str> = BTreeMap::new();
    let mut found = Vec::new();
    for application in context.environment.applications.values() {
        let Some(what) = of(application) else {
            continue;
        };
        let name = application.name.as_str();
        let place = (application.host.as_str(), what.clone());
        match seen.get(&place) {
            Some(first) => found.push((name, *first, what)),
            None => {
                seen.insert(place, name);
            }
        }
    }
    found
}
