//! [`Reports`] on SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{ContestNumber, Seq, Time, UnitNumber, Units, UnitsMark};

use super::ledger::SqliteLedger;
use super::sql::{self, reports as rows};
use crate::ledger::{Case, Digest, ElectionKey, LedgerError, PAGE_MAX, Reports, Settled, Stored};

#[async_trait]
impl Reports for SqliteLedger {
    async fn units(&self, election: ElectionKey, least: Option<UnitsMark>) -> Result<Arc<Units>, LedgerError> {
        if let (Some(least), Some(kept)) = (least, self.trees.any(election))
            && kept.seq() >= least.seq
        {
            return Ok(kept);
        }
        let trees = Arc::clone(&self.trees);
        self.readers
            .run(move |connection| {
                let Some((head, mark)) = sql::standing(connection, election)? else { return Ok(Arc::default()) };
                rows::units(connection, &trees, election, head, mark)
            })
            .await
    }

    async fn current_reports(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        boxes: &[UnitNumber],
    ) -> Result<Vec<Stored>, LedgerError> {
        let boxes: Vec<UnitNumber> = boxes.iter().copied().take(PAGE_MAX).collect();
        self.readers.run(move |connection| rows::current_reports(connection, election, contest, &boxes)).await
    }

    async fn revisions(&self, election: ElectionKey, ballot_box: UnitNumber) -> Result<Vec<Stored>, LedgerError> {
        self.readers.run(move |connection| rows::revisions(connection, election, ballot_box)).await
    }

    async fn last_before(&self, election: ElectionKey, time: Time) -> Result<Seq, LedgerError> {
        self.readers.run(move |connection| rows::last_before(connection, election, time)).await
    }

    async fn quarantine(&self, case: Case) -> Result<(), LedgerError> {
        self.writer.run(move |connection| rows::quarantine(connection, &case)).await
    }

    async fn cases(
        &self,
        election: ElectionKey,
        after: Option<Digest>,
        waiting: bool,
        limit: usize,
    ) -> Result<Vec<Case>, LedgerError> {
        self.readers.run(move |connection| rows::cases(connection, election, after, waiting, limit)).await
    }

    async fn case(&self, election: ElectionKey, digest: Digest) -> Result<Option<Case>, LedgerError> {
        self.readers.run(move |connection| rows::case(connection, election, digest)).await
    }

    async fn settle(&self, election: ElectionKey, digest: Digest, settled: Settled) -> Result<bool, LedgerError> {
        self.writer.run(move |connection| rows::settle(connection, election, digest, &settled)).await
    }
}
