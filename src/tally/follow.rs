//! One look at one election: how does the ledger stand, and do the counters stand there too?
//!
//! Invariant: counters move by compare-and-set from their own watermark; they are replaced only where they are absent,
//! of another life, or hold another history. Two nodes that look at once, or a look that comes late, change nothing.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Instant;

use hustings_core::{Cell, Count, Delta, Fold, Increment, Tally};

use super::recount::{Pace, alarm, fold_to};
use super::tallies::Followed;
use super::{Applied, Snapshot, Tallies};
use crate::ledger::{Advance, ElectionKey, Head, LedgerError};

/// How often one look starts anew because others move the counters meanwhile. The next look goes on from there.
const ROUNDS_MAX: usize = 4;

/// Where counters stand, seen from a head that was read after them.
enum Place {
    There,
    Behind,
    /// In another history of the same life, or in another life.
    Elsewhere,
    /// Beyond the end: the ledger has lost entries, as a store does that fails over to a late standby.
    Beyond,
}

impl Tallies {
    /// Looks how the ledger stands and brings the counters there; with a time, a look that began since then will do.
    pub(super) async fn look(&self, election: ElectionKey, since: Option<Instant>) -> Result<(), LedgerError> {
        let has_looked = || {
            let looked = since.and_then(|since| self.with(election, |followed| followed.has_looked_since(since)));
            looked.unwrap_or(false)
        };
        if has_looked() {
            return Ok(());
        }
        let turn = self.turn(election);
        let _turn = turn.lock().await;
        if has_looked() {
            return Ok(());
        }
        self.wakes.begin(election);
        let began = Instant::now();
        let followed = match self.head(election).await {
            Ok(Some(head)) => self.bring(election, head).await,
            Ok(None) => {
                self.let_go(election).await;
                return Ok(());
            }
            Err(error) => Err(error),
        };
        // Entries that are missing are no damage where the election was removed while they were read.
        if matches!(followed, Err(LedgerError::Damaged { .. })) && matches!(self.head(election).await, Ok(None)) {
            self.let_go(election).await;
            return Ok(());
        }
        self.conclude(election, began, followed).await
    }

    /// Follows an election no further that is gone, and tells whoever watches it.
    async fn let_go(&self, election: ElectionKey) {
        let was_shown = self.shown(election).is_some();
        self.forget(election);
        self.counters.forget(election).await;
        if was_shown || self.is_watched(election) {
            self.tell_gone(election);
        }
    }

    /// Whether the counters stand at this head already, which was read since then. Nothing is folded here.
    pub(super) async fn stands_at(&self, election: ElectionKey, head: Head, began: Instant) -> bool {
        let stands = self.counters.read(election).await.ok().flatten();
        let there = stands.as_ref().is_some_and(|stands| matches!(place(stands, head), Place::There));
        if there {
            self.with(election, |followed| {
                followed.lives(head.epoch);
                followed.has_looked(began, true);
            });
            self.show(election, stands);
            self.tell(election);
        }
        there
    }

    /// The ledger could not be read: what is shown stays, and is marked.
    pub(super) fn is_out_of_sight(&self, election: ElectionKey) {
        self.with(election, |followed| followed.is_stale());
        self.tell(election);
    }

    async fn conclude(
        &self,
        election: ElectionKey,
        began: Instant,
        followed: Result<bool, LedgerError>,
    ) -> Result<(), LedgerError> {
        let result = match followed {
            Ok(follows) => {
                self.with(election, |followed| followed.has_looked(began, follows));
                Ok(())
            }
            Err(error @ (LedgerError::Newer { .. } | LedgerError::Damaged { .. })) => {
                // Nothing will help but another program or another database, so this is said once; the others go on.
                let halt = |followed: &mut Followed| {
                    followed.has_looked(began, false);
                    followed.halt(error.clone())
                };
                match (self.with(election, halt), &error) {
                    (Some(true), LedgerError::Damaged { .. }) => alarm(election, &error.to_string()),
                    (Some(true), _) => {
                        tracing::error!(%error, "its counters stand still on this node until it is upgraded");
                    }
                    _ => {}
                }
                Err(error)
            }
            Err(error) => {
                self.with(election, |followed| followed.is_stale());
                Err(error)
            }
        };
        if let Ok(Some(counted)) = self.counters.read(election).await {
            self.show(election, Some(counted));
        }
        self.tell(election);
        result
    }

    async fn head(&self, election: ElectionKey) -> Result<Option<Head>, LedgerError> {
        Ok(self.ledger.heads(&[election]).await?.first().map(|(_, head)| *head))
    }

    /// Brings the counters to the head or beyond; says whether they got there.
    async fn bring(&self, election: ElectionKey, wanted: Head) -> Result<bool, LedgerError> {
        let mut head = wanted;
        for _ in 0..ROUNDS_MAX {
            self.with(election, |followed| followed.lives(head.epoch));
            let Some(stands) = self.counters.read(election).await? else {
                self.heal(election, None).await?;
                continue;
            };
            if !matches!(place(&stands, head), Place::There | Place::Behind) {
                // Other nodes move the counters too. Only a head that was read after them can condemn them.
                let Some(later) = self.head(election).await? else { return Ok(false) };
                head = later;
                self.with(election, |followed| followed.lives(head.epoch));
            }
            match place(&stands, head) {
                Place::There => return Ok(true),
                Place::Behind => match self.catch_up(election, &stands, head).await? {
                    Some(Applied::Moved(_)) => return Ok(true),
                    Some(Applied::Already | Applied::Behind) => {}
                    Some(Applied::Forked) => self.rebuild_forked(election).await?,
                    None => self.rebuild(election, &stands).await?,
                },
                Place::Elsewhere => self.rebuild(election, &stands).await?,
                Place::Beyond => {
                    // Votes were shown that are in no ledger any more, under versions that will come again.
                    tracing::error!(election = election.0, "the ledger has lost entries; it begins a new epoch");
                    self.ledger.renew_epochs(Some(election)).await?;
                    self.rebuild(election, &stands).await?;
                }
            }
        }
        // While others write, there is always more; what this look was for may be there all the same.
        let stands = self.counters.read(election).await?;
        Ok(stands.is_some_and(|stands| stands.epoch == wanted.epoch && stands.fold.seq >= wanted.seq))
    }

