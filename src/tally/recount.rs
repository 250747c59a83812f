//! Recounts: the fold of the ledger, from a verified place to another, page by page.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hustings_core::{Fold, Recount, Seq, Units};

use super::{Counters, Moved, Snapshot, Tallies};
use crate::ledger::{ElectionKey, Elections, FoldText, Ledger, LedgerError, PAGE_MAX};

/// How hard to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Somebody waits.
    Full,
    /// Nobody waits: for each second of work [`REST_FACTOR`] seconds of rest, which is 5 % of a core.
    Gentle,
}

const REST_FACTOR: u32 = 19;

/// Folds on from a place up to another. The ledger's own order and chain are checked on the way.
pub(super) async fn fold_to(
    ledger: &dyn Ledger,
    election: ElectionKey,
    mut fold: Fold,
    to: Seq,
    pace: Pace,
) -> Result<Fold, LedgerError> {
    loop {
        let started = Instant::now();
        let limit = usize::try_from(to.0.saturating_sub(fold.seq.0)).unwrap_or(PAGE_MAX).min(PAGE_MAX);
        if limit == 0 {
            return Ok(fold);
        }
        let page = ledger.read(election, fold.seq, limit).await?;
        if page.is_empty() {
            return Ok(fold);
        }
        fold = tokio::task::spawn_blocking(move || {
            for stored in &page {
                fold.apply_entry(&stored.entry, &stored.bytes)?;
            }
            Ok(fold)
        })
        .await
        .map_err(|_| LedgerError::Stopped)?
        .map_err(|error| LedgerError::damaged_ledger(election, error))?;
        if pace == Pace::Gentle {
            tokio::time::sleep(started.elapsed() * REST_FACTOR).await;
        }
    }
}

/// Counts a whole ledger again from its first entry, checks on the way what each entry had to keep to, and holds the
/// result against the head.
pub async fn recount(
    ledger: &dyn Ledger,
    elections: &Elections,
    election: ElectionKey,
) -> Result<Option<Snapshot>, LedgerError> {
    Ok(recount_with_units(ledger, elections, election).await?.map(|(snapshot, _)| snapshot))
}

/// The same, with the tree of units as its entries give it.
pub async fn recount_with_units(
    ledger: &dyn Ledger,
    elections: &Elections,
    election: ElectionKey,
) -> Result<Option<(Snapshot, Units)>, LedgerError> {
    let Some((_, head)) = ledger.heads(&[election]).await?.first().copied() else { return Ok(None) };
    let Some(found) = elections.with_contests(election, 1).await? else { return Ok(None) };
    let mut recount = Recount::new(&found.election);
    while recount.fold().seq < head.seq {
        let left = usize::try_from(head.seq.0 - recount.fold().seq.0).unwrap_or(PAGE_MAX);
        let page = ledger.read(election, recount.fold().seq, left.min(PAGE_MAX)).await?;
        if page.is_empty() {
            break;
        }
        for stored in &page {
            recount.apply(&stored.bytes).map_err(|error| LedgerError::damaged_ledger(election, error))?;
        }
    }
    let units = recount.units().clone();
    let fold = recount.into_fold();
    if fold.seq != head.seq || fold.chain != head.chain {
        return Err(LedgerError::Damaged {
            table: "head",
            key: election.0.to_string(),
            what: format!("its chain up to entry {} is not that of its entries", head.seq),
        });
    }
    Ok(Some((Snapshot { epoch: head.epoch, fold }, units)))
}

/// Holds the counters against the ledger while the program runs, and raises an alarm at a difference.
pub struct Recounter {
    ledger: Arc<dyn Ledger>,
    elections: Arc<Elections>,
    counters: Arc<dyn Counters>,
    tallies: Arc<Tallies>,
    moved: Moved,
    verified: HashMap<ElectionKey, Snapshot>,
}

/// A verified tally is kept in the ledger store every so many entries.
const SNAPSHOT_EVERY: u64 = 10_000;
/// The most tallies that are passed in one recount and kept.
const MILESTONES_MAX: u64 = 20;
/// The most that folds take while they wait to be kept, and what the text of one takes for each of its cells.
const PASSED_BYTES_MAX: usize = 16 * 1024 * 1024;
const CELL_BYTES: usize = 8;
/// How often the counters are checked.
const RECOUNT_INTERVAL: Duration = Duration::from_secs(10);

impl Recounter {
    /// A recounter of these tallies.
    #[must_use]
    pub fn new(
        ledger: Arc<dyn Ledger>,
        elections: Arc<Elections>,
        counters: Arc<dyn Counters>,
        tallies: Arc<Tallies>,
        moved: Moved,
    ) -> Self {
        Self { ledger, elections, counters, tallies, moved, verified: HashMap::new() }
    }

