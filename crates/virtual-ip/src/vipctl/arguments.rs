//! Owns the words of `vipctl`: command line and environment in, one [`Order`] with every list checked out, or what is
//! wrong with them. Touches no address; `verbs.rs` does.

use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::{Guarded, VirtualAddress};

/// How long `probe` listens unless told otherwise.
const PROBE_WAIT: &str = "500ms";
/// No wait of this program may be longer.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

const EXAMPLES: &str = "\
Examples:
  vipctl up 10.10.11.103/24 --interface eth0 --label eth0:1
  vipctl up 10.10.11.103/24 --interface eth0 --probe-wait 1s
  vipctl down 10.10.11.103
  vipctl show --format json
  vipctl probe 10.10.11.103 --interface eth0

`up` and `down` without addresses take them from the environment, as control scripts are given them:
CHANGEOVER_VIP, CHANGEOVER_PREFIX and CHANGEOVER_INTERFACE are lists of equal length, separated by spaces;
CHANGEOVER_LABEL, where set, has as many entries, `-` for none. `down` needs CHANGEOVER_VIP alone.

Exit codes:
  0  everything is as wanted; what was already so counts
  1  done, but an address is not as wanted: the output names which and why (probe: somebody has it)
  2  unusable input, nothing was done
  3  the kernel could not be reached, or did not permit it (needs root or CAP_NET_ADMIN and CAP_NET_RAW)";

/// Puts Virtual IP addresses on this host's interfaces and takes them away again.
#[derive(Debug, Parser)]
#[command(name = "vipctl", version, after_help = EXAMPLES)]
struct Words {
    /// Text to read, or JSON for programs.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    verb: Verb,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    /// One document, or one object a line for `watch`.
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add addresses, tell the neighbours, and read back whether they are there.
    #[command(after_help = EXAMPLES)]
    Up(Up),
    /// Remove addresses, whatever prefix, label or interface they have.
    #[command(after_help = EXAMPLES)]
    Down(Down),
    /// List interfaces and addresses.
    #[command(after_help = EXAMPLES)]
    Show,
    /// Ask the subnet who else has an address.
    #[command(after_help = EXAMPLES)]
    Probe(Probe),
    /// Follow changes of interfaces and addresses, and rivals of the given addresses, until interrupted.
    #[command(after_help = EXAMPLES)]
    Watch(Watch),
}

#[derive(Debug, Args)]
struct Up {
    /// Addresses with their prefix, such as 10.10.11.103/24.
    #[arg(value_name = "ADDRESS/PREFIX")]
    addresses: Vec<String>,
    /// The interface; once for all addresses, or once for each in their order.
    #[arg(long, value_name = "IF")]
    interface: Vec<String>,
    /// The sub-interface label, such as eth0:1; once for each address, `-` for none.
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// First wait until no other host answers for an address, at most so long (such as 1s); then, if one still
    /// does, nothing is added. Silence is believed after a tenth of a second.
    #[arg(long, value_name = "D", default_value = "0", value_parser = duration)]
    probe_wait: Duration,
    /// Do not tell the neighbours; somebody else does.
    #[arg(long)]
    no_announce: bool,
}

#[derive(Debug, Args)]
struct Down {
    /// Addresses; a prefix may be written and is ignored.
    #[arg(value_name = "ADDRESS[/PREFIX]")]
    addresses: Vec<String>,
    /// Accepted so that `up` and `down` can share their arguments; ignored.
    #[arg(long, value_name = "IF")]
    interface: Vec<String>,
    /// Accepted so that `up` and `down` can share their arguments; ignored.
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// Accepted so that `up` and `down` can share their arguments; ignored.
    #[arg(long, value_name = "D", value_parser = duration)]
    probe_wait: Option<Duration>,
    /// Accepted so that `up` and `down` can share their arguments; ignored.
    #[arg(long)]
    no_announce: bool,
}

#[derive(Debug, Args)]
struct Probe {
    /// Addresses to ask for; a prefix may be written and is ignored.
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    /// Where to ask; without it, the interface whose subnet has the address.
    #[arg(long, value_name = "IF")]
    interface: Option<String>,
    /// How long to wait for an answer.
    #[arg(long, value_name = "D", default_value = PROBE_WAIT, value_parser = duration)]
    probe_wait: Duration,
}

#[derive(Debug, Args)]
struct Watch {
    /// Addresses whose rivals are reported.
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// Where rivals are looked for; once for all addresses, or once for each in their order.
    #[arg(long, value_name = "IF")]
    interface: Vec<String>,
}

