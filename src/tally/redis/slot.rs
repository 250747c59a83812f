//! What this process knows of one election's place in Redis.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use hustings_core::{Epoch, Seq};
use tokio::sync::MutexGuard;

use super::hash::Content;
use crate::ledger::ElectionKey;

/// One election. Whoever moves its mirror holds its turn.
pub(super) struct Slot {
    pub(super) election: ElectionKey,
    /// Whether the mirror may not be what Redis holds.
    dirty: AtomicBool,
    /// Whether the shard that holds it does not answer, while other shards of the cluster may.
    away: AtomicBool,
    turn: tokio::sync::Mutex<Turn>,
    /// What this process is writing now: it hears of it before it is answered.
    writing: Mutex<Option<(Epoch, Seq)>>,
}

/// The right to move the mirror of one election.
#[derive(Default)]
pub(super) struct Turn {
    /// What Redis held that was not to be trusted; a fold of the ledger may replace exactly this.
    pub(super) doubted: Option<Content>,
}

impl Slot {
    /// Nothing is known yet.
    pub(super) fn new(election: ElectionKey) -> Self {
        Self {
            election,
            dirty: AtomicBool::new(true),
            away: AtomicBool::new(false),
            turn: tokio::sync::Mutex::default(),
            writing: Mutex::default(),
        }
    }

    pub(super) async fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().await
    }

    /// The turn, where nobody has it.
    pub(super) fn free_turn(&self) -> Option<MutexGuard<'_, Turn>> {
        self.turn.try_lock().ok()
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Acquire)
    }

    pub(super) fn soil(&self) {
        self.dirty.store(true, Ordering::Release);
    }

    /// Said before Redis is read, so that a hint that comes meanwhile is not lost.
    pub(super) fn clean(&self) {
        self.dirty.store(false, Ordering::Release);
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    pub(super) fn goes_away(&self) {
        self.away.store(true, Ordering::Release);
    }

    /// Said once Redis holds nothing older than the mirror.
    pub(super) fn is_back(&self) {
        self.away.store(false, Ordering::Release);
    }

    /// Says what this process writes, until the guard is dropped: keep it until the mirror has moved, or the hint about
    /// one's own write would be taken for another node's.
    pub(super) fn writes(&self, place: (Epoch, Seq)) -> Writing<'_> {
        self.set_writing(Some(place));
        Writing(self)
    }

    fn set_writing(&self, place: Option<(Epoch, Seq)>) {
        *self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = place;
    }

    pub(super) fn is_writing(&self, place: (Epoch, Seq)) -> bool {
        *self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == Some(place)
    }
}

/// While it is kept, a hint about the place that is being written is one's own.
pub(super) struct Writing<'slot>(&'slot Slot);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.set_writing(None);
    }
}
