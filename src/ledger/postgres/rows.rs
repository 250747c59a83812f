//! From rows to values: a row that should not exist names its table and key.

use hustings_core::{Chain, ContestNumber, Election, ElectionState, Entry, Epoch, Seq, Time, UnitNumber};
use tokio_postgres::Row;

use super::failure::Failure;
use crate::ledger::{ElectionKey, HashedToken, Head, LedgerError, Scopes, Stored, Token, TokenId};

/// PostgreSQL holds integers up to 2^63 - 1; sequences and times never get there.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// An election's number as a column holds it. What is too large for one is 0, which no election ever has.
pub(super) fn election_number(key: ElectionKey) -> i32 {
    i32::try_from(key.0).unwrap_or(0)
}

/// A contest's number as a column holds it; no election has so many that one is too large for it.
pub(super) fn contest_number(contest: ContestNumber) -> i32 {
    i32::try_from(contest.0).unwrap_or(i32::MAX)
}

/// From the column `election`.
pub(super) fn key(row: &Row) -> Result<ElectionKey, Failure> {
    let number: i32 = row.try_get("election")?;
    Ok(ElectionKey(u32::try_from(number).unwrap_or(0)))
}

/// From the columns `election, seq, bytes`.
pub(super) fn stored(row: &Row) -> Result<(ElectionKey, Stored), Failure> {
    let (key, seq, bytes): (_, i64, Vec<u8>) = (key(row)?, row.try_get("seq")?, row.try_get("bytes")?);
    match Entry::from_bytes(&bytes) {
        Ok(entry) => Ok((key, Stored::new(entry, bytes))),
        Err(error) => Err(LedgerError::damaged_entry(key, seq, error).into()),
    }
}

/// From the columns `election, epoch, seq, time, chain`.
pub(super) fn head(row: &Row) -> Result<Head, Failure> {
    let key = key(row)?;
    Ok(Head {
        epoch: Epoch(bytes(row, "head", key, "epoch")?),
        seq: Seq(unsigned(row.try_get("seq")?)),
        time: Time(unsigned(row.try_get("time")?)),
        chain: Chain(bytes(row, "head", key, "chain")?),
    })
}

/// From the columns of [`head`] and `state`.
pub(super) fn locked(row: &Row) -> Result<(ElectionKey, (Head, ElectionState)), Failure> {
    let key = key(row)?;
    let state = serde_json::from_str(row.try_get("state")?).map_err(|error| damaged("head", key, &error))?;
    Ok((key, (head(row)?, state)))
}

/// From the columns `election, definition`.
pub(super) fn defined(row: &Row) -> Result<(ElectionKey, Election), Failure> {
    let key = key(row)?;
    Ok((key, serde_json::from_str(row.try_get("definition")?).map_err(|error| damaged("election", key, &error))?))
}

pub(super) fn token(row: &Row) -> Result<Token, Failure> {
    let id: i64 = row.try_get("token")?;
    let scopes: &str = row.try_get("scopes")?;
    let damaged = |what| LedgerError::Damaged { table: "token", key: id.to_string(), what };
    let scopes: Scopes = scopes.parse().map_err(damaged)?;
    let per_minute: Option<i64> = row.try_get("per_minute")?;
    let time = |column| -> Result<Option<Time>, Failure> {
        Ok(row.try_get::<_, Option<i64>>(column)?.map(|at| Time(unsigned(at))))
    };
    let (election, unit): (Option<i32>, Option<i32>) = (row.try_get("election")?, row.try_get("unit")?);
    Ok(Token {
        id: TokenId(id),
        name: row.try_get("name")?,
        scopes,
        per_minute: per_minute.map(|per_minute| u32::try_from(per_minute).unwrap_or(u32::MAX)),
        created: Time(unsigned(row.try_get("created")?)),
        revoked: time("revoked")?,
        election: election.map(|key| ElectionKey(u32::try_from(key).unwrap_or(0))),
        unit: unit.map(|unit| UnitNumber(u32::try_from(unit).unwrap_or(u32::MAX))),
        used: time("used")?,
    })
}

/// From the columns of [`token`] and `hash`.
pub(super) fn hashed_token(row: &Row) -> Result<HashedToken, Failure> {
    let (token, hash): (_, &[u8]) = (token(row)?, row.try_get("hash")?);
    let what = format!("its hash has {} bytes, not 32", hash.len());
    match hash.try_into() {
        Ok(hash) => Ok(HashedToken { token, hash }),
        Err(_) => Err(LedgerError::Damaged { table: "token", key: token.id.0.to_string(), what }.into()),
    }
}

pub(super) fn damaged(table: &'static str, key: ElectionKey, error: &serde_json::Error) -> Failure {
    LedgerError::Damaged { table, key: key.0.to_string(), what: error.to_string() }.into()
}

fn bytes<const N: usize>(row: &Row, table: &'static str, key: ElectionKey, column: &str) -> Result<[u8; N], Failure> {
    let bytes: &[u8] = row.try_get(column)?;
    let what = format!("its {column} has {} bytes, not {N}", bytes.len());
    bytes.try_into().map_err(|_| LedgerError::Damaged { table, key: key.0.to_string(), what }.into())
}
