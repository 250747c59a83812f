//! When votes came: how many voters had their first vote counted in each stretch of time.
//!
//! Job: keep a row of columns for each round, which grows with the ledger. Each entry is read once, by whoever asks first;
//! a thousand readers of one version cost one look, and a busy poll costs at most a tenth of the time.
//! Invariant: the columns of a round add up to its ballots, up to one place of the ledger; they tell when people voted,
//! and never what: a vote that was hidden at its time must not be found by its time. It must not know: who looks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hustings_core::{ContestNumber, Epoch, Event, Seq, Time};
use tokio::sync::{Semaphore, watch};

use crate::ledger::{ElectionKey, Ledger, LedgerError, PAGE_MAX, Stored};

/// The most columns of a round; where more would be needed, they become wider.
pub const COLUMNS_MAX: usize = 60;

/// The widths of columns, as clocks are read. Each one divides the next, so that columns can be joined.
const WIDTHS_S: [u64; 12] = [1, 5, 15, 60, 300, 900, 3_600, 10_800, 43_200, 86_400, 604_800, 2_419_200];

/// The longest that somebody waits for columns that are not there yet.
const WAIT_MAX: Duration = Duration::from_millis(400);
/// Following a ledger may take this part of the time: after a second of work come nine of rest, at most so many.
const REST_FACTOR: u32 = 9;
const REST_MAX: Duration = Duration::from_secs(10);
/// At most so many ledgers are read for this at once.
const READERS_MAX: usize = 2;
/// The most elections whose columns are kept; the one that nobody has asked for longest goes.
const KEPT_MAX: usize = 1_000;

/// How many first votes came in each stretch of one width.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    start: u64,
    width: u64,
    counts: Vec<u64>,
}

impl Columns {
    /// When the first column begins.
    #[must_use]
    pub fn start(&self) -> Time {
        Time(self.start)
    }

    /// How long each column is.
    #[must_use]
    pub fn width(&self) -> Duration {
        Duration::from_millis(self.width)
    }

    /// How many there are in each, from the one with the first vote to the one with the last.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many there are in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Counts one. Times never fall within a ledger.
    pub fn add(&mut self, time: Time) {
        if self.counts.is_empty() {
            self.width = WIDTHS_S[0] * 1_000;
            self.start = time.0 / self.width * self.width;
        }
        let at = loop {
            let at = usize::try_from(time.0.saturating_sub(self.start) / self.width).unwrap_or(usize::MAX);
            if at < COLUMNS_MAX {
                break at;
            }
            self.widen();
        };
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
    }

    /// Joins columns into those of the next width.
    fn widen(&mut self) {
        let wider = WIDTHS_S.into_iter().map(|width| width * 1_000).find(|width| *width > self.width);
        let wider = wider.unwrap_or_else(|| self.width.saturating_mul(10));
        let start = self.start / wider * wider;
        let mut joined = Vec::with_capacity(COLUMNS_MAX);
        for (begins, count) in (self.start..).step_by(usize::try_from(self.width).unwrap_or(1)).zip(&self.counts) {
            let at = usize::try_from((begins - start) / wider).unwrap_or(0);
            if joined.len() <= at {
                joined.resize(at + 1, 0);
            }
            joined[at] += count;
        }
        (self.start, self.width, self.counts) = (start, wider, joined);
    }
}

/// When the votes of each round came, up to one place of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    epoch: Epoch,
    seq: Seq,
    rounds: Vec<Columns>,
}

impl Timeline {
    fn new(epoch: Epoch) -> Self {
        Self { epoch, seq: Seq(0), rounds: Vec::new() }
    }

    /// The last entry in it.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The columns of one round; none before its first vote.
    #[must_use]
    pub fn round(&self, contest: ContestNumber) -> Option<&Columns> {
        self.rounds.get(contest.index()).filter(|columns| !columns.counts.is_empty())
    }

    /// Counts the next entry. Who votes again was counted before.
    fn add(&mut self, stored: &Stored) {
        self.seq = stored.entry.seq;
        let Event::BallotCast(ballot) = &stored.entry.event else { return };
        if ballot.previous.is_some() {
            return;
        }
        let at = ballot.contest.index();
        if self.rounds.len() <= at {
            self.rounds.resize(at + 1, Columns::default());
        }
        self.rounds[at].add(stored.entry.time);
    }

    fn has_reached(&self, epoch: Epoch, seq: Seq) -> bool {
        self.epoch == epoch && self.seq >= seq
    }
}

/// The timelines of the elections that somebody asks for.
pub struct Timelines {
    ledger: Arc<dyn Ledger>,
    kept: Mutex<HashMap<ElectionKey, Kept>>,
    readers: Semaphore,
}

