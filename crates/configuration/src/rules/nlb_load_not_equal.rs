//! Rule `nlb-load-not-equal`: both hosts of an NLB cluster have the same load weight, above 0, for the SIP port.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "nlb-load-not-equal",
    severity: Severity::Warning,
    about: "Both hosts of an NLB cluster have the same load weight, above 0, for the SIP port.",
    why: "a host of weight 0 gets nothing even as the only one that is enabled; other weights mean nothing where one host answers",
    fix: "write load_weight: equal, or leave it out",
    judge,
};

/// The weight of a host that the rule does not name.
const USUAL: u8 = 50;

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for clustered in context.clustered() {
        let Some((_, rule)) = clustered.rule else {
            continue;
        };
        let pair = clustered.pair;
        let [one, other] = [&pair.primary_host, &pair.backup_host]
            .map(|host| rule.load_weight.get(host).copied().unwrap_or(USUAL));
        let what = if one != other {
            "the hosts have different load weights"
        } else if one == 0 {
            "both hosts have the load weight 0"
        } else {
            continue;
        };
        clustered.report(report, "load_weight", what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    fn with(weights: &str) -> Vec<String> {
        let nlb = format!(
            "takeover: windows_nlb\n    nlb: {{port_rules: [{{ports: 5060, load_weight: {weights}}}]}}"
        );
        messages(&RULE, &[("takeover: ip_address", &nlb)])
    }

    #[test]
    fn equal_weights_are_fine_and_a_host_that_is_not_named_has_the_usual_one() {
        for weights in ["equal", "{host1: 30, host2: 30}", "{host2: 50}"] {
            assert_eq!(with(weights), Vec::<String>::new(), "{weights}");
        }
    }

    #[test]
    fn different_weights_are_a_warning_whoever_is_named_and_so_is_nobodys() {
        for weights in ["{host1: 100, host2: 0}", "{host1: 80}"] {
            assert_eq!(
                with(weights),
                ["SIP_SERVER: the hosts have different load weights"],
                "{weights}"
            );
        }
        assert_eq!(
            with("{host1: 0, host2: 0}"),
            ["SIP_SERVER: both hosts have the load weight 0"]
        );
    }
}
