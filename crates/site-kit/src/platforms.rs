//! Sites of other platforms than Linux: IP Address Takeover on Windows, AIX and Solaris, and Windows NLB, each with control scripts that its
//! own commands carry out. The environment file is the one of Linux, the checklist one for all of them.

use crate::filling::Values;
use crate::request::{Nics, Request};
use crate::{KitError, KitFile, Platform, linux};
use std::net::IpAddr;

const README: &str = include_str!("../templates/platforms/README.md");
const HOSTS: &str = include_str!("../templates/hosts/hosts");
const HOSTNAME: &str = include_str!("../templates/hosts/hostname");
const NETMASKS: &str = include_str!("../templates/hosts/netmasks");

/// The scripts of a platform: name and template.
type Scripts = &'static [(&'static str, &'static str)];

const WINDOWS: Scripts = &[
    (
        "scripts/HA_IP_ON.bat",
        include_str!("../templates/windows/HA_IP_ON.bat"),
    ),
    (
        "scripts/HA_IP_OFF.bat",
        include_str!("../templates/windows/HA_IP_OFF.bat"),
    ),
    (
        "scripts/Ping.vbs",
        include_str!("../templates/windows/Ping.vbs"),
    ),
    (
        "scripts/Check_ip.vbs",
        include_str!("../templates/windows/Check_ip.vbs"),
    ),
];
const AIX: Scripts = &[
    (
        "scripts/set_ip_up.sh",
        include_str!("../templates/aix/set_ip_up.sh"),
    ),
    (
        "scripts/set_ip_down.sh",
        include_str!("../templates/aix/set_ip_down.sh"),
    ),
];
const SOLARIS: Scripts = &[
    (
        "scripts/set_ip_up.sh",
        include_str!("../templates/solaris/set_ip_up.sh"),
    ),
    (
        "scripts/set_ip_down.sh",
        include_str!("../templates/solaris/set_ip_down.sh"),
    ),
];

const WINDOWS_NLB: Scripts = &[
    (
        "scripts/sip_server_primary_vip_up.bat",
        include_str!("../templates/windows-nlb/sip_server_primary_vip_up.bat"),
    ),
    (
        "scripts/sip_server_primary_vip_down.bat",
        include_str!("../templates/windows-nlb/sip_server_primary_vip_down.bat"),
    ),
    (
        "scripts/sip_server_backup_vip_up.bat",
        include_str!("../templates/windows-nlb/sip_server_backup_vip_up.bat"),
    ),
    (
        "scripts/sip_server_backup_vip_down.bat",
        include_str!("../templates/windows-nlb/sip_server_backup_vip_down.bat"),
    ),
];

/// What tells a platform from the others.
struct Kind {
    os: &'static str,
    title: &'static str,
    /// The switch of the checklist that is its own.
    switch: &'static str,
    scripts: Scripts,
    enable: &'static str,
    disable: &'static str,
    enable_timeout: &'static str,
    scripts_remark: &'static str,
    nlb: bool,
}

const SAME: &str = "The files in scripts/, the same on both hosts.";

pub(crate) fn windows(request: &Request) -> Result<Vec<KitFile>, KitError> {
    files(
        request,
        &Kind {
            os: "windows",
            title: "Windows",
            switch: "windows",
            scripts: WINDOWS,
            enable: "HA_IP_ON.bat",
            disable: "HA_IP_OFF.bat",
            // It asks three times whether the VIP is free, and netsh can take 5 s.
            enable_timeout: "30s",
            scripts_remark: SAME,
            nlb: false,
        },
    )
}

pub(crate) fn windows_nlb(request: &Request) -> Result<Vec<KitFile>, KitError> {
    files(
        request,
        &Kind {
            os: "windows",
            title: "Windows",
            switch: "nlb",
            scripts: WINDOWS_NLB,
            enable: "sip_server_primary_vip_up.bat",
            disable: "sip_server_primary_vip_down.bat",
            enable_timeout: "8s",
            scripts_remark: "The files in scripts/: these on the primary's host, those of the backup's are named below.",
            nlb: true,
        },
    )
}

