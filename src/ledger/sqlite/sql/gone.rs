//! SQL of elections that are removed, or replaced by another definition.

use hustings_core::{Chain, ElectionId, Seq, Time};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

use crate::ledger::removed::{RemovedTexts, removed as parsed};
use crate::ledger::sqlite::rows::{signed, unsigned};
use crate::ledger::sqlite::writer::Failure;
use crate::ledger::{ElectionKey, Removed, Wanted};

/// The tables that hold rows of an election by its number, and what tells those apart.
const BY_NUMBER: [(&str, &str); 11] = [
    ("entry", "seq"),
    ("ballot", "contest, voter"),
    ("submission", "id"),
    ("snapshot", "epoch, seq"),
    ("unit", "unit"),
    ("report", "ballot_box, contest, revision"),
    ("quarantine", "digest"),
    ("party", "code"),
    ("ticket", "hash"),
    ("membership", "person"),
    ("cohost_link", "link"),
];

/// The same of those that belong to its id.
const BY_ID: [(&str, &str); 4] =
    [("access_code", "number"), ("joined", "device"), ("joined_total", "id"), ("joined_minute", "minute")];

/// Takes head and definition away, so that names are free and nothing more can be appended; the rest is noted to be erased,
/// with an id also what belongs to that.
pub(in crate::ledger::sqlite) fn let_go(
    tx: &Transaction<'_>,
    key: ElectionKey,
    id: Option<ElectionId>,
) -> Result<(), Failure> {
    tx.execute("-- let_go\n DELETE FROM head WHERE election = ?", [key.0])?;
    tx.execute("-- let_go\n DELETE FROM election WHERE election = ?", [key.0])?;
    tx.execute(
        "-- let_go
         INSERT INTO gone_election (election, id) VALUES (?, ?)",
        params![key.0, id.map(|id| *id.0.as_bytes())],
    )?;
    Ok(())
}

/// Gives the tokens of one definition, its members and co-host links to the one in its place.
pub(in crate::ledger::sqlite) fn hand_over(
    tx: &Transaction<'_>,
    from: ElectionKey,
    to: ElectionKey,
) -> Result<(), Failure> {
    tx.execute("-- hand_over\n UPDATE token SET election = ?2 WHERE election = ?1", [from.0, to.0])?;
    tx.execute("-- hand_over\n UPDATE membership SET election = ?2 WHERE election = ?1", [from.0, to.0])?;
    tx.execute("-- hand_over\n UPDATE cohost_link SET election = ?2 WHERE election = ?1", [from.0, to.0])?;
    Ok(())
}

/// Keeps what stays of an election, and revokes the tokens that were for it alone.
pub(in crate::ledger::sqlite) fn note_removed(tx: &Transaction<'_>, removed: &Removed) -> Result<(), Failure> {
    insert_removed(tx, removed)?;
    tx.execute(
        "-- note_removed
         UPDATE token SET revoked = ?2 WHERE election = ?1 AND revoked IS NULL",
        params![removed.key.0, signed(removed.time.0)],
    )?;
    Ok(())
}

/// Keeps the row. Numbers of elections that are gone are not given again.
pub(in crate::ledger::sqlite) fn insert_removed(tx: &Transaction<'_>, removed: &Removed) -> Result<(), Failure> {
    tx.execute(
        "-- insert_removed
         INSERT INTO removed_election (election, id, code, slug, title, kind, entries, chain, removed_by, reason, removed)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            removed.key.0,
            removed.id.0.as_bytes(),
            removed.code.as_str(),
            removed.slug.as_ref().map(|slug| slug.as_str()),
            removed.title.as_str(),
            removed.kind.name(),
            signed(removed.entries.0),
            removed.chain.0,
            removed.by.as_str(),
            removed.reason.as_ref().map(|reason| reason.as_str()),
            signed(removed.time.0),
        ],
    )?;
    let raised = tx.execute(
        "-- insert_removed
         UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'election'",
        [removed.key.0],
    )?;
    if raised == 0 {
        tx.execute(
            "-- insert_removed\n INSERT INTO sqlite_sequence (name, seq) VALUES ('election', ?)",
            [removed.key.0],
        )?;
    }
    Ok(())
}

pub(in crate::ledger::sqlite) fn removed_one(
    connection: &Connection,
    wanted: &Wanted,
) -> Result<Option<Removed>, Failure> {
    let (column, value): (&str, rusqlite::types::Value) = match wanted {
        Wanted::Key(key) => ("election", i64::from(key.0).into()),
        Wanted::Id(id) => ("id", id.0.as_bytes().to_vec().into()),
        Wanted::Code(code) => ("code", code.to_string().into()),
        Wanted::Slug(slug) => ("slug", slug.to_string().into()),
    };
    let sql = format!(
        "-- removed_one
         SELECT * FROM removed_election WHERE {column} = ? ORDER BY election DESC LIMIT 1"
    );
    connection.prepare_cached(&sql)?.query_and_then([value], row)?.next().transpose()
}

pub(in crate::ledger::sqlite) fn removed(
    connection: &Connection,
    after: Option<ElectionKey>,
    limit: usize,
) -> Result<Vec<Removed>, Failure> {
    let mut select = connection.prepare(
        "-- removed
         SELECT * FROM removed_election WHERE election > ? ORDER BY election LIMIT ?",
    )?;
    let after = after.map_or(0, |key| key.0);
    select.query_and_then(params![after, signed(limit as u64)], row)?.collect()
}

fn row(row: &Row<'_>) -> Result<Removed, Failure> {
    let texts = RemovedTexts {
        code: row.get("code")?,
        slug: row.get("slug")?,
        title: row.get("title")?,
        kind: row.get("kind")?,
        by: row.get("removed_by")?,
        reason: row.get("reason")?,
    };
    let id = ElectionId(Uuid::from_bytes(row.get("id")?));
    let (entries, time) = (Seq(unsigned(row.get("entries")?)), Time(unsigned(row.get("removed")?)));
    Ok(parsed(ElectionKey(row.get("election")?), id, &texts, entries, Chain(row.get("chain")?), time)?)
}

/// Erases rows of one election that is gone, at most so many; the note of it goes last.
pub(in crate::ledger::sqlite) fn erase(tx: &Transaction<'_>, limit: usize) -> Result<usize, Failure> {
    let gone: Option<(u32, Option<[u8; 16]>)> = tx
        .query_row(
            "-- erase
             SELECT election, id FROM gone_election ORDER BY election LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((key, id)) = gone else { return Ok(0) };
    let mut left = limit;
    for (table, columns) in BY_NUMBER {
        let sql = format!(
            "-- erase
             DELETE FROM {table} WHERE election = ?1
                 AND ({columns}) IN (SELECT {columns} FROM {table} WHERE election = ?1 LIMIT ?2)"
        );
        left -= tx.execute(&sql, params![key, signed(left as u64)])?;
    }
    for (table, columns) in BY_ID.into_iter().filter(|_| id.is_some()) {
        let sql = format!(
            "-- erase
             DELETE FROM {table} WHERE id = ?1
                 AND ({columns}) IN (SELECT {columns} FROM {table} WHERE id = ?1 LIMIT ?2)"
        );
        left -= tx.execute(&sql, params![id, signed(left as u64)])?;
    }
    if left > 0 {
        left -= tx.execute("-- erase\n DELETE FROM gone_election WHERE election = ?", [key])?;
    }
    Ok(limit - left)
}
