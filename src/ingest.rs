//! The door to the ledger: a bounded queue, batches that form by themselves, an answer for each caller.
//!
//! Job: while one commit runs, what arrives waits, and becomes the next batch. There is no timer, so one lonely vote
//! waits for nothing, and a thousand at once share one sync. Uploads in bulk have a lane of their own: they are decided in
//! the order they came, and take at most half of a batch that others want to be in.
//! Invariant: a decision is told only after the commit that made it. A store that says nothing keeps batches waiting, in
//! their order, but no caller beyond a deadline: who still waits in the queue then is stored never, and who is in a batch
//! hears that nobody knows; an upload in bulk waits as long as its batches do. It must not know: HTTP, counters.

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
    /// The most of a bulk upload that wait, and go into one batch; whoever sends more waits for room.
    pub bulk_max: usize,
    /// The work that one batch should not exceed, so that the next caller does not wait long.
    pub batch_work_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue_max: 16_384, bulk_max: 1_024, batch_work_max: Duration::from_millis(20) }
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
    bulk: mpsc::Sender<Waiting>,
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
        let (bulk, in_bulk) = mpsc::channel(limits.bulk_max);
        (Self { queue, bulk }, Batcher::new(ledger, limits, hand_on).run(waiting, in_bulk))
    }

    /// How many submissions wait for the next batch.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let in_lane = |lane: &mpsc::Sender<Waiting>| lane.max_capacity() - lane.capacity();
        in_lane(&self.queue) + in_lane(&self.bulk)
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

    /// Puts one of many into the lane for bulk, once there is room. They are decided in the order they were put there; the
    /// decision is waited for apart, so that the next ones need not wait for it.
    pub async fn submit_bulk(&self, election: ElectionKey, submission: Submission) -> Result<Queued, IngestError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { addressed: Addressed { election, submission }, fate: Fate::default(), answer };
        self.bulk.send(waiting).await.map_err(|_| LedgerError::Stopped)?;
        Ok(Queued(answered))
    }
}

/// A submission that waits in the lane for bulk. Dropped, it is decided all the same.
pub struct Queued(oneshot::Receiver<Result<Answer, LedgerError>>);

impl Queued {
    /// The decision, once it is stored.
    pub async fn answer(self) -> Result<Answer, IngestError> {
        Ok(self.0.await.map_err(|_| LedgerError::Stopped)??)
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

    async fn run(mut self, mut waiting: mpsc::Receiver<Waiting>, mut bulk: mpsc::Receiver<Waiting>) {
        let mut arrived = Vec::new();
        while arrive(&mut arrived, &mut waiting, &mut bulk, self.batch_max()).await > 0 {
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

/// Waits for the next batch and says how many are in it; none when nobody can send any more. Who came one by one goes
/// first; bulk fills the rest, and at most half where others wait too.
async fn arrive(
    arrived: &mut Vec<Waiting>,
    waiting: &mut mpsc::Receiver<Waiting>,
    bulk: &mut mpsc::Receiver<Waiting>,
    max: usize,
) -> usize {
    let (first, is_single) = tokio::select! {
        biased;
        Some(single) = waiting.recv() => (single, true),
        Some(in_bulk) = bulk.recv() => (in_bulk, false),
        else => return 0,
    };
    arrived.push(first);
    let share = bulk.len().min(max / 2);
    arrived.extend(std::iter::from_fn(|| waiting.try_recv().ok()).take(max - share - 1));
    // Where nobody waits one by one, all that is there of bulk shares one sync: its lane bounds it.
    let is_contended = is_single || arrived.len() > 1;
    let room = if is_contended { share } else { bulk.len() };
    arrived.extend(std::iter::from_fn(|| bulk.try_recv().ok()).take(room));
    arrived.len()
}

fn record(size: usize, took: Duration) {
    metrics::counter!("hustings_commits_total").increment(1);
    metrics::counter!("hustings_submissions_total").increment(size as u64);
    metrics::histogram!("hustings_commit_seconds").record(took.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;
    use hustings_core::{Act, ActKind, ContestNumber, Text};

    fn waiting(election: u32) -> Waiting {
        let by = Text::parse("a test").expect("a text");
        let act = Act { contest: ContestNumber(0), kind: ActKind::Pause, by, reason: None };
        let addressed = Addressed { election: ElectionKey(election), submission: Submission::Act(act) };
        Waiting { addressed, fate: Fate::default(), answer: oneshot::channel().0 }
    }

    /// How many of each lane wait, and how many of each are in the first batch of about 100.
    #[tokio::test]
    async fn bulk_takes_at_most_half_of_a_batch_that_others_want_to_be_in() {
        for (single, in_bulk, expected) in [
            (0, 300, (0, 300)),
            (1, 300, (1, 50)),
            (30, 300, (30, 50)),
            (70, 300, (50, 50)),
            (300, 300, (50, 50)),
            (300, 20, (80, 20)),
            (300, 0, (100, 0)),
            (0, 7, (0, 7)),
        ] {
            let ((queue, mut waits), (bulk, mut bulk_waits)) = (mpsc::channel(300), mpsc::channel(300));
            (0..single).for_each(|_| queue.try_send(waiting(1)).expect("room"));
            (0..in_bulk).for_each(|_| bulk.try_send(waiting(2)).expect("room"));
            let mut arrived = Vec::new();
            let count = arrive(&mut arrived, &mut waits, &mut bulk_waits, 100).await;
            let of = |key| arrived.iter().filter(|waiting| waiting.addressed.election == ElectionKey(key)).count();
            assert_eq!((of(1), of(2)), expected, "{single} and {in_bulk}");
            assert_eq!(count, arrived.len());
        }
    }

    #[tokio::test]
    async fn what_waits_when_nobody_can_send_any_more_is_decided_before_the_end() {
        let ((queue, mut waits), (bulk, mut bulk_waits)) = (mpsc::channel(8), mpsc::channel(8));
        queue.try_send(waiting(1)).expect("room");
        (0..3).for_each(|_| bulk.try_send(waiting(2)).expect("room"));
        drop((queue, bulk));
        let mut arrived = Vec::new();
        while arrive(&mut arrived, &mut waits, &mut bulk_waits, 2).await > 0 {}
        assert_eq!(arrived.len(), 4);
    }
}
