//! Counters in this process's memory: the default, and the fall-back of every other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hustings_core::Fold;

use super::{Applied, Counters, Snapshot};
use crate::ledger::{Advance, ElectionKey, LedgerError};

/// Counters in memory. They start empty and heal from the ledger.
#[derive(Default)]
pub struct MemoryCounters(Mutex<HashMap<ElectionKey, Arc<Snapshot>>>);

impl MemoryCounters {
    /// The counters of an election as they stand, without waiting.
    pub(super) fn get(&self, election: ElectionKey) -> Option<Arc<Snapshot>> {
        self.kept().ok().and_then(|kept| kept.get(&election).cloned())
    }

    /// Puts a snapshot in the place of whatever stood there; without one, nothing stands there.
    pub(super) fn put(&self, election: ElectionKey, snapshot: Option<Arc<Snapshot>>) {
        if let Ok(mut kept) = self.kept() {
            match snapshot {
                Some(snapshot) => kept.insert(election, snapshot),
                None => kept.remove(&election),
            };
        }
    }

    fn kept(&self) -> Result<std::sync::MutexGuard<'_, HashMap<ElectionKey, Arc<Snapshot>>>, LedgerError> {
        self.0.lock().map_err(|_| LedgerError::Unavailable("the counters are poisoned".to_owned()))
    }
}

#[async_trait]
impl Counters for MemoryCounters {
    async fn apply(&self, advance: &Advance) -> Result<Applied, LedgerError> {
        let mut kept = self.kept()?;
        let Some(snapshot) = kept.get_mut(&advance.election) else { return Ok(Applied::Behind) };
        let (before, after) = (&advance.before, &advance.after);
        let fold = &snapshot.fold;
        if snapshot.epoch != after.epoch {
            return Ok(Applied::Forked);
        }
        if fold.seq >= after.seq {
            let forked = fold.seq == after.seq && fold.chain != after.chain;
            return Ok(if forked { Applied::Forked } else { Applied::Already });
        }
        if fold.seq != before.seq {
            return Ok(Applied::Behind);
        }
        if fold.chain != before.chain {
            return Ok(Applied::Forked);
        }
        // In place where nobody reads it, else on a copy: readers keep what they have.
        let snapshot = Arc::make_mut(snapshot);
        if snapshot.fold.tally.add(&advance.increments).is_err() {
            return Ok(Applied::Forked);
        }
        let Fold { seq, time, chain, state, .. } = &mut snapshot.fold;
        (*seq, *time, *chain) = (after.seq, after.time, after.chain);
        if let Some(moved) = &advance.state {
            *state = moved.clone();
        }
        Ok(kept.get(&advance.election).map_or(Applied::Behind, |moved| Applied::Moved(Arc::clone(moved))))
    }

    async fn read(&self, election: ElectionKey) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        Ok(self.kept()?.get(&election).cloned())
    }

    async fn replace(
        &self,
        election: ElectionKey,
        snapshot: Arc<Snapshot>,
        condemned: Option<&Snapshot>,
    ) -> Result<bool, LedgerError> {
        let mut kept = self.kept()?;
        let allowed = kept.get(&election).is_none_or(|current| {
            current.epoch != snapshot.epoch
                || current.fold.seq < snapshot.fold.seq
                || condemned.is_some_and(|condemned| **current == *condemned)
        });
        if allowed {
            kept.insert(election, snapshot);
        }
        Ok(allowed)
    }

    async fn forget(&self, election: ElectionKey) {
        self.put(election, None);
    }

    fn is_degraded(&self, _: ElectionKey) -> bool {
        false
    }
}
