//! Counters that all nodes share, in Redis or a Redis Cluster, with a copy in this process.
//!
//! Job: move the shared counters by compare-and-set, keep a mirror of them so that a read costs no round trip, and count
//! in the mirror alone while Redis, or the shard of an election, is out of reach.
//! Invariant: the mirror is never older within an epoch than it was; where Redis was rewound (a late replica, an old
//! dump, FLUSHALL) the mirror is put back there; where Redis holds what is no snapshot, or differs from the mirror at
//! the same place, neither is trusted and the ledger decides. It must not know: ledgers, watchers.

mod check;
mod error;
mod hash;
mod keeper;
mod link;
mod names;
mod node;
mod options;
mod slot;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Applied, Counters, Snapshot};
use crate::ledger::{Advance, ElectionKey, LedgerError};
use keeper::{keep, mend};
use node::Node;

pub use check::redis_facts;
pub use error::CountersError;
pub use options::RedisOptions;

/// Told when an election's counters may have been moved elsewhere, and when Redis is lost or back. It must not wait.
pub type Woken = Arc<dyn Fn(ElectionKey) + Send + Sync>;

/// The most hints that wait; further ones are lost, and cost an interval.
const EVENTS_MAX: usize = 1024;

/// Counters in Redis.
pub struct RedisCounters {
    node: Arc<Node>,
    keepers: [JoinHandle<()>; 2],
}

impl RedisCounters {
    /// Connects and marks the Redis as this installation's; or says in a sentence why it cannot hold these counters.
    pub async fn connect(options: RedisOptions, installation: &str, woken: Woken) -> Result<Self, CountersError> {
        let (events, heard) = mpsc::channel(EVENTS_MAX);
        let node = Arc::new(Node::connect(options, installation, woken, events).await?);
        let keepers = [tokio::spawn(keep(Arc::clone(&node), heard)), tokio::spawn(mend(Arc::clone(&node)))];
        Ok(Self { node, keepers })
    }
}

impl Drop for RedisCounters {
    fn drop(&mut self) {
        self.keepers.iter().for_each(JoinHandle::abort);
    }
}

#[async_trait]
impl Counters for RedisCounters {
    async fn apply(&self, advance: &Advance) -> Result<Applied, LedgerError> {
        let slot = self.node.slot(advance.election);
        let mut turn = slot.turn().await;
        if let Some(link) = self.node.link_of(&slot) {
            match self.node.apply(&link, &slot, &mut turn, advance).await {
                Ok(applied) => return Ok(applied),
                Err(error) => self.node.miss(&link, &slot, &error),
            }
        }
        self.node.mirror.apply(advance).await
    }

    async fn read(&self, election: ElectionKey) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        let slot = self.node.slot(election);
        if slot.is_dirty() && self.node.link_of(&slot).is_some() {
            let mut turn = slot.turn().await;
            // Whoever had the turn may have cleaned it, or may have found that nobody answers.
            if slot.is_dirty()
                && let Some(link) = self.node.link_of(&slot)
                && let Err(error) = self.node.look(&link, &slot, &mut turn).await
            {
                self.node.miss(&link, &slot, &error);
            }
        }
        self.node.mirror.read(election).await
    }

    async fn replace(
        &self,
        election: ElectionKey,
        snapshot: Arc<Snapshot>,
        condemned: Option<&Snapshot>,
    ) -> Result<bool, LedgerError> {
        let slot = self.node.slot(election);
        let mut turn = slot.turn().await;
        if let Some(link) = self.node.link_of(&slot) {
            match self.node.replace(&link, &slot, &mut turn, &snapshot, condemned).await {
                Ok(replaced) => return Ok(replaced),
                Err(error) => self.node.miss(&link, &slot, &error),
            }
        }
        self.node.mirror.replace(election, snapshot, condemned).await
    }

    async fn forget(&self, election: ElectionKey) {
        let slot = self.node.slot(election);
        let _turn = slot.turn().await;
        if let Some(link) = self.node.link_of(&slot) {
            // Whether Redis is lost is found out by those who need it.
            let _stays_unread = self.node.remove(&link, election).await;
        }
        self.node.mirror.put(election, None);
        self.node.unfollow(&slot);
    }

    fn is_degraded(&self, election: ElectionKey) -> bool {
        self.node.link().is_none() || self.node.known(election).is_some_and(|slot| slot.is_away())
    }
}
