//! Owns what a rehearsal found, as data: INTERFACE's JSON is these types as they serialise (keys are only added),
//! the text and the page are drawn from them. Filled by `judge` and `rehearse`, read by `report`.

use crate::workflows::WorkflowName;
use serde::Serialize;

/// The whole rehearsal.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Rehearsal {
    /// True if every workflow of every site passed.
    pub(crate) passed: bool,
    /// One entry per redundancy type (or pair of a file) and repetition.
    pub(crate) sites: Vec<SiteOutcome>,
    /// Wall time of the whole, milliseconds.
    pub(crate) duration_ms: f64,
}

/// One site, brought up once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SiteOutcome {
    pub(crate) environment: String,
    pub(crate) network: String,
    pub(crate) platform: String,
    pub(crate) redundancy: String,
    pub(crate) pair: String,
    /// Counts from 1.
    pub(crate) repetition: u32,
    pub(crate) workflows: Vec<WorkflowOutcome>,
    /// Why the site could not be brought up, or broke off; null when it did neither.
    pub(crate) trouble: Option<String>,
    /// What the reports draw.
    #[serde(skip)]
    pub(crate) drawing: SiteDrawing,
}

/// One workflow on one site.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkflowOutcome {
    pub(crate) name: WorkflowName,
    pub(crate) passed: bool,
    pub(crate) duration_ms: f64,
    /// Longest interval without an answer to a probe sent every millisecond; null without a VIP.
    pub(crate) vip_gap_ms: Option<f64>,
    /// Time without a holder that neighbours reach.
    pub(crate) no_holder_ms: Option<f64>,
    /// Time with two holders that neighbours reach.
    pub(crate) two_holders_ms: Option<f64>,
    /// Time with a holder behind a pulled cable.
    pub(crate) unreachable_holder_ms: Option<f64>,
    pub(crate) primary_before: Option<String>,
    pub(crate) primary_after: Option<String>,
    pub(crate) holders_after: Vec<String>,
    pub(crate) epoch_before: u64,
    pub(crate) epoch_after: u64,
    pub(crate) steps: Vec<StepOutcome>,
    /// What must hold beside the documented steps.
    pub(crate) checks: Vec<CheckOutcome>,
    /// Remarks for people, such as what a number includes.
    pub(crate) notes: Vec<String>,
    /// What the page draws.
    #[serde(skip)]
    pub(crate) chart: Chart,
}

impl WorkflowOutcome {
    /// Steps that passed.
    pub(crate) fn steps_passed(&self) -> usize {
        self.steps.iter().filter(|step| step.passed).count()
    }
}

/// A documented step, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct StepOutcome {
    pub(crate) number: u32,
    pub(crate) text: String,
    pub(crate) passed: bool,
    pub(crate) events: Vec<EventOutcome>,
    /// Null when it passed.
    pub(crate) problem: Option<ProblemOutcome>,
}

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct EventOutcome {
    /// Milliseconds since the workflow's start.
    pub(crate) at_ms: f64,
    pub(crate) who: String,
    pub(crate) what: String,
    pub(crate) evidence: String,
}

/// Why a step or a check failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ProblemOutcome {
    pub(crate) expected: String,
    pub(crate) seen: String,
    /// Where to look: a place in the configuration, or a log.
    pub(crate) look_at: String,
}

/// Something that must hold at the end of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CheckOutcome {
    pub(crate) text: String,
    pub(crate) passed: bool,
    /// What was seen.
    pub(crate) seen: String,
    /// Null when it passed.
    pub(crate) problem: Option<ProblemOutcome>,
}

/// What the reports say and draw of a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SiteDrawing {
    pub(crate) hosts: Vec<DrawnHost>,
    pub(crate) virtual_ips: Vec<String>,
    /// Name of the station from which the probe is sent.
    pub(crate) client: String,
    /// The processes that were started, in order.
    pub(crate) started: Vec<String>,
    /// From the first process to the start state, milliseconds.
    pub(crate) up_after_ms: f64,
    /// How the control scripts work: `ifconfig scripts`, `vipctl`.
    pub(crate) control: String,
    /// For people: IP Address Takeover, one NIC …
    pub(crate) description: String,
}

/// A host as drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DrawnHost {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) processes: Vec<String>,
}

/// A workflow's time axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chart {
    /// Everything the timeline says, judged or not, milliseconds since the start.
    pub(crate) events: Vec<EventOutcome>,
    /// Who held the VIP when.
    pub(crate) bars: Vec<Bar>,
    /// Longest interval without an answer, from and to.
    pub(crate) gap: Option<(f64, f64)>,
    /// Hosts in the order of the site.
    pub(crate) hosts: Vec<String>,
}

/// A holder's time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) host: String,
    pub(crate) from_ms: f64,
    pub(crate) to_ms: f64,
    pub(crate) reachable: bool,
}
