//! Who has come: devices that opened a page of an election, counted once each, on all nodes and through restarts.
//!
//! Invariant: a page never waits for it. What is noted is written down twice a second and read at most once a second; a device is
//! kept only as a keyed hash. It is no turnout: who has come need not have voted, so it may always be shown.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hustings_core::{Election, ElectionId, Time};

use super::Services;
use crate::keys::Device;
use crate::ledger::{DeviceHash, JoinedCount, LedgerError};

/// The most devices that wait to be written down, and the most that are known to be written; beyond it some are asked again.
const KNOWN_MAX: usize = 200_000;
/// The most devices that are written down in one transaction.
const WRITTEN_MAX: usize = 5_000;
/// How long a count is good for.
const COUNT_KEPT: Duration = Duration::from_secs(1);
/// How many minutes the newest devices are counted over.
const RECENT_MINUTES: u64 = 5;
/// The most counts kept.
const COUNTS_MAX: usize = 10_000;

/// What one node knows of who has come.
#[derive(Default)]
pub struct Joined {
    waiting: Mutex<HashMap<ElectionId, HashSet<DeviceHash>>>,
    known: Mutex<HashSet<(ElectionId, DeviceHash)>>,
    counts: Mutex<HashMap<ElectionId, (Instant, JoinedCount)>>,
}

/// How many have come, as pages show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Come {
    /// Devices that opened a page, ever.
    pub devices: u64,
    /// New ones a minute, over the last five.
    pub per_minute: u64,
}

impl Joined {
    /// Notes that a device opened a page of an election. Never waits.
    pub fn note(&self, services: &Services, election: &Election, device: &Device) {
        let hash = services.keys.joined(election.id, device);
        let mut known = lock(&self.known);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        if known.insert((election.id, hash)) {
            lock(&self.waiting).entry(election.id).or_default().insert(hash);
        }
    }

    /// How many have come to an election: what was written down a second ago, at the oldest.
    pub async fn count(&self, services: &Services, election: ElectionId) -> Result<Come, LedgerError> {
        let kept = lock(&self.counts).get(&election).copied();
        if let Some((_, counted)) = kept.filter(|(since, _)| since.elapsed() < COUNT_KEPT) {
            return Ok(come(counted));
        }
        let since = Time(services.clock.now().0.saturating_sub((RECENT_MINUTES - 1) * 60_000));
        let counted = services.electorate.joined(election, since).await?;
        let mut counts = lock(&self.counts);
        if counts.len() >= COUNTS_MAX {
            counts.clear();
        }
        counts.insert(election, (Instant::now(), counted));
        Ok(come(counted))
    }

    /// Writes down who has come since; what cannot be written now is tried again.
    pub async fn write_down(&self, services: &Services) -> Result<(), LedgerError> {
        let waiting: Vec<_> = lock(&self.waiting).drain().collect();
        let mut failed = Ok(());
        for (election, devices) in waiting {
            let devices: Vec<DeviceHash> = devices.into_iter().collect();
            for page in devices.chunks(WRITTEN_MAX) {
                let noted = services.electorate.note_joined(election, page.to_vec(), services.clock.now()).await;
                if let Err(error) = noted {
                    let mut waiting = lock(&self.waiting);
                    let held: usize = waiting.values().map(HashSet::len).sum();
                    let room = KNOWN_MAX.saturating_sub(held);
                    waiting.entry(election).or_default().extend(page.iter().copied().take(room));
                    failed = Err(error);
                }
            }
        }
        failed
    }
}

fn come(counted: JoinedCount) -> Come {
    Come { devices: counted.devices, per_minute: counted.recent.div_ceil(RECENT_MINUTES) }
}

/// What these locks guard is whole after every statement, so a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
