//! [`Reports`] on PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{ContestNumber, Seq, Time, UnitNumber, Units, UnitsMark};

use super::ledger::PostgresLedger;
use super::pool::{Doubt, Lease};
use super::sql::reports as sql;
use super::trees;
use crate::ledger::batch::BoxIn;
use crate::ledger::{Case, Digest, ElectionKey, LedgerError, PAGE_MAX, Reports, Settled, Stored};

#[async_trait]
impl Reports for PostgresLedger {
    async fn units(&self, election: ElectionKey, least: Option<UnitsMark>) -> Result<Arc<Units>, LedgerError> {
        if let (Some(least), Some(kept)) = (least, self.trees.any(election))
            && kept.seq() >= least.seq
        {
            return Ok(kept);
        }
        trees::newest(&self.pool, &self.trees, election).await
    }

    async fn current_reports(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        boxes: &[UnitNumber],
    ) -> Result<Vec<Stored>, LedgerError> {
        let of = |ballot_box: &UnitNumber| (election, BoxIn { ballot_box: *ballot_box, contest });
        let boxes: Vec<_> = boxes.iter().take(PAGE_MAX).map(of).collect();
        let boxes = &boxes;
        let found = self.pool.read(|lease| async move { sql::current(lease.client(), boxes).await }).await?;
        Ok(found.into_iter().map(|(_, stored)| stored).collect())
    }

    async fn revisions(&self, election: ElectionKey, ballot_box: UnitNumber) -> Result<Vec<Stored>, LedgerError> {
        self.pool.read(|lease| async move { sql::revisions(lease.client(), election, ballot_box).await }).await
    }

    async fn last_before(&self, election: ElectionKey, time: Time) -> Result<Seq, LedgerError> {
        self.pool.read(|lease| async move { sql::last_before(lease.client(), election, time).await }).await
    }

    async fn quarantine(&self, case: Case) -> Result<(), LedgerError> {
        let case = &case;
        self.pool.write(Doubt::RunAgain, |lease| async move { sql::quarantine(lease.client(), case).await }).await
    }

    async fn cases(
        &self,
        election: ElectionKey,
        after: Option<Digest>,
        waiting: bool,
        limit: usize,
    ) -> Result<Vec<Case>, LedgerError> {
        let look = |lease: Lease| async move { sql::cases(lease.client(), election, after, waiting, limit).await };
        self.pool.read(look).await
    }

    async fn case(&self, election: ElectionKey, digest: Digest) -> Result<Option<Case>, LedgerError> {
        self.pool.read(|lease| async move { sql::case(lease.client(), election, digest).await }).await
    }

    async fn settle(&self, election: ElectionKey, digest: Digest, settled: Settled) -> Result<bool, LedgerError> {
        let settled = &settled;
        let settle = |lease: Lease| async move { sql::settle(lease.client(), election, digest, settled).await };
        self.pool.write(Doubt::Tell, settle).await
    }
}
