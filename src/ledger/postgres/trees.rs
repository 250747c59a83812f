//! Trees of units, read page by page before a head is locked: whoever decides under the lock reads only what came since.
//!
//! Invariant: a tree is that of one place of its ledger, however many statements it takes to read it.

use std::sync::Arc;

use hustings_core::{Seq, UnitNumber, Units, UnitsMark};
use tokio_postgres::Client;

use super::failure::Failure;
use super::pool::{Lease, Pool, within};
use super::sql::reports::{self as sql, UNITS_PAGE};
use crate::ledger::trees::{Row, Trees};
use crate::ledger::{ElectionKey, Head, LedgerError};

/// The tree as new as the store.
pub(super) async fn newest(pool: &Pool, trees: &Trees, key: ElectionKey) -> Result<Arc<Units>, LedgerError> {
    let standing = pool.read(|lease| async move { sql::standing(lease.client(), key).await }).await?;
    let Some((head, mark)) = standing else { return Ok(Arc::default()) };
    let mut newer = Newer::after(trees, key, head, mark);
    while let Some((from, after)) = newer.next {
        let read = |lease: Lease| async move { sql::newer_units(lease.client(), key, from, after, mark.seq).await };
        newer.take(pool.read(read).await?);
    }
    newer.grown(trees)
}

/// The tree under the lock of its head, as far as that says.
pub(super) async fn locked(
    client: &Client,
    trees: &Trees,
    key: ElectionKey,
    head: Head,
    mark: UnitsMark,
) -> Result<Arc<Units>, Failure> {
    let mut newer = Newer::after(trees, key, head, mark);
    while let Some((from, after)) = newer.next {
        newer.take(within(sql::newer_units(client, key, from, after, mark.seq)).await?);
    }
    Ok(newer.grown(trees)?)
}

/// A kept tree, and what was read after it.
struct Newer {
    key: ElectionKey,
    head: Head,
    mark: UnitsMark,
    kept: Arc<Units>,
    rows: Vec<Row>,
    /// The unit to read from, and the entry after which units before it may have been retired.
    next: Option<(UnitNumber, Seq)>,
}

impl Newer {
    fn after(trees: &Trees, key: ElectionKey, head: Head, mark: UnitsMark) -> Self {
        let kept = trees.kept(key, head.epoch).unwrap_or_default();
        let next = (kept.seq() < mark.seq).then(|| (kept.next(), kept.seq()));
        Self { key, head, mark, kept, rows: Vec::new(), next }
    }

    fn take(&mut self, page: Vec<Row>) {
        let Some((from, _)) = self.next else { return };
        let added = page.iter().filter(|row| row.number >= from);
        let (count, last) = added.fold((0_usize, None), |(count, _), row| (count + 1, Some(row.number)));
        // Retired units before the first page were read with it.
        self.next =
            last.filter(|_| count >= UNITS_PAGE).map(|last| (UnitNumber(last.0.saturating_add(1)), self.mark.seq));
        self.rows.extend(page);
    }

    fn grown(self, trees: &Trees) -> Result<Arc<Units>, LedgerError> {
        let Self { key, head, mark, kept, rows, .. } = self;
        if kept.seq() >= mark.seq { Ok(kept) } else { trees.grown(kept, key, head, mark, rows) }
    }
}
