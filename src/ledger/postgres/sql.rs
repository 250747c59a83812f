//! All SQL of this backend; each statement's first line names the function that sends it.
//!
//! Each function sends one statement as soon as it is polled first: `pool::in_order` puts several into one flight.

pub(super) mod archive;
pub(super) mod electorate;
pub(super) mod format;
pub(super) mod gone;
pub(super) mod members;
pub(super) mod parties;
pub(super) mod people;
pub(super) mod reports;
pub(super) mod tokens;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hustings_core::{Contest, ContestNumber, Election, ElectionState, Epoch, Fold, Seq, SubmissionId, Time, VoterKey};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::columns::{BallotColumns, EntryColumns, HeadColumns, IdColumns, definition_text, next_due, state_text};
use super::failure::Failure;
use super::pool::in_order;
use super::rows::{self, contest_number, damaged, election_number, signed};
use crate::ledger::batch::{Decided, Locked};
use crate::ledger::{ElectionKey, FoldText, Head, PAGE_BYTES_MAX, PAGE_MAX, PersonId, Schedules, Stored, Wanted};
use reports::{ReportColumns, UnitColumns};

/// Begins a transaction that writes.
///
/// A node that stops in the middle holds up the others for two seconds at most. A commit waits for the disk whatever the
/// role is set to, and for a standby where the server says so. A table that was never analysed must not cost a scan:
/// there is an index for each of our statements. Compiling one of them takes longer than running it.
pub(super) const BEGIN: &str = "-- begin
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = '2s';
    SET LOCAL statement_timeout = '5s'; SET LOCAL jit = off;
    SET LOCAL enable_seqscan = off;
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Lets a transaction that has just begun take a minute: one that writes hundreds of thousands of units. Whoever needs the
/// same heads meanwhile asks again for ten seconds, and is told that the store is busy after that.
pub(super) const TAKE_LONGER: &str = "-- take_longer
    SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL statement_timeout = '60s'";

/// Begins a transaction that only reads.
pub(super) const BEGIN_READING: &str = "-- begin_reading
    BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
    SET LOCAL idle_in_transaction_session_timeout = '2s'; SET LOCAL statement_timeout = '5s'; SET LOCAL jit = off;
    SET LOCAL enable_seqscan = off";

/// Begins a transaction that counts many rows.
pub(super) const BEGIN_COUNTING: &str = "-- begin_counting
    BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
    SET LOCAL idle_in_transaction_session_timeout = '2s'; SET LOCAL statement_timeout = '10min'; SET LOCAL jit = off";

/// Ends a transaction.
pub(super) const COMMIT: &str = "-- commit\n COMMIT";

/// Ends a transaction without its work.
pub(super) const ROLLBACK: &str = "-- roll_back\n ROLLBACK";

/// Runs statements without values and without rows.
pub(super) async fn run(client: &Client, statements: &str) -> Result<(), Failure> {
    Ok(client.batch_execute(statements).await?)
}

/// Locks heads in the order of their numbers, so that no two transactions wait for each other.
pub(super) async fn lock(
    client: &Client,
    keys: &[i32],
) -> Result<HashMap<ElectionKey, (Head, ElectionState)>, Failure> {
    let rows = client
        .query_typed(
            "-- lock
             SELECT election, epoch, seq, time, chain, state FROM head WHERE election = ANY ($1)
             ORDER BY election FOR UPDATE",
            &[(&keys, Type::INT4_ARRAY)],
        )
        .await?;
    rows.iter().map(rows::locked).collect()
}

/// Definitions. After [`lock`] and as a statement of its own: one that waited for a lock has seen the rows of others as
/// they were before.
///
/// Without any keys, nothing is sent.
pub(super) async fn definitions(client: &Client, keys: &[i32]) -> Result<HashMap<ElectionKey, Election>, Failure> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = client
        .query_typed(
            "-- definitions
             SELECT election, definition FROM election WHERE election = ANY ($1)",
            &[(&keys, Type::INT4_ARRAY)],
        )
        .await?;
    rows.iter().map(rows::defined).collect()
}

