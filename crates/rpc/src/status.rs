//! One table: what a refusal is as a gRPC status and as the exit code of a command (INTERFACE).

use changeover_model::{Refusal, RefusalCode};
use tonic::{Code, Status};

/// Done, and the answer is good.
pub const DONE: u8 = 0;
/// Done, and the answer is bad; refusals of what was understood.
pub const REFUSED: u8 = 1;
/// Unusable input; nothing was done.
pub const UNUSABLE: u8 = 2;
/// A component could not be reached.
pub const UNREACHABLE: u8 = 3;
/// Ended by the user.
pub const INTERRUPTED: u8 = 130;

/// Metadata key that carries the refusal's stable code beside its sentence.
const REFUSAL_KEY: &str = "changeover-refusal";

/// The gRPC code of a refusal.
#[must_use]
pub fn grpc_code(code: RefusalCode) -> Code {
    match code {
        RefusalCode::UnknownName | RefusalCode::NotOnThisHost => Code::NotFound,
        RefusalCode::BadRequest => Code::InvalidArgument,
        RefusalCode::NotAllowed | RefusalCode::RegistrationRefused => Code::PermissionDenied,
        RefusalCode::AlreadySo | RefusalCode::AlreadyRunning => Code::AlreadyExists,
        RefusalCode::StaleEpoch | RefusalCode::StaleIncarnation | RefusalCode::Superseded => {
            Code::Aborted
        }
        RefusalCode::Overloaded => Code::ResourceExhausted,
        RefusalCode::TimedOut => Code::DeadlineExceeded,
        RefusalCode::MessageServerLost => Code::Unavailable,
        RefusalCode::NotInThisBuild => Code::Unimplemented,
        RefusalCode::NotPersisted => Code::Internal,
        RefusalCode::BackupNotRunning
        | RefusalCode::BackupServiceUnavailable
        | RefusalCode::HostStopping
        | RefusalCode::NotInStep
        | RefusalCode::SoleMark
        | RefusalCode::NoVote
        | RefusalCode::FenceFailed
        | RefusalCode::AddressLives
        | RefusalCode::HostLost
        | RefusalCode::AgentLost
        | RefusalCode::ProcedureUnderWay
        | RefusalCode::Maintenance
        | RefusalCode::Flapping
        | RefusalCode::IsItMe
        | RefusalCode::Held
        | RefusalCode::ContradictsRoles
        | RefusalCode::TestHold
        | RefusalCode::NotRunning
        | RefusalCode::NotRegistered
        | RefusalCode::HandoverImpossible
        | RefusalCode::ConfirmationNeeded
        | RefusalCode::NotYetJudged
        | RefusalCode::RestartLimit => Code::FailedPrecondition,
    }
}

/// The exit code of a refusal.
#[must_use]
pub fn exit_code(code: RefusalCode) -> u8 {
    match code {
        RefusalCode::UnknownName | RefusalCode::BadRequest => UNUSABLE,
        RefusalCode::MessageServerLost => UNREACHABLE,
        _ => REFUSED,
    }
}

/// The status that carries a refusal.
#[must_use]
pub fn status_of(refusal: &Refusal) -> Status {
    let mut status = Status::new(grpc_code(refusal.code), refusal.reason.clone());
    let code = tonic::metadata::MetadataValue::from_static(refusal.code.as_str());
    status.metadata_mut().insert(REFUSAL_KEY, code);
    status
}

/// The refusal that a status carries, if it does.
#[must_use]
pub fn refusal_of(status: &Status) -> Option<Refusal> {
    let code = status.metadata().get(REFUSAL_KEY)?.to_str().ok()?;
    let code = RefusalCode::parse(code).unwrap_or(RefusalCode::NotInThisBuild);
    Some(Refusal::new(code, status.message()))
}

/// The exit code of a command that ends with this status.
#[must_use]
pub fn exit_code_of_status(status: &Status) -> u8 {
    if let Some(refusal) = refusal_of(status) {
        return exit_code(refusal.code);
    }
    match status.code() {
        Code::Ok => DONE,
        Code::InvalidArgument | Code::NotFound | Code::OutOfRange => UNUSABLE,
        Code::Unavailable => UNREACHABLE,
        _ => REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_travels_in_a_status_and_keeps_its_exit_code() {
        for code in RefusalCode::ALL.iter().copied() {
            let refusal = Refusal::new(code, "the backup is Stopped: start it first");
            let status = status_of(&refusal);
            assert_eq!(refusal_of(&status), Some(refusal));
            assert_eq!(exit_code_of_status(&status), exit_code(code), "{code}");
        }
    }

    #[test]
    fn a_status_without_refusal_ends_as_its_code_says() {
        assert_eq!(exit_code_of_status(&Status::permission_denied("")), REFUSED);
        assert_eq!(exit_code_of_status(&Status::invalid_argument("")), UNUSABLE);
        assert_eq!(exit_code_of_status(&Status::unavailable("")), UNREACHABLE);
        assert_eq!(refusal_of(&Status::unavailable("")), None);
    }
}
