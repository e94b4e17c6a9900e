//! Words with a closed set of values: model to number and back. A number of a newer release becomes the word that
//! stands after `else`, if there is one; without it the field's file reports it.

use crate::wire;
use changeover_model::environment::AlarmCategory;
use changeover_model::message::{
    CheckStanding, LogOrigin, MatchRole, PairState, ReactionState, RecordKind, RecordOutcome,
    ScriptResult,
};
use changeover_model::{
    ApplicationStatus, ApplicationType, ConfiguredAs, HostStatus, LogLevel, OperatingSystem,
    Redundancy, RefusalCode, RunMode, ScriptAction,
};

/// A word that travels as a number.
pub(super) trait Word: Copy {
    fn to_wire(self) -> i32;
    /// `None` for a number this release does not know.
    fn from_wire(value: i32) -> Option<Self>;
}

/// The number of an optional word.
pub(super) fn to_optional<W: Word>(word: Option<W>) -> Option<i32> {
    word.map(W::to_wire)
}

macro_rules! words {
    ($($model:ident as $wire:ident { $($m:ident = $w:ident),* $(,)? } else $unknown:expr;)*) => {
        $(impl Word for $model {
            fn to_wire(self) -> i32 {
                match self { $($model::$m => wire::$wire::$w as i32,)* }
            }
            fn from_wire(value: i32) -> Option<Self> {
                match wire::$wire::try_from(value) {
                    $(Ok(wire::$wire::$w) => Some($model::$m),)*
                    #[allow(unreachable_patterns, reason = "where Unspecified is a word of the model")]
                    Ok(wire::$wire::Unspecified) | Err(_) => $unknown,
                }
            }
        })*

        #[cfg(test)]
        mod tests {
            use super::*;
            use std::collections::BTreeSet;

            #[test]
            fn every_word_comes_back_as_it_left_and_shares_its_number_with_none() {
                $({
                    let words = [$($model::$m),*];
                    let numbers: BTreeSet<i32> = words.iter().map(|word| word.to_wire()).collect();
                    assert_eq!(numbers.len(), words.len(), stringify!($model));
                    for word in words {
                        assert_eq!($model::from_wire(word.to_wire()), Some(word));
                    }
                    assert_eq!($model::from_wire(9_999), $unknown, stringify!($model));
                })*
            }
        }
    };
}

words! {
    CheckStanding as CheckStanding {
        Waiting = Waiting, Passing = Passing, Failing = Failing, Down = Down, Recovering = Recovering,
    } else Some(CheckStanding::Waiting);
    RunMode as RunMode {
        Unknown = Unspecified, Primary = Primary, Backup = Backup, Exiting = Exiting,
    } else Some(RunMode::Unknown);
    ApplicationStatus as ApplicationStatus {
        Unknown = Unspecified, StartPending = StartPending, StartTransition = StartTransition,
        Initializing = Initializing, ServiceUnavailable = ServiceUnavailable, Running = Running,
        StopPending = StopPending, StopTransition = StopTransition, Stopped = Stopped,
        Suspending = Suspending, Suspended = Suspended,
    } else Some(ApplicationStatus::Unknown);
    HostStatus as HostStatus {
        Unknown = Unspecified, Running = Running, Disconnected = Disconnected,
        Unavailable = Unavailable, Unreachable = Unreachable,
    } else Some(HostStatus::Unknown);
    Redundancy as Redundancy { Hot = Hot, Warm = Warm } else None;
    OperatingSystem as OperatingSystem {
        Linux = Linux, Windows = Windows, Aix = Aix, Solaris = Solaris,
    } else None;
    ApplicationType as ApplicationType {
        SipServer = SipServer, ThirdPartyServer = ThirdPartyServer,
        SolutionControlServer = SolutionControlServer, MessageServer = MessageServer,
    } else None;
    ConfiguredAs as ConfiguredAs { Primary = Primary, Backup = Backup } else None;
    ScriptAction as ScriptAction { Enable = Enable, Disable = Disable } else None;
    LogLevel as LogLevel {
        Debug = Debug, Trace = Trace, Interaction = Interaction, Standard = Standard, Alarm = Alarm,
    } else None;
    AlarmCategory as AlarmCategory { Minor = Minor, Major = Major, Critical = Critical } else None;
    LogOrigin as LogOrigin {
        Application = Application, Scs = Scs, Operator = Operator,
        OperatorConfirmed = OperatorConfirmed,
    } else None;
    MatchRole as MatchRole { Detect = Detect, Cancel = Cancel } else None;
    ScriptResult as ScriptResult {
        Succeeded = Succeeded, AlreadySo = AlreadySo, Failed = Failed, TimedOut = TimedOut,
        Superseded = Superseded, NotStarted = NotStarted, NotVerified = NotVerified,
    } else None;
    ReactionState as ReactionState {
        Waiting = Waiting, Running = Running, Succeeded = Succeeded, Joined = Joined,
        Superseded = Superseded, Failed = Failed, Refused = Refused,
    } else None;
    RecordOutcome as RecordOutcome {
        Done = Done, Failed = Failed, RolledBack = RolledBack, Refused = Refused,
        Superseded = Superseded,
    } else None;
    RecordKind as RecordKind {
        Switchover = Switchover, Failover = Failover, Start = Start, Operation = Operation,
        Reconnect = Reconnect, Realignment = Realignment, RollBack = RollBack, Alarm = Alarm,
        Test = Test, Refusal = Refusal, Suppression = Suppression, Host = Host,
        Administration = Administration,
    } else None;
    PairState as PairState {
        Maintenance = Maintenance, Switching = Switching, TwoPrimaries = TwoPrimaries,
        NoPrimary = NoPrimary, VipTwo = VipTwo, VipElsewhere = VipElsewhere, VipNone = VipNone,
        VipPartial = VipPartial,
        Held = Held, Flapping = Flapping, Test = Test, NotReady = NotReady, Ok = Ok,
    } else None;
    RefusalCode as RefusalCode {
        UnknownName = UnknownName,
        BadRequest = BadRequest,
        NotAllowed = NotAllowed,
        BackupNotRunning = BackupNotRunning,
        BackupServiceUnavailable = BackupServiceUnavailable,
        NotInStep = NotInStep,
        HostLost = HostLost,
        AgentLost = AgentLost,
        ProcedureUnderWay = ProcedureUnderWay,
        Maintenance = Maintenance,
        Flapping = Flapping,
        IsItMe = IsItMe,
        Held = Held,
        AlreadySo = AlreadySo,
        StaleEpoch = StaleEpoch,
        StaleIncarnation = StaleIncarnation,
        Superseded = Superseded,
        ContradictsRoles = ContradictsRoles,
        TestHold = TestHold,
        NotRunning = NotRunning,
        AlreadyRunning = AlreadyRunning,
        NotOnThisHost = NotOnThisHost,
        NotRegistered = NotRegistered,
        RegistrationRefused = RegistrationRefused,
        HandoverImpossible = HandoverImpossible,
        ConfirmationNeeded = ConfirmationNeeded,
        Overloaded = Overloaded,
        NotPersisted = NotPersisted,
        TimedOut = TimedOut,
        NotYetJudged = NotYetJudged,
        RestartLimit = RestartLimit,
        MessageServerLost = MessageServerLost,
        NotInThisBuild = NotInThisBuild,
        HostStopping = HostStopping,
        SoleMark = SoleMark,
        NoVote = NoVote,
        FenceFailed = FenceFailed,
        AddressLives = AddressLives,
    } else Some(RefusalCode::NotInThisBuild);
}
