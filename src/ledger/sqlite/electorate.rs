//! [`Electorate`] on SQLite.

use async_trait::async_trait;
use hustings_core::{ElectionId, Time};

use super::ledger::{SqliteLedger, begin};
use super::sql::electorate as sql;
use crate::ledger::electorate::may_make;
use crate::ledger::{
    CodeCount, CodeHash, CodeNumber, DeviceHash, Electorate, JoinedCount, KeptCode, LedgerError, NewCode,
};

#[async_trait]
impl Electorate for SqliteLedger {
    async fn make_codes(
        &self,
        election: ElectionId,
        codes: Vec<NewCode>,
        expected: Option<u32>,
    ) -> Result<Option<CodeNumber>, LedgerError> {
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                let Some(there) = sql::there(&tx, election)? else { return Ok(None) };
                if !may_make(there, codes.len(), expected)? {
                    return Ok(None);
                }
                let first = CodeNumber(there + 1);
                sql::make_codes(&tx, election, first, &codes)?;
                tx.commit()?;
                Ok(Some(first))
            })
            .await
    }

    async fn code(&self, election: ElectionId, hash: CodeHash) -> Result<Option<KeptCode>, LedgerError> {
        self.readers.run(move |connection| sql::code(connection, election, hash)).await
    }

    async fn first_code(&self, election: ElectionId, hash: CodeHash) -> Result<Option<KeptCode>, LedgerError> {
        self.readers.run(move |connection| sql::first_code(connection, election, hash)).await
    }

    async fn codes(
        &self,
        election: ElectionId,
        after: Option<CodeNumber>,
        limit: usize,
    ) -> Result<Vec<KeptCode>, LedgerError> {
        self.readers.run(move |connection| sql::codes(connection, election, after, limit)).await
    }

    async fn count_codes(&self, election: ElectionId) -> Result<CodeCount, LedgerError> {
        self.readers.run(move |connection| sql::count_codes(connection, election)).await
    }

    async fn revoke_code(&self, election: ElectionId, number: CodeNumber, at: Time) -> Result<bool, LedgerError> {
        self.writer.run(move |connection| sql::revoke_code(connection, election, number, at)).await
    }

    async fn replace_code(
        &self,
        election: ElectionId,
        number: CodeNumber,
        before: CodeHash,
        hash: CodeHash,
        at: Time,
    ) -> Result<Option<KeptCode>, LedgerError> {
        self.writer.run(move |connection| sql::replace_code(connection, election, number, before, hash, at)).await
    }

    async fn relist_code(
        &self,
        election: ElectionId,
        number: CodeNumber,
        before: CodeHash,
        hash: CodeHash,
        at: Time,
    ) -> Result<Option<KeptCode>, LedgerError> {
        self.writer.run(move |connection| sql::relist_code(connection, election, number, before, hash, at)).await
    }

    async fn note_joined(&self, election: ElectionId, devices: Vec<DeviceHash>, now: Time) -> Result<u64, LedgerError> {
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                if sql::there(&tx, election)?.is_none() {
                    return Ok(0);
                }
                let new = sql::note_joined(&tx, election, &devices, now)?;
                tx.commit()?;
                Ok(new)
            })
            .await
    }

    async fn joined(&self, election: ElectionId, since: Time) -> Result<JoinedCount, LedgerError> {
        self.readers.run(move |connection| sql::joined(connection, election, since)).await
    }

    async fn joined_devices(
        &self,
        election: ElectionId,
        after: Option<DeviceHash>,
        limit: usize,
    ) -> Result<Vec<DeviceHash>, LedgerError> {
        self.readers.run(move |connection| sql::joined_devices(connection, election, after, limit)).await
    }
}