/// The elections whose parts of the tables a statement needs. Each once, because PostgreSQL goes through all of them for
/// every row that it looks up.
fn each_once(elections: &[i32]) -> Vec<i32> {
    let mut elections = elections.to_vec();
    elections.sort_unstable();
    elections.dedup();
    elections
}

/// The entries that these ids stand for.
///
/// The planner knows little of young tables, and a wrong guess about ten thousand rows takes minutes. `LATERAL` with a
/// limit leaves it no choice: one look into the index for each id. Naming the elections once more, each once, lets it leave
/// out all other parts of the tables.
pub(super) async fn by_ids(
    client: &Client,
    ids: &[(ElectionKey, SubmissionId)],
) -> Result<Vec<((ElectionKey, SubmissionId), Stored)>, Failure> {
    let (elections, ids): (Vec<i32>, Vec<Uuid>) = ids.iter().map(|(key, id)| (election_number(*key), id.0)).unzip();
    let rows = client
        .query_typed(
            "-- by_ids
             SELECT asked.election, asked.id, named.seq, kept.bytes
             FROM unnest($1::int[], $2::uuid[]) AS asked (election, id)
             CROSS JOIN LATERAL (
                 SELECT seq FROM submission
                 WHERE election = asked.election AND id = asked.id AND election = ANY ($3) LIMIT 1
             ) AS named
             CROSS JOIN LATERAL (
                 SELECT bytes FROM entry
                 WHERE election = asked.election AND seq = named.seq AND election = ANY ($3) LIMIT 1
             ) AS kept",
            &[(&elections, Type::INT4_ARRAY), (&ids, Type::UUID_ARRAY), (&each_once(&elections), Type::INT4_ARRAY)],
        )
        .await?;
    let found = |row: &Row| {
        let (key, stored) = rows::stored(row)?;
        Ok(((key, SubmissionId(row.try_get("id")?)), stored))
    };
    rows.iter().map(found).collect()
}

/// What voters' ballots are known by.
pub(super) type VoterIn = (ElectionKey, ContestNumber, VoterKey);

/// The entries of the ballots that count now.
pub(super) async fn by_voters(client: &Client, voters: &[VoterIn]) -> Result<Vec<(VoterIn, Stored)>, Failure> {
    let elections: Vec<i32> = voters.iter().map(|(key, _, _)| election_number(*key)).collect();
    let contests: Vec<i32> = voters.iter().map(|(_, contest, _)| contest_number(*contest)).collect();
    let keys: Vec<&[u8]> = voters.iter().map(|(_, _, voter)| voter.0.as_slice()).collect();
    let rows = client
        .query_typed(
            "-- by_voters
             SELECT asked.election, asked.place, counted.seq, kept.bytes
             FROM unnest($1::int[], $2::int[], $3::bytea[]) WITH ORDINALITY AS asked (election, contest, voter, place)
             CROSS JOIN LATERAL (
                 SELECT seq FROM ballot
                 WHERE election = asked.election AND contest = asked.contest AND voter = asked.voter
                     AND election = ANY ($4) LIMIT 1
             ) AS counted
             CROSS JOIN LATERAL (
                 SELECT bytes FROM entry
                 WHERE election = asked.election AND seq = counted.seq AND election = ANY ($4) LIMIT 1
             ) AS kept",
            &[
                (&elections, Type::INT4_ARRAY),
                (&contests, Type::INT4_ARRAY),
                (&keys, Type::BYTEA_ARRAY),
                (&each_once(&elections), Type::INT4_ARRAY),
            ],
        )
        .await?;
    let found = |row: &Row| {
        let (_, stored) = rows::stored(row)?;
        let place: i64 = row.try_get("place")?;
        let asked = usize::try_from(place).ok().and_then(|place| voters.get(place.checked_sub(1)?));
        Ok(asked.map(|asked| (*asked, stored)))
    };
    rows.iter().filter_map(|row| found(row).transpose()).collect()
}

