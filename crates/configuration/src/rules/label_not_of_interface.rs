//! Rule `label-not-of-interface`: a label is the interface, a colon and a short suffix, 15 characters at most.

use super::{Context, Report, Rule};
use crate::finding::Severity;

pub(super) static RULE: Rule = Rule {
    name: "label-not-of-interface",
    severity: Severity::Error,
    about: "A label is the interface, a colon and a short suffix, 15 characters at most.",
    why: "the kernel refuses other labels, so the VIP would not come up",
    fix: "write the label as the interface with a number, such as \"eth0:1\"; without a label the address is added all the same",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, _) in context.pairs() {
        for (index, vip) in pair.virtual_ips.iter().enumerate() {
            let Some(label) = &vip.label else { continue };
            let path = format!("pairs.{}.virtual_ips.{index}.label", pair.name);
            if label.len() > 15 {
                report.at(
                    &path,
                    format!(
                        "{}: the label `{label}` has more than 15 characters",
                        pair.name
                    ),
                );
            }
            for (host, interface) in &vip.interfaces {
                let suffix = label
                    .strip_prefix(interface.as_str())
                    .and_then(|rest| rest.strip_prefix(':'));
                if suffix.is_none_or(str::is_empty) {
                    report.at(
                        &path,
                        format!(
                            "{}: the label `{label}` does not fit {interface} of {host}",
                            pair.name
                        ),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn the_label_of_another_interface_is_an_error_on_that_host() {
        assert_eq!(
            messages(
                &RULE,
                &[("interface: eth0", "interface: {host1: eth0, host2: ens18}")]
            ),
            ["SIP_SERVER: the label `eth0:1` does not fit ens18 of host2"]
        );
    }

    #[test]
    fn a_label_without_suffix_is_an_error() {
        assert_eq!(
            messages(&RULE, &[("label: \"eth0:1\"", "label: \"eth0:\"")]),
            [
                "SIP_SERVER: the label `eth0:` does not fit eth0 of host1",
                "SIP_SERVER: the label `eth0:` does not fit eth0 of host2"
            ]
        );
    }

    #[test]
    fn a_long_label_is_an_error() {
        assert_eq!(
            messages(
                &RULE,
                &[("label: \"eth0:1\"", "label: \"eth0:signalling1\"")]
            ),
            ["SIP_SERVER: the label `eth0:signalling1` has more than 15 characters"]
        );
    }

    #[test]
    fn a_word_as_suffix_is_fine() {
        assert!(messages(&RULE, &[("label: \"eth0:1\"", "label: \"eth0:sip\"")]).is_empty());
    }
}
