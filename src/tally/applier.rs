//! The loop that makes counters follow ledgers, and the door through which everybody else reads them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hustings_core::{Fold, Seq};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::recount::{Pace, fold_to};
use super::{Applied, Counters, Snapshot};
use crate::ledger::{Advance, ElectionKey, Elections, Ledger, LedgerError};

/// Told after each move of an election's counters.
pub type Moved = Arc<dyn Fn(ElectionKey) + Send + Sync>;

/// How often heads are read although nobody announced anything: the guarantee behind the announcements.
const PULL_INTERVAL: Duration = Duration::from_secs(1);
/// A tally is kept in the ledger store about every so many entries.
const SNAPSHOT_EVERY: u64 = 10_000;

/// Counters that are loaded when first asked for.
pub struct Tallies {
    ledger: Arc<dyn Ledger>,
    elections: Arc<Elections>,
    counters: Arc<dyn Counters>,
    followed: Mutex<HashSet<ElectionKey>>,
}

impl Tallies {
    /// Tallies of these ledgers in these counters.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, elections: Arc<Elections>, counters: Arc<dyn Counters>) -> Self {
        Self { ledger, elections, counters, followed: Mutex::default() }
    }

    /// The counters of an election as they stand; loaded from the ledger where they are absent.
    pub async fn read(&self, election: ElectionKey) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        match self.counters.read(election).await? {
            Some(snapshot) => Ok(Some(snapshot)),
            None => self.heal(election, None).await,
        }
    }

    /// Puts a fresh fold of the ledger in the place of absent, forked or condemned counters.
    pub(super) async fn heal(
        &self,
        election: ElectionKey,
        condemned: Option<&Snapshot>,
    ) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        let Some((_, head)) = self.ledger.heads(&[election]).await?.first().copied() else { return Ok(None) };
        let Some(found) = self.elections.with_contests(election, 1).await? else { return Ok(None) };
        let start = self.ledger.snapshot(election, head.epoch, head.seq).await?;
        let start = start.unwrap_or_else(|| Fold::new(&found.election));
        let fold = fold_to(self.ledger.as_ref(), election, start, head.seq, Pace::Full).await?;
        let snapshot = Arc::new(Snapshot { epoch: head.epoch, fold });
        self.counters.replace(election, Arc::clone(&snapshot), condemned).await?;
        if let Ok(mut followed) = self.followed.lock() {
            followed.insert(election);
        }
        Ok(Some(self.counters.read(election).await?.unwrap_or(snapshot)))
    }

    pub(super) fn followed(&self) -> Vec<ElectionKey> {
        self.followed.lock().map(|followed| followed.iter().copied().collect()).unwrap_or_default()
    }
}

/// The loop. One for each process.
pub struct Applier {
    tallies: Arc<Tallies>,
    moved: Moved,
    kept: HashMap<ElectionKey, Seq>,
}

impl Applier {
    /// A loop that moves these tallies and tells of it.
    #[must_use]
    pub fn new(tallies: Arc<Tallies>, moved: Moved) -> Self {
        Self { tallies, moved, kept: HashMap::new() }
    }

    /// Follows until the sender of advances is gone.
    pub async fn run(mut self, mut advances: mpsc::Receiver<Arc<Advance>>) {
        let mut pull = tokio::time::interval(PULL_INTERVAL);
        pull.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                advance = advances.recv() => match advance {
                    Some(advance) => self.apply(&advance).await,
                    None => return,
                },
                _ = pull.tick() => self.pull().await,
            };
            if let Err(error) = done {
                tracing::warn!(%error, "the counters could not follow the ledger now; they will");
            }
        }
    }

    async fn apply(&mut self, advance: &Advance) -> Result<(), LedgerError> {
        let election = advance.election;
        match self.tallies.counters.apply(advance).await? {
            Applied::Moved(snapshot) => {
                (self.moved)(election);
                self.keep(election, &snapshot).await
            }
            Applied::Already => Ok(()),
            Applied::Behind => self.catch_up(election).await,
            Applied::Forked => match self.tallies.counters.read(election).await? {
                Some(condemned) => self.rebuild(election, &condemned).await,
                None => self.catch_up(election).await,
            },
        }
    }

    /// Folds what the ledger has after the watermark, and holds the result against the head: counters that began in
    /// another history end in another chain, and are rebuilt.
    async fn catch_up(&mut self, election: ElectionKey) -> Result<(), LedgerError> {
        let tallies = Arc::clone(&self.tallies);
        let Some(behind) = tallies.counters.read(election).await? else {
            tallies.heal(election, None).await?;
            (self.moved)(election);
            return Ok(());
        };
        let Some((_, head)) = tallies.ledger.heads(&[election]).await?.first().copied() else { return Ok(()) };
        let fold = fold_to(tallies.ledger.as_ref(), election, behind.fold.clone(), head.seq, Pace::Full).await;
        let caught_up = match fold {
            Ok(fold) if fold.chain == head.chain && behind.epoch == head.epoch => fold,
            _ => return self.rebuild(election, &behind).await,
        };
        let caught_up = Arc::new(Snapshot { epoch: behind.epoch, fold: caught_up });
        tallies.counters.replace(election, Arc::clone(&caught_up), None).await?;
        (self.moved)(election);
        self.keep(election, &caught_up).await
    }

    async fn rebuild(&mut self, election: ElectionKey, condemned: &Snapshot) -> Result<(), LedgerError> {
        metrics::counter!("hustings_counters_forked_total").increment(1);
        tracing::warn!(election = election.0, "the counters held another history; rebuilding them");
        self.tallies.heal(election, Some(condemned)).await?;
        (self.moved)(election);
        Ok(())
    }

    async fn pull(&mut self) -> Result<(), LedgerError> {
        let followed = self.tallies.followed();
        for (election, head) in self.tallies.ledger.heads(&followed).await? {
            let Some(snapshot) = self.tallies.counters.read(election).await? else { continue };
            if snapshot.epoch != head.epoch || (snapshot.fold.seq == head.seq && snapshot.fold.chain != head.chain) {
                self.rebuild(election, &snapshot).await?;
            } else if snapshot.fold.seq < head.seq {
                self.catch_up(election).await?;
            }
        }
        Ok(())
    }

    async fn keep(&mut self, election: ElectionKey, snapshot: &Snapshot) -> Result<(), LedgerError> {
        let seq = snapshot.fold.seq;
        let kept = self.kept.entry(election).or_insert(seq);
        if seq.0 / SNAPSHOT_EVERY == kept.0 / SNAPSHOT_EVERY {
            return Ok(());
        }
        *kept = seq;
        self.tallies.ledger.save_snapshot(election, snapshot.epoch, &snapshot.fold).await
    }
}
