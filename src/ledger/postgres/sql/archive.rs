//! The SQL of copies: whole rows out, whole rows in, and the mark of an unfinished copy.

use std::collections::HashMap;

use hustings_core::{Election, Epoch, Fold, Seq, SubmissionId};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::super::columns::{HeadColumns, definition_text};
use super::super::failure::Failure;
use super::super::rows::{self, election_number, signed, unsigned};
use super::reports::unit_number;
use crate::ledger::format;
use crate::ledger::{
    Census, Cut, ElectionKey, HashedToken, Holds, Installation, LedgerError, Registered, Submitted, TokenId,
};

/// The row of `installation` that marks an unfinished copy.
const MARK: &str = "migrating";

/// Whose installation this is, and how much of it is here, of one instant.
pub(in super::super) async fn installation(client: &Client) -> Result<Installation, Failure> {
    let row = client
        .query_typed_one(
            "-- installation
             SELECT (SELECT value FROM installation WHERE name = 'secret_check') AS secret_check,
                 (SELECT value FROM installation WHERE name = $2) AS format,
                 EXISTS (SELECT FROM installation WHERE name = $1) AS is_unfinished,
                 EXISTS (SELECT FROM election) OR EXISTS (SELECT FROM token) OR EXISTS (SELECT FROM person)
                     AS holds_something",
            &[(&MARK, Type::TEXT), (&format::ROW, Type::TEXT)],
        )
        .await?;
    let format = format::known(row.try_get("format")?)?;
    let holds = match (row.try_get("is_unfinished")?, row.try_get("holds_something")?) {
        (true, _) => Holds::Unfinished,
        (false, false) => Holds::Nothing,
        (false, true) => Holds::All,
    };
    let secret_check = row.try_get::<_, Option<Vec<u8>>>("secret_check")?.map(|kept| {
        kept.try_into().map_err(|_| LedgerError::Damaged {
            table: "installation",
            key: "secret_check".to_owned(),
            what: "it is not 16 bytes long".to_owned(),
        })
    });
    Ok(Installation { secret_check: secret_check.transpose()?, format, holds })
}

/// Marks the store, and holds off every other copy until the transaction ends.
pub(in super::super) async fn mark(client: &Client) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- mark
             INSERT INTO installation (name, value) VALUES ($1, '') ON CONFLICT (name) DO UPDATE SET value = ''",
            &[(&MARK, Type::TEXT)],
        )
        .await?;
    Ok(())
}

/// Whether the store is marked; if so, every other copy is held off until the transaction ends.
pub(in super::super) async fn lock_mark(client: &Client) -> Result<bool, Failure> {
    let marked = client
        .query_typed(
            "-- lock_mark
             SELECT name FROM installation WHERE name = $1 FOR UPDATE",
            &[(&MARK, Type::TEXT)],
        )
        .await?;
    Ok(!marked.is_empty())
}

/// Takes the mark away. Whatever is new gets numbers after those that were copied.
pub(in super::super) async fn unmark(client: &Client) -> Result<(), Failure> {
    client
        .query_typed(
            "-- unmark
             WITH unmarked AS (DELETE FROM installation WHERE name = $1 RETURNING name)
             SELECT setval(pg_get_serial_sequence('election', 'election'), elections.next, false),
                 setval(pg_get_serial_sequence('token', 'token'), tokens.next, false),
                 setval(pg_get_serial_sequence('person', 'person'), persons.next, false),
                 setval(pg_get_serial_sequence('cohost_link', 'link'), links.next, false)
             FROM unmarked, (
                     SELECT coalesce(max(election), 0) + 1 AS next
                     FROM (SELECT election FROM election UNION ALL SELECT election FROM removed_election) AS numbers
                 ) AS elections,
                 (SELECT coalesce(max(token), 0) + 1 AS next FROM token) AS tokens,
                 (SELECT coalesce(max(person), 0) + 1 AS next FROM person) AS persons,
                 (SELECT coalesce(max(link), 0) + 1 AS next FROM cohost_link) AS links",
            &[(&MARK, Type::TEXT)],
        )
        .await?;
    Ok(())
}

