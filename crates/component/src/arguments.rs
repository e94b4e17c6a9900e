//! Command-line arguments that components share (INTERFACE, The live system).

use crate::LogFormat;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// How a component logs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct LogArguments {
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// How a component's connections are secured.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct LinkArguments {
    /// Folder with ca.pem, cert.pem and key.pem for mutual TLS
    #[arg(
        long,
        value_name = "DIR",
        env = "CHANGEOVER_TLS",
        conflicts_with = "insecure"
    )]
    pub tls: Option<PathBuf>,
    /// Talk in the clear to other addresses than loopback (anyone on that network can then command this site)
    #[arg(long, env = "CHANGEOVER_INSECURE", num_args = 0, value_parser = clap::builder::FalseyValueParser::new())]
    pub insecure: bool,
}

/// Environment variable that stands for `--metrics` of `scs`, `message-server` and `lca`. It is theirs alone: a server
/// started by an LCA does not inherit it, since two processes cannot have one port.
pub const METRICS_VARIABLE: &str = "CHANGEOVER_METRICS";

/// Whether and where a component can be scraped.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct MetricsArguments {
    /// Serve Prometheus metrics at http://ADDR/metrics; a bare PORT is on 127.0.0.1 [default: not served]
    #[arg(long, value_name = "[IP:]PORT", env = METRICS_VARIABLE, value_parser = metrics_address)]
    pub metrics: Option<SocketAddr>,
}

/// `9464`, `127.0.0.1:9464` or `[::1]:9464`. No names: looking one up could take long.
fn metrics_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| {
        format!("'{text}' is neither a port nor an address with a port; write 9464, 127.0.0.1:9464 or [::1]:9464")
    })
}

/// Where a component finds and keeps its things.
#[derive(Clone, Debug, clap::Args)]
pub struct ComponentArguments {
    /// The environment file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where state is kept over restarts
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
    /// Sockets and the fast epoch file [default: $RUNTIME_DIRECTORY, else STATE-DIR/run]
    #[arg(long, value_name = "DIR", env = "RUNTIME_DIRECTORY")]
    pub runtime_dir: Option<PathBuf>,
    /// Links.
    #[command(flatten)]
    pub links: LinkArguments,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArguments,
    /// Log.
    #[command(flatten)]
    pub log: LogArguments,
}

impl ComponentArguments {
    /// The runtime folder in force.
    pub fn runtime_dir(&self) -> PathBuf {
        self.runtime_dir
            .clone()
            .unwrap_or_else(|| self.state_dir.join("run"))
    }

    /// Makes the state and the runtime folder, readable by their owner only.
    ///
    /// # Errors
    /// Names the folder that could not be made.
    pub fn make_folders(&self) -> anyhow::Result<()> {
        use anyhow::Context as _;
        use std::os::unix::fs::DirBuilderExt as _;
        for folder in [self.state_dir.clone(), self.runtime_dir()] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_port_is_served_on_loopback_and_names_are_refused() {
        for (text, address) in [
            ("9464", "127.0.0.1:9464"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:9464", "[::1]:9464"),
            ("0.0.0.0:9464", "0.0.0.0:9464"),
        ] {
            assert_eq!(
                metrics_address(text),
                Ok(address.parse().expect("an address"))
            );
        }
        for text in ["localhost:9464", "::1", "70000", "", "127.0.0.1"] {
            let complaint = metrics_address(text).expect_err("it names no address");
            assert!(complaint.contains("[::1]:9464"), "{complaint}");
        }
    }
}
