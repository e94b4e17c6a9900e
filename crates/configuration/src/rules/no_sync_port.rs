//! Rule `no-sync-port`: hot standby needs a port for the synchronisation: `ha_sync`, or else `default`.

use super::{Context, Report, Rule};
use crate::finding::Severity;
use changeover_model::Redundancy;

pub(super) static RULE: Rule = Rule {
    name: "no-sync-port",
    severity: Severity::Warning,
    about: "Hot standby needs a port for the synchronisation: `ha_sync`, or else `default`.",
    why: "without either the backup has nothing to connect to, and calls are not carried over",
    fix: "write ports: {default: …, ha_sync: …} under server",
    judge,
};

fn judge(context: &Context<'_>, report: &mut Report<'_>) {
    for (pair, member) in context.sip_members() {
        if pair.redundancy == Redundancy::Hot
            && member.ports.ha_sync.is_none()
            && member.ports.default.is_none()
        {
            report.at(
                &format!("applications.{}.ports", member.name),
                format!("{} has no port for the synchronisation", member.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::messages;

    #[test]
    fn no_port_at_all_is_a_warning() {
        assert_eq!(
            messages(
                &RULE,
                &[(
                    r#"      ports: {default: 5070, ha_sync: 5071}
"#,
                    ""
                )]
            ),
            [
                "SIP_SERVER_PRIMARY has no port for the synchronisation",
                "SIP_SERVER_BACKUP has no port for the synchronisation"
            ]
        );
    }

    #[test]
    fn the_default_port_will_do() {
        assert!(messages(&RULE, &[(", ha_sync: 5071", "")]).is_empty());
    }

    #[test]
    fn warm_standby_synchronises_nothing() {
        assert!(
            messages(
                &RULE,
                &[
                    (
                        r#"      ports: {default: 5070, ha_sync: 5071}
"#,
                        ""
                    ),
                    ("redundancy_type: hot", "redundancy_type: warm")
                ]
            )
            .is_empty()
        );
    }
}
