//! Recounts: the fold of the ledger, from a verified place to another, page by page.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hustings_core::{Fold, Recount, Seq};

use super::{Counters, Moved, Snapshot, Tallies};
use crate::ledger::{ElectionKey, Elections, Ledger, LedgerError, PAGE_MAX};

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
                fold.apply(&stored.bytes)?;
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
    let fold = recount.into_fold();
    if fold.seq != head.seq || fold.chain != head.chain {
        return Err(LedgerError::Damaged {
            table: "head",
            key: election.0.to_string(),
            what: format!("its chain up to entry {} is not that of its entries", head.seq),
        });
    }
    Ok(Some(Snapshot { epoch: head.epoch, fold }))
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

/// A verified tally is kept in the ledger store about every so many entries.
const SNAPSHOT_EVERY: u64 = 10_000;
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
                    Err(error @ LedgerError::Damaged { .. }) => alarm(election, &error.to_string()),
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
        let fold = fold_to(self.ledger.as_ref(), election, start, counted.fold.seq, Pace::Gentle).await?;
        metrics::counter!("hustings_recounts_total").increment(1);
        let agrees = fold.seq == counted.fold.seq
            && fold.chain == counted.fold.chain
            && fold.state == counted.fold.state
            && fold.tally.agrees_with(&counted.fold.tally);
        if !agrees {
            alarm(election, "the counters differ from the ledger; they are rebuilt from it");
            self.correct(election).await?;
            return Ok(false);
        }
        let verified = Snapshot { epoch: counted.epoch, fold };
        self.keep(election, &verified).await?;
        self.verified.insert(election, verified);
        Ok(true)
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

    /// Keeps a verified fold in the ledger store about every so many entries; start-up and heals begin from it.
    async fn keep(&self, election: ElectionKey, verified: &Snapshot) -> Result<(), LedgerError> {
        let before = self.verified.get(&election).map_or(0, |before| before.fold.seq.0);
        if verified.fold.seq.0 / SNAPSHOT_EVERY == before / SNAPSHOT_EVERY {
            return Ok(());
        }
        self.ledger.save_snapshot(election, verified.epoch, &verified.fold).await
    }
}

/// Says that something is wrong with what was counted, where no look will mend it.
pub(super) fn alarm(election: ElectionKey, what: &str) {
    metrics::counter!("hustings_recount_alarms_total").increment(1);
    tracing::error!(election = election.0, what, "recount alarm");
}
