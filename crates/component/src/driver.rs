//! The driver: feeds a core with what happens and with time, hands its outputs to the component's effects.
//!
//! Everything that is queued goes in before a tick, so that a process which was paused reads what waited for
//! it before it judges any silence. The driver never waits for an effect.

use crate::Clock;
use crate::journal::Journal;
use changeover_model::{Core, Timestamp};
use std::fmt::Debug;
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};

/// Most inputs that may wait for the core; senders wait beyond that.
const QUEUE: usize = 16_384;
/// Most inputs handled before others on this thread get their turn.
const BURST: usize = 256;

/// What a component does about its core's outputs. Never blocks: slow things are handed to tasks, whose
/// results come back as inputs.
pub trait Effects<C: Core>: Send + 'static {
    /// Carries out one output.
    fn act(&mut self, now: Timestamp, output: C::Output);

    /// An input was taken in; what it led to comes to [`Effects::act`] right after. For those who count; an input
    /// still owes its effects, so this is quick.
    fn took(&mut self, _now: Timestamp, _input: &C::Input) {}

    /// Called after each burst of inputs, when the core stands still.
    fn settled(&mut self, _now: Timestamp, _core: &C) {}
}

type Question<C> = Box<dyn FnOnce(Timestamp, &C) + Send>;

enum Work<C: Core> {
    Input(C::Input),
    Question(Question<C>),
}

/// The driver has ended, so nobody is there to take an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this component is stopping")]
pub struct Gone;

/// The way to a running core.
pub struct Handle<C: Core> {
    queue: mpsc::Sender<Work<C>>,
    journal: Journal,
}

impl<C: Core> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            journal: self.journal.clone(),
        }
    }
}

impl<C> Handle<C>
where
    C: Core + 'static,
    C::Input: Send,
{
    /// Hands an input in; waits while the queue is full.
    ///
    /// # Errors
    /// [`Gone`] when the component is stopping.
    pub async fn input(&self, input: C::Input) -> Result<(), Gone> {
        self.queue.send(Work::Input(input)).await.map_err(|_| Gone)
    }

    /// Hands an input in from where nobody can wait; false if the queue is full or the component is stopping.
    #[must_use]
    pub fn try_input(&self, input: C::Input) -> bool {
        self.queue.try_send(Work::Input(input)).is_ok()
    }

    /// Asks the core something, between two inputs.
    ///
    /// # Errors
    /// [`Gone`] when the component is stopping.
    pub async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(Timestamp, &C) -> R + Send + 'static,
    ) -> Result<R, Gone> {
        let (answer, answered) = oneshot::channel();
        let work: Question<C> = Box::new(move |now, core| {
            // Whoever asked may have gone away in the meantime.
            drop(answer.send(question(now, core)));
        });
        self.queue
            .send(Work::Question(work))
            .await
            .map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// How many inputs and questions wait for the core.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue
            .max_capacity()
            .saturating_sub(self.queue.capacity())
    }

    /// Writes the journal to its file.
    pub fn write_journal(&self) {
        self.journal.write();
    }
}

/// Starts driving a core on the current runtime. It ends when every [`Handle`] is gone. `journal` is the file
/// that the last inputs and outputs go to on a panic.
pub fn start<C, E>(
    clock: Clock,
    journal: PathBuf,
    core: C,
    effects: impl FnOnce(Handle<C>) -> E,
) -> Handle<C>
where
    C: Core + Send + 'static,
    C::Input: Clone + Debug + Send,
    C::Output: Clone + Debug + Send,
    E: Effects<C>,
{
    let (queue, work) = mpsc::channel(QUEUE);
    let handle = Handle {
        queue,
        journal: Journal::new(journal),
    };
    let effects = effects(handle.clone());
    let driver = Driver {
        clock,
        core,
        effects,
        journal: handle.journal.clone(),
        outputs: Vec::new(),
    };
    tokio::spawn(driver.run(work));
    handle
}

struct Driver<C: Core, E> {
    clock: Clock,
    core: C,
    effects: E,
    journal: Journal,
    outputs: Vec<C::Output>,
}