pub(crate) fn aix(request: &Request) -> Result<Vec<KitFile>, KitError> {
    files(request, &unix("aix", "AIX", AIX))
}

pub(crate) fn solaris(request: &Request) -> Result<Vec<KitFile>, KitError> {
    files(request, &unix("solaris", "Solaris", SOLARIS))
}

fn unix(os: &'static str, title: &'static str, scripts: Scripts) -> Kind {
    Kind {
        os,
        title,
        switch: os,
        scripts,
        enable: "./set_ip_up.sh",
        disable: "./set_ip_down.sh",
        enable_timeout: "8s",
        scripts_remark: SAME,
        nlb: false,
    }
}

fn files(request: &Request, kind: &Kind) -> Result<Vec<KitFile>, KitError> {
    let values = values(request, kind);
    let is_unix = kind.os != "windows";
    let mut files = vec![KitFile::filled("site.yaml", linux::SITE, &values, false)?];
    for (path, template) in kind.scripts {
        let mut script = KitFile::filled(path, template, &values, is_unix)?;
        if !is_unix {
            script.text = script.text.replace('\n', "\r\n");
        }
        files.push(script);
    }
    if is_unix {
        for host in [&request.primary.0, &request.backup.0] {
            let values = values.clone().text("host", host);
            let mut of_the_host = |name: &str, template| {
                let mut file = KitFile::filled("host file", template, &values, false)?;
                file.path = format!("hosts/{host}/etc/{name}").into();
                files.push(file);
                Ok(())
            };
            of_the_host("hosts", HOSTS)?;
            if kind.os == "solaris" {
                of_the_host(&format!("hostname.{}:1", request.interface), HOSTNAME)?;
                of_the_host("netmasks", NETMASKS)?;
            }
        }
    }
    files.push(KitFile::filled("README.md", README, &values, false)?);
    Ok(files)
}

fn values(request: &Request, kind: &Kind) -> Values {
    let what_moves = if kind.nlb {
        "the port is enabled on"
    } else {
        "the VIP is on"
    };
    linux::values(request)
        .text("os", kind.os)
        .text("platform_title", kind.title)
        .text(
            "vip_remark",
            if kind.nlb {
                " It is the cluster IP, on the adapter that NLB is bound to."
            } else {
                ""
            },
        )
        .text(
            "takeover",
            if kind.nlb {
                "windows_nlb"
            } else {
                "ip_address"
            },
        )
        .text(
            "takeover_title",
            if kind.nlb {
                "NLB Cluster"
            } else {
                "IP Address Takeover"
            },
        )
        .text("scripts_remark", kind.scripts_remark)
        .text("enable", kind.enable)
        .text("disable", kind.disable)
        .text("enable_timeout", kind.enable_timeout)
        .text("what_moves", what_moves)
        .switch("label", kind.os == "solaris")
        .switch("no_label", kind.os != "solaris")
        .switch("unix", kind.os != "windows")
        .switch("windows", false)
        .switch("aix", false)
        .switch("solaris", false)
        .switch(kind.switch, true)
        .switch("takeover", !kind.nlb)
}

/// What these platforms cannot have.
pub(crate) fn refuse(platform: Platform, request: &Request) -> Result<(), KitError> {
    let name = platform.as_str();
    if platform == Platform::WindowsNlb && request.nics == Nics::One {
        return Err(KitError::Request(
            "an NLB cluster needs two adapters on each host, on two LANs: the hosts do not hear each other over the one that NLB is \
             bound to (--nics 2)"
                .to_owned(),
        ));
    }
    if request.control_scripts == crate::ControlScripts::Builtin {
        return Err(KitError::Request(format!(
            "vipctl knows Linux only: a {name} site has control scripts of its own (leave --control-scripts out)"
        )));
    }
    let addresses = [
        &request.vip,
        &request.primary.1,
        &request.backup.1,
        &request.management.1,
    ];
    if let Some(IpAddr::V6(address)) = addresses.into_iter().find(|address| address.is_ipv6()) {
        return Err(KitError::Request(format!(
            "{address}: the {name} kit moves IPv4 addresses only"
        )));
    }
    Ok(())
}