    /// Folds what the ledger has after the watermark and applies it as one batch. `None` where the entries do not fit
    /// on top of these counters, or lead to another chain than the head's: counters of another history.
    async fn catch_up(
        &self,
        election: ElectionKey,
        stands: &Snapshot,
        head: Head,
    ) -> Result<Option<Applied>, LedgerError> {
        if self.with(election, |followed| followed.halted()).flatten().is_some() {
            return Ok(Some(Applied::Behind));
        }
        let fold = match fold_to(self.ledger.as_ref(), election, stands.fold.clone(), head.seq, Pace::Full).await {
            Ok(fold) if fold.chain == head.chain => fold,
            Ok(_) | Err(LedgerError::Damaged { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.counters.apply(&between(election, stands, &fold)).await.map(Some)
    }

    async fn rebuild_forked(&self, election: ElectionKey) -> Result<(), LedgerError> {
        match self.counters.read(election).await? {
            Some(condemned) => self.rebuild(election, &condemned).await,
            None => self.heal(election, None).await,
        }
    }

    async fn rebuild(&self, election: ElectionKey, condemned: &Snapshot) -> Result<(), LedgerError> {
        metrics::counter!("hustings_counters_forked_total").increment(1);
        tracing::warn!(election = election.0, "the counters held another history; rebuilding them");
        self.heal(election, Some(condemned)).await
    }

    /// Puts a fresh fold of the ledger in the place of absent, forked or condemned counters.
    async fn heal(&self, election: ElectionKey, condemned: Option<&Snapshot>) -> Result<(), LedgerError> {
        let Some(head) = self.head(election).await? else { return Ok(()) };
        let Some(found) = self.elections.with_contests(election, 1).await? else { return Ok(()) };
        self.with(election, |followed| {
            followed.lives(head.epoch);
            followed.is_stale();
        });
        self.tell(election);
        if let Some(error) = self.with(election, |followed| followed.halted()).flatten() {
            return Err(error);
        }
        let ledger = self.ledger.as_ref();
        let leads_there = |fold: &Fold| fold.chain == head.chain && fold.seq == head.seq;
        let from_kept = match self.kept(election, head).await {
            Some(kept) => fold_to(ledger, election, kept, head.seq, Pace::Full).await.ok().filter(leads_there),
            None => None,
        };
        let fold = match from_kept {
            Some(fold) => fold,
            // A kept fold that does not lead to the head is no start. The first entry is, or the ledger is not whole.
            None => fold_to(ledger, election, Fold::new(&found.election), head.seq, Pace::Full).await?,
        };
        if !leads_there(&fold) {
            let what = format!("its chain up to entry {} is not that of its entries", head.seq);
            return Err(LedgerError::Damaged { table: "head", key: election.0.to_string(), what });
        }
        self.counters.replace(election, Arc::new(Snapshot { epoch: head.epoch, fold }), condemned).await?;
        Ok(())
    }

    /// A kept fold is derived, so one that cannot be read is only slow, never in the way.
    async fn kept(&self, election: ElectionKey, head: Head) -> Option<Fold> {
        let kept = self.ledger.snapshot(election, head.epoch, head.seq).await;
        kept.inspect_err(|error| tracing::warn!(%error, "a kept tally cannot be used")).ok().flatten()
    }
}

fn place(stands: &Snapshot, head: Head) -> Place {
    if stands.epoch != head.epoch {
        return Place::Elsewhere;
    }
    match stands.fold.seq.cmp(&head.seq) {
        Ordering::Less => Place::Behind,
        Ordering::Equal if stands.fold.chain == head.chain => Place::There,
        Ordering::Equal => Place::Elsewhere,
        Ordering::Greater => Place::Beyond,
    }
}

/// The batch that leads from counters to a later fold of the same ledger.
fn between(election: ElectionKey, stands: &Snapshot, fold: &Fold) -> Advance {
    let head = |fold: &Fold| Head { epoch: stands.epoch, seq: fold.seq, time: fold.time, chain: fold.chain };
    Advance {
        election,
        before: head(&stands.fold),
        after: head(fold),
        increments: difference(&stands.fold.tally, &fold.tally),
        state: (stands.fold.state != fold.state).then(|| fold.state.clone()),
    }
}

/// What leads from one tally to another. Totals end at 2^53 - 1, so a difference always fits.
fn difference(before: &Tally, after: &Tally) -> Vec<Increment> {
    let moved = |(cell, total): (Cell, Count)| {
        let delta = total.get().cast_signed() - before.get(&cell).get().cast_signed();
        (delta != 0).then_some(Increment { cell, delta: Delta(delta) })
    };
    after.iter().filter_map(moved).collect()
}
