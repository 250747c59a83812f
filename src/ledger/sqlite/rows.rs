//! From rows to values: a row that should not exist names its table and key.

use hustings_core::{Chain, Election, ElectionState, Entry, Epoch, Seq, Time, UnitNumber};
use rusqlite::Row;

use super::writer::Failure;
use crate::ledger::batch::Locked;
use crate::ledger::{ElectionKey, Head, LedgerError, Scopes, Stored, Token, TokenId};

/// SQLite holds integers up to 2^63 - 1; sequences and times never get there.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// From the columns `seq, bytes`.
pub(super) fn stored(election: ElectionKey, row: &Row<'_>) -> Result<Stored, Failure> {
    let (seq, bytes): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
    match Entry::from_bytes(&bytes) {
        Ok(entry) => Ok(Stored { entry, bytes }),
        Err(error) => Err(LedgerError::damaged_entry(election, seq, error).into()),
    }
}

pub(super) fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head {
        epoch: Epoch(row.get("epoch")?),
        seq: Seq(unsigned(row.get("seq")?)),
        time: Time(unsigned(row.get("time")?)),
        chain: Chain(row.get("chain")?),
    })
}

pub(super) fn locked(key: ElectionKey, row: &Row<'_>) -> Result<Locked, Failure> {
    let (state, definition): (String, String) = (row.get("state")?, row.get("definition")?);
    let state: ElectionState = serde_json::from_str(&state).map_err(|error| damaged("head", key, &error))?;
    let election: Election = serde_json::from_str(&definition).map_err(|error| damaged("election", key, &error))?;
    Ok(Locked { head: head(row)?, state, election: std::sync::Arc::new(election) })
}

pub(super) fn damaged(table: &'static str, key: ElectionKey, error: &serde_json::Error) -> Failure {
    Failure::Ledger(LedgerError::Damaged { table, key: key.0.to_string(), what: error.to_string() })
}

pub(super) fn token(row: &Row<'_>) -> Result<Token, Failure> {
    let id: i64 = row.get("token")?;
    let scopes: String = row.get("scopes")?;
    let scopes: Scopes =
        scopes.parse().map_err(|what| LedgerError::Damaged { table: "token", key: id.to_string(), what })?;
    Ok(Token {
        id: TokenId(id),
        name: row.get("name")?,
        scopes,
        per_minute: row.get("per_minute")?,
        created: Time(unsigned(row.get("created")?)),
        revoked: row.get::<_, Option<i64>>("revoked")?.map(|time| Time(unsigned(time))),
        election: row.get::<_, Option<u32>>("election")?.map(ElectionKey),
        unit: row.get::<_, Option<u32>>("unit")?.map(UnitNumber),
        used: row.get::<_, Option<i64>>("used")?.map(|time| Time(unsigned(time))),
    })
}