    /// Recounts for ever.
    pub async fn run(mut self) {
        metrics::counter!("hustings_recount_alarms_total").increment(0);
        loop {
            tokio::time::sleep(RECOUNT_INTERVAL).await;
            for election in self.tallies.followed() {
                match self.check(election).await {
                    Ok(_) => {}
                    Err(error @ LedgerError::Damaged { .. }) if !self.is_gone(election).await => {
                        alarm(election, &error.to_string());
                    }
                    Err(error) => tracing::warn!(%error, election = election.0, "a recount could not be finished now"),
                }
            }
        }
    }

    /// Counts from the last verified place to the counters' watermark and compares.
    pub async fn check(&mut self, election: ElectionKey) -> Result<bool, LedgerError> {
        let Some(counted) = self.counters.read(election).await? else { return Ok(true) };
        let start = match self.verified.get(&election) {
            Some(verified) if verified.epoch == counted.epoch && verified.fold.seq <= counted.fold.seq => {
                verified.fold.clone()
            }
            _ => match self.elections.with_contests(election, 1).await? {
                Some(found) => Fold::new(&found.election),
                None => return Ok(true),
            },
        };
        let mut fold = start;
        let mut passed: Vec<FoldText> = Vec::new();
        let most = milestones_max(counted.fold.tally.count());
        for place in milestones(fold.seq, counted.fold.seq, most) {
            fold = fold_to(self.ledger.as_ref(), election, fold, place, Pace::Gentle).await?;
            let kept = fold.clone();
            let text = tokio::task::spawn_blocking(move || FoldText::of(election, &kept)).await;
            passed.push(text.map_err(|_| LedgerError::Stopped)??);
        }
        let fold = fold_to(self.ledger.as_ref(), election, fold, counted.fold.seq, Pace::Gentle).await?;
        metrics::counter!("hustings_recounts_total").increment(1);
        let agrees = fold.seq == counted.fold.seq
            && fold.chain == counted.fold.chain
            && fold.state == counted.fold.state
            && fold.tally.agrees_with(&counted.fold.tally);
        if !agrees && self.is_gone(election).await {
            // Removed while it was counted, and its entries with it.
            self.verified.remove(&election);
            return Ok(true);
        }
        if !agrees {
            alarm(election, "the counters differ from the ledger; they are rebuilt from it");
            self.correct(election).await?;
            return Ok(false);
        }
        // The chain of what was verified covers all that was passed on the way.
        for passed in &passed {
            self.ledger.save_snapshot(election, counted.epoch, passed).await?;
        }
        self.tallies.was_verified(election, fold.seq);
        self.verified.insert(election, Snapshot { epoch: counted.epoch, fold });
        Ok(true)
    }

    /// Whether the election is gone for certain.
    async fn is_gone(&self, election: ElectionKey) -> bool {
        self.ledger.heads(&[election]).await.is_ok_and(|heads| heads.is_empty())
    }

    /// Wrong totals were shown under the names of right versions. So the ledger begins a new epoch: every watcher and
    /// every cache takes what is shown next for something new, and no fold that was kept before is started from.
    async fn correct(&mut self, election: ElectionKey) -> Result<(), LedgerError> {
        self.verified.remove(&election);
        self.ledger.renew_epochs(Some(election)).await?;
        self.tallies.look(election, None).await?;
        (self.moved)(election);
        Ok(())
    }
}

/// The places at which verified folds are kept, between two: start-up, heals and questions about the past begin there. Many
/// entries at once are kept at fewer places, so that what waits for its verification takes little memory.
fn milestones(after: Seq, to: Seq, most: u64) -> impl Iterator<Item = Seq> {
    let (first, last) = (after.0 / SNAPSHOT_EVERY + 1, to.0 / SNAPSHOT_EVERY);
    let every = (last + 1).saturating_sub(first).div_ceil(most).max(1);
    let places = (first..=last).filter(move |place| (last - place).is_multiple_of(every));
    places.map(|place| Seq(place * SNAPSHOT_EVERY))
}

/// How many folds of so many cells may wait.
fn milestones_max(cells: usize) -> u64 {
    let fit = PASSED_BYTES_MAX / (cells * CELL_BYTES).max(1);
    (fit as u64).clamp(1, MILESTONES_MAX)
}

/// Says that something is wrong with what was counted, where no look will mend it.
pub(super) fn alarm(election: ElectionKey, what: &str) {
    metrics::counter!("hustings_recount_alarms_total").increment(1);
    tracing::error!(election = election.0, what, "recount alarm");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_kept_evenly_and_not_too_many() {
        let places =
            |after, to| milestones(Seq(after), Seq(to), milestones_max(100)).map(|seq| seq.0).collect::<Vec<_>>();
        assert_eq!(places(0, 9_999), [0_u64; 0]);
        assert_eq!(places(0, 10_000), [10_000]);
        assert_eq!(places(10_000, 10_001), [0_u64; 0]);
        assert_eq!(places(9_999, 35_000), [10_000, 20_000, 30_000]);
        let many = places(0, 1_000_000);
        assert_eq!((many.len(), many.last()), (20, Some(&1_000_000)));
        assert_eq!([0, 50_000, 400_000, usize::MAX / 10].map(milestones_max), [20, 20, 5, 1]);
    }
}
