//! Operators' requests under way: where the core's answers go.

use changeover_model::RequestId;
use changeover_model::message::OperatorAnswer;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Answers that may wait for a slow operator; the rest of its progress is left out, its last answer is not.
const QUEUE: usize = 1_024;

struct Open {
    sender: mpsc::Sender<OperatorAnswer>,
    /// The request was for a prediction only.
    prediction_ends: bool,
}

impl Open {
    fn ends_with(&self, answer: &OperatorAnswer) -> bool {
        match answer {
            OperatorAnswer::Finished(_)
            | OperatorAnswer::Done { .. }
            | OperatorAnswer::Refused(_) => true,
            OperatorAnswer::Predicted(_) => self.prediction_ends,
            OperatorAnswer::Progress { .. } => false,
        }
    }
}

#[derive(Default)]
struct Table {
    last: u64,
    open: BTreeMap<RequestId, Open>,
}

/// All of them.
#[derive(Clone, Default)]
pub(crate) struct Requests {
    table: Arc<Mutex<Table>>,
}

impl Requests {
    fn with<R>(&self, work: impl FnOnce(&mut Table) -> R) -> R {
        work(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens a request; `prediction_ends` if it asks for a prediction only.
    pub(crate) fn open(
        &self,
        prediction_ends: bool,
    ) -> (RequestId, mpsc::Receiver<OperatorAnswer>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let request = self.with(|table| {
            table.last += 1;
            let request = RequestId(table.last);
            table.open.insert(
                request,
                Open {
                    sender,
                    prediction_ends,
                },
            );
            request
        });
        (request, receiver)
    }

    /// Hands an answer on; after the last one the request is closed.
    pub(crate) fn answer(&self, request: RequestId, answer: OperatorAnswer) {
        let found = self.with(|table| {
            let last = table.open.get(&request)?.ends_with(&answer);
            let sender = table.open.get(&request)?.sender.clone();
            if last {
                table.open.remove(&request);
            }
            Some((sender, last))
        });
        let Some((sender, last)) = found else { return };
        if let Err(mpsc::error::TrySendError::Full(answer)) = sender.try_send(answer)
            && last
        {
            // A slow reader still learns the end; the task ends with the reader.
            tokio::spawn(async move { drop(sender.send(answer).await) });
        }
    }

    /// Forgets a request whose operator went away; true if it was still open.
    pub(crate) fn abandon(&self, request: RequestId) -> bool {
        self.with(|table| table.open.remove(&request).is_some())
    }
}
