//! IP Address Takeover on Linux: the VIP on a logical sub-interface, moved by `vipctl` or by two shell scripts.

use crate::filling::Values;
use crate::request::{ControlScripts, Nics, Request};
use crate::{KitError, KitFile};
use changeover_model::Redundancy;

const SITE: &str = include_str!("../templates/linux/site.yaml");
const UP: &str = include_str!("../templates/linux/set_ip_up.sh");
const DOWN: &str = include_str!("../templates/linux/set_ip_down.sh");
const README: &str = include_str!("../templates/linux/README.md");

pub(crate) fn files(request: &Request) -> Result<Vec<KitFile>, KitError> {
    let values = values(request);
    let file = |path, template: &str, executable| {
        Ok(KitFile {
            path,
            text: values.fill(path, template)?,
            executable,
        })
    };
    let mut files = vec![file("site.yaml", SITE, false)?];
    if request.control_scripts == ControlScripts::Shell {
        files.push(file("scripts/set_ip_up.sh", UP, true)?);
        files.push(file("scripts/set_ip_down.sh", DOWN, true)?);
    }
    files.push(file("README.md", README, false)?);
    Ok(files)
}

fn values(request: &Request) -> Values {
    let hot = request.redundancy == Redundancy::Hot;
    let (became_backup, became_primary) = if hot {
        ("4561_HABackup", "4563_HAPrimary")
    } else {
        ("4560_HABackup", "4562_HAPrimary")
    };
    let upper: String = request
        .name
        .chars()
        .map(|c| match c {
            '-' | '.' => '_',
            other => other.to_ascii_uppercase(),
        })
        .collect();
    let network = request
        .network()
        .map_or_else(String::new, |network| network.trunc().to_string());
    Values::default()
        .text("name", &request.name)
        .text("pair", format!("SIP_{upper}"))
        .text("switch_name", format!("SIP_Switch_{}", request.name))
        .text("redundancy", request.redundancy.to_string())
        .text("redundancy_title", if hot { "Hot" } else { "Warm" })
        .text("became_backup", became_backup)
        .text("became_primary", became_primary)
        .text("management_host", &request.management.0)
        .text("management_address", request.management.1.to_string())
        .text("primary_host", &request.primary.0)
        .text("primary_address", request.primary.1.to_string())
        .text("backup_host", &request.backup.0)
        .text("backup_address", request.backup.1.to_string())
        .text("vip", request.vip.to_string())
        .text("prefix", request.prefix.to_string())
        .text("network", network)
        .text("interface", &request.interface)
        .switch("hot", hot)
        .switch("warm", !hot)
        .switch("ipv4", request.vip.is_ipv4())
        .switch("ipv6", request.vip.is_ipv6())
        .switch("shell", request.control_scripts == ControlScripts::Shell)
        .switch(
            "builtin",
            request.control_scripts == ControlScripts::Builtin,
        )
        .switch("one_nic", request.nics == Nics::One)
        .switch("two_nics", request.nics == Nics::Two)
}
