//! The SQL of elections that are removed, or replaced by another definition.

use hustings_core::{Chain, ElectionId, Seq, Time};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::super::failure::Failure;
use super::super::rows::{self, election_number, signed, unsigned};
use crate::ledger::removed::{RemovedTexts, removed as parsed};
use crate::ledger::{ElectionKey, LedgerError, Removed, Wanted};

/// The tables that hold rows of an election by its number.
const BY_NUMBER: [&str; 11] = [
    "entry",
    "ballot",
    "submission",
    "snapshot",
    "unit",
    "report",
    "quarantine",
    "party",
    "ticket",
    "membership",
    "cohost_link",
];

/// The tables that hold what belongs to its id.
const BY_ID: [&str; 4] = ["access_code", "joined", "joined_total", "joined_minute"];

/// Takes head and definition away, so that names are free and nothing more can be appended; the rest is noted to be erased,
/// with an id also what belongs to that. Two statements: the one that is referred to goes last.
pub(in super::super) async fn let_go(client: &Client, key: ElectionKey, id: Option<ElectionId>) -> Result<(), Failure> {
    client
        .execute_typed("-- let_go\n DELETE FROM head WHERE election = $1", &[(&election_number(key), Type::INT4)])
        .await?;
    client
        .execute_typed(
            "-- let_go
             WITH gone AS (DELETE FROM election WHERE election = $1)
             INSERT INTO gone_election (election, id) VALUES ($1, $2)",
            &[(&election_number(key), Type::INT4), (&id.map(|id| id.0), Type::UUID)],
        )
        .await?;
    Ok(())
}

/// Gives the tokens of one definition to the one in its place.
pub(in super::super) async fn hand_over(client: &Client, from: ElectionKey, to: ElectionKey) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- hand_over
             WITH members AS (UPDATE membership SET election = $2 WHERE election = $1),
                 links AS (UPDATE cohost_link SET election = $2 WHERE election = $1)
             UPDATE token SET election = $2 WHERE election = $1",
            &[(&election_number(from), Type::INT4), (&election_number(to), Type::INT4)],
        )
        .await?;
    Ok(())
}

/// Revokes the tokens that were for this election alone.
pub(in super::super) async fn revoke_tokens(client: &Client, key: ElectionKey, at: Time) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- revoke_tokens
             UPDATE token SET revoked = $2 WHERE election = $1 AND revoked IS NULL",
            &[(&election_number(key), Type::INT4), (&signed(at.0), Type::INT8)],
        )
        .await?;
    Ok(())
}

/// Keeps what stays of an election.
pub(in super::super) async fn insert_removed(client: &Client, removed: &Removed) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- insert_removed
             INSERT INTO removed_election
                 (election, id, code, slug, title, kind, entries, chain, removed_by, reason, removed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                (&election_number(removed.key), Type::INT4),
                (&removed.id.0, Type::UUID),
                (&removed.code.as_str(), Type::TEXT),
                (&removed.slug.as_ref().map(|slug| slug.as_str()), Type::TEXT),
                (&removed.title.as_str(), Type::TEXT),
                (&removed.kind.name(), Type::TEXT),
                (&signed(removed.entries.0), Type::INT8),
                (&removed.chain.0.as_slice(), Type::BYTEA),
                (&removed.by.as_str(), Type::TEXT),
                (&removed.reason.as_ref().map(|reason| reason.as_str()), Type::TEXT),
                (&signed(removed.time.0), Type::INT8),
            ],
        )
        .await?;
    Ok(())
}

