//! The SQL of copies: whole rows out, whole rows in, and the mark of an unfinished copy.

use hustings_core::{Election, Seq, SubmissionId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use uuid::Uuid;

use super::super::rows::{self, signed};
use super::super::writer::Failure;
use super::definition;
use crate::ledger::{Census, Cut, ElectionKey, HashedToken, Registered, Submitted, TokenId};

/// The row of `installation` that marks an unfinished copy.
const MARK: &str = "migrating";

pub(in super::super) fn kept_secret_check(connection: &Connection) -> Result<Option<[u8; 16]>, Failure> {
    let kept = connection.query_row(
        "-- kept_secret_check
         SELECT value FROM installation WHERE name = 'secret_check'",
        [],
        |row| row.get(0),
    );
    Ok(kept.optional()?)
}

pub(in super::super) fn is_unfinished(connection: &Connection) -> Result<bool, Failure> {
    let marked = connection.query_row(
        "-- is_unfinished
         SELECT EXISTS (SELECT 1 FROM installation WHERE name = ?)",
        [MARK],
        |row| row.get(0),
    );
    Ok(marked?)
}

pub(in super::super) fn holds_nothing(connection: &Connection) -> Result<bool, Failure> {
    let empty = connection.query_row(
        "-- holds_nothing
         SELECT NOT EXISTS (SELECT 1 FROM election) AND NOT EXISTS (SELECT 1 FROM token)
             AND NOT EXISTS (SELECT 1 FROM person)",
        [],
        |row| row.get(0),
    );
    Ok(empty?)
}

pub(in super::super) fn mark(tx: &Transaction<'_>) -> Result<(), Failure> {
    tx.execute(
        "-- mark
         INSERT INTO installation (name, value) VALUES (?, x'') ON CONFLICT DO NOTHING",
        [MARK],
    )?;
    Ok(())
}

pub(in super::super) fn unmark(connection: &Connection) -> Result<(), Failure> {
    connection.execute("-- unmark\n DELETE FROM installation WHERE name = ?", [MARK])?;
    Ok(())
}

pub(in super::super) fn cuts(
    connection: &Connection,
    after: Option<ElectionKey>,
    limit: usize,
) -> Result<Vec<Cut>, Failure> {
    // One statement: a round that begins meanwhile is in both the definition and the head, or in neither.
    let mut select = connection.prepare_cached(
        "-- cuts
         SELECT election, epoch, seq, time, chain, definition FROM head JOIN election USING (election)
         WHERE election > ? ORDER BY election LIMIT ?",
    )?;
    let after = after.map_or(0, |key| key.0);
    let cut = |row: &rusqlite::Row<'_>| -> Result<Cut, Failure> {
        let (key, election) = rows::defined(row)?;
        Ok(Cut { registered: Registered { key, election: election.into() }, head: rows::head(row)? })
    };
    select.query_and_then(params![after, signed(limit as u64)], cut)?.collect()
}

pub(in super::super) fn submissions(
    connection: &Connection,
    key: ElectionKey,
    after: Option<SubmissionId>,
    up_to: Seq,
    limit: usize,
) -> Result<Vec<Submitted>, Failure> {
    // No id is shorter than none at all: the empty blob stands before every id.
    let mut select = connection.prepare_cached(
        "-- submissions
         SELECT id, seq FROM submission WHERE election = ? AND id > ? AND seq <= ? ORDER BY id LIMIT ?",
    )?;
    let after = after.map_or_else(Vec::new, |id| id.0.as_bytes().to_vec());
    let submitted = |row: &rusqlite::Row<'_>| {
        let id = SubmissionId(Uuid::from_bytes(row.get(0)?));
        Ok(Submitted { id, seq: Seq(rows::unsigned(row.get(1)?)) })
    };
    let found = select.query_map(params![key.0, after, signed(up_to.0), signed(limit as u64)], submitted)?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(in super::super) fn hashed_tokens(
    connection: &Connection,
    after: Option<TokenId>,
    limit: usize,
) -> Result<Vec<HashedToken>, Failure> {
    let mut select = connection.prepare_cached(
        "-- hashed_tokens
         SELECT * FROM token
         WHERE token > ? ORDER BY token LIMIT ?",
    )?;
    let after = after.map_or(0, |id| id.0);
    select.query_and_then(params![after, signed(limit as u64)], hashed)?.collect()
}

