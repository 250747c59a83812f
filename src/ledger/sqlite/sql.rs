//! All SQL of this backend, that of copies in a part of its own; each statement's first line names the function that runs
//! it.

pub(super) mod archive;
pub(super) mod electorate;
pub(super) mod format;
pub(super) mod gone;
pub(super) mod members;
pub(super) mod parties;
pub(super) mod people;
pub(super) mod reports;

use std::collections::HashMap;
use std::sync::Arc;

use hustings_core::{
    Contest, ContestNumber, Election, ElectionState, Epoch, Event, Fold, Revision, Seq, SubmissionId, Time, UnitNumber,
    Units, UnitsMark, VoterKey,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Statement, Transaction, params};

use super::rows::{self, damaged, signed};
use super::writer::Failure;
use crate::ledger::batch::{BoxIn, KnownOfBox, Locked, Lookup};
use crate::ledger::definitions::Parsed;
use crate::ledger::trees::Trees;
use crate::ledger::{
    Advance, ElectionKey, FoldText, Head, LedgerError, NewToken, PAGE_BYTES_MAX, PAGE_MAX, Schedules, Stored, Token,
    TokenId, Wanted,
};

/// Heads and states; definitions are read where they are not kept just so.
pub(super) fn lock(
    tx: &Transaction<'_>,
    parsed: &Parsed,
    keys: &[ElectionKey],
) -> Result<HashMap<ElectionKey, Locked>, Failure> {
    let mut select = tx.prepare_cached(
        "-- lock
         SELECT epoch, seq, time, chain, state FROM head WHERE election = ?",
    )?;
    let mut locked = HashMap::with_capacity(keys.len());
    for key in keys {
        let found = select.query_and_then([key.0], |row| rows::standing(*key, row))?.next().transpose()?;
        let Some((head, state)) = found else { continue };
        let definition = match parsed.kept(*key, head.epoch, state.contests.len()) {
            Some(kept) => kept,
            None => {
                let Some((_, read)) = election(tx, &Wanted::Key(*key))? else { continue };
                let read = Arc::new(read);
                parsed.keep(*key, head.epoch, &read);
                read
            }
        };
        locked.insert(*key, Locked { head, state, election: definition });
    }
    Ok(locked)
}

/// Looks up inside the writing transaction, with statements that are prepared once for the whole batch.
pub(super) struct InTransaction<'a> {
    tx: &'a Transaction<'a>,
    trees: &'a Trees,
    by_id: CachedStatement<'a>,
    by_voter: CachedStatement<'a>,
}

impl<'a> InTransaction<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>, trees: &'a Trees) -> Result<Self, Failure> {
        let by_id = tx.prepare_cached(
            "-- by_id
             SELECT seq, bytes FROM submission JOIN entry USING (election, seq) WHERE election = ? AND id = ?",
        )?;
        Ok(Self { tx, trees, by_id, by_voter: prepare_ballot(tx)? })
    }
}

impl Lookup for InTransaction<'_> {
    fn by_id(&mut self, election: ElectionKey, id: SubmissionId) -> Result<Option<Stored>, LedgerError> {
        one_stored(&mut self.by_id, election, params![election.0, id.0.as_bytes()]).map_err(super::writer::survive)
    }

    fn by_voter(
        &mut self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError> {
        let key = params![election.0, contest.0, voter.0];
        one_stored(&mut self.by_voter, election, key).map_err(super::writer::survive)
    }

    fn units(&mut self, election: ElectionKey, head: Head, mark: UnitsMark) -> Result<Arc<Units>, LedgerError> {
        reports::units(self.tx, self.trees, election, head, mark).map_err(super::writer::survive)
    }

    fn reports(
        &mut self,
        election: ElectionKey,
        of: BoxIn,
        revision: Option<Revision>,
    ) -> Result<KnownOfBox, LedgerError> {
        reports::of_box(self.tx, election, of, revision).map_err(super::writer::survive)
    }

    fn counted(&mut self, election: ElectionKey, ballot_box: UnitNumber) -> Result<Vec<ContestNumber>, LedgerError> {
        reports::counted(self.tx, election, ballot_box).map_err(super::writer::survive)
    }
}