/// What is to be done, every list checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    Up {
        wanted: Vec<VirtualAddress>,
        /// Zero: do not ask.
        probe_wait: Duration,
        announce: bool,
        /// The host takes the addresses away by itself after this, unless they are renewed.
        lifetime: Option<Duration>,
    },
    Down {
        addresses: Vec<IpAddr>,
    },
    Show,
    Probe {
        addresses: Vec<IpAddr>,
        interface: Option<String>,
        wait: Duration,
    },
    Watch {
        guarded: Vec<Guarded>,
    },
}

/// An order and how to report on it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) order: Order,
    pub(super) format: Format,
}

/// Why the words were no order.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misuse {
    #[error(transparent)]
    Clap(#[from] clap::Error),
    #[error("{0:?} is no IP address; write it like 10.10.11.103 or fd00::103")]
    NoAddress(String),
    #[error("{0:?} is no address with prefix; write it like 10.10.11.103/24 or fd00::103/64")]
    NoPrefix(String),
    #[error("the prefix {prefix:?} of {address} is none; IPv4 has 0 to 32, IPv6 0 to 128")]
    BadPrefix { address: IpAddr, prefix: String },
    #[error("no address given, and {0} is not set; name one like 10.10.11.103/24 --interface eth0")]
    Nothing(&'static str),
    #[error(
        "{name} has {found} entries for {wanted} addresses; each address needs one, in the same order"
    )]
    Uneven {
        name: &'static str,
        found: usize,
        wanted: usize,
    },
    #[error("{0} is not set; with CHANGEOVER_VIP it must have an entry for each address")]
    Unset(&'static str),
    #[error("the addresses need an interface; add --interface IF")]
    NoInterface,
    #[error("{0:?} cannot be an interface's name (1 to 15 characters, no space, no slash)")]
    BadInterface(String),
    #[error(
        "the label {label:?} does not fit {interface}; it is {interface}:SUFFIX, at most 15 characters in all"
    )]
    BadLabel { label: String, interface: String },
    #[error("{0} is named twice")]
    Twice(IpAddr),
}

