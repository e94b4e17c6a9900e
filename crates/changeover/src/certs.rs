//! `changeover certs`: arguments and printing. Certificates are made and read in `changeover-certificates`.

mod issuing;
mod showing;

use crate::arguments::Format;
use changeover_certificates::{Authority, CertificateError, Validity, day};
use changeover_component::ExitCode;
use changeover_rpc::identity::Role;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Certificates for mutual TLS
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    changeover certs init pki\n  \
    changeover certs issue pki --config site.yaml\n  \
    changeover certs issue pki --role viewer --name alice\n  \
    changeover certs show pki --check")]
pub(crate) struct Certs {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make an authority: the folder from which everything else is issued
    #[command(after_help = "Example:\n  changeover certs init pki --name \"Changeover east\"")]
    Init(Init),
    /// Issue one certificate, or every one that an environment file needs
    #[command(after_help = "Examples:\n  \
        changeover certs issue pki --config site.yaml --operator alice\n  \
        changeover certs issue pki --role lca --name host1 --application SIP_SERVER_PRIMARY\n\n\
        With --config, what is good for 30 days more is kept; give --renew to make everything anew.")]
    Issue(Issue),
    /// Role, name, dates and fingerprint of the certificates of a file or folder
    #[command(after_help = "Examples:\n  \
        changeover certs show /etc/changeover/tls\n  \
        changeover certs show pki --check --within 60d   exit code 1 when one expires within 60 days")]
    Show(Show),
}

#[derive(Debug, Args)]
struct Init {
    /// Where it goes: a new or empty folder. Keep it on one machine, and back it up
    folder: PathBuf,
    /// Its common name, as people see it
    #[arg(long, default_value = "Changeover CA")]
    name: String,
    /// How long it is valid, days
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct Issue {
    /// The folder of the authority (`certs init`)
    folder: PathBuf,
    /// What the certificate is for
    #[arg(long, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str))
        .map(|role| Role::parse(&role).expect("clap accepts only roles")),
        required_unless_present = "config", requires = "name")]
    role: Option<Role>,
    /// Whose it is: the host for an LCA, the Application object for an application or the Message Server, a person
    #[arg(long, requires = "role")]
    name: Option<String>,
    /// Everything that this environment needs: one folder per host, ready to copy
    #[arg(long, value_name = "FILE", conflicts_with_all = ["role", "to", "dns", "address", "application"])]
    config: Option<PathBuf>,
    /// Where it goes [default: FOLDER/ROLE-NAME]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// How long it is valid, days (never longer than the authority)
    #[arg(long, default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// A host name for foreign programs; components themselves go by role and name only
    #[arg(long, value_name = "HOST")]
    dns: Vec<String>,
    /// The same, an address
    #[arg(long, value_name = "IP")]
    address: Vec<IpAddr>,
    /// With --role lca: an application that it starts; its certificate goes into a folder below the LCA's
    #[arg(long, value_name = "NAME")]
    application: Vec<String>,
    /// With --config: a certificate for this person, who may change things
    #[arg(long, value_name = "NAME", requires = "config")]
    operator: Vec<String>,
    /// With --config: a certificate for this person, who may look
    #[arg(long, value_name = "NAME", requires = "config")]
    viewer: Vec<String>,
    /// With --config: issue anew what is still good
    #[arg(long, requires = "config")]
    renew: bool,
    /// A further authority's ca.pem that the components shall believe, while one replaces another
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct Show {
    /// A certificate, a component's folder, or the authority's with everything below
    path: PathBuf,
    /// End with 1 when a certificate has expired, expires soon, or does not fit the files beside it
    #[arg(long)]
    check: bool,
    /// What "soon" means
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = changeover_model::parse_duration)]
    within: Duration,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Certs) -> ExitCode {
    let done = match &arguments.command {
        Verb::Init(arguments) => init(arguments),
        Verb::Issue(arguments) => issuing::issue(arguments),
        Verb::Show(arguments) => showing::show(arguments),
    };
    done.unwrap_or_else(|trouble| {
        eprintln!("changeover: {}", trouble.words);
        trouble.code
    })
}

/// Why a command ended early.
struct Trouble {
    words: String,
    code: ExitCode,
}

impl From<CertificateError> for Trouble {
    fn from(error: CertificateError) -> Self {
        let code = if error.is_about_the_input() {
            ExitCode::Unusable
        } else {
            ExitCode::Bad
        };
        Self {
            words: error.to_string(),
            code,
        }
    }
}

fn init(arguments: &Init) -> Result<ExitCode, Trouble> {
    let folder = &arguments.folder;
    let authority = Authority::init(folder, &arguments.name, Validity::days(arguments.days))?;
    let until = authority.validity().until;
    match arguments.format {
        Format::Text => crate::offline::print(&format!(
            "{name}, valid until {until}\n  \
             {ca}      goes to every component\n  \
             {key}  signs: it stays on this machine, is read by you only, and needs a backup\n\
             Next: changeover certs issue {folder} --config SITE.yaml\n",
            name = authority.name(),
            until = day(until),
            ca = folder.join("ca.pem").display(),
            key = folder.join("ca-key.pem").display(),
            folder = folder.display(),
        )),
        Format::Json => crate::offline::print_json(&serde_json::json!({
            "authority": authority.name(),
            "folder": folder,
            "not_after": showing::moment(until),
        })),
    }
    Ok(ExitCode::Good)
}