fn prepare_ballot(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(
        "-- ballot
         SELECT seq, bytes FROM ballot JOIN entry USING (election, seq)
         WHERE election = ? AND contest = ? AND voter = ?",
    )
}

fn one_stored(select: &mut Statement<'_>, election: ElectionKey, key: impl Params) -> Result<Option<Stored>, Failure> {
    select.query_and_then(key, |row| rows::stored(election, row))?.next().transpose()
}

pub(super) fn ballot(
    connection: &Connection,
    election: ElectionKey,
    contest: ContestNumber,
    voter: VoterKey,
) -> Result<Option<Stored>, Failure> {
    let mut select = prepare_ballot(connection)?;
    one_stored(&mut select, election, params![election.0, contest.0, voter.0])
}

pub(super) fn append(
    tx: &Transaction<'_>,
    entries: &[(ElectionKey, Stored)],
    aliases: &[(ElectionKey, SubmissionId, Seq)],
) -> Result<(), Failure> {
    let mut insert_entry = tx.prepare_cached(
        "-- append
         INSERT INTO entry (election, seq, time, bytes) VALUES (?, ?, ?, ?)",
    )?;
    let mut insert_submission = tx.prepare_cached(
        "-- append
         INSERT INTO submission (election, id, seq) VALUES (?, ?, ?)",
    )?;
    let mut upsert_ballot = tx.prepare_cached(
        "-- append
         INSERT INTO ballot (election, contest, voter, seq) VALUES (?, ?, ?, ?)
         ON CONFLICT (election, contest, voter) DO UPDATE SET seq = excluded.seq",
    )?;
    let mut ballots = Vec::with_capacity(entries.len());
    for (key, stored) in entries {
        let entry = &stored.entry;
        insert_entry.execute(params![key.0, signed(entry.seq.0), signed(entry.time.0), &*stored.bytes])?;
        if let Some(id) = entry.event.id() {
            insert_submission.execute(params![key.0, id.0.as_bytes(), signed(entry.seq.0)])?;
        }
        if let Event::BallotCast(ballot) = &entry.event {
            ballots.push((*key, ballot.contest, ballot.voter, entry.seq));
        }
    }
    for (key, id, seq) in aliases {
        insert_submission.execute(params![key.0, id.0.as_bytes(), signed(seq.0)])?;
    }
    // In key order, so that neighbours share pages; later entries of one voter still come after earlier ones.
    ballots.sort_unstable();
    for (key, contest, voter, seq) in ballots {
        upsert_ballot.execute(params![key.0, contest.0, voter.0, signed(seq.0)])?;
    }
    reports::append(tx, entries)
}

pub(super) fn move_head(tx: &Transaction<'_>, advance: &Advance) -> Result<(), Failure> {
    let head = &advance.after;
    tx.prepare_cached(
        "-- move_head
         UPDATE head SET seq = ?2, time = ?3, chain = ?4 WHERE election = ?1",
    )?
    .execute(params![advance.election.0, signed(head.seq.0), signed(head.time.0), head.chain.0])?;
    if let Some(state) = &advance.state {
        let text = serde_json::to_string(state).map_err(|error| damaged("head", advance.election, &error))?;
        tx.prepare_cached(
            "-- move_head
             UPDATE head SET state = ?2, due = ?3 WHERE election = ?1",
        )?
        .execute(params![advance.election.0, text, next_due(state)])?;
    }
    Ok(())
}

fn next_due(state: &ElectionState) -> Option<i64> {
    state.contests.iter().filter_map(|contest| contest.due()).map(|(at, _)| signed(at.0)).min()
}

