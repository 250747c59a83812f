//! Totals as they stood at an earlier place of a ledger.
//!
//! Invariant: what is given is the fold of the entries up to that place, from a fold that was verified and kept, or from
//! one that was made here before. It must not know: times, who asks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hustings_core::{Epoch, Fold, Seq};

use super::recount::{Pace, fold_to};
use super::{Snapshot, Tallies};
use crate::ledger::{ElectionKey, LedgerError};

/// The most earlier totals that are remembered, of all elections: a later question begins from the nearest of them.
const REMEMBERED_MAX: usize = 16;
/// The most cells of them, at 16 bytes each; those that were asked for last stay, and the very last whatever it takes.
const CELLS_MAX: usize = 2_000_000;

/// Earlier totals that were asked for lately.
#[derive(Default)]
pub(super) struct Past(Mutex<VecDeque<(ElectionKey, Arc<Snapshot>)>>);

impl Past {
    /// The latest remembered totals of this life of a ledger at or before a place.
    fn nearest(&self, election: ElectionKey, epoch: Epoch, at: Seq) -> Option<Arc<Snapshot>> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_before =
            |(of, kept): &&(ElectionKey, Arc<Snapshot>)| *of == election && kept.epoch == epoch && kept.fold.seq <= at;
        let nearest = remembered.iter().filter(is_before).max_by_key(|(_, kept)| kept.fold.seq);
        nearest.map(|(_, kept)| Arc::clone(kept))
    }

    fn remember(&self, election: ElectionKey, snapshot: &Arc<Snapshot>) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |(of, kept): &(ElectionKey, Arc<Snapshot>)| {
            *of == election && kept.epoch == snapshot.epoch && kept.fold.seq == snapshot.fold.seq
        };
        remembered.retain(|kept| !is_same(kept));
        remembered.truncate(REMEMBERED_MAX - 1);
        remembered.push_front((election, Arc::clone(snapshot)));
        let fit = that_fit(remembered.iter().map(|(_, kept)| kept.fold.tally.count()));
        remembered.truncate(fit);
    }
}

/// How many of those that were asked for last stay, given their cells.
fn that_fit(cells: impl Iterator<Item = usize>) -> usize {
    let sums = cells.scan(0, |sum, cells| {
        *sum += cells;
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= CELLS_MAX).count().max(1)
}

impl Tallies {
    /// The totals as they stood after an entry of the ledger's present life; none where there is no such entry yet.
    pub async fn past(&self, election: ElectionKey, at: Seq) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        let Some(now) = self.read(election).await? else { return Ok(None) };
        if now.fold.seq == at {
            return Ok(Some(now));
        }
        let epoch = now.epoch;
        let remembered = self.past.nearest(election, epoch, at);
        if let Some(same) = remembered.as_ref().filter(|kept| kept.fold.seq == at) {
            return Ok(Some(Arc::clone(same)));
        }
        let kept = self.ledger.snapshot(election, epoch, at).await?;
        let start = match (remembered, kept) {
            (Some(remembered), Some(kept)) if kept.seq > remembered.fold.seq => kept,
            (Some(remembered), _) => remembered.fold.clone(),
            (None, Some(kept)) => kept,
            (None, None) => match self.elections.with_contests(election, 0).await? {
                Some(found) => Fold::new(&found.election),
                None => return Ok(None),
            },
        };
        let fold = fold_to(self.ledger.as_ref(), election, start, at, Pace::Full).await?;
        if fold.seq != at {
            return Ok(None);
        }
        let snapshot = Arc::new(Snapshot { epoch, fold });
        self.past.remember(election, &snapshot);
        Ok(Some(snapshot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_totals_are_remembered_in_part() {
        assert_eq!(that_fit([20; 16].into_iter()), 16);
        assert_eq!(that_fit([CELLS_MAX / 5; 16].into_iter()), 5);
        assert_eq!(that_fit([CELLS_MAX + 1, 20].into_iter()), 1);
    }
}