/// Writes what was decided, in one flight: units, reports and changed ballots where there are any; entries, ids, new ballots
/// and heads in one statement. A row that is there already fails it.
pub(super) async fn append(client: &Client, decided: &Decided) -> Result<(), Failure> {
    let (units, reports) = (UnitColumns::of(&decided.entries), ReportColumns::of(&decided.entries));
    let (ballots, changed) = BallotColumns::of(&decided.entries);
    let adding = in_order(reports::add_units(client, &units), reports::retire_units(client, &decided.entries));
    let adding = in_order(adding, reports::add_reports(client, &reports));
    let adding = in_order(adding, change_ballots(client, &changed));
    in_order(adding, append_entries(client, decided, &ballots)).await.map(drop)
}

/// Lets other entries count for voters. Without any, nothing is sent.
async fn change_ballots(client: &Client, changed: &BallotColumns<'_>) -> Result<(), Failure> {
    if changed.elections.is_empty() {
        return Ok(());
    }
    client
        .execute_typed(
            "-- change_ballots
             INSERT INTO ballot (election, contest, voter, seq)
             SELECT * FROM unnest($1::int[], $2::int[], $3::bytea[], $4::bigint[])
             ON CONFLICT (election, contest, voter) DO UPDATE SET seq = excluded.seq",
            &[
                (&changed.elections, Type::INT4_ARRAY),
                (&changed.contests, Type::INT4_ARRAY),
                (&changed.voters, Type::BYTEA_ARRAY),
                (&changed.seqs, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

async fn append_entries(client: &Client, decided: &Decided, ballots: &BallotColumns<'_>) -> Result<(), Failure> {
    let entries = EntryColumns::of(&decided.entries);
    let ids = IdColumns::of(decided);
    let heads = HeadColumns::of(&decided.advances)?;
    client
        .execute_typed(
            "-- append
             WITH entries AS (
                 INSERT INTO entry (election, seq, time, bytes)
                 SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bytea[])
             ), submissions AS (
                 INSERT INTO submission (election, id, seq) SELECT * FROM unnest($5::int[], $6::uuid[], $7::bigint[])
             ), ballots AS (
                 INSERT INTO ballot (election, contest, voter, seq)
                 SELECT * FROM unnest($8::int[], $9::int[], $10::bytea[], $11::bigint[])
             )
             UPDATE head SET seq = moved.seq, time = moved.time, chain = moved.chain,
                 state = coalesce(moved.state, head.state),
                 due = CASE WHEN moved.state IS NULL THEN head.due ELSE moved.due END
             FROM unnest($12::int[], $13::bigint[], $14::bigint[], $15::bytea[], $16::text[], $17::bigint[])
                 AS moved (election, seq, time, chain, state, due)
             WHERE head.election = moved.election",
            &[
                (&entries.elections, Type::INT4_ARRAY),
                (&entries.seqs, Type::INT8_ARRAY),
                (&entries.times, Type::INT8_ARRAY),
                (&entries.bytes, Type::BYTEA_ARRAY),
                (&ids.elections, Type::INT4_ARRAY),
                (&ids.ids, Type::UUID_ARRAY),
                (&ids.seqs, Type::INT8_ARRAY),
                (&ballots.elections, Type::INT4_ARRAY),
                (&ballots.contests, Type::INT4_ARRAY),
                (&ballots.voters, Type::BYTEA_ARRAY),
                (&ballots.seqs, Type::INT8_ARRAY),
                (&heads.elections, Type::INT4_ARRAY),
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

/// How many of these entries, ids and places are in the ledger just as they were decided.
pub(super) async fn count_stored(client: &Client, decided: &Decided) -> Result<usize, Failure> {
    let entries = EntryColumns::of(&decided.entries);
    let ids = IdColumns::of(decided);
    let row = client
        .query_typed_one(
            "-- count_stored
             SELECT (SELECT count(*) FROM unnest($1::int[], $2::bigint[], $3::bytea[]) AS wanted (election, seq, bytes)
                     CROSS JOIN LATERAL (
                         SELECT bytes FROM entry
                         WHERE election = wanted.election AND seq = wanted.seq AND election = ANY ($7) LIMIT 1
                     ) AS kept WHERE kept.bytes = wanted.bytes)
                  + (SELECT count(*) FROM unnest($4::int[], $5::uuid[], $6::bigint[]) AS wanted (election, id, seq)
                     CROSS JOIN LATERAL (
                         SELECT seq FROM submission
                         WHERE election = wanted.election AND id = wanted.id AND election = ANY ($7) LIMIT 1
                     ) AS kept WHERE kept.seq = wanted.seq)",
            &[
                (&entries.elections, Type::INT4_ARRAY),
                (&entries.seqs, Type::INT8_ARRAY),
                (&entries.bytes, Type::BYTEA_ARRAY),
                (&ids.elections, Type::INT4_ARRAY),
                (&ids.ids, Type::UUID_ARRAY),
                (&ids.seqs, Type::INT8_ARRAY),
                (&each_once(&[entries.elections.as_slice(), ids.elections.as_slice()].concat()), Type::INT4_ARRAY),
            ],
        )
        .await?;
    Ok(usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0))
}

/// How many rows [`count_stored`] finds where all of it is stored.
pub(super) fn rows_of(decided: &Decided) -> usize {
    decided.entries.len() + IdColumns::of(decided).ids.len()
}

/// Adds new rounds to definitions, which the locks of their heads hold still. Without rounds, nothing is sent.
pub(super) async fn add_rounds(
    client: &Client,
    rounds: &[(ElectionKey, Contest)],
    definitions: &HashMap<ElectionKey, Arc<Election>>,
) -> Result<(), Failure> {
    let mut grown: BTreeMap<ElectionKey, Election> = BTreeMap::new();
    for (key, next) in rounds {
        if let Some(election) = definitions.get(key) {
            grown.entry(*key).or_insert_with(|| election.as_ref().clone()).contests.push(next.clone());
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    let texts = grown.iter().map(|(key, election)| Ok((*key, definition_text(*key, election)?)));
    redefine(client, texts.collect::<Result<Vec<_>, Failure>>()?).await
}

/// Puts definitions in the place of others.
pub(super) async fn redefine(
    client: &Client,
    texts: impl IntoIterator<Item = (ElectionKey, String)>,
) -> Result<(), Failure> {
    let (keys, texts): (Vec<i32>, Vec<String>) =
        texts.into_iter().map(|(key, text)| (election_number(key), text)).unzip();
    client
        .execute_typed(
            "-- redefine
             UPDATE election SET definition = grown.definition
             FROM unnest($1::int[], $2::text[]) AS grown (election, definition)
             WHERE election.election = grown.election",
            &[(&keys, Type::INT4_ARRAY), (&texts, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(())
}

/// Keeps a new election with the head of an empty ledger, and its owner.
pub(super) async fn create(
    client: &Client,
    election: &Election,
    owner: Option<PersonId>,
    epoch: Epoch,
) -> Result<(ElectionKey, Locked), Failure> {
    let unnumbered = ElectionKey(0);
    let fold = Fold::new(election);
    let slug = election.slug.as_ref().map(|slug| slug.as_str());
    let row = client
        .query_typed_one(
            "-- create
             WITH made AS (
                 INSERT INTO election (id, code, slug, definition) VALUES ($1, $2, $3, $4) RETURNING election
             ), owned AS (
                 INSERT INTO membership (election, person, role) SELECT election, $9, 'owner' FROM made WHERE $9 IS NOT NULL
             )
             INSERT INTO head (election, epoch, seq, time, chain, state, due)
             SELECT election, $5, 0, 0, $6, $7, $8 FROM made RETURNING election",
            &[
                (&election.id.0, Type::UUID),
                (&election.code.as_str(), Type::TEXT),
                (&slug, Type::TEXT),
                (&definition_text(unnumbered, election)?, Type::TEXT),
                (&epoch.0.as_slice(), Type::BYTEA),
                (&fold.chain.0.as_slice(), Type::BYTEA),
                (&state_text(unnumbered, &fold.state)?, Type::TEXT),
                (&next_due(&fold.state), Type::INT8),
                (&owner.map(|owner| owner.0), Type::INT8),
            ],
        )
        .await?;
    let head = Head { epoch, seq: fold.seq, time: fold.time, chain: fold.chain };
    let locked = Locked { head, state: fold.state, election: Arc::new(election.clone()) };
    Ok((rows::key(&row)?, locked))
}

/// Where ledgers stand, in the order they were asked for.
pub(super) async fn heads(client: &Client, keys: &[ElectionKey]) -> Result<Vec<(ElectionKey, Head)>, Failure> {
    let keys: Vec<i32> = keys.iter().map(|key| election_number(*key)).collect();
    let rows = client
        .query_typed(
            "-- heads
             SELECT election, epoch, seq, time, chain
             FROM unnest($1::int[]) WITH ORDINALITY AS asked (election, place) JOIN head USING (election) ORDER BY place",
            &[(&keys, Type::INT4_ARRAY)],
        )
        .await?;
    rows.iter().map(|row| Ok((rows::key(row)?, rows::head(row)?))).collect()
}

/// The next entries after a place.
pub(super) async fn read(client: &Client, key: ElectionKey, after: Seq, limit: usize) -> Result<Vec<Stored>, Failure> {
    let rows = client
        .query_typed(
            "-- read
             SELECT election, seq, bytes FROM (
                 SELECT election, seq, bytes,
                     coalesce(sum(octet_length(bytes)) OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                         AS before
                 FROM entry WHERE election = $1 AND seq > $2 ORDER BY seq LIMIT $3
             ) AS page WHERE before < $4 ORDER BY seq",
            &[
                (&election_number(key), Type::INT4),
                (&signed(after.0), Type::INT8),
                (&signed(limit.min(PAGE_MAX) as u64), Type::INT8),
                (&signed(PAGE_BYTES_MAX as u64), Type::INT8),
            ],
        )
        .await?;
    rows.iter().map(|row| rows::stored(row).map(|(_, stored)| stored)).collect()
}

/// Keeps a fold.
pub(super) async fn save_snapshot(
    client: &Client,
    key: ElectionKey,
    epoch: Epoch,
    fold: &FoldText,
) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- save_snapshot
             INSERT INTO snapshot (election, epoch, seq, fold)
             SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT FROM head WHERE election = $1) ON CONFLICT DO NOTHING",
            &[
                (&election_number(key), Type::INT4),
                (&epoch.0.as_slice(), Type::BYTEA),
                (&signed(fold.seq.0), Type::INT8),
                (&fold.text, Type::TEXT),
            ],
        )
        .await?;
    Ok(())
}

/// The latest kept fold of this epoch at or before a place.
pub(super) async fn snapshot(
    client: &Client,
    key: ElectionKey,
    epoch: Epoch,
    at: Seq,
) -> Result<Option<Fold>, Failure> {
    let row = client
        .query_typed_opt(
            "-- snapshot
             SELECT fold FROM snapshot WHERE election = $1 AND epoch = $2 AND seq <= $3 ORDER BY seq DESC LIMIT 1",
            &[(&election_number(key), Type::INT4), (&epoch.0.as_slice(), Type::BYTEA), (&signed(at.0), Type::INT8)],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let fold = serde_json::from_str(row.try_get("fold")?).map_err(|error| damaged("snapshot", key, &error))?;
    Ok(Some(fold))
}

/// What is due, and when something is next: one statement, so that nothing falls between the two.
pub(super) async fn due(client: &Client, now: Time) -> Result<Schedules, Failure> {
    let rows = client
        .query_typed(
            "-- due
             (SELECT election, NULL::bigint AS next FROM head WHERE due <= $1 ORDER BY due LIMIT 1000)
             UNION ALL (SELECT NULL, due FROM head WHERE due > $1 ORDER BY due LIMIT 1)",
            &[(&signed(now.0), Type::INT8)],
        )
        .await?;
    let mut schedules = Schedules::default();
    for row in &rows {
        match row.try_get::<_, Option<i64>>("next")? {
            Some(next) => schedules.next = Some(Time(rows::unsigned(next))),
            None => schedules.due.push(rows::key(row)?),
        }
    }
    Ok(schedules)
}

/// The numbers of all elections, or of this one.
pub(super) async fn keys(client: &Client, only: Option<ElectionKey>) -> Result<Vec<ElectionKey>, Failure> {
    let rows = client
        .query_typed(
            "-- keys
             SELECT election FROM head WHERE $1::int IS NULL OR election = $1 ORDER BY election",
            &[(&only.map(election_number), Type::INT4)],
        )
        .await?;
    rows.iter().map(rows::key).collect()
}

/// Gives ledgers new epochs. Heads are locked in the order in which every batch locks them.
pub(super) async fn renew_epochs(client: &Client, epochs: &[(ElectionKey, Epoch)]) -> Result<(), Failure> {
    let (keys, epochs): (Vec<i32>, Vec<&[u8]>) =
        epochs.iter().map(|(key, epoch)| (election_number(*key), epoch.0.as_slice())).unzip();
    client
        .execute_typed(
            "-- renew_epochs
             WITH locked AS (SELECT election FROM head WHERE election = ANY ($1) ORDER BY election FOR UPDATE)
             UPDATE head SET epoch = renewed.epoch
             FROM locked JOIN unnest($1::int[], $2::bytea[]) AS renewed (election, epoch) USING (election)
             WHERE head.election = renewed.election",
            &[(&keys, Type::INT4_ARRAY), (&epochs, Type::BYTEA_ARRAY)],
        )
        .await?;
    Ok(())
}

/// An election by one of its names.
pub(super) async fn election(client: &Client, wanted: &Wanted) -> Result<Option<(ElectionKey, Election)>, Failure> {
    let row = match wanted {
        Wanted::Key(key) => {
            let sql = "-- election\n SELECT election, definition FROM election WHERE election = $1";
            client.query_typed_opt(sql, &[(&election_number(*key), Type::INT4)]).await?
        }
        Wanted::Id(id) => {
            let sql = "-- election\n SELECT election, definition FROM election WHERE id = $1";
            client.query_typed_opt(sql, &[(&id.0, Type::UUID)]).await?
        }
        Wanted::Code(code) => {
            let sql = "-- election\n SELECT election, definition FROM election WHERE code = $1";
            client.query_typed_opt(sql, &[(&code.as_str(), Type::TEXT)]).await?
        }
        Wanted::Slug(slug) => {
            let sql = "-- election\n SELECT election, definition FROM election WHERE slug = $1";
            client.query_typed_opt(sql, &[(&slug.as_str(), Type::TEXT)]).await?
        }
    };
    row.as_ref().map(rows::defined).transpose()
}

/// Elections after a key.
pub(super) async fn elections(
    client: &Client,
    after: Option<ElectionKey>,
    limit: usize,
) -> Result<Vec<(ElectionKey, Election)>, Failure> {
    let rows = client
        .query_typed(
            "-- elections
             SELECT election, definition FROM election WHERE election > $1 ORDER BY election LIMIT $2",
            &[(&after.map_or(0, election_number), Type::INT4), (&signed(limit as u64), Type::INT8)],
        )
        .await?;
    rows.iter().map(rows::defined).collect()
}

/// Whose installation this is; the first to ask decides it. Two statements, so that the second sees what another node
/// has written while the first waited for it.
pub(super) async fn secret_check(client: &Client, check: [u8; 16]) -> Result<bool, Failure> {
    let keep = async {
        let kept = client
            .execute_typed(
                "-- secret_check
                 INSERT INTO installation (name, value) VALUES ('secret_check', $1) ON CONFLICT DO NOTHING",
                &[(&check.as_slice(), Type::BYTEA)],
            )
            .await;
        Ok(kept?)
    };
    let look = async {
        let kept = client
            .query_typed_one(
                "-- secret_check
                 SELECT value FROM installation WHERE name = 'secret_check'",
                &[],
            )
            .await?;
        Ok(kept.try_get::<_, Vec<u8>>("value")?)
    };
    let (_, kept) = in_order(keep, look).await?;
    Ok(kept == check)
}
