//! How the NLB cluster of a pair is shown.

use super::{Page, quoted};
use changeover_model::environment::{NlbCluster, NlbPortRule};

pub(super) fn cluster(page: &mut Page<'_>, cluster: &NlbCluster) {
    page.text("cluster", &cluster.name);
    page.value("mode", cluster.mode.as_str());
    page.map("host_ids", |page| {
        for (host, id) in &cluster.host_ids {
            page.value(host.as_str(), &id.to_string());
        }
    });
    let rules: Vec<String> = cluster.port_rules.iter().map(rule).collect();
    page.value("port_rules", &format!("[{}]", rules.join(", ")));
    page.value("default_state", cluster.default_state.as_str());
}

fn rule(rule: &NlbPortRule) -> String {
    let weight = if rule.load_weight.is_empty() {
        "equal".to_owned()
    } else {
        let weights: Vec<String> = rule
            .load_weight
            .iter()
            .map(|(host, weight)| format!("{}: {weight}", quoted(host.as_str())))
            .collect();
        format!("{{{}}}", weights.join(", "))
    };
    format!(
        "{{ports: {}-{}, protocol: {}, filtering: {}, affinity: {}, load_weight: {weight}}}",
        rule.first, rule.last, rule.protocol, rule.filtering, rule.affinity
    )
}