pub(super) fn add_round(tx: &Transaction<'_>, key: ElectionKey, next: &Contest) -> Result<(), Failure> {
    let text: String = tx.query_row(
        "-- add_round
         SELECT definition FROM election WHERE election = ?",
        [key.0],
        |row| row.get(0),
    )?;
    let mut election: Election = serde_json::from_str(&text).map_err(|error| damaged("election", key, &error))?;
    election.contests.push(next.clone());
    tx.execute(
        "-- add_round
         UPDATE election SET definition = ?2 WHERE election = ?1",
        params![key.0, definition(&election, key)?],
    )?;
    Ok(())
}

fn definition(election: &Election, key: ElectionKey) -> Result<String, Failure> {
    serde_json::to_string(election).map_err(|error| damaged("election", key, &error))
}

/// Under a key of its own, or under the next one.
pub(super) fn create(
    tx: &Transaction<'_>,
    key: Option<ElectionKey>,
    election: &Election,
    epoch: Epoch,
) -> Result<ElectionKey, Failure> {
    let inserted = tx.execute(
        "-- create
         INSERT INTO election (election, id, code, slug, definition) VALUES (?, ?, ?, ?, ?)",
        params![
            key.map(|key| key.0),
            election.id.0.as_bytes(),
            election.code.as_str(),
            election.slug.as_ref().map(|slug| slug.as_str()),
            definition(election, ElectionKey(0))?
        ],
    );
    match inserted {
        Err(rusqlite::Error::SqliteFailure(_, Some(text))) if text.contains("election.slug") => {
            return Err(LedgerError::SlugTaken.into());
        }
        Err(rusqlite::Error::SqliteFailure(_, Some(text))) if text.contains("election.code") => {
            return Err(LedgerError::CodeTaken.into());
        }
        other => other?,
    };
    let key = u32::try_from(tx.last_insert_rowid())
        .map_err(|_| LedgerError::Unavailable("this installation has no election numbers left".to_owned()))?;
    let fold = Fold::new(election);
    let state = serde_json::to_string(&fold.state).map_err(|error| damaged("head", ElectionKey(key), &error))?;
    tx.execute(
        "-- create
         INSERT INTO head (election, epoch, seq, time, chain, state, due) VALUES (?, ?, 0, 0, ?, ?, ?)",
        params![key, epoch.0, fold.chain.0, state, next_due(&fold.state)],
    )?;
    Ok(ElectionKey(key))
}

/// Where a ledger stands, and how far its tree of units has grown.
pub(super) fn standing(connection: &Connection, key: ElectionKey) -> Result<Option<(Head, UnitsMark)>, Failure> {
    let mut select = connection.prepare_cached(
        "-- standing
         SELECT epoch, seq, time, chain, state FROM head WHERE election = ?",
    )?;
    let found = select.query_and_then([key.0], |row| rows::standing(key, row))?.next().transpose()?;
    Ok(found.map(|(head, state)| (head, state.units)))
}

pub(super) fn heads(connection: &Connection, keys: &[ElectionKey]) -> Result<Vec<(ElectionKey, Head)>, Failure> {
    let mut select = connection.prepare_cached(
        "-- heads
         SELECT epoch, seq, time, chain FROM head WHERE election = ?",
    )?;
    let mut heads = Vec::with_capacity(keys.len());
    for key in keys {
        if let Some(head) = select.query_row([key.0], rows::head).optional()? {
            heads.push((*key, head));
        }
    }
    Ok(heads)
}

