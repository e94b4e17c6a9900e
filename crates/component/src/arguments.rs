//! Command-line arguments that components share (INTERFACE, The live system).

use crate::LogFormat;
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
