//! A ledger that was written before and grows once more: it stands where it was told to, so that counters can follow
//! faster than any disk would let them.
//!
//! Invariant: nothing of it can be seen beyond that place. It must not know: who follows.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hustings_core::{ContestNumber, Epoch, Fold, Seq, Time, VoterKey};

use crate::ledger::{Addressed, Committed, ElectionKey, FoldText, Head, Ledger, LedgerError, Schedules, Stored};

/// A ledger seen up to a place for each election.
pub(super) struct Replayed {
    ledger: Arc<dyn Ledger>,
    places: Mutex<HashMap<ElectionKey, Head>>,
}

impl Replayed {
    /// Nothing can be seen before a place is told.
    pub(super) fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, places: Mutex::default() }
    }

    /// From now on an election stands there.
    pub(super) fn stand(&self, election: ElectionKey, head: Head) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(election, head);
    }

    fn place(&self, election: ElectionKey) -> Option<Head> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).get(&election).copied()
    }
}

#[async_trait]
impl Ledger for Replayed {
    async fn append(&self, batch: Vec<Addressed>) -> Result<Committed, LedgerError> {
        self.ledger.append(batch).await
    }

    async fn heads(&self, elections: &[ElectionKey]) -> Result<Vec<(ElectionKey, Head)>, LedgerError> {
        Ok(elections.iter().filter_map(|&election| Some((election, self.place(election)?))).collect())
    }

    async fn read(&self, election: ElectionKey, after: Seq, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        let Some(place) = self.place(election) else { return Ok(Vec::new()) };
        let mut entries = self.ledger.read(election, after, limit).await?;
        entries.retain(|stored| stored.entry.seq <= place.seq);
        Ok(entries)
    }

    async fn ballot(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError> {
        self.ledger.ballot(election, contest, voter).await
    }

    async fn save_snapshot(&self, election: ElectionKey, epoch: Epoch, fold: &FoldText) -> Result<(), LedgerError> {
        self.ledger.save_snapshot(election, epoch, fold).await
    }

    async fn snapshot(&self, election: ElectionKey, epoch: Epoch, at: Seq) -> Result<Option<Fold>, LedgerError> {
        self.ledger.snapshot(election, epoch, at).await
    }

    async fn due(&self, now: Time) -> Result<Schedules, LedgerError> {
        self.ledger.due(now).await
    }

    async fn renew_epochs(&self, only: Option<ElectionKey>) -> Result<(), LedgerError> {
        self.ledger.renew_epochs(only).await
    }

    async fn backup(&self, file: &Path) -> Result<(), LedgerError> {
        self.ledger.backup(file).await
    }
}
