//! The stores that the suites run on.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hustings::clock::{HeldClock, Random};
use hustings::ledger::{Archive, Folder, Ledger, Registry, SqliteLedger, SqliteOptions};
use hustings::tally::{Counters, MemoryCounters};
use hustings_core::Time;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;

use super::{Backend, CountersBackend};

/// When every test begins: a moment in 2023.
pub(crate) const START: Time = Time(1_700_000_000_000);

/// Chance that repeats itself: the same numbers in every run.
pub(crate) struct Seeded(Mutex<StdRng>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().expect("no panic while numbers are drawn").fill_bytes(buffer);
    }
}

/// A [`SqliteLedger`] in a folder of its own.
pub(crate) struct Sqlite {
    ledger: Arc<SqliteLedger>,
    clock: Arc<HeldClock>,
    folder: TempDir,
}

impl Sqlite {
    pub(crate) const SECRET_CHECK: [u8; 16] = [7; 16];

    fn open(folder: TempDir, seed: u64) -> Self {
        let clock = Arc::new(HeldClock::at(START));
        let options = SqliteOptions::new(Folder::database(folder.path()));
        let random = Arc::new(Seeded::new(seed));
        let ledger = SqliteLedger::open(options, Self::SECRET_CHECK, Arc::clone(&clock) as _, random);
        Self { ledger: Arc::new(ledger.expect("SQLite starts in its folder")), clock, folder }
    }

    /// The same folder after a clean end.
    pub(crate) fn reopened(self) -> Self {
        let Self { ledger, folder, .. } = self;
        drop(Arc::into_inner(ledger).expect("nobody else holds the ledger"));
        Self::open(folder, 3)
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn start() -> Self {
        Self::open(tempfile::tempdir().expect("a folder"), 1)
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(&self.ledger) as _
    }

    fn registry(&self) -> Arc<dyn Registry> {
        Arc::clone(&self.ledger) as _
    }

    fn archive(&self) -> Arc<dyn Archive> {
        Arc::clone(&self.ledger) as _
    }

    fn clock(&self) -> &HeldClock {
        &self.clock
    }

    async fn another(&self) -> Box<dyn Backend> {
        Box::new(Self::open(tempfile::tempdir().expect("a folder"), 4))
    }

    async fn restore(&self, backup: &Path) -> Box<dyn Backend> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(backup, Folder::database(folder.path())).expect("a backup to restore");
        Box::new(Self::open(folder, 2))
    }
}

/// [`MemoryCounters`].
pub(crate) struct Memory(Arc<MemoryCounters>);

#[async_trait]
impl CountersBackend for Memory {
    async fn start() -> Self {
        Self(Arc::default())
    }

    fn counters(&self) -> Arc<dyn Counters> {
        Arc::clone(&self.0) as _
    }
}