#[derive(Clone)]
struct Kept {
    followed: Arc<Followed>,
    asked: Instant,
}

/// One election.
struct Followed {
    made: watch::Sender<Option<Arc<Timeline>>>,
    /// What was asked for and is not there yet, while a task is at it.
    wanted: Mutex<Option<(Epoch, Seq)>>,
}

impl Timelines {
    /// Timelines of the elections of a ledger; nothing is read before somebody asks.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>) -> Arc<Self> {
        Arc::new(Self { ledger, kept: Mutex::default(), readers: Semaphore::new(READERS_MAX) })
    }

    /// When the votes of an election came, up to a place of this life of its ledger: that place or a later one, or an
    /// earlier one where it is not made in time, and none before the first is made. Never waits long; goes on being made.
    pub async fn of(self: &Arc<Self>, election: ElectionKey, epoch: Epoch, seq: Seq) -> Option<Arc<Timeline>> {
        let followed = self.followed(election);
        let mut made = followed.made.subscribe();
        let reached = |made: &Option<Arc<Timeline>>| made.as_ref().is_some_and(|made| made.has_reached(epoch, seq));
        if !reached(&made.borrow()) {
            if followed.begin(epoch, seq) {
                tokio::spawn(follow(Arc::downgrade(self), election, Arc::clone(&followed)));
            }
            // What comes too late comes with the next look.
            let _late = tokio::time::timeout(WAIT_MAX, made.wait_for(reached)).await;
        }
        let made = followed.made.borrow().clone();
        made.filter(|made| made.epoch == epoch)
    }

    fn followed(&self, election: ElectionKey) -> Arc<Followed> {
        let mut kept = lock(&self.kept);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&election) {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.asked).map(|(key, _)| *key);
            oldest.and_then(|oldest| kept.remove(&oldest));
        }
        let new = || Followed { made: watch::Sender::new(None), wanted: Mutex::default() };
        let asked = Instant::now();
        let found = kept.entry(election).or_insert_with(|| Kept { followed: Arc::new(new()), asked });
        found.asked = asked;
        Arc::clone(&found.followed)
    }

    /// Goes on from a timeline by one page of entries at most.
    async fn next_page(&self, election: ElectionKey, mut from: Timeline, to: Seq) -> Result<Timeline, LedgerError> {
        let limit = usize::try_from(to.0 - from.seq.0).unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let page = self.ledger.read(election, from.seq, limit).await?;
        if page.is_empty() {
            return Err(LedgerError::Unavailable("entries that were counted are not there yet".to_owned()));
        }
        page.iter().for_each(|stored| from.add(stored));
        Ok(from)
    }
}

impl Followed {
    /// Asks for a place; whether the caller is to start the one task that goes there.
    fn begin(&self, epoch: Epoch, seq: Seq) -> bool {
        let mut wanted = lock(&self.wanted);
        let begins = wanted.is_none();
        // Of two lives, the one that was asked for last; of two places, the later one.
        let later = wanted.filter(|(of, at)| *of == epoch && *at > seq);
        *wanted = Some(later.unwrap_or((epoch, seq)));
        begins
    }

    /// What is still to be made; where there is nothing, the task is over from here on.
    fn next(&self) -> Option<(Epoch, Seq)> {
        let mut wanted = lock(&self.wanted);
        let made = self.made.borrow();
        let open = wanted.filter(|(epoch, seq)| !made.as_ref().is_some_and(|made| made.has_reached(*epoch, *seq)));
        *wanted = open;
        open
    }
}

/// Makes what is asked for, then rests. While it rests it holds no ledger open.
async fn follow(timelines: std::sync::Weak<Timelines>, election: ElectionKey, followed: Arc<Followed>) {
    while let Some((epoch, to)) = followed.next() {
        let began = Instant::now();
        let before = followed.made.borrow().clone().filter(|made| made.epoch == epoch);
        let mut timeline = before.map_or_else(|| Timeline::new(epoch), |made| Timeline::clone(&made));
        while timeline.seq < to {
            let Some(timelines) = timelines.upgrade() else { return };
            let Ok(_turn) = timelines.readers.acquire().await else { return };
            match timelines.next_page(election, timeline, to).await {
                Ok(longer) => timeline = longer,
                Err(error) => {
                    tracing::warn!(%error, election = election.0, "a timeline could not be made now");
                    *lock(&followed.wanted) = None;
                    return;
                }
            }
        }
        followed.made.send_replace(Some(Arc::new(timeline)));
        tokio::time::sleep((began.elapsed() * REST_FACTOR).min(REST_MAX)).await;
    }
}

/// What these locks guard is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
