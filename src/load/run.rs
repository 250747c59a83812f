//! Sends a plan to a server and keeps book of the answers.
//!
//! Two paces. **Closed loop**: each connection sends the next attempt as soon as its answer came; this finds what a
//! server can do, and hides how long people would have waited while it stalled. **Open loop**: attempts are due at
//! fixed times, whatever the server does, and latency runs from the time an attempt was *due*, not from when a
//! connection was free to send it; so a stall counts against every voter who would have voted during it (no
//! coordinated omission). The timer resolves a millisecond, which is counted against the server too.
//!
//! Invariant: an attempt without a deciding answer is sent again, under the same id, until it is decided or given up.
//! It must not know: what an exact result is; the book and the verification know.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::api::{Api, Poll};
use super::ballots::{Attempt, Plan};
use super::book::Book;
use super::clerk::Clerk;
use super::connection::Connection;
use super::outcome::Outcome;
use super::progress::Progress;
use super::receipts::Receipts;
use super::request::Requests;

/// Where attempts go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The votes of a poll.
    Votes(String),
    /// `/bench/noop`: the same requests, parsed and thrown away by the server.
    Noop,
}

impl Target {
    /// The votes of this poll.
    #[must_use]
    pub fn votes(poll: &Poll) -> Self {
        Self::Votes(poll.path("votes"))
    }

    fn path(&self) -> &str {
        match self {
            Self::Votes(path) => path,
            Self::Noop => "/bench/noop",
        }
    }
}

/// When attempts are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As soon as a connection is free.
    Closed,
    /// So many per second, due at even intervals.
    PerSecond(f64),
}

/// One run. `Job::new` has sensible limits.
#[derive(Debug)]
pub struct Job {
    /// The server.
    pub api: Api,
    /// Who votes for what.
    pub plan: Arc<Plan>,
    /// Votes or no-ops.
    pub target: Target,
    /// How many connections, each with one request under way at most.
    pub connections: usize,
    /// Closed or open loop.
    pub pace: Pace,
    /// After so long, no new attempt is sent; what is under way is finished.
    pub run_for: Option<Duration>,
    /// How long an answer is waited for before the connection counts as lost.
    pub patience: Duration,
    /// How long one attempt is retried.
    pub retry_for: Duration,
    /// What was acknowledged by an earlier run of the same plan, to be confirmed by this one.
    pub before: Option<Receipts>,
    /// Where it is noted when each vote was acknowledged, if anybody wants to know.
    pub acknowledgements: Option<Arc<Acknowledgements>>,
}

/// When votes were acknowledged, each by its place in the ledger.
#[derive(Debug, Default)]
pub struct Acknowledgements(Mutex<Vec<(Instant, u64)>>);

impl Acknowledgements {
    /// What was noted so far; the list starts anew.
    pub fn take(&self) -> Vec<(Instant, u64)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn note(&self, seq: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), seq));
    }
}

impl Job {
    /// A closed loop over this many connections, ten seconds of patience, thirty of retrying.
    #[must_use]
    pub fn new(api: Api, plan: Arc<Plan>, target: Target, connections: usize) -> Self {
        Self {
            api,
            plan,
            target,
            connections,
            pace: Pace::Closed,
            run_for: None,
            patience: Duration::from_secs(10),
            retry_for: Duration::from_secs(30),
            before: None,
            acknowledgements: None,
        }
    }
}

/// What all clerks of a run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) job: Job,
    pub(super) requests: Requests,
    pub(super) progress: Arc<Progress>,
    started: Instant,
    desk: Mutex<Desk>,
}

#[derive(Debug)]
struct Desk {
    book: Book,
    issued: u32,
}

const CONNECTING_AT_ONCE: usize = 64;

/// Runs the job until every attempt is decided or given up, or until `stop` is ready.
///
/// When it stops early, attempts under way are abandoned and end as in doubt. Cheapest on a current-thread runtime.
pub async fn run(mut job: Job, progress: Arc<Progress>, stop: impl Future<Output = ()>) -> Outcome {
    let retries_before = progress.seen().retries;
    let connections = connect(&job).await;
    let requests = Requests::new(&job.api, job.target.path(), &job.plan);
    let book = Book::new(&job.plan, job.before.take());
    let desk = Mutex::new(Desk { book, issued: 0 });
    let run = Arc::new(Run { requests, progress, started: Instant::now(), desk, job });
    let mut clerks = JoinSet::new();
    for (number, connection) in (0..).zip(connections) {
        clerks.spawn(Clerk::new(Arc::clone(&run), number, connection).work());
    }
    let all = async {
        while let Some(ended) = clerks.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    };
    tokio::select! {
        () = all => {}
        () = stop => {}
    }
    // A clerk that is stopped hands in what it had sent.
    clerks.shutdown().await;
    let elapsed = run.started.elapsed();
    Outcome { retries: run.progress.seen().retries - retries_before, ..run.desk().book.outcome(elapsed) }
}

/// Opens all connections before the clock starts; where that fails, a clerk will try again for itself.
async fn connect(job: &Job) -> Vec<Option<Connection>> {
    let open = |_| async { job.api.connect(job.patience).await.ok() };
    futures_util::stream::iter(0..job.connections.max(1)).map(open).buffer_unordered(CONNECTING_AT_ONCE).collect().await
}

impl Run {
    /// The next attempt and when it is due.
    pub(super) fn next_attempt(&self) -> Option<(Attempt, Option<Instant>)> {
        let mut desk = self.desk();
        let due = match self.job.pace {
            Pace::Closed => None,
            Pace::PerSecond(rate) => {
                let offset = Duration::try_from_secs_f64(f64::from(desk.issued) / rate).unwrap_or(Duration::MAX);
                Some(self.started.checked_add(offset)?)
            }
        };
        if let Some(run_for) = self.job.run_for
            && due.unwrap_or_else(Instant::now).duration_since(self.started) > run_for
        {
            return None;
        }
        let attempt = desk.book.next_attempt()?;
        desk.issued = desk.issued.saturating_add(1);
        Some((attempt, due))
    }

    /// Changes the book and lets whoever watches see it.
    pub(super) fn enter<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let mut desk = self.desk();
        let result = change(&mut desk.book);
        self.progress.acknowledged(desk.book.acknowledged());
        self.progress.errors(desk.book.failures());
        result
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
