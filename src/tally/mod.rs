//! Counters: the tally kept hot, late perhaps, never wrong, never ahead.
//!
//! Job: follow the ledgers. One loop is deferred processing, retry and crash recovery in one.
//! Invariant: counters equal the fold of the ledger up to their watermark (epoch, seq, chain), always; applying a batch
//! twice, late, or from two nodes changes nothing. It must not know: HTTP, watchers, how votes arrive.

mod applier;
mod follow;
mod memory;
mod past;
mod recount;
mod redis;
mod tallies;
mod verify;

use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{Epoch, Fold, Version};

use crate::ledger::{Advance, ElectionKey, LedgerError};

pub use applier::{ADVANCES_MAX, Applier};
pub use memory::MemoryCounters;
pub use recount::{Recounter, recount, recount_with_units};
pub use redis::{CountersError, RedisCounters, RedisOptions, Woken, redis_facts};
pub use tallies::{Moved, Tallies, TallyStatus, Watched};
pub use verify::{Verified, VerifyError, verify};

/// A tally with the place in the ledger that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The ledger's life.
    pub epoch: Epoch,
    /// Totals and states up to a place.
    pub fold: Fold,
}

impl Snapshot {
    /// Whether this is not older than what a version names. There is no order between versions of different epochs, so
    /// one of another epoch was never reached.
    #[must_use]
    pub fn has_reached(&self, version: Version) -> bool {
        match version {
            Version::Full(epoch, seq) => epoch == self.epoch && self.fold.seq >= seq,
            Version::Masked(epoch, count) => epoch == self.epoch && self.fold.state.state_entries >= count,
        }
    }
}

/// What became of a batch that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It moved the counters.
    Moved(Arc<Snapshot>),
    /// The counters had it already.
    Already,
    /// The counters stand elsewhere: read the ledger after their watermark.
    Behind,
    /// The counters hold another history: rebuild them from the ledger.
    Forked,
}

/// A store that keeps tallies hot. Never the truth.
#[async_trait]
pub trait Counters: Send + Sync {
    /// Applies a batch if and only if the counters stand exactly where it begins.
    async fn apply(&self, advance: &Advance) -> Result<Applied, LedgerError>;

    /// The counters of an election with their watermark, read as one.
    async fn read(&self, election: ElectionKey) -> Result<Option<Arc<Snapshot>>, LedgerError>;

    /// Puts a fold of the ledger in the place of the counters, if it is newer, of another epoch, or the counters still
    /// are exactly what was condemned. Says whether it did.
    async fn replace(
        &self,
        election: ElectionKey,
        snapshot: Arc<Snapshot>,
        condemned: Option<&Snapshot>,
    ) -> Result<bool, LedgerError>;

    /// Lets go of the counters of an election that is in no ledger any more, here and where they are shared. What cannot be
    /// reached stays there and is never read again, because no other election gets its key.
    async fn forget(&self, election: ElectionKey);

    /// Whether the shared counters of an election are out of reach, so that these are counters of this process alone:
    /// right, and nobody else's.
    fn is_degraded(&self, election: ElectionKey) -> bool;
}
