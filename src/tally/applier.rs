//! The loop that makes counters follow ledgers.
//!
//! Batches are handed on, other nodes send hints, and both may be lost: heads are also read once an interval. That pull
//! is the guarantee; the rest only makes it faster.

use std::collections::{BTreeMap, HashSet};
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
/// The most advances that wait, and that are taken at once; what waits for one election is joined first.
pub const ADVANCES_MAX: usize = 4_096;
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
            let mut runs: BTreeMap<ElectionKey, Vec<Vec<Arc<Advance>>>> = BTreeMap::new();
            arrived.drain(..).for_each(|advance| push(runs.entry(advance.election).or_default(), advance));
            let apply = |runs: Vec<Vec<Arc<Advance>>>| async move {
                for advance in runs.iter().filter_map(|run| joined(run)) {
                    self.apply(&advance).await;
                }
            };
            stream::iter(runs.into_values()).for_each_concurrent(ELECTIONS_MAX, apply).await;
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
            && !matches!(error, LedgerError::Newer { .. } | LedgerError::NewerFormat { .. })
        {
            tracing::warn!(%error, election = election.0, "the counters could not follow the ledger now; they will");
        }
    }

    /// Reads the heads of some elections once an interval, all in one question, and asks for a look at those that moved.
    async fn pull(&self, interval: Duration, elections: fn(&Tallies) -> Vec<ElectionKey>) {
        let mut pull = tokio::time::interval(interval);
        pull.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_told = false;
        loop {
            pull.tick().await;
            let (elections, began) = (elections(&self.tallies), Instant::now());
            if elections.is_empty() {
                continue;
            }
            match self.tallies.ledger.heads(&elections).await {
                Ok(heads) => {
                    is_told = false;
                    // One without a head is gone; a look finds that out for certain, and tells.
                    let there: HashSet<ElectionKey> = heads.iter().map(|(election, _)| *election).collect();
                    elections.iter().filter(|one| !there.contains(one)).for_each(|one| self.tallies.woken(*one));
                    let compare = |(election, head)| async move {
                        if !self.tallies.stands_at(election, head, began).await {
                            self.tallies.woken(election);
                        }
                    };
                    stream::iter(heads).for_each_concurrent(ELECTIONS_MAX, compare).await;
                }
                Err(error) => {
                    // Said once until it can be read again: a format that this program does not know stays.
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::warn!(%error, "the ledger could not be read; what is shown may not be the latest");
                    }
                    elections.into_iter().for_each(|election| self.tallies.is_out_of_sight(election));
                }
            }
        }
    }
}

/// Adds an advance to the run that ends where it begins, or begins another run.
fn push(runs: &mut Vec<Vec<Arc<Advance>>>, next: Arc<Advance>) {
    match runs.last_mut() {
        Some(run) if run.last().is_some_and(|last| last.after == next.before) => run.push(next),
        _ => runs.push(vec![next]),
    }
}

/// The one batch that leads from the beginning of a run to its end.
fn joined(run: &[Arc<Advance>]) -> Option<Arc<Advance>> {
    let (first, last) = (run.first()?, run.last()?);
    if run.len() == 1 {
        return Some(Arc::clone(first));
    }
    let mut sums: BTreeMap<Cell, i64> = BTreeMap::new();
    for increment in run.iter().flat_map(|advance| &advance.increments) {
        // Each batch is bounded by its size, and a run by their number, so no sum gets near the end of its type.
        *sums.entry(increment.cell).or_default() += increment.delta.0;
    }
    let moved = |(cell, sum)| (sum != 0).then_some(Increment { cell, delta: Delta(sum) });
    Some(Arc::new(Advance {
        election: first.election,
        before: first.before,
        after: last.after,
        increments: sums.into_iter().filter_map(moved).collect(),
        state: run.iter().rev().find_map(|advance| advance.state.clone()),
    }))
}

#[cfg(test)]
mod tests {
    use hustings_core::{
        Chain, ChoiceNumber, ContestNumber, ElectionState, Epoch, GroupNumber, Measure, Seq, Time, UnitNumber,
        UnitsMark, Visibility,
    };

    use super::*;
    use crate::ledger::Head;

    fn advance(from: u64, to: u64, deltas: &[(u16, i64)], state_entries: Option<u64>) -> Arc<Advance> {
        let head = |seq: u64| Head { epoch: Epoch([1; 8]), seq: Seq(seq), time: Time(seq), chain: Chain([7; 32]) };
        let increment = |&(choice, delta): &(u16, i64)| Increment { cell: cell(choice), delta: Delta(delta) };
        let state = |state_entries| ElectionState {
            visibility: Visibility::Always,
            contests: vec![],
            state_entries,
            units: UnitsMark::default(),
            title: None,
        };
        Arc::new(Advance {
            election: ElectionKey(1),
            before: head(from),
            after: head(to),
            increments: deltas.iter().map(increment).collect(),
            state: state_entries.map(state),
        })
    }

    fn cell(choice: u16) -> Cell {
        let measure = Measure::Choice(ChoiceNumber(choice));
        Cell { contest: ContestNumber(0), unit: UnitNumber(0), group: GroupNumber(0), measure }
    }

    #[test]
    fn batches_that_follow_each_other_are_joined_and_others_are_not() {
        let mut runs = Vec::new();
        for next in [
            advance(1, 4, &[(0, 2), (1, 1)], Some(2)),
            advance(4, 5, &[(1, -1), (2, 1)], Some(3)),
            advance(5, 9, &[(0, 3)], None),
            // The batch in between was lost.
            advance(10, 11, &[(0, 1)], None),
            // It comes late.
            advance(9, 10, &[(0, 1)], None),
        ] {
            push(&mut runs, next);
        }
        let joined: Vec<_> = runs.iter().filter_map(|run| joined(run)).collect();
        let places: Vec<_> = joined.iter().map(|joined| (joined.before.seq.0, joined.after.seq.0)).collect();
        assert_eq!(places, [(1, 9), (10, 11), (9, 10)]);
        let added = |(choice, delta)| Increment { cell: cell(choice), delta: Delta(delta) };
        assert_eq!(joined[0].increments, [(0, 5), (2, 1)].map(added), "what adds up to nothing is left out");
        assert_eq!(joined[0].state.as_ref().map(|state| state.state_entries), Some(3), "the latest state");
        assert_eq!(joined[1].increments, [(0, 1)].map(added));
    }
}
