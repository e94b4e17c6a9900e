//! Complete sites to start from, as `changeover new` writes them: one module per platform, each with its templates as
//! real files below `templates/`.
//!
//! A platform turns what was asked (`request.rs`) into files (`Kit`); this file writes them into an empty folder. Whether
//! the result is a good site is for `configuration` to say, and is tested there and by rehearsals; nothing here judges.

mod filling;
mod linux;
mod platforms;
mod request;
mod without_scripts;

pub use request::{ControlScripts, Nics, Request};

use filling::Values;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The platforms that have a kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// IP Address Takeover on Linux.
    Linux,
    /// IP Address Takeover on Windows.
    Windows,
    /// IP Address Takeover on AIX.
    Aix,
    /// IP Address Takeover on Solaris.
    Solaris,
    /// An NLB cluster on Windows.
    WindowsNlb,
    /// A network device holds the VIP.
    NetworkDevice,
    /// Both servers on one host, no VIP.
    SingleHost,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Linux,
        Self::Windows,
        Self::Aix,
        Self::Solaris,
        Self::WindowsNlb,
        Self::NetworkDevice,
        Self::SingleHost,
    ];

    /// As commands write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::Aix => "aix",
            Self::Solaris => "solaris",
            Self::WindowsNlb => "windows-nlb",
            Self::NetworkDevice => "network-device",
            Self::SingleHost => "single-host",
        }
    }

    /// What its interfaces are usually called.
    #[must_use]
    pub fn usual_interface(self) -> &'static str {
        match self {
            Self::Linux | Self::NetworkDevice | Self::SingleHost => "eth0",
            Self::Windows | Self::WindowsNlb => "Local Area Connection",
            Self::Aix => "en0",
            Self::Solaris => "dmfe0",
        }
    }

    /// What moves the VIP there unless somebody asks otherwise.
    #[must_use]
    pub fn usual_control_scripts(self) -> ControlScripts {
        match self {
            Self::Linux | Self::NetworkDevice | Self::SingleHost => ControlScripts::Builtin,
            Self::Windows | Self::Aix | Self::Solaris | Self::WindowsNlb => ControlScripts::Shell,
        }
    }

    /// How many network cards its hosts need.
    #[must_use]
    pub fn usual_nics(self) -> Nics {
        match self {
            Self::Linux
            | Self::Windows
            | Self::Aix
            | Self::Solaris
            | Self::NetworkDevice
            | Self::SingleHost => Nics::One,
            Self::WindowsNlb => Nics::Two,
        }
    }
}

/// Why no site was written.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// There is something in the folder.
    #[error(
        "{folder} is not empty: a kit is written into a new folder, and never over somebody's site"
    )]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// What was asked for cannot be a site.
    #[error("{0}")]
    Request(String),
    /// A template names a value that the platform does not give: a defect of this program.
    #[error(
        "the template {template} wants a value '{value}' that nobody gives; please report this"
    )]
    Template {
        /// The template.
        template: &'static str,
        /// The value.
        value: String,
    },
    /// The disk.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A file of a kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KitFile {
    /// Its path below the site's folder.
    pub path: std::borrow::Cow<'static, str>,
    /// What stands in it.
    pub text: String,
    /// Whether it is a program.
    pub executable: bool,
}

impl KitFile {
    /// A template with its values in it; its path is the one in a complaint as well.
    fn filled(
        path: &'static str,
        template: &str,
        values: &Values,
        executable: bool,
    ) -> Result<Self, KitError> {
        Ok(Self {
            path: path.into(),
            text: values.fill(path, template)?,
            executable,
        })
    }
}

/// What a platform needs for what was asked.
///
/// # Errors
/// When the request contradicts itself; it says which value, and why.
pub fn files(platform: Platform, request: &Request) -> Result<Vec<KitFile>, KitError> {
    request.refuse_contradictions(platform)?;
    match platform {
        Platform::Linux => linux::files(request),
        Platform::Windows => platforms::windows(request),
        Platform::Aix => platforms::aix(request),
        Platform::Solaris => platforms::solaris(request),
        Platform::WindowsNlb => platforms::windows_nlb(request),
        Platform::NetworkDevice => without_scripts::network_device(request),
        Platform::SingleHost => without_scripts::single_host(request),
    }
}

/// Writes a site into a new or empty folder and returns its files' paths.
///
/// # Errors
/// As [`files`]; when the folder holds anything, or a file cannot be written.
pub fn write(
    folder: &Path,
    platform: Platform,
    request: &Request,
) -> Result<Vec<PathBuf>, KitError> {
    let files = files(platform, request)?;
    let trouble = |what: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| KitError::File { what, path, source }
    };
    std::fs::create_dir_all(folder).map_err(trouble("make the folder", folder))?;
    let mut there = std::fs::read_dir(folder).map_err(trouble("read the folder", folder))?;
    if there.next().is_some() {
        return Err(KitError::NotEmpty {
            folder: folder.to_owned(),
        });
    }
    let mut written = Vec::new();
    for file in files {
        let path = folder.join(&*file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(trouble("make the folder", parent))?;
        }
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(if file.executable { 0o755 } else { 0o644 })
            .open(&path)
            .and_then(|mut open| open.write_all(file.text.as_bytes()))
            .map_err(trouble("write", &path))?;
        written.push(path);
    }
    Ok(written)
}