/// Understands the command line; `variable` looks into the environment.
pub(super) fn understand(
    args: impl IntoIterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Request, Misuse> {
    let Words { format, verb } = Words::try_parse_from(args)?;
    let order = match verb {
        Verb::Up(up) => Order::Up {
            wanted: match up.addresses.is_empty() {
                true => wanted_by_environment(variable)?,
                false => wanted_by_words(&up)?,
            },
            probe_wait: up.probe_wait,
            announce: !up.no_announce,
            lifetime: variable("CHANGEOVER_ADDRESS_LIFETIME")
                .and_then(|text| text.trim().parse().ok())
                .map(Duration::from_secs),
        },
        Verb::Down(down) => Order::Down {
            addresses: match down.addresses.is_empty() {
                true => list(variable, "CHANGEOVER_VIP")
                    .ok_or(Misuse::Nothing("CHANGEOVER_VIP"))
                    .and_then(|words| addresses(&words))?,
                false => addresses(&down.addresses)?,
            },
        },
        Verb::Show => Order::Show,
        Verb::Probe(probe) => Order::Probe {
            addresses: addresses(&probe.addresses)?,
            interface: probe.interface.map(interface).transpose()?,
            wait: probe.probe_wait,
        },
        Verb::Watch(watch) => Order::Watch {
            guarded: guarded(&watch)?,
        },
    };
    Ok(Request { order, format })
}

fn wanted_by_words(up: &Up) -> Result<Vec<VirtualAddress>, Misuse> {
    let interfaces = one_or_each("--interface", &up.interface, up.addresses.len())?;
    let labels = match up.label.is_empty() {
        true => vec!["-".to_owned(); up.addresses.len()],
        false => even("--label", up.label.clone(), up.addresses.len())?,
    };
    let parts = up.addresses.iter().zip(interfaces).zip(labels);
    let wanted = parts.map(|((word, interface), label)| {
        let (address, prefix) = word
            .split_once('/')
            .ok_or_else(|| Misuse::NoPrefix(word.clone()))?;
        virtual_address(address, prefix, interface, &label)
    });
    without_repetition(wanted.collect::<Result<_, _>>()?)
}

fn wanted_by_environment(
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<VirtualAddress>, Misuse> {
    let needed = |name| list(variable, name).ok_or(Misuse::Unset(name));
    let vips = list(variable, "CHANGEOVER_VIP").ok_or(Misuse::Nothing("CHANGEOVER_VIP"))?;
    let count = vips.len();
    let prefixes = even("CHANGEOVER_PREFIX", needed("CHANGEOVER_PREFIX")?, count)?;
    let interfaces = even(
        "CHANGEOVER_INTERFACE",
        needed("CHANGEOVER_INTERFACE")?,
        count,
    )?;
    let labels = match list(variable, "CHANGEOVER_LABEL") {
        Some(labels) => even("CHANGEOVER_LABEL", labels, count)?,
        None => vec!["-".to_owned(); count],
    };
    let parts = vips.iter().zip(prefixes).zip(interfaces).zip(labels);
    let wanted = parts.map(|(((address, prefix), interface), label)| {
        virtual_address(address, &prefix, interface, &label)
    });
    without_repetition(wanted.collect::<Result<_, _>>()?)
}

fn virtual_address(
    address: &str,
    prefix: &str,
    interface_name: String,
    label: &str,
) -> Result<VirtualAddress, Misuse> {
    let address = ip(address)?;
    let network = prefix
        .parse::<u8>()
        .ok()
        .and_then(|length| IpNet::new(address, length).ok());
    let Some(network) = network else {
        let prefix = prefix.to_owned();
        return Err(Misuse::BadPrefix { address, prefix });
    };
    let interface = interface(interface_name)?;
    let label = (label != "-").then(|| label.to_owned());
    if let Some(label) = &label
        && !label_fits(label, &interface)
    {
        let label = label.clone();
        return Err(Misuse::BadLabel { label, interface });
    }
    Ok(VirtualAddress {
        address,
        prefix: network.prefix_len(),
        interface,
        label,
    })
}

fn guarded(watch: &Watch) -> Result<Vec<Guarded>, Misuse> {
    let addresses = match watch.addresses.is_empty() {
        true => return Ok(Vec::new()),
        false => addresses(&watch.addresses)?,
    };
    let interfaces = one_or_each("--interface", &watch.interface, addresses.len())?;
    let pairs = addresses.into_iter().zip(interfaces);
    pairs
        .map(|(address, name)| {
            let interface = interface(name)?;
            Ok(Guarded { address, interface })
        })
        .collect()
}

fn addresses(words: &[String]) -> Result<Vec<IpAddr>, Misuse> {
    let without_prefix = |word: &String| match word.split_once('/') {
        Some((address, _prefix)) => ip(address),
        None => ip(word),
    };
    words.iter().map(without_prefix).collect()
}

fn ip(word: &str) -> Result<IpAddr, Misuse> {
    word.parse()
        .map_err(|_no_address| Misuse::NoAddress(word.to_owned()))
}

/// The kernel's own rules for names.
fn interface(name: String) -> Result<String, Misuse> {
    let fits = (1..=15).contains(&name.len())
        && !name.contains(|character: char| character == '/' || character.is_whitespace())
        && name != "."
        && name != "..";
    match fits {
        true => Ok(name),
        false => Err(Misuse::BadInterface(name)),
    }
}

/// The kernel takes any label of 15 bytes; `ifconfig` finds only those that start with the interface.
fn label_fits(label: &str, interface: &str) -> bool {
    label.len() <= 15
        && label
            .strip_prefix(interface)
            .is_some_and(|rest| rest.is_empty() || (rest.starts_with(':') && rest.len() > 1))
}

fn without_repetition(wanted: Vec<VirtualAddress>) -> Result<Vec<VirtualAddress>, Misuse> {
    for (at, one) in wanted.iter().enumerate() {
        if wanted[..at]
            .iter()
            .any(|other| other.address == one.address)
        {
            return Err(Misuse::Twice(one.address));
        }
    }
    Ok(wanted)
}

/// The words of a variable; `None` when it is unset or empty.
fn list(variable: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<Vec<String>> {
    let text = variable(name)?;
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

fn one_or_each(name: &'static str, given: &[String], wanted: usize) -> Result<Vec<String>, Misuse> {
    match given {
        [] => Err(Misuse::NoInterface),
        [one] => Ok(vec![one.clone(); wanted]),
        each => even(name, each.to_vec(), wanted),
    }
}

fn even(name: &'static str, list: Vec<String>, wanted: usize) -> Result<Vec<String>, Misuse> {
    match list.len() {
        found if found == wanted => Ok(list),
        found => Err(Misuse::Uneven {
            name,
            found,
            wanted,
        }),
    }
}

/// `1s`, `500ms`, `2m`, `0`; a bare number other than zero could be anything and is refused.
fn duration(text: &str) -> Result<Duration, String> {
    let say = || format!("{text:?} is no duration up to an hour; write 500ms, 1s or 2m");
    let digits = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_no_number| say())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "" if number == 0 => Some(0),
        _ => None,
    };
    millis
        .map(Duration::from_millis)
        .filter(|duration| *duration <= LONGEST_WAIT)
        .ok_or_else(say)
}