/// Elections with their heads. One statement: a round that begins meanwhile is in both, or in neither.
pub(in super::super) async fn cuts(
    client: &Client,
    after: Option<ElectionKey>,
    limit: usize,
) -> Result<Vec<Cut>, Failure> {
    let rows = client
        .query_typed(
            "-- cuts
             SELECT election, epoch, seq, time, chain, definition FROM head JOIN election USING (election)
             WHERE election > $1 ORDER BY election LIMIT $2",
            &[(&after.map_or(0, election_number), Type::INT4), (&signed(limit as u64), Type::INT8)],
        )
        .await?;
    let cut = |row: &Row| {
        let (key, election) = rows::defined(row)?;
        Ok(Cut { registered: Registered { key, election: election.into() }, head: rows::head(row)? })
    };
    rows.iter().map(cut).collect()
}

/// Submission ids in the order of their bytes.
pub(in super::super) async fn submissions(
    client: &Client,
    key: ElectionKey,
    after: Option<SubmissionId>,
    up_to: Seq,
    limit: usize,
) -> Result<Vec<Submitted>, Failure> {
    let rows = client
        .query_typed(
            "-- submissions
             SELECT id, seq FROM submission WHERE election = $1 AND ($2::uuid IS NULL OR id > $2) AND seq <= $3
             ORDER BY id LIMIT $4",
            &[
                (&election_number(key), Type::INT4),
                (&after.map(|id| id.0), Type::UUID),
                (&signed(up_to.0), Type::INT8),
                (&signed(limit as u64), Type::INT8),
            ],
        )
        .await?;
    let submitted =
        |row: &Row| Ok(Submitted { id: SubmissionId(row.try_get("id")?), seq: Seq(unsigned(row.try_get("seq")?)) });
    rows.iter().map(submitted).collect()
}

/// Tokens with their hashes, after a number.
pub(in super::super) async fn hashed_tokens(
    client: &Client,
    after: Option<TokenId>,
    limit: usize,
) -> Result<Vec<HashedToken>, Failure> {
    let rows = client
        .query_typed(
            "-- hashed_tokens
             SELECT * FROM token
             WHERE token > $1 ORDER BY token LIMIT $2",
            &[(&after.map_or(0, |id| id.0), Type::INT8), (&signed(limit as u64), Type::INT8)],
        )
        .await?;
    rows.iter().map(rows::hashed_token).collect()
}

/// How many rows an election has beside its entries.
pub(in super::super) async fn census(client: &Client, key: ElectionKey) -> Result<Census, Failure> {
    let row = client
        .query_typed_one(
            "-- census
             SELECT (SELECT count(*) FROM ballot WHERE election = $1) AS ballots,
                 (SELECT count(*) FROM submission WHERE election = $1) AS submissions,
                 (SELECT count(*) FROM unit WHERE election = $1) AS units,
                 (SELECT count(*) FROM report WHERE election = $1) AS reports,
                 (SELECT count(*) FROM (
                      SELECT DISTINCT ON (ballot_box, contest) content FROM report
                      WHERE election = $1 ORDER BY ballot_box, contest, revision DESC
                  ) AS highest WHERE content <> 'withdrawn') AS counted,
                 (SELECT count(*) FROM quarantine WHERE election = $1) AS cases",
            &[(&election_number(key), Type::INT4)],
        )
        .await?;
    let number = |column| -> Result<u64, Failure> { Ok(unsigned(row.try_get(column)?)) };
    Ok(Census {
        ballots: number("ballots")?,
        submissions: number("submissions")?,
        units: number("units")?,
        reports: number("reports")?,
        counted: number("counted")?,
        cases: number("cases")?,
    })
}