fn hashed(row: &rusqlite::Row<'_>) -> Result<HashedToken, Failure> {
    Ok(HashedToken { token: rows::token(row)?, hash: row.get("hash")? })
}

pub(in super::super) fn census(connection: &Connection, key: ElectionKey) -> Result<Census, Failure> {
    let counted = connection.query_row(
        "-- census
         SELECT (SELECT count(*) FROM ballot WHERE election = ?1),
                (SELECT count(*) FROM submission WHERE election = ?1),
                (SELECT count(*) FROM unit WHERE election = ?1),
                (SELECT count(*) FROM report WHERE election = ?1),
                (SELECT count(*) FROM report AS one WHERE election = ?1 AND content <> 'withdrawn' AND NOT EXISTS (
                     SELECT 1 FROM report WHERE election = ?1 AND ballot_box = one.ballot_box
                         AND contest = one.contest AND revision > one.revision)),
                (SELECT count(*) FROM quarantine WHERE election = ?1)",
        [key.0],
        |row| {
            let number = |column: usize| row.get(column).map(rows::unsigned);
            Ok(Census {
                ballots: number(0)?,
                submissions: number(1)?,
                units: number(2)?,
                reports: number(3)?,
                counted: number(4)?,
                cases: number(5)?,
            })
        },
    );
    Ok(counted?)
}

pub(in super::super) fn redefine(tx: &Transaction<'_>, key: ElectionKey, election: &Election) -> Result<(), Failure> {
    tx.execute(
        "-- redefine
         UPDATE election SET definition = ?2 WHERE election = ?1",
        params![key.0, definition(election, key)?],
    )?;
    Ok(())
}

/// The bytes of an entry as they are stored, readable or not.
pub(in super::super) fn entry_bytes(
    tx: &Transaction<'_>,
    key: ElectionKey,
    seq: Seq,
) -> Result<Option<Vec<u8>>, Failure> {
    let mut select = tx.prepare_cached(
        "-- entry_bytes
         SELECT bytes FROM entry WHERE election = ? AND seq = ?",
    )?;
    Ok(select.query_row(params![key.0, signed(seq.0)], |row| row.get(0)).optional()?)
}

/// The entry that an id stands for.
pub(in super::super) fn submission(
    tx: &Transaction<'_>,
    key: ElectionKey,
    id: SubmissionId,
) -> Result<Option<Seq>, Failure> {
    let mut select = tx.prepare_cached(
        "-- submission
         SELECT seq FROM submission WHERE election = ? AND id = ?",
    )?;
    let seq = |row: &rusqlite::Row<'_>| row.get(0).map(|seq| Seq(rows::unsigned(seq)));
    Ok(select.query_row(params![key.0, id.0.as_bytes()], seq).optional()?)
}

/// The token with this number, or with this hash.
pub(in super::super) fn same_token(
    tx: &Transaction<'_>,
    id: TokenId,
    hash: [u8; 32],
) -> Result<Option<HashedToken>, Failure> {
    let mut select = tx.prepare_cached(
        "-- same_token
         SELECT * FROM token
         WHERE token = ?1 OR hash = ?2 ORDER BY token = ?1 DESC LIMIT 1",
    )?;
    select.query_and_then(params![id.0, hash], hashed)?.next().transpose()
}

pub(in super::super) fn insert_token(tx: &Transaction<'_>, hashed: &HashedToken) -> Result<(), Failure> {
    let HashedToken { token, hash } = hashed;
    tx.prepare_cached(
        "-- insert_token
         INSERT INTO token (token, name, hash, scopes, per_minute, created, revoked, election, unit, used)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        token.id.0,
        token.name,
        hash,
        token.scopes.to_string(),
        token.per_minute,
        signed(token.created.0),
        token.revoked.map(|at| signed(at.0)),
        token.election.map(|key| key.0),
        token.unit.map(|unit| unit.0),
        token.used.map(|at| signed(at.0)),
    ])?;
    Ok(())
}