/// What stays of the election that was called so and was removed last.
pub(in super::super) async fn removed_one(client: &Client, wanted: &Wanted) -> Result<Option<Removed>, Failure> {
    let (key, code, slug);
    let (column, value): (&str, (&(dyn ToSql + Sync), Type)) = match wanted {
        Wanted::Key(number) => {
            key = election_number(*number);
            ("election", (&key, Type::INT4))
        }
        Wanted::Id(id) => ("id", (&id.0, Type::UUID)),
        Wanted::Code(wanted) => {
            code = wanted.as_str();
            ("code", (&code, Type::TEXT))
        }
        Wanted::Slug(wanted) => {
            slug = wanted.as_str();
            ("slug", (&slug, Type::TEXT))
        }
    };
    let sql = format!(
        "-- removed_one
         SELECT * FROM removed_election WHERE {column} = $1 ORDER BY election DESC LIMIT 1"
    );
    let row = client.query_typed_opt(&sql, &[value]).await?;
    row.as_ref().map(removed_row).transpose()
}

/// Elections that were removed, after a key.
pub(in super::super) async fn removed(
    client: &Client,
    after: Option<ElectionKey>,
    limit: usize,
) -> Result<Vec<Removed>, Failure> {
    let rows = client
        .query_typed(
            "-- removed
             SELECT * FROM removed_election WHERE election > $1 ORDER BY election LIMIT $2",
            &[(&after.map_or(0, election_number), Type::INT4), (&signed(limit as u64), Type::INT8)],
        )
        .await?;
    rows.iter().map(removed_row).collect()
}

fn removed_row(row: &Row) -> Result<Removed, Failure> {
    let key = rows::key(row)?;
    let texts = RemovedTexts {
        code: row.try_get("code")?,
        slug: row.try_get("slug")?,
        title: row.try_get("title")?,
        kind: row.try_get("kind")?,
        by: row.try_get("removed_by")?,
        reason: row.try_get("reason")?,
    };
    let chain: &[u8] = row.try_get("chain")?;
    let chain = chain.try_into().map_err(|_| LedgerError::Damaged {
        table: "removed_election",
        key: key.0.to_string(),
        what: "its chain is not 32 bytes long".to_owned(),
    })?;
    let (entries, time) = (Seq(unsigned(row.try_get("entries")?)), Time(unsigned(row.try_get("removed")?)));
    Ok(parsed(key, ElectionId(row.try_get("id")?), &texts, entries, Chain(chain), time)?)
}

/// An election that is gone and that no other node erases now, with its id where what belongs to that goes too.
pub(in super::super) async fn gone(client: &Client) -> Result<Option<(i32, Option<Uuid>)>, Failure> {
    let row = client
        .query_typed_opt(
            "-- gone
             SELECT election, id FROM gone_election ORDER BY election LIMIT 1 FOR UPDATE SKIP LOCKED",
            &[],
        )
        .await?;
    row.map(|row| Ok((row.try_get("election")?, row.try_get("id")?))).transpose()
}

/// Erases rows of an election that is gone, at most so many; the note of it goes last.
pub(in super::super) async fn erase(
    client: &Client,
    (number, id): (i32, Option<Uuid>),
    limit: usize,
) -> Result<usize, Failure> {
    let mut left = signed(limit as u64);
    for table in BY_NUMBER {
        // Naming the election once more keeps it to one part of the table, in which a place stands for one row.
        let sql = format!(
            "-- erase
             DELETE FROM {table} WHERE election = $1
                 AND ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE election = $1 LIMIT $2))"
        );
        left -= signed(client.execute_typed(&sql, &[(&number, Type::INT4), (&left, Type::INT8)]).await?);
    }
    for table in BY_ID.into_iter().filter(|_| id.is_some()) {
        let sql = format!(
            "-- erase
             DELETE FROM {table} WHERE id = $1 AND ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE id = $1 LIMIT $2))"
        );
        left -= signed(client.execute_typed(&sql, &[(&id, Type::UUID), (&left, Type::INT8)]).await?);
    }
    if left > 0 {
        let sql = "-- erase\n DELETE FROM gone_election WHERE election = $1";
        left -= signed(client.execute_typed(sql, &[(&number, Type::INT4)]).await?);
    }
    Ok(limit - usize::try_from(left).unwrap_or(0))
}