/// All elections that have a number, an id, a code or a slug of one of these.
pub(in super::super) async fn same_elections(
    client: &Client,
    page: &[Registered],
) -> Result<Vec<(ElectionKey, Election)>, Failure> {
    let keys: Vec<i32> = page.iter().map(|one| election_number(one.key)).collect();
    let ids: Vec<Uuid> = page.iter().map(|one| one.election.id.0).collect();
    let codes: Vec<&str> = page.iter().map(|one| one.election.code.as_str()).collect();
    let slugs: Vec<&str> = page.iter().filter_map(|one| Some(one.election.slug.as_ref()?.as_str())).collect();
    let rows = client
        .query_typed(
            "-- same_elections
             SELECT election, definition FROM election
             WHERE election = ANY ($1) OR id = ANY ($2) OR code = ANY ($3) OR slug = ANY ($4)",
            &[
                (&keys, Type::INT4_ARRAY),
                (&ids, Type::UUID_ARRAY),
                (&codes, Type::TEXT_ARRAY),
                (&slugs, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    rows.iter().map(rows::defined).collect()
}

/// Keeps new elections under their numbers, with the heads of empty ledgers.
pub(in super::super) async fn create_numbered(
    client: &Client,
    elections: &[(ElectionKey, &Election, Epoch)],
) -> Result<(), Failure> {
    let keys: Vec<i32> = elections.iter().map(|(key, ..)| election_number(*key)).collect();
    let ids: Vec<Uuid> = elections.iter().map(|(_, election, _)| election.id.0).collect();
    let codes: Vec<&str> = elections.iter().map(|(_, election, _)| election.code.as_str()).collect();
    let slugs: Vec<Option<&str>> =
        elections.iter().map(|(_, election, _)| election.slug.as_ref().map(|slug| slug.as_str())).collect();
    let texts = elections.iter().map(|(key, election, _)| definition_text(*key, election));
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    let epochs: Vec<&[u8]> = elections.iter().map(|(.., epoch)| epoch.0.as_slice()).collect();
    let folds: Vec<(ElectionKey, Fold)> =
        elections.iter().map(|(key, election, _)| (*key, Fold::new(election))).collect();
    let heads = HeadColumns::of_folds(&folds)?;
    client
        .execute_typed(
            "-- create_numbered
             WITH made AS (
                 INSERT INTO election (election, id, code, slug, definition)
                 SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[])
             )
             INSERT INTO head (election, epoch, seq, time, chain, state, due)
             SELECT * FROM unnest($1::int[], $6::bytea[], $7::bigint[], $8::bigint[], $9::bytea[], $10::text[],
                 $11::bigint[])",
            &[
                (&keys, Type::INT4_ARRAY),
                (&ids, Type::UUID_ARRAY),
                (&codes, Type::TEXT_ARRAY),
                (&slugs, Type::TEXT_ARRAY),
                (&texts, Type::TEXT_ARRAY),
                (&epochs, Type::BYTEA_ARRAY),
                (&heads.seqs, Type::INT8_ARRAY),
                (&heads.times, Type::INT8_ARRAY),
                (&heads.chains, Type::BYTEA_ARRAY),
                (&heads.states, Type::TEXT_ARRAY),
                (&heads.dues, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

/// The bytes of these entries as they are stored, readable or not.
pub(in super::super) async fn entry_bytes(
    client: &Client,
    key: ElectionKey,
    seqs: impl Iterator<Item = Seq>,
) -> Result<HashMap<Seq, Vec<u8>>, Failure> {
    let seqs: Vec<i64> = seqs.map(|seq| signed(seq.0)).collect();
    let rows = client
        .query_typed(
            "-- entry_bytes
             SELECT asked.seq, kept.bytes FROM unnest($2::bigint[]) AS asked (seq)
             CROSS JOIN LATERAL (SELECT bytes FROM entry WHERE election = $1 AND seq = asked.seq LIMIT 1) AS kept",
            &[(&election_number(key), Type::INT4), (&seqs, Type::INT8_ARRAY)],
        )
        .await?;
    rows.iter().map(|row| Ok((Seq(unsigned(row.try_get("seq")?)), row.try_get("bytes")?))).collect()
}

/// The entries that these ids stand for.
pub(in super::super) async fn named_entries(
    client: &Client,
    key: ElectionKey,
    ids: impl Iterator<Item = SubmissionId>,
) -> Result<HashMap<SubmissionId, Seq>, Failure> {
    let ids: Vec<Uuid> = ids.map(|id| id.0).collect();
    let rows = client
        .query_typed(
            "-- named_entries
             SELECT asked.id, kept.seq FROM unnest($2::uuid[]) AS asked (id)
             CROSS JOIN LATERAL (SELECT seq FROM submission WHERE election = $1 AND id = asked.id LIMIT 1) AS kept",
            &[(&election_number(key), Type::INT4), (&ids, Type::UUID_ARRAY)],
        )
        .await?;
    rows.iter().map(|row| Ok((SubmissionId(row.try_get("id")?), Seq(unsigned(row.try_get("seq")?))))).collect()
}

/// All tokens that have a number or a hash of one of these.
pub(in super::super) async fn same_tokens(client: &Client, page: &[HashedToken]) -> Result<Vec<HashedToken>, Failure> {
    let ids: Vec<i64> = page.iter().map(|one| one.token.id.0).collect();
    let hashes: Vec<&[u8]> = page.iter().map(|one| one.hash.as_slice()).collect();
    let rows = client
        .query_typed(
            "-- same_tokens
             SELECT * FROM token
             WHERE token = ANY ($1) OR hash = ANY ($2)",
            &[(&ids, Type::INT8_ARRAY), (&hashes, Type::BYTEA_ARRAY)],
        )
        .await?;
    rows.iter().map(rows::hashed_token).collect()
}

/// Keeps tokens under their numbers.
pub(in super::super) async fn insert_tokens(client: &Client, tokens: &[&HashedToken]) -> Result<(), Failure> {
    let ids: Vec<i64> = tokens.iter().map(|one| one.token.id.0).collect();
    let names: Vec<&str> = tokens.iter().map(|one| one.token.name.as_str()).collect();
    let hashes: Vec<&[u8]> = tokens.iter().map(|one| one.hash.as_slice()).collect();
    let scopes: Vec<String> = tokens.iter().map(|one| one.token.scopes.to_string()).collect();
    let per_minute: Vec<Option<i64>> = tokens.iter().map(|one| one.token.per_minute.map(i64::from)).collect();
    let created: Vec<i64> = tokens.iter().map(|one| signed(one.token.created.0)).collect();
    let revoked: Vec<Option<i64>> = tokens.iter().map(|one| one.token.revoked.map(|at| signed(at.0))).collect();
    let elections: Vec<Option<i32>> = tokens.iter().map(|one| one.token.election.map(election_number)).collect();
    let units: Vec<Option<i32>> = tokens.iter().map(|one| one.token.unit.map(unit_number)).collect();
    let used: Vec<Option<i64>> = tokens.iter().map(|one| one.token.used.map(|at| signed(at.0))).collect();
    client
        .execute_typed(
            "-- insert_tokens
             INSERT INTO token (token, name, hash, scopes, per_minute, created, revoked, election, unit, used)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[],
                 $7::bigint[], $8::int[], $9::int[], $10::bigint[])",
            &[
                (&ids, Type::INT8_ARRAY),
                (&names, Type::TEXT_ARRAY),
                (&hashes, Type::BYTEA_ARRAY),
                (&scopes, Type::TEXT_ARRAY),
                (&per_minute, Type::INT8_ARRAY),
                (&created, Type::INT8_ARRAY),
                (&revoked, Type::INT8_ARRAY),
                (&elections, Type::INT4_ARRAY),
                (&units, Type::INT4_ARRAY),
                (&used, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}
