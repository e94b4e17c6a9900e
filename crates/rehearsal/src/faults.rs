//! Owns the faults of platforms that a rehearsal is asked to play (`--fault`), and what they mean to a host's commands.
//! Whether a command then fails, and how, is in `emulated-host`.

use changeover_configuration::RehearsalSettings;
use changeover_model::parse_duration;
use std::time::Duration;

/// What `netsh` takes in a rehearsal unless asked otherwise: long enough to be seen, short enough not to be waited for.
const NETSH_TIME: Duration = Duration::from_millis(20);
/// What it takes on the platform (FACTS, section 2).
const NETSH_TIME_OF_THE_PLATFORM: (Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(5));
/// What an NLB cluster takes to converge in a rehearsal unless asked otherwise; real ones take seconds.
const NLB_CONVERGENCE: Duration = Duration::from_millis(100);
/// `netsh` that takes longer than this is no rehearsal.
const LONGEST: Duration = Duration::from_secs(60);

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `netsh-time=D`, `netsh-time=D-D`, `netsh-time=platform`
    NetshTime(Duration, Duration),
    /// `properties-dialog=HOST`
    PropertiesDialog(String),
    /// `drop-announcements=HOST:N`
    DropAnnouncements(String, u32),
    /// `nlb-convergence=D`
    NlbConvergence(Duration),
}

impl std::str::FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "{text:?} is no fault; write netsh-time=2s, netsh-time=1s-5s, netsh-time=platform, \
                 properties-dialog=HOST, drop-announcements=HOST:N or nlb-convergence=2s"
            )
        };
        let (name, value) = text.split_once('=').ok_or_else(unknown)?;
        match name {
            "netsh-time" if value == "platform" => {
                let (least, most) = NETSH_TIME_OF_THE_PLATFORM;
                Ok(Self::NetshTime(least, most))
            }
            "netsh-time" => {
                let (least, most) = value.split_once('-').unwrap_or((value, value));
                let time = |text| parse_duration(text).map_err(|error| error.to_string());
                let (least, most) = (time(least)?, time(most)?);
                if least > most || most > LONGEST {
                    return Err(format!("{value}: from less to more, at most 60s"));
                }
                Ok(Self::NetshTime(least, most))
            }
            "properties-dialog" if !value.is_empty() => {
                Ok(Self::PropertiesDialog(value.to_owned()))
            }
            "drop-announcements" => {
                let (host, count) = value.split_once(':').ok_or_else(unknown)?;
                let count = count.parse().map_err(|_| unknown())?;
                Ok(Self::DropAnnouncements(host.to_owned(), count))
            }
            "nlb-convergence" => {
                let time = parse_duration(value).map_err(|error| error.to_string())?;
                if time > LONGEST {
                    return Err(format!("{value}: at most 60s"));
                }
                Ok(Self::NlbConvergence(time))
            }
            _ => Err(unknown()),
        }
    }
}

/// The faults of a rehearsal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// Those that the site's own file asks for.
    pub(crate) fn of_file(settings: &RehearsalSettings) -> Self {
        let mut faults = Vec::new();
        faults.extend(
            settings
                .netsh_time
                .map(|(least, most)| Fault::NetshTime(least.min(LONGEST), most.min(LONGEST))),
        );
        faults.extend(
            settings
                .properties_dialog
                .iter()
                .map(|host| Fault::PropertiesDialog(host.to_string())),
        );
        faults.extend(
            settings
                .drop_announcements
                .iter()
                .map(|(host, count)| Fault::DropAnnouncements(host.to_string(), *count)),
        );
        faults.extend(
            settings
                .nlb_convergence
                .map(|time| Fault::NlbConvergence(time.min(LONGEST))),
        );
        Self(faults)
    }

    /// How long an NLB cluster takes to converge.
    pub(crate) fn nlb_convergence(&self) -> Duration {
        let asked = self.0.iter().rev().find_map(|fault| match fault {
            Fault::NlbConvergence(time) => Some(*time),
            Fault::NetshTime(..) | Fault::PropertiesDialog(_) | Fault::DropAnnouncements(..) => {
                None
            }
        });
        asked.unwrap_or(NLB_CONVERGENCE)
    }

    /// How long `netsh` takes, in milliseconds, as the emulated host reads it.
    pub(crate) fn netsh_time(&self) -> String {
        let asked = self.0.iter().rev().find_map(|fault| match fault {
            Fault::NetshTime(least, most) => Some((*least, *most)),
            Fault::PropertiesDialog(_)
            | Fault::DropAnnouncements(..)
            | Fault::NlbConvergence(_) => None,
        });
        let (least, most) = asked.unwrap_or((NETSH_TIME, NETSH_TIME));
        format!("{}-{}", least.as_millis(), most.as_millis())
    }

    /// How much longer than usual a site may take, because of a slow `netsh` or cluster: twice in a row.
    pub(crate) fn patience(&self) -> Duration {
        let slow = self.0.iter().map(|fault| match fault {
            Fault::NetshTime(_, most) | Fault::NlbConvergence(most) => *most * 2,
            Fault::PropertiesDialog(_) | Fault::DropAnnouncements(..) => Duration::ZERO,
        });
        slow.max().unwrap_or_default()
    }

    /// Whether somebody has the properties of a host's connections open.
    pub(crate) fn dialog_on(&self, host: &str) -> bool {
        self.0
            .iter()
            .any(|fault| matches!(fault, Fault::PropertiesDialog(on) if on == host))
    }

    /// The hosts that are named.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|fault| match fault {
            Fault::NetshTime(..) | Fault::NlbConvergence(_) => None,
            Fault::PropertiesDialog(host) | Fault::DropAnnouncements(host, _) => {
                Some(host.as_str())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_written_as_the_help_says() {
        let read = |text: &str| text.parse::<Fault>();
        let seconds = Duration::from_secs;
        assert_eq!(
            read("netsh-time=platform"),
            Ok(Fault::NetshTime(seconds(1), seconds(5)))
        );
        assert_eq!(
            read("netsh-time=2s"),
            Ok(Fault::NetshTime(seconds(2), seconds(2)))
        );
        assert_eq!(
            read("properties-dialog=host2"),
            Ok(Fault::PropertiesDialog("host2".to_owned()))
        );
        assert_eq!(
            read("drop-announcements=host2:3"),
            Ok(Fault::DropAnnouncements("host2".to_owned(), 3))
        );
        assert_eq!(
            read("nlb-convergence=2s"),
            Ok(Fault::NlbConvergence(seconds(2)))
        );
        for wrong in [
            "nlb-convergence=1h",
            "netsh-time",
            "netsh-time=5s-1s",
            "netsh-time=2h",
            "rain=host1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_faults_netsh_is_quick_and_the_last_word_counts() {
        assert_eq!(Faults::default().netsh_time(), "20-20");
        let slow = Faults(vec![
            Fault::NetshTime(Duration::ZERO, Duration::ZERO),
            Fault::NetshTime(Duration::from_secs(1), Duration::from_secs(5)),
        ]);
        assert_eq!(slow.netsh_time(), "1000-5000");
        assert_eq!(slow.patience(), Duration::from_secs(10));
    }
}
