//! `changeover new`: arguments and printing. The kits are in `changeover-site-kit`.

use crate::arguments::Format;
use changeover_component::ExitCode;
use changeover_model::Redundancy;
use changeover_site_kit::{ControlScripts, KitError, Nics, Platform, Request};
use clap::{Args, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

/// Write a complete site to start from: environment file, control scripts, checklist
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    changeover new east --platform linux --redundancy hot\n  \
    changeover new east --platform linux --redundancy warm --control-scripts shell --nics 2\n  \
    changeover new west --platform windows --redundancy hot --nics 2\n  \
    changeover new east --platform linux --redundancy hot --explicit\n  \
    changeover new east --platform linux --redundancy hot --primary-host sip1 --primary-address 192.0.2.11 \
--backup-host sip2 --backup-address 192.0.2.12 --management-address 192.0.2.20 --vip 192.0.2.10\n\n\
    Then: changeover check east/site.yaml; changeover rehearse east/site.yaml; read east/README.md")]
pub(crate) struct New {
    /// A new or empty folder
    folder: PathBuf,
    /// What the pair runs on
    #[arg(long, value_enum)]
    platform: PlatformChoice,
    /// Redundancy type
    #[arg(long, value_enum)]
    redundancy: RedundancyChoice,
    /// What moves the VIP: vipctl (the default on Linux, and only there), or scripts of the site's own
    #[arg(long, value_enum)]
    control_scripts: Option<ScriptsChoice>,
    /// Network cards of each host: with 2 the addresses of the hosts are those of the management NICs [default: 1,
    /// for windows-nlb 2]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2))]
    nics: Option<u8>,
    /// Name of the site [default: the folder's]
    #[arg(long)]
    name: Option<String>,
    /// Host of the SCS and the Message Server [default: mgmt1]
    #[arg(long, value_name = "HOST")]
    management_host: Option<String>,
    /// Its address [default: 10.10.11.110, with two NICs 10.10.12.110]
    #[arg(long, value_name = "IP")]
    management_address: Option<IpAddr>,
    /// Host of the server configured as primary [default: host1]
    #[arg(long, value_name = "HOST")]
    primary_host: Option<String>,
    /// Its address [default: 10.10.11.101, with two NICs 10.10.12.101]
    #[arg(long, value_name = "IP")]
    primary_address: Option<IpAddr>,
    /// Host of the server configured as backup [default: host2]
    #[arg(long, value_name = "HOST")]
    backup_host: Option<String>,
    /// Its address [default: 10.10.11.102, with two NICs 10.10.12.102]
    #[arg(long, value_name = "IP")]
    backup_address: Option<IpAddr>,
    /// The Virtual IP [default: 10.10.11.103]
    #[arg(long, value_name = "IP")]
    vip: Option<IpAddr>,
    /// Prefix length of its network [default: 24, for IPv6 64]
    #[arg(long, value_name = "BITS")]
    prefix: Option<u8>,
    /// The interface that carries it, on both hosts [default: eth0, Local Area Connection, en0, dmfe0]
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// With two NICs: the SIP gateway, which is asked in quiet times whether SIP still arrives [default: the address after the VIP]
    #[arg(long, value_name = "IP")]
    gateway: Option<IpAddr>,
    /// Write every object by hand instead of deriving the guide's twelve from the pair
    #[arg(long)]
    explicit: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PlatformChoice {
    /// IP Address Takeover on Linux
    Linux,
    /// IP Address Takeover on Windows
    Windows,
    /// IP Address Takeover on AIX
    Aix,
    /// IP Address Takeover on Solaris
    Solaris,
    /// Windows NLB Cluster
    WindowsNlb,
    /// A network device holds the VIP and finds the primary by OPTIONS
    NetworkDevice,
    /// Both servers on one host, without a VIP: at most 100 seats
    SingleHost,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RedundancyChoice {
    /// Hot Standby: calls and states are synchronised
    Hot,
    /// Warm Standby: nothing is synchronised
    Warm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScriptsChoice {
    /// vipctl, which comes with Changeover
    Builtin,
    /// Scripts for the platform's own commands
    Shell,
}

pub(crate) fn run(arguments: &New) -> ExitCode {
    let platform = match arguments.platform {
        PlatformChoice::Linux => Platform::Linux,
        PlatformChoice::Windows => Platform::Windows,
        PlatformChoice::Aix => Platform::Aix,
        PlatformChoice::Solaris => Platform::Solaris,
        PlatformChoice::WindowsNlb => Platform::WindowsNlb,
        PlatformChoice::NetworkDevice => Platform::NetworkDevice,
        PlatformChoice::SingleHost => Platform::SingleHost,
    };
    let request = request(platform, arguments);
    match changeover_site_kit::write(&arguments.folder, platform, &request) {
        Ok(files) => {
            if arguments.explicit
                && let Err(error) = crate::explicit::rewrite(&arguments.folder.join("site.yaml"))
            {
                eprintln!("changeover: {error}");
                return ExitCode::Bad;
            }
            tell(arguments, &files);
            ExitCode::Good
        }
        Err(error) => {
            eprintln!("changeover: {error}");
            match error {
                KitError::NotEmpty { .. } | KitError::Request(_) => ExitCode::Unusable,
                KitError::Template { .. } | KitError::File { .. } => ExitCode::Bad,
            }
        }
    }
}

fn request(platform: Platform, arguments: &New) -> Request {
    let named_as_folder = || {
        std::path::absolute(&arguments.folder)
            .ok()
            .and_then(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()))
            .unwrap_or_else(|| "site".to_owned())
    };
    let name = arguments.name.clone().unwrap_or_else(named_as_folder);
    let redundancy = match arguments.redundancy {
        RedundancyChoice::Hot => Redundancy::Hot,
        RedundancyChoice::Warm => Redundancy::Warm,
    };
    let nics = match arguments.nics {
        Some(2) => Nics::Two,
        Some(_) => Nics::One,
        None => platform.usual_nics(),
    };
    let sample = Request::sample_on(platform, &name, redundancy, nics);
    let host = |sample: (String, IpAddr), name: &Option<String>, address: Option<IpAddr>| {
        (
            name.clone().unwrap_or(sample.0),
            address.unwrap_or(sample.1),
        )
    };
    let vip = arguments.vip.unwrap_or(sample.vip);
    let prefix = if vip.is_ipv6() { 64 } else { sample.prefix };
    Request {
        name,
        redundancy,
        control_scripts: match arguments.control_scripts {
            Some(ScriptsChoice::Builtin) => ControlScripts::Builtin,
            Some(ScriptsChoice::Shell) => ControlScripts::Shell,
            None => sample.control_scripts,
        },
        nics,
        management: host(
            sample.management,
            &arguments.management_host,
            arguments.management_address,
        ),
        primary: host(
            sample.primary,
            &arguments.primary_host,
            arguments.primary_address,
        ),
        backup: host(
            sample.backup,
            &arguments.backup_host,
            arguments.backup_address,
        ),
        vip,
        prefix: arguments.prefix.unwrap_or(prefix),
        interface: arguments.interface.clone().unwrap_or(sample.interface),
        gateway: arguments.gateway,
    }
}

fn tell(arguments: &New, files: &[PathBuf]) {
    match arguments.format {
        Format::Text => {
            let folder = arguments.folder.display();
            let list: String = files
                .iter()
                .map(|file| format!("{}\n", file.display()))
                .collect();
            crate::offline::print(&format!(
                "{list}Next: changeover check {folder}/site.yaml, changeover rehearse {folder}/site.yaml, and the checklist \
                 in {folder}/README.md\n"
            ));
        }
        Format::Json => crate::offline::print_json(&serde_json::json!({
            "folder": arguments.folder,
            "files": files,
        })),
    }
}