impl<C, E> Driver<C, E>
where
    C: Core + Send + 'static,
    C::Input: Clone + Debug + Send,
    C::Output: Clone + Debug + Send,
    E: Effects<C>,
{
    async fn run(mut self, mut queue: mpsc::Receiver<Work<C>>) {
        let mut batch = Vec::with_capacity(BURST);
        loop {
            let due = self.core.deadline().map(|at| self.clock.instant(at));
            let received = match due {
                None => queue.recv_many(&mut batch, BURST).await,
                Some(due) => {
                    tokio::select! {
                        biased;
                        received = queue.recv_many(&mut batch, BURST) => received,
                        () = tokio::time::sleep_until(due.into()) => usize::MAX,
                    }
                }
            };
            if received == 0 {
                return;
            }
            for work in batch.drain(..) {
                match work {
                    Work::Input(input) => self.handle(input),
                    Work::Question(question) => question(self.clock.now(), &self.core),
                }
            }
            // A tick only when nothing waits: what is queued may be what a deadline was set for.
            if queue.is_empty()
                && self
                    .core
                    .deadline()
                    .is_some_and(|at| at <= self.clock.now())
            {
                self.tick();
            }
            self.effects.settled(self.clock.now(), &self.core);
            if received == BURST {
                tokio::task::yield_now().await;
            }
        }
    }

    fn handle(&mut self, input: C::Input) {
        let now = self.clock.now();
        let noted = input.clone();
        self.core.handle(now, input, &mut self.outputs);
        self.effects.took(now, &noted);
        self.act(now, noted);
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        self.core.tick(now, &mut self.outputs);
        self.act(now, "tick");
    }

    fn act(&mut self, now: Timestamp, noted: impl Debug + Send + 'static) {
        self.journal.note(now, noted, self.outputs.clone());
        for output in self.outputs.drain(..) {
            self.effects.act(now, output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Remembers its inputs; two milliseconds after the last one it says how many there were.
    #[derive(Default)]
    struct Counter {
        seen: Vec<u32>,
        due: Option<Timestamp>,
    }

    impl Core for Counter {
        type Input = u32;
        type Output = String;
        fn handle(&mut self, now: Timestamp, input: u32, outputs: &mut Vec<String>) {
            self.seen.push(input);
            self.due = Some(now + Duration::from_millis(2));
            outputs.push(format!("took {input}"));
        }
        fn tick(&mut self, now: Timestamp, outputs: &mut Vec<String>) {
            if self.due.is_some_and(|due| due <= now) {
                self.due = None;
                outputs.push(format!("{} in all", self.seen.len()));
            }
        }
        fn deadline(&self) -> Option<Timestamp> {
            self.due
        }
    }

    struct Sent(mpsc::UnboundedSender<String>);
    impl Effects<Counter> for Sent {
        fn took(&mut self, _now: Timestamp, input: &u32) {
            if *input == 600 {
                self.0
                    .send("saw 600".to_owned())
                    .expect("the test listens until it ends");
            }
        }
        fn act(&mut self, _now: Timestamp, output: String) {
            self.0.send(output).expect("the test listens until it ends");
        }
    }

    fn started() -> (Handle<Counter>, mpsc::UnboundedReceiver<String>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let file = std::env::temp_dir().join(format!("changeover-journal-{}", std::process::id()));
        (
            start(Clock::start(), file, Counter::default(), |_| Sent(sender)),
            receiver,
        )
    }

    #[tokio::test]
    async fn inputs_come_in_order_and_the_tick_only_after_everything_that_waited() {
        let (handle, mut outputs) = started();
        for input in 1..=600 {
            handle.input(input).await.expect("the driver runs");
        }
        let mut seen = Vec::new();
        for _ in 0..602 {
            seen.push(outputs.recv().await.expect("the driver runs"));
        }
        assert_eq!(seen.first().map(String::as_str), Some("took 1"));
        // Whoever counts inputs sees one before its outputs are carried out.
        assert_eq!(seen[599..], ["saw 600", "took 600", "600 in all"]);
        assert_eq!(handle.waiting(), 0);
    }

    #[tokio::test]
    async fn a_question_is_answered_between_two_inputs() {
        let (handle, _outputs) = started();
        handle.input(7).await.expect("the driver runs");
        assert_eq!(handle.ask(|_, core| core.seen.clone()).await, Ok(vec![7]));
    }
}
