//! The door to the ledger: a bounded queue, batches that form by themselves, an answer for each caller.
//!
//! Job: while one commit runs, what arrives waits, and becomes the next batch. There is no timer, so one lonely vote
//! waits for nothing, and a thousand at once share one sync.
//! Invariant: a decision is told only after the commit that made it. A store that says nothing keeps batches waiting, in
//! their order, but no caller beyond a deadline: who still waits in the queue then is stored never, and who is in a batch
//! hears that nobody knows. It must not know: HTTP, counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hustings_core::Submission;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{self, timeout_at};

use crate::ledger::{Addressed, Advance, Answer, ElectionKey, Ledger, LedgerError};

/// The longest that anybody waits for an answer. A little more than a ledger tries for by itself, because what it says
/// then is more exact than what can be said here.
pub const ANSWER_MAX: Duration = Duration::from_secs(11);

/// How the batcher is bounded.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most submissions that wait; a further one is refused at once.
    pub queue_max: usize,
    /// The work that one batch should not exceed, so that the next caller does not wait long.
    pub batch_work_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue_max: 16_384, batch_work_max: Duration::from_millis(20) }
    }
}

/// Why there is no decision on a submission. Nothing was written for it, except where the error says that nobody knows.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// Too many wait already: try again soon.
    #[error("too many votes are waiting; please try again in a moment")]
    QueueFull,
    /// The store refused the whole batch.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Told of each committed batch before its callers are answered. It must not wait, and may lose what it is told.
pub type HandOn = Arc<dyn Fn(Arc<Advance>) + Send + Sync>;

/// The sending end of the queue. Cheap to clone; when all clones are gone the batcher finishes and ends.
#[derive(Clone)]
pub struct Ingest {
    queue: mpsc::Sender<Waiting>,
}

struct Waiting {
    addressed: Addressed,
    fate: Fate,
    answer: oneshot::Sender<Result<Answer, LedgerError>>,
}

/// What becomes of a submission that waits: it goes into a batch, or its caller has waited too long. One of the two.
#[derive(Clone, Default)]
struct Fate(Arc<AtomicBool>);

impl Fate {
    /// Decides it; `false` where the other side was faster.
    fn seal(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Ingest {
    /// A queue and the batcher that empties it; each committed batch is also handed on.
    pub fn new(ledger: Arc<dyn Ledger>, limits: Limits, hand_on: HandOn) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, waiting) = mpsc::channel(limits.queue_max);
        (Self { queue }, Batcher::new(ledger, limits, hand_on).run(waiting))
    }

    /// The decision for one submission, once it is stored, within [`ANSWER_MAX`]. A dropped future may still be counted:
    /// that is what ids and repeats are for.
    pub async fn submit(&self, election: ElectionKey, submission: Submission) -> Result<Answer, IngestError> {
        self.submit_by(time::Instant::now() + ANSWER_MAX, election, submission).await
    }

    /// The same, with an answer until then. What comes later than that is stored all the same where the answer says that
    /// nobody knows, and never where it says that the store is not available.
    pub async fn submit_by(
        &self,
        until: time::Instant,
        election: ElectionKey,
        submission: Submission,
    ) -> Result<Answer, IngestError> {
        let (answer, answered) = oneshot::channel();
        let fate = Fate::default();
        let waiting = Waiting { addressed: Addressed { election, submission }, fate: fate.clone(), answer };
        self.queue.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                metrics::counter!("hustings_queue_full_total").increment(1);
                IngestError::QueueFull
            }
            mpsc::error::TrySendError::Closed(_) => LedgerError::Stopped.into(),
        })?;
        match timeout_at(until, answered).await {
            Ok(answered) => Ok(answered.map_err(|_| LedgerError::Stopped)??),
            Err(_) if fate.seal() => {
                Err(LedgerError::Unavailable("those before it got no answer in time".to_owned()).into())
            }
            Err(_) => Err(LedgerError::InDoubt.into()),
        }
    }
}

struct Batcher {
    ledger: Arc<dyn Ledger>,
    limits: Limits,
    hand_on: HandOn,
    /// The smoothed cost of one submission in a batch.
    cost: Duration,
}

/// A batch never shrinks below this, or a slow disk would make it slower still.
const BATCH_MIN: usize = 64;
/// A batch never grows beyond this, so that its memory is bounded.
const BATCH_MAX: usize = 4_096;

impl Batcher {
    fn new(ledger: Arc<dyn Ledger>, limits: Limits, hand_on: HandOn) -> Self {
        Self { ledger, limits, hand_on, cost: Duration::from_micros(20) }
    }

    async fn run(mut self, mut waiting: mpsc::Receiver<Waiting>) {
        let mut arrived = Vec::new();
        while waiting.recv_many(&mut arrived, self.batch_max()).await > 0 {
            let taken = arrived.drain(..).filter(|waiting| waiting.fate.seal());
            let (batch, answers): (Vec<_>, Vec<_>) = taken.map(|waiting| (waiting.addressed, waiting.answer)).unzip();
            if !batch.is_empty() {
                self.commit(batch, answers).await;
            }
        }
    }

    async fn commit(&mut self, batch: Vec<Addressed>, callers: Vec<oneshot::Sender<Result<Answer, LedgerError>>>) {
        let (size, started) = (batch.len(), Instant::now());
        let result = self.ledger.append(batch).await;
        let took = started.elapsed();
        self.learn(size, took);
        record(size, took);
        match result {
            Ok(committed) => {
                // First the tally, then the callers: who reads results after an answer finds the vote there.
                committed.advances.into_iter().for_each(|advance| (self.hand_on)(advance));
                for (caller, answer) in callers.into_iter().zip(committed.answers) {
                    let _caller_gone = caller.send(Ok(answer));
                }
            }
            Err(error) => {
                tracing::warn!(%error, size, "a batch was refused");
                for caller in callers {
                    let _caller_gone = caller.send(Err(error.clone()));
                }
            }
        }
    }

    fn learn(&mut self, size: usize, took: Duration) {
        let each = took / u32::try_from(size).unwrap_or(u32::MAX).max(1);
        self.cost = (self.cost * 7 + each) / 8;
    }

    fn batch_max(&self) -> usize {
        let fits = self.limits.batch_work_max.as_nanos() / self.cost.as_nanos().max(1);
        usize::try_from(fits).unwrap_or(BATCH_MAX).clamp(BATCH_MIN, BATCH_MAX)
    }
}

fn record(size: usize, took: Duration) {
    metrics::counter!("hustings_commits_total").increment(1);
    metrics::counter!("hustings_submissions_total").increment(size as u64);
    metrics::histogram!("hustings_commit_seconds").record(took.as_secs_f64());
}
