//! Trees of units kept in memory, so that neither a decision nor a look-up reads three hundred thousand rows again.
//!
//! Invariant: a kept tree is that of a life of a ledger up to an entry; whoever needs a later one has it grown from there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hustings_core::{Epoch, Seq, Unit, UnitNumber, Units, UnitsMark};

use super::definitions::Parsed;
use super::{ElectionKey, Head, LedgerError};

/// The most trees kept; beyond it the memory starts anew.
const KEPT_MAX: usize = 100;

/// The trees of some elections, and beside them the definitions, which a batch needs with them.
#[derive(Default)]
pub(super) struct Trees {
    kept: Mutex<HashMap<ElectionKey, (Epoch, Arc<Units>)>>,
    pub(super) definitions: Parsed,
}

/// A unit as a store has it, and the entry that changed it last.
pub(super) struct Row {
    pub(super) number: UnitNumber,
    pub(super) unit: Unit,
    pub(super) changed: Seq,
}

impl Trees {
    /// The tree that is kept of this life of the ledger.
    pub(super) fn kept(&self, election: ElectionKey, epoch: Epoch) -> Option<Arc<Units>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&election).filter(|(of, _)| *of == epoch).map(|(_, units)| Arc::clone(units))
    }

    /// Whatever is kept, of whichever life.
    pub(super) fn any(&self, election: ElectionKey) -> Option<Arc<Units>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&election).map(|(_, units)| Arc::clone(units))
    }

    /// Keeps a tree, where none is kept that is newer.
    pub(super) fn keep(&self, election: ElectionKey, epoch: Epoch, units: &Arc<Units>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&election) {
            kept.clear();
        }
        let is_newer = kept.get(&election).is_none_or(|(of, known)| *of != epoch || known.seq() < units.seq());
        if is_newer {
            kept.insert(election, (epoch, Arc::clone(units)));
        }
    }

    /// A kept tree, grown by the rows that were read after it, as far as a head says; kept from now on.
    pub(super) fn grown(
        &self,
        mut tree: Arc<Units>,
        election: ElectionKey,
        head: Head,
        mark: UnitsMark,
        newer: Vec<Row>,
    ) -> Result<Arc<Units>, LedgerError> {
        if !newer.is_empty() {
            let grown = Arc::make_mut(&mut tree);
            for Row { number, unit, changed } in newer {
                grown.restore(number, unit, changed).map_err(|_| damaged(election, number))?;
            }
        }
        if tree.seq() < mark.seq || tree.next().0 < mark.count {
            return Err(damaged(election, tree.next()));
        }
        self.keep(election, head.epoch, &tree);
        Ok(tree)
    }
}

fn damaged(election: ElectionKey, number: UnitNumber) -> LedgerError {
    LedgerError::Damaged {
        table: "unit",
        key: format!("({}, {number})", election.0),
        what: "it is not what the ledger's head says".to_owned(),
    }
}