pub(super) fn read(
    connection: &Connection,
    key: ElectionKey,
    after: Seq,
    limit: usize,
) -> Result<Vec<Stored>, Failure> {
    let mut select = connection.prepare_cached(
        "-- read
         SELECT seq, bytes FROM entry WHERE election = ? AND seq > ? ORDER BY seq LIMIT ?",
    )?;
    let limit = signed(limit.min(PAGE_MAX) as u64);
    let rows = select.query_and_then(params![key.0, signed(after.0), limit], |row| rows::stored(key, row))?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    for stored in rows {
        let stored = stored?;
        bytes += stored.bytes.len();
        page.push(stored);
        if bytes >= PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(page)
}

pub(super) fn save_snapshot(tx: &Connection, key: ElectionKey, epoch: Epoch, fold: &FoldText) -> Result<(), Failure> {
    tx.execute(
        "-- save_snapshot
         INSERT INTO snapshot (election, epoch, seq, fold)
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM head WHERE election = ?1) ON CONFLICT DO NOTHING",
        params![key.0, epoch.0, signed(fold.seq.0), fold.text],
    )?;
    Ok(())
}

pub(super) fn snapshot(
    connection: &Connection,
    key: ElectionKey,
    epoch: Epoch,
    at: Seq,
) -> Result<Option<Fold>, Failure> {
    let text: Option<String> = connection
        .prepare_cached(
            "-- snapshot
             SELECT fold FROM snapshot WHERE election = ? AND epoch = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![key.0, epoch.0, signed(at.0)], |row| row.get(0))
        .optional()?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| damaged("snapshot", key, &error))).transpose()
}

pub(super) fn due(connection: &Connection, now: Time) -> Result<Schedules, Failure> {
    let mut select = connection.prepare_cached(
        "-- due
         SELECT election FROM head WHERE due <= ? ORDER BY due LIMIT 1000",
    )?;
    let due = select.query_map([signed(now.0)], |row| row.get(0).map(ElectionKey))?.collect::<Result<_, _>>()?;
    let mut select_next = connection.prepare_cached(
        "-- due
         SELECT min(due) FROM head WHERE due > ?",
    )?;
    let next: Option<i64> = select_next.query_row([signed(now.0)], |row| row.get(0))?;
    Ok(Schedules { due, next: next.and_then(|at| u64::try_from(at).ok()).map(Time) })
}

pub(super) fn renew_epochs(
    tx: &Transaction<'_>,
    only: Option<ElectionKey>,
    mut epoch: impl FnMut() -> Epoch,
) -> Result<(), Failure> {
    let mut select = tx.prepare("-- renew_epochs\n SELECT election FROM head")?;
    let keys: Vec<u32> = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for key in keys.into_iter().filter(|key| only.is_none_or(|only| only.0 == *key)) {
        tx.execute("-- renew_epochs\n UPDATE head SET epoch = ? WHERE election = ?", params![epoch().0, key])?;
    }
    Ok(())
}

pub(super) fn election(connection: &Connection, wanted: &Wanted) -> Result<Option<(ElectionKey, Election)>, Failure> {
    let (sql, value): (&str, rusqlite::types::Value) = match wanted {
        Wanted::Key(key) => {
            ("-- election\n SELECT election, definition FROM election WHERE election = ?", i64::from(key.0).into())
        }
        Wanted::Id(id) => {
            ("-- election\n SELECT election, definition FROM election WHERE id = ?", id.0.as_bytes().to_vec().into())
        }
        Wanted::Code(code) => {
            ("-- election\n SELECT election, definition FROM election WHERE code = ?", code.to_string().into())
        }
        Wanted::Slug(slug) => {
            ("-- election\n SELECT election, definition FROM election WHERE slug = ?", slug.to_string().into())
        }
    };
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_and_then([value], rows::defined)?.next().transpose()?;
    Ok(found)
}

pub(super) fn elections(
    connection: &Connection,
    after: Option<ElectionKey>,
    limit: usize,
) -> Result<Vec<(ElectionKey, Election)>, Failure> {
    let mut select = connection.prepare_cached(
        "-- elections
         SELECT election, definition FROM election WHERE election > ? ORDER BY election LIMIT ?",
    )?;
    let after = after.map_or(0, |key| key.0);
    select.query_and_then(params![after, signed(limit as u64)], rows::defined)?.collect()
}

