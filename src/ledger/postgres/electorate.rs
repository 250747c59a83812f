//! [`Electorate`] on PostgreSQL.
//!
//! Invariant: whoever makes codes or notes devices holds the row of the election, so numbers have no gaps and limits hold on all
//! nodes together.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use hustings_core::{ElectionId, Time};

use super::failure::Failure;
use super::ledger::PostgresLedger;
use super::pace::Pace;
use super::pool::{Doubt, Lease, within};
use super::sql::electorate as sql;
use crate::ledger::electorate::may_make;
use crate::ledger::{
    CodeCount, CodeHash, CodeNumber, DeviceHash, Electorate, JoinedCount, KeptCode, LedgerError, NewCode,
};

#[async_trait]
impl Electorate for PostgresLedger {
    async fn make_codes(
        &self,
        election: ElectionId,
        codes: Vec<NewCode>,
        expected: Option<u32>,
    ) -> Result<Option<CodeNumber>, LedgerError> {
        let (codes, was_tried) = (&codes, &AtomicBool::new(false));
        let make = |lease: Lease| async move {
            let client = lease.client();
            let was_tried = was_tried.swap(true, Ordering::SeqCst);
            let Some(there) = within(sql::lock(client, election)).await? else { return Ok(None) };
            let Some(first) = codes.first() else { return Ok(Some(CodeNumber(there + 1))) };
            // An earlier try may have been stored although its answer was lost. Only the same request comes to the same codes, so
            // those of another node that had it too are the right answer as well.
            if was_tried && let Some(made) = within(sql::code(client, election, first.hash)).await? {
                let last = codes.last().map_or(first.hash, |last| last.hash);
                let is_ours = within(sql::code(client, election, last)).await?.is_some_and(|end| {
                    usize::try_from(end.number.0 - made.number.0).is_ok_and(|between| between + 1 == codes.len())
                });
                return if is_ours { Ok(Some(made.number)) } else { Err(Failure::Ledger(LedgerError::CodeTaken)) };
            }
            if !may_make(there, codes.len(), expected)? {
                return Ok(None);
            }
            let first = CodeNumber(there + 1);
            let numbered = (first.0..).map(CodeNumber).zip(codes).map(|(number, code)| {
                let NewCode { hash, person, made } = code.clone();
                KeptCode { number, hash, voter: hash, person, made, revoked: None }
            });
            let inserted = within(sql::insert_codes(client, election, &numbered.collect::<Vec<_>>())).await;
            inserted.map_err(taken)?;
            Ok(Some(first))
        };
        self.in_transaction(Pace::Brief, make).await
    }

    async fn code(&self, election: ElectionId, hash: CodeHash) -> Result<Option<KeptCode>, LedgerError> {
        self.pool.read(|lease| async move { sql::code(lease.client(), election, hash).await }).await
    }

    async fn first_code(&self, election: ElectionId, hash: CodeHash) -> Result<Option<KeptCode>, LedgerError> {
        self.pool.read(|lease| async move { sql::first_code(lease.client(), election, hash).await }).await
    }

    async fn codes(
        &self,
        election: ElectionId,
        after: Option<CodeNumber>,
        limit: usize,
    ) -> Result<Vec<KeptCode>, LedgerError> {
        self.pool.read(|lease| async move { sql::codes(lease.client(), election, after, limit).await }).await
    }

    async fn count_codes(&self, election: ElectionId) -> Result<CodeCount, LedgerError> {
        self.pool.read(|lease| async move { sql::count_codes(lease.client(), election).await }).await
    }

    async fn revoke_code(&self, election: ElectionId, number: CodeNumber, at: Time) -> Result<bool, LedgerError> {
        let revoke = |lease: Lease| async move { sql::revoke_code(lease.client(), election, number, at).await };
        self.pool.write(Doubt::Tell, revoke).await
    }

    async fn replace_code(
        &self,
        election: ElectionId,
        number: CodeNumber,
        before: CodeHash,
        hash: CodeHash,
        at: Time,
    ) -> Result<Option<KeptCode>, LedgerError> {
        let replace = |lease: Lease| async move {
            sql::replace_code(lease.client(), election, number, before, hash, at).await.map_err(taken)
        };
        self.pool.write(Doubt::RunAgain, replace).await
    }

    async fn relist_code(
        &self,
        election: ElectionId,
        number: CodeNumber,
        before: CodeHash,
        hash: CodeHash,
        at: Time,
    ) -> Result<Option<KeptCode>, LedgerError> {
        let relist = |lease: Lease| async move {
            sql::relist_code(lease.client(), election, number, before, hash, at).await.map_err(taken)
        };
        self.pool.write(Doubt::RunAgain, relist).await
    }

    async fn note_joined(&self, election: ElectionId, devices: Vec<DeviceHash>, now: Time) -> Result<u64, LedgerError> {
        let devices = &devices;
        let note = |lease: Lease| async move {
            let client = lease.client();
            match within(sql::lock(client, election)).await? {
                Some(_) => within(sql::note_joined(client, election, devices, now)).await,
                None => Ok(0),
            }
        };
        self.in_transaction(Pace::Brief, note).await
    }

    async fn joined(&self, election: ElectionId, since: Time) -> Result<JoinedCount, LedgerError> {
        self.pool.read(|lease| async move { sql::joined(lease.client(), election, since).await }).await
    }

    async fn joined_devices(
        &self,
        election: ElectionId,
        after: Option<DeviceHash>,
        limit: usize,
    ) -> Result<Vec<DeviceHash>, LedgerError> {
        let look = |lease: Lease| async move { sql::joined_devices(lease.client(), election, after, limit).await };
        self.pool.read(look).await
    }
}

/// A code that stands elsewhere already is an error of its own.
fn taken(failure: Failure) -> Failure {
    match failure.taken() {
        Some(_) => LedgerError::CodeTaken.into(),
        None => failure,
    }
}
