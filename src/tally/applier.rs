//! The loop that makes counters follow ledgers.
//!
//! Batches are handed on, other nodes send hints, and both may be lost: heads are also read once an interval. That pull
//! is the guarantee; the rest only makes it faster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};
use hustings_core::{Cell, Delta, Increment};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{Applied, Moved, Tallies};
use crate::ledger::{Advance, ElectionKey, LedgerError};

/// How often the heads of all elections that were ever read are looked at.
const PULL_INTERVAL: Duration = Duration::from_secs(1);
/// The most advances that are taken at once; what waits is joined first.
const ADVANCES_MAX: usize = 256;
/// The most elections that are worked on at once; one that is slow does not keep the others waiting.
const ELECTIONS_MAX: usize = 16;

/// The loop. One for each process.
pub struct Applier {
    tallies: Arc<Tallies>,
    pull_interval: Duration,
}

impl Applier {
    /// A loop that moves these tallies, tells of it, and looks at the heads of watched elections once an interval.
    #[must_use]
    pub fn new(tallies: Arc<Tallies>, moved: Moved, pull_interval: Duration) -> Self {
        tallies.tell_moves_to(moved);
        Self { tallies, pull_interval }
    }

    /// Follows until the sender of advances is gone.
    pub async fn run(self, advances: mpsc::Receiver<Arc<Advance>>) {
        tokio::select! {
            () = self.apply_all(advances) => {}
            () = self.look_where_asked() => {}
            () = self.pull(self.pull_interval, Tallies::watched) => {}
            () = self.pull(PULL_INTERVAL, Tallies::followed) => {}
        }
    }

    async fn apply_all(&self, mut advances: mpsc::Receiver<Arc<Advance>>) {
        let mut arrived = Vec::new();
        while advances.recv_many(&mut arrived, ADVANCES_MAX).await > 0 {
            let mut batches: BTreeMap<ElectionKey, Vec<Arc<Advance>>> = BTreeMap::new();
            arrived.drain(..).for_each(|advance| push(batches.entry(advance.election).or_default(), advance));
            let apply = |(_, batches): (_, Vec<Arc<Advance>>)| async move {
                for advance in batches {
                    self.apply(&advance).await;
                }
            };
            stream::iter(batches).for_each_concurrent(ELECTIONS_MAX, apply).await;
        }
    }

    async fn apply(&self, advance: &Advance) {
        let (tallies, election) = (self.tallies.as_ref(), advance.election);
        let counted = match tallies.counters.apply(advance).await {
            Ok(Applied::Moved(snapshot)) => Ok(Some(snapshot)),
            // Another node was faster; its hint may still be on the way.
            Ok(Applied::Already) => tallies.counters.read(election).await,
            // Another node's batch is still missing in between, or the counters must be rebuilt: a look tells.
            Ok(Applied::Behind | Applied::Forked) => Ok(None),
            Err(error) => Err(error),
        };
        match counted {
            Ok(Some(snapshot)) if tallies.shown(election).is_some() => {
                tallies.show(election, Some(snapshot));
                tallies.tell(election);
            }
            Ok(_) => tallies.woken(election),
            Err(error) => {
                tracing::warn!(%error, "the counters could not follow the ledger now; they will");
                tallies.woken(election);
            }
        }
    }

    /// Looks wherever a hint, a gap or a reader asks for it.
    async fn look_where_asked(&self) {
        let mut looks = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = self.tallies.wakes.asked(), if looks.len() < ELECTIONS_MAX => {
                    let asked = self.tallies.wakes.take(ELECTIONS_MAX - looks.len());
                    looks.extend(asked.into_iter().map(|election| self.look(election)));
                }
                Some(()) = looks.next() => {}
            }
        }
    }

    async fn look(&self, election: ElectionKey) {
        if let Err(error) = self.tallies.look(election, None).await
            && !matches!(error, LedgerError::Newer { .. })
        {
            tracing::warn!(%error, election = election.0, "the counters could not follow the ledger now; they will");
        }
    }

    /// Reads the heads of some elections once an interval, all in one question, and asks for a look at those that moved.
    async fn pull(&self, interval: Duration, elections: fn(&Tallies) -> Vec<ElectionKey>) {
        let mut pull = tokio::time::interval(interval);
        pull.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pull.tick().await;
            let (elections, began) = (elections(&self.tallies), Instant::now());
            if elections.is_empty() {
                continue;
            }
            match self.tallies.ledger.heads(&elections).await {
                Ok(heads) => {
                    let compare = |(election, head)| async move {
                        if !self.tallies.stands_at(election, head, began).await {
                            self.tallies.woken(election);
                        }
                    };
                    stream::iter(heads).for_each_concurrent(ELECTIONS_MAX, compare).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the ledger could not be read; what is shown may not be the latest");
                    elections.into_iter().for_each(|election| self.tallies.is_out_of_sight(election));
                }
            }
        }
    }
}

/// Joins an advance to the one before it where it goes on from there.
fn push(batches: &mut Vec<Arc<Advance>>, next: Arc<Advance>) {
    match batches.last_mut() {
        Some(last) if last.after == next.before => *last = Arc::new(joined(last, &next)),
        _ => batches.push(next),
    }
}

fn joined(first: &Advance, second: &Advance) -> Advance {
    let mut sums: BTreeMap<Cell, i64> = BTreeMap::new();
    for increment in first.increments.iter().chain(&second.increments) {
        // Each batch is bounded by its size, so no sum of two gets near the end of its type.
        *sums.entry(increment.cell).or_default() += increment.delta.0;
    }
    let moved = |(cell, sum)| (sum != 0).then_some(Increment { cell, delta: Delta(sum) });
    Advance {
        election: first.election,
        before: first.before,
        after: second.after,
        increments: sums.into_iter().filter_map(moved).collect(),
        state: second.state.clone().or_else(|| first.state.clone()),
    }
}
