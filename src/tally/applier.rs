//! The loop that makes counters follow ledgers, and the door through which everybody else reads them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hustings_core::{Fold, Seq};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::recount::{Pace, fold_to};
use super::{Applied, Counters, Snapshot};
use crate::ledger::{Advance, ElectionKey, Elections, Head, Ledger, LedgerError};

/// Told after each move of an election's counters.
pub type Moved = Arc<dyn Fn(ElectionKey) + Send + Sync>;

/// How often heads are read although nobody announced anything: the guarantee behind the announcements.
const PULL_INTERVAL: Duration = Duration::from_secs(1);

/// Counters that are loaded when first asked for.
pub struct Tallies {
    ledger: Arc<dyn Ledger>,
    elections: Arc<Elections>,
    counters: Arc<dyn Counters>,
    followed: Mutex<HashSet<ElectionKey>>,
    announced: Mutex<HashMap<ElectionKey, Seq>>,
}

impl Tallies {
    /// Tallies of these ledgers in these counters.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, elections: Arc<Elections>, counters: Arc<dyn Counters>) -> Self {
        Self { ledger, elections, counters, followed: Mutex::default(), announced: Mutex::default() }
    }

    /// The counters of an election as they stand; loaded from the ledger where they are absent.
    pub async fn read(&self, election: ElectionKey) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        match self.counters.read(election).await? {
            Some(snapshot) => Ok(Some(snapshot)),
            None => self.heal(election, None).await,
        }
    }

    /// Notes how far a ledger has got, before anybody is told that a vote was counted.
    pub fn announce(&self, election: ElectionKey, seq: Seq) {
        if let Ok(mut announced) = self.announced.lock() {
            announced.insert(election, seq);
        }
    }

    /// How far a ledger is known to have got; counters that are not there yet will be in a moment.
    #[must_use]
    pub fn announced(&self, election: ElectionKey) -> Seq {
        self.announced.lock().ok().and_then(|announced| announced.get(&election).copied()).unwrap_or_default()
    }

    /// Puts a fresh fold of the ledger in the place of absent, forked or condemned counters.
    pub(super) async fn heal(
        &self,
        election: ElectionKey,
        condemned: Option<&Snapshot>,
    ) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        let Some((_, head)) = self.ledger.heads(&[election]).await?.first().copied() else { return Ok(None) };
        let Some(found) = self.elections.with_contests(election, 1).await? else { return Ok(None) };
        let ledger = self.ledger.as_ref();
        let fold = match self.kept(election, head).await {
            Some(kept) => fold_to(ledger, election, kept, head.seq, Pace::Full).await?,
            None => Fold::new(&found.election),
        };
        // A kept fold that does not lead to the head is no start; the first entry always is.
        let fold = if fold.chain == head.chain && fold.seq == head.seq {
            fold
        } else {
            fold_to(ledger, election, Fold::new(&found.election), head.seq, Pace::Full).await?
        };
        let snapshot = Arc::new(Snapshot { epoch: head.epoch, fold });
        self.counters.replace(election, Arc::clone(&snapshot), condemned).await?;
        if let Ok(mut followed) = self.followed.lock() {
            followed.insert(election);
        }
        Ok(Some(self.counters.read(election).await?.unwrap_or(snapshot)))
    }

    /// A kept fold is derived, so one that cannot be read is only slow, never in the way.
    async fn kept(&self, election: ElectionKey, head: Head) -> Option<Fold> {
        let kept = self.ledger.snapshot(election, head.epoch, head.seq).await;
        kept.inspect_err(|error| tracing::warn!(%error, "a kept tally cannot be used")).ok().flatten()
    }

    pub(super) fn followed(&self) -> Vec<ElectionKey> {
        self.followed.lock().map(|followed| followed.iter().copied().collect()).unwrap_or_default()
    }
}

/// The loop. One for each process.
pub struct Applier {
    tallies: Arc<Tallies>,
    moved: Moved,
}

impl Applier {
    /// A loop that moves these tallies and tells of it.
    #[must_use]
    pub fn new(tallies: Arc<Tallies>, moved: Moved) -> Self {
        Self { tallies, moved }
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
            Applied::Moved(_) => {
                (self.moved)(election);
                Ok(())
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
            // Entries that do not fit on top of these counters, or lead elsewhere: another history.
            Ok(_) | Err(LedgerError::Damaged { .. }) => return self.rebuild(election, &behind).await,
            Err(error) => return Err(error),
        };
        tallies.counters.replace(election, Arc::new(Snapshot { epoch: behind.epoch, fold: caught_up }), None).await?;
        (self.moved)(election);
        Ok(())
    }

    async fn rebuild(&mut self, election: ElectionKey, condemned: &Snapshot) -> Result<(), LedgerError> {
        metrics::counter!("hustings_counters_forked_total").increment(1);
        tracing::warn!(election = election.0, "the counters held another history; rebuilding them");
        self.tallies.heal(election, Some(condemned)).await?;
        (self.moved)(election);
        Ok(())
    }

    /// Looks at every followed ledger; one that cannot be followed does not keep the others waiting.
    async fn pull(&mut self) -> Result<(), LedgerError> {
        let followed = self.tallies.followed();
        for (election, head) in self.tallies.ledger.heads(&followed).await? {
            if let Err(error) = self.follow(election, head).await {
                tracing::warn!(%error, election = election.0, "the counters could not follow the ledger now; they will");
            }
        }
        Ok(())
    }

    async fn follow(&mut self, election: ElectionKey, head: Head) -> Result<(), LedgerError> {
        let Some(snapshot) = self.tallies.counters.read(election).await? else { return Ok(()) };
        if snapshot.epoch != head.epoch || (snapshot.fold.seq == head.seq && snapshot.fold.chain != head.chain) {
            self.rebuild(election, &snapshot).await
        } else if snapshot.fold.seq < head.seq {
            self.catch_up(election).await
        } else {
            Ok(())
        }
    }
}
