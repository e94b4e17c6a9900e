//! The port rule of an NLB cluster that the SIP port falls under: looked up once here, judged by several rules.

use super::{Context, Report};
use changeover_model::environment::{NlbCluster, NlbPortRule, Pair};

/// A pair on an NLB cluster.
pub(super) struct Clustered<'c> {
    pub(super) pair: &'c Pair,
    pub(super) cluster: &'c NlbCluster,
    pub(super) sip_port: u16,
    /// The rule of the SIP port, with its place in the list.
    pub(super) rule: Option<(usize, &'c NlbPortRule)>,
}

impl Clustered<'_> {
    /// A finding at a key of the rule, or of the cluster where there is no rule.
    pub(super) fn report(&self, report: &mut Report<'_>, key: &str, what: &str) {
        let path = match self.rule {
            Some((index, _)) => format!("pairs.{}.nlb.port_rules.{index}.{key}", self.pair.name),
            None => format!("pairs.{}.nlb.{key}", self.pair.name),
        };
        report.at(&path, format!("{}: {what}", self.pair.name));
    }
}

impl<'c> Context<'c> {
    /// The pairs on NLB clusters.
    pub(super) fn clustered(&self) -> Vec<Clustered<'c>> {
        let environment = self.environment;
        let pairs = environment.pairs.values();
        pairs
            .filter_map(|pair| {
                let cluster = pair.nlb.as_ref()?;
                let server = environment.applications.get(&pair.primary)?;
                let port = server.option("TServer", "sip-port");
                let sip_port = port
                    .and_then(|port| port.trim().parse().ok())
                    .unwrap_or(5060);
                let mut rules = cluster.port_rules.iter().enumerate();
                let rule = rules.find(|(_, rule)| rule.covers(sip_port));
                Some(Clustered {
                    pair,
                    cluster,
                    sip_port,
                    rule,
                })
            })
            .collect()
    }
}
