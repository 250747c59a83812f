//! From rows to values: a row that should not exist names its table and key.

use hustings_core::{Chain, Election, ElectionState, Entry, Epoch, Seq, Time, UnitNumber};
use rusqlite::Row;
use rusqlite::types::FromSql;

use super::writer::Failure;
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
        Ok(entry) => Ok(Stored::new(entry, bytes)),
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

/// From the columns of [`head`] and `state`.
pub(super) fn standing(key: ElectionKey, row: &Row<'_>) -> Result<(Head, ElectionState), Failure> {
    let state: String = row.get("state")?;
    let state = serde_json::from_str(&state).map_err(|error| damaged("head", key, &error))?;
    Ok((head(row)?, state))
}

/// From the columns `election, definition`.
pub(super) fn defined(row: &Row<'_>) -> Result<(ElectionKey, Election), Failure> {
    let (key, text): (u32, String) = (row.get("election")?, row.get("definition")?);
    let key = ElectionKey(key);
    Ok((key, serde_json::from_str(&text).map_err(|error| damaged("election", key, &error))?))
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
        election: later(row, "election")?.map(ElectionKey),
        unit: later(row, "unit")?.map(UnitNumber),
        used: later(row, "used")?.map(|time| Time(unsigned(time))),
    })
}

/// From a column of the second schema: who only looks may meet tables of the first one.
fn later<T: FromSql>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    match row.get(column) {
        Err(rusqlite::Error::InvalidColumnName(_)) => Ok(None),
        other => other,
    }
}
