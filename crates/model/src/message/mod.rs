//! Everything two components say to each other. A message has the same name where it leaves and where it
//! arrives; facts are in the past tense, orders in the imperative, wishes end in `Requested`.
//!
//! One file per conversation. The wire form of each stands in `proto/changeover/v1` and is converted in
//! `rpc/convert` only.

mod alarm_link;
mod application_link;
mod health;
mod lca_link;
mod log_delivery;
mod operator;
mod peer_link;
mod picture;
mod reaction;
mod sip_server;
mod timeline;

pub use alarm_link::{AlarmDetected, AlarmMatch, FromMessageServer, MatchRole, ToMessageServer};
pub use application_link::{FromApplication, Registered, ToApplication};
pub use health::{CheckStanding, CheckState};
pub use lca_link::{
    AddressObservation, ApplicationState, CommandOutcome, ControlScript, ExitStatus, FromLca,
    HeldOn, HookRun, LcaOrder, LcaReport, LcaState, OrderKey, OrderOutcome, ScriptOutcome,
    ScriptResult, ToLca,
};
pub use log_delivery::{
    LogAcknowledged, LogBatch, LogEvent, LogOrigin, LogQuery, LogRecord, SourceId,
};
pub use operator::{
    MaintenanceTarget, Operator, OperatorAnswer, OperatorCommand, OperatorRole, PredictedRun,
    PredictedVip, Prediction, SwitchoverRequest,
};
pub use peer_link::{FromPeerLca, Holding, SoleMark, ToPeerLca};
pub use picture::{
    AlarmPicture, ApplicationPicture, ConditionPicture, HostPicture, MemberPicture, PairPicture,
    PairState, Picture, ReadyPicture, VirtualIpPicture,
};
pub use reaction::{ReactionPicture, ReactionState};
pub use sip_server::{
    SipCallPicture, SipContactPicture, SipLegPicture, SipRegistrationPicture, SipServerPicture,
    TracedMessage,
};
pub use timeline::{Party, RecordKind, RecordOutcome, Step, TimelineEntry, TimelineRecord};
