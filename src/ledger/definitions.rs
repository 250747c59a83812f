//! Parsed definitions kept in memory, so that a batch under its lock does not read fifty contests again.
//!
//! Invariant: a definition only grows, by contests that come with entries. So one that was stored with as many contests as
//! the head's state says, in the same life of the ledger, is the definition.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hustings_core::{Election, Epoch};

use super::ElectionKey;

/// The most definitions kept; beyond it the memory starts anew.
const KEPT_MAX: usize = 1_000;

/// The definitions of some elections, as they were stored.
#[derive(Default)]
pub(super) struct Parsed(Mutex<HashMap<ElectionKey, (Epoch, Arc<Election>)>>);

impl Parsed {
    /// Whether some definition of an election is kept, which may be one of before.
    pub(super) fn holds(&self, election: ElectionKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&election)
    }

    /// The definition of this life of the ledger that has so many contests.
    pub(super) fn kept(&self, election: ElectionKey, epoch: Epoch, contests: usize) -> Option<Arc<Election>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(of, kept): &&(Epoch, Arc<Election>)| *of == epoch && kept.contests.len() == contests;
        kept.get(&election).filter(is_it).map(|(_, kept)| Arc::clone(kept))
    }

    /// Keeps a definition that was read under the lock of its head.
    pub(super) fn keep(&self, election: ElectionKey, epoch: Epoch, definition: &Arc<Election>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&election) {
            kept.clear();
        }
        kept.insert(election, (epoch, Arc::clone(definition)));
    }
}