pub(super) fn create_token(connection: &Connection, token: &NewToken) -> Result<TokenId, Failure> {
    let inserted = connection.execute(
        "-- create_token
         INSERT INTO token (name, hash, scopes, per_minute, created, election, unit) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            token.name,
            token.hash,
            token.scopes.to_string(),
            token.per_minute,
            signed(token.created.0),
            token.election.map(|key| key.0),
            token.unit.map(|unit| unit.0),
        ],
    );
    match inserted {
        Err(rusqlite::Error::SqliteFailure(_, Some(text))) if text.contains("token.hash") => {
            Err(LedgerError::TokenTaken.into())
        }
        other => other.map(|_| TokenId(connection.last_insert_rowid())).map_err(Failure::from),
    }
}

pub(super) fn token(connection: &Connection, hash: [u8; 32]) -> Result<Option<Token>, Failure> {
    let mut select = connection.prepare_cached(
        "-- token
         SELECT * FROM token WHERE hash = ? AND revoked IS NULL",
    )?;
    select.query_and_then([hash], rows::token)?.next().transpose()
}

pub(super) fn tokens(connection: &Connection) -> Result<Vec<Token>, Failure> {
    let mut select = connection.prepare(
        "-- tokens
         SELECT * FROM token ORDER BY token",
    )?;
    select.query_and_then([], rows::token)?.collect()
}

pub(super) fn revoke_token(connection: &Connection, id: TokenId, at: Time) -> Result<bool, Failure> {
    let revoked = connection.execute(
        "-- revoke_token
         UPDATE token SET revoked = ?2 WHERE token = ?1 AND revoked IS NULL",
        params![id.0, signed(at.0)],
    )?;
    Ok(revoked == 1)
}

pub(super) fn use_token(connection: &Connection, id: TokenId, at: Time) -> Result<(), Failure> {
    connection.execute(
        "-- use_token
         UPDATE token SET used = ?2 WHERE token = ?1 AND (used IS NULL OR used < ?2)",
        params![id.0, signed(at.0)],
    )?;
    Ok(())
}

pub(super) fn issue_ticket(tx: &Connection, hash: [u8; 32], key: ElectionKey, expires: Time) -> Result<(), Failure> {
    tx.execute(
        "-- issue_ticket\n DELETE FROM ticket WHERE expires < ?",
        [signed(expires.0.saturating_sub(3_600_000))],
    )?;
    tx.execute(
        "-- issue_ticket
         INSERT INTO ticket (hash, election, expires) VALUES (?, ?, ?)",
        params![hash, key.0, signed(expires.0)],
    )?;
    Ok(())
}

pub(super) fn spend_ticket(tx: &Connection, hash: [u8; 32], key: ElectionKey, now: Time) -> Result<bool, Failure> {
    tx.execute("-- spend_ticket\n DELETE FROM ticket WHERE expires <= ?", [signed(now.0)])?;
    let spent = tx.execute(
        "-- spend_ticket
         DELETE FROM ticket WHERE hash = ? AND election = ?",
        params![hash, key.0],
    )?;
    Ok(spent == 1)
}

pub(super) fn secret_check(tx: &Connection, check: [u8; 16]) -> Result<bool, Failure> {
    tx.execute(
        "-- secret_check
         INSERT INTO installation (name, value) VALUES ('secret_check', ?) ON CONFLICT DO NOTHING",
        [check],
    )?;
    let kept: Vec<u8> = tx.query_row(
        "-- secret_check
         SELECT value FROM installation WHERE name = 'secret_check'",
        [],
        |row| row.get(0),
    )?;
    Ok(kept == check)
}

pub(super) fn backup(connection: &Connection, file: &str) -> Result<(), Failure> {
    // `query_only` refuses to write the copy too. The connection itself was opened only to read.
    connection.execute_batch("-- backup\n PRAGMA query_only = OFF")?;
    connection.execute("-- backup\n VACUUM INTO ?", [file])?;
    Ok(connection.execute_batch("-- backup\n PRAGMA query_only = ON")?)
}
