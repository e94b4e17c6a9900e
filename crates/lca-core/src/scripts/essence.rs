//! What of a script queue bears on what comes next: which work stands in which stage. See the crate's `essence`.

use super::{Job, ScriptQueue, Work};
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

impl ScriptQueue {
    pub(crate) fn essence(&self, into: &mut impl Hasher) {
        for job in [&self.current, &self.next] {
            job.is_some().hash(into);
            if let Some(job) = job {
                job.essence(into);
            }
        }
    }
}

impl Job {
    fn essence(&self, into: &mut impl Hasher) {
        match &self.work {
            Work::Script(script) => discriminant(&script.action).hash(into),
            Work::Release => 0_u8.hash(into),
        }
        discriminant(&self.stage).hash(into);
        (self.run.is_some(), self.exit.is_some(), self.gone).hash(into);
    }
}
