//! `changeover import`: reading files, printing and exit codes. What the files mean is in `changeover-import`.

use crate::arguments::Format;
use crate::offline::{print, print_json};
use crate::read;
use changeover_component::ExitCode;
use changeover_import::{Format as From, Imported, Known, Source, import};
use clap::{Args, ValueEnum};
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Make an environment file of a keepalived.conf or a Pacemaker CIB
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    changeover import keepalived-a.conf keepalived-b.conf --out site.yaml\n  \
    changeover import keepalived.conf --host edge1=10.0.0.11 --host edge2=10.0.0.12 --management mgmt1=10.0.0.5 \\\n    \
      --unit kamailio.service --out site.yaml\n  \
    cibadmin --query >cib.xml; changeover import cib.xml --out site.yaml\n\n\
    What is not carried over is listed on stderr with file and line. Then: changeover check site.yaml")]
pub(crate) struct Import {
    /// keepalived.conf of one host, or a CIB
    file: PathBuf,
    /// keepalived.conf of the other host
    second: Option<PathBuf>,
    /// Whose file it is [default: by its first character]
    #[arg(long, value_enum)]
    from: Option<FromChoice>,
    /// Where the environment file goes [default: stdout]; a file that is there is not replaced
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A host of the pair, the first file's first; twice
    #[arg(long = "host", value_name = "NAME=IP", value_parser = host)]
    hosts: Vec<(String, IpAddr)>,
    /// The third machine, for the SCS and the Message Server
    #[arg(long, value_name = "NAME=IP", value_parser = host)]
    management: Option<(String, IpAddr)>,
    /// The systemd unit of the server
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FromChoice {
    /// keepalived.conf
    Keepalived,
    /// A CIB in XML
    Pacemaker,
}

fn host(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or("write NAME=IP, as edge1=10.0.0.11")?;
    let address = address
        .parse()
        .map_err(|_| format!("{address} is no IP address"))?;
    Ok((name.to_owned(), address))
}

pub(crate) fn run(arguments: &Import) -> ExitCode {
    let texts: Result<Vec<(String, String)>, ExitCode> = std::iter::once(&arguments.file)
        .chain(&arguments.second)
        .map(|file| Ok((file.display().to_string(), read(file)?)))
        .collect();
    let texts = match texts {
        Ok(texts) => texts,
        Err(code) => return code,
    };
    let sources: Vec<Source<'_>> = texts
        .iter()
        .map(|(name, text)| Source { name, text })
        .collect();
    let format = match arguments.from {
        Some(FromChoice::Keepalived) => From::Keepalived,
        Some(FromChoice::Pacemaker) => From::Pacemaker,
        None => From::of(sources[0].text),
    };
    let known = Known {
        hosts: arguments.hosts.clone(),
        management: arguments.management.clone(),
        unit: arguments.unit.clone(),
    };
    let imported = match import(format, sources[0], sources.get(1).copied(), &known) {
        Ok(imported) => imported,
        Err(error) => {
            eprintln!("changeover: {error}");
            return ExitCode::Unusable;
        }
    };
    if let Some(out) = &arguments.out
        && let Err(error) = write_new(out, &imported.environment)
    {
        eprintln!("changeover: cannot write {}: {error}", out.display());
        return ExitCode::Unusable;
    }
    tell(arguments, &imported);
    ExitCode::Good
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}

fn tell(arguments: &Import, imported: &Imported) {
    match arguments.format {
        Format::Json => print_json(&serde_json::json!(imported)),
        Format::Text => {
            if arguments.out.is_none() {
                print(&imported.environment);
            }
            for one in &imported.not_carried_over {
                eprintln!(
                    "{}:{}: not carried over: {}: {}",
                    one.file, one.line, one.statement, one.why
                );
            }
            for missing in &imported.missing {
                eprintln!("still to be written: {missing}");
            }
            if let Some(out) = &arguments.out {
                let out = out.display();
                print(&format!("{out}\nNext: changeover check {out}\n"));
            }
        }
    }
}
