//! The way of a batch from the batcher's hand to what is shown, through the applier and the counters of the product.
//!
//! Invariant: time is taken until every vote is shown; what Redis holds then is read by another node and compared with
//! the recount. It must not know: how votes were made.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hustings_core::Seq;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::hall::Hall;
use super::site::Site;
use crate::ledger::{Advance, ElectionKey};
use crate::load::Latency;
use crate::tally::{ADVANCES_MAX, Applier, Counters, RedisCounters, Snapshot, Tallies};

/// How batches are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Each when the one before it is shown.
    BatchByBatch,
    /// As fast as the applier takes them. What waits there is joined.
    AsTheyCome,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BatchByBatch => "batch by batch",
            Self::AsTheyCome => "as they come",
        }
    }
}

/// What became of all batches of a hall.
pub(super) struct Applied {
    pub(super) elapsed: Duration,
    /// From handing a batch on until it is shown, where they went one by one.
    pub(super) latency: Option<Latency>,
    pub(super) is_exact: bool,
}

/// As in a server that has its ledger for itself.
const PULL_INTERVAL: Duration = Duration::from_secs(1);

/// Counts all batches of a hall in counters that were empty.
pub(super) async fn apply(site: &Site, hall: &Hall, way: Way) -> anyhow::Result<Applied> {
    hall.rewind();
    let node = Node::start(site, hall).await?;
    let (started, mut latency) = (Instant::now(), Latency::default());
    for batch in &hall.batches {
        let handed_on = Instant::now();
        for advance in batch {
            hall.ledger.stand(advance.election, advance.after);
            node.advances.send(Arc::clone(advance)).await?;
        }
        if way == Way::BatchByBatch {
            for advance in batch {
                node.shows(advance.election, advance.after.seq).await?;
            }
            latency.record(handed_on.elapsed());
        }
    }
    for (election, counted) in &hall.expected {
        node.shows(*election, counted.fold.seq).await?;
    }
    let elapsed = started.elapsed();
    drop(node);
    let is_exact = is_exact(site, hall).await?;
    Ok(Applied { elapsed, latency: (way == Way::BatchByBatch).then_some(latency), is_exact })
}

/// The parts of a server that count.
struct Node {
    tallies: Arc<Tallies>,
    advances: mpsc::Sender<Arc<Advance>>,
    moves: watch::Receiver<u64>,
    applier: JoinHandle<()>,
}

impl Node {
    /// Starts them over a ledger where nobody has voted yet, and waits until that is what they show.
    async fn start(site: &Site, hall: &Hall) -> anyhow::Result<Self> {
        let counters = Arc::new(connect(site).await?);
        let tallies = Arc::new(Tallies::new(Arc::clone(&hall.ledger) as _, Arc::clone(&hall.elections), counters));
        let (telling, moves) = watch::channel(0);
        let moved = Arc::new(move |_| telling.send_modify(|moves| *moves += 1));
        let (advances, followed) = mpsc::channel(ADVANCES_MAX);
        let applier = Applier::new(Arc::clone(&tallies), moved, PULL_INTERVAL);
        let node = Self { tallies, advances, moves, applier: tokio::spawn(applier.run(followed)) };
        for (election, _) in &hall.expected {
            let is_empty = node.shown(*election).await?.fold.tally.iter().next().is_none();
            anyhow::ensure!(is_empty, "the counters hold votes before any was handed on");
        }
        Ok(node)
    }

    /// Waits until that much of an election is shown.
    async fn shows(&self, election: ElectionKey, seq: Seq) -> anyhow::Result<()> {
        let mut moves = self.moves.clone();
        while self.shown(election).await?.fold.seq < seq {
            moves.changed().await?;
        }
        Ok(())
    }

    async fn shown(&self, election: ElectionKey) -> anyhow::Result<Arc<Snapshot>> {
        self.tallies.read(election).await?.context("an election of the bench is gone")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.applier.abort();
    }
}

async fn connect(site: &Site) -> anyhow::Result<RedisCounters> {
    // There is no other node whose hints would matter.
    Ok(RedisCounters::connect(site.options(), site.installation(), Arc::new(|_| {})).await?)
}

async fn is_exact(site: &Site, hall: &Hall) -> anyhow::Result<bool> {
    let counters = connect(site).await?;
    for (election, expected) in &hall.expected {
        let found = counters.read(*election).await?;
        if counters.is_degraded(*election) || !found.is_some_and(|found| says_the_same(&found, expected)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn says_the_same(found: &Snapshot, expected: &Snapshot) -> bool {
    let place = |snapshot: &Snapshot| (snapshot.epoch, snapshot.fold.seq, snapshot.fold.time, snapshot.fold.chain);
    let (one, other) = (&found.fold, &expected.fold);
    place(found) == place(expected) && one.state == other.state && one.tally.agrees_with(&other.tally)
}
