//! The SQL of units, reports and the quarantine.

use hustings_core::{
    Channel, ContestNumber, Event, Label, Revision, Seq, Text, Time, Unit, UnitKind, UnitNumber, UnitsMark,
};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::super::failure::Failure;
use super::super::rows::{self, contest_number, election_number, signed, unsigned};
use super::each_once;
use crate::ledger::batch::BoxIn;
use crate::ledger::trees;
use crate::ledger::{Case, Digest, ElectionKey, Head, LedgerError, Settled, Stored};

/// What reports of one box are known by.
pub(in super::super) type OfBox = (ElectionKey, BoxIn);

/// Where a ledger stands, and how far its tree of units has grown.
pub(in super::super) async fn standing(
    client: &Client,
    key: ElectionKey,
) -> Result<Option<(Head, UnitsMark)>, Failure> {
    let row = client
        .query_typed_opt(
            "-- standing
             SELECT election, epoch, seq, time, chain, state FROM head WHERE election = $1",
            &[(&election_number(key), Type::INT4)],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (_, (head, state)) = rows::locked(&row)?;
    Ok(Some((head, state.units)))
}

/// The most units that one [`newer_units`] reads.
pub(in super::super) const UNITS_PAGE: usize = 20_000;

/// The next units from a number on, and those before it that were retired after an entry, as they were at another entry.
pub(in super::super) async fn newer_units(
    client: &Client,
    key: ElectionKey,
    from: UnitNumber,
    after: Seq,
    at: Seq,
) -> Result<Vec<trees::Row>, Failure> {
    let rows = client
        .query_typed(
            "-- newer_units
             (SELECT * FROM unit WHERE election = $1 AND unit >= $2 AND added <= $4 ORDER BY unit LIMIT $5)
             UNION ALL (SELECT * FROM unit WHERE election = $1 AND retired > $3 AND retired <= $4 AND unit < $2)",
            &[
                (&election_number(key), Type::INT4),
                (&unit_number(from), Type::INT4),
                (&signed(after.0), Type::INT8),
                (&signed(at.0), Type::INT8),
                (&signed(UNITS_PAGE as u64), Type::INT8),
            ],
        )
        .await?;
    rows.iter().map(|row| unit(key, row, at)).collect()
}

/// A unit's number as a column holds it; no election has so many that one is too large for it.
pub(in super::super) fn unit_number(unit: UnitNumber) -> i32 {
    i32::try_from(unit.0).unwrap_or(i32::MAX)
}

/// A unit as it was at an entry.
fn unit(key: ElectionKey, row: &Row, at: Seq) -> Result<trees::Row, Failure> {
    let number = UnitNumber(small(row, "unit")?);
    let damaged = |what: &str| LedgerError::Damaged {
        table: "unit",
        key: format!("({}, {number})", key.0),
        what: what.to_owned(),
    };
    let count = |column: &str| -> Result<Option<u32>, Failure> {
        let number: Option<i64> = row.try_get(column)?;
        Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
    };
    let (kind, channel): (&str, &str) = (row.try_get("kind")?, row.try_get("channel")?);
    let (kind, channel): (Result<UnitKind, ()>, Result<Channel, ()>) = (kind.parse(), channel.parse());
    let name: Option<&str> = row.try_get("name")?;
    let (added, retired): (i64, Option<i64>) = (row.try_get("added")?, row.try_get("retired")?);
    let retired = retired.filter(|retired| unsigned(*retired) <= at.0);
    let unit = Unit {
        code: Label::parse(row.try_get("code")?).map_err(|_| damaged("its code is none"))?,
        name: name.map(Text::parse).transpose().map_err(|_| damaged("its name is none"))?,
        kind: kind.map_err(|()| damaged("its kind is none"))?,
        parent: UnitNumber(small(row, "parent")?),
        place: UnitNumber(small(row, "place")?),
        channel: channel.map_err(|()| damaged("its channel is none"))?,
        registered: count("registered")?,
        boxes: count("boxes")?,
        is_retired: retired.is_some(),
    };
    Ok(trees::Row { number, unit, changed: Seq(unsigned(retired.unwrap_or(added))) })
}

fn small(row: &Row, column: &str) -> Result<u32, Failure> {
    Ok(u32::try_from(row.try_get::<_, i32>(column)?).unwrap_or(0))
}

/// The reports with the highest revision of boxes.
pub(in super::super) async fn current(client: &Client, boxes: &[OfBox]) -> Result<Vec<(OfBox, Stored)>, Failure> {
    let elections: Vec<i32> = boxes.iter().map(|(key, _)| election_number(*key)).collect();
    let units: Vec<i32> = boxes.iter().map(|(_, of)| unit_number(of.ballot_box)).collect();
    let contests: Vec<i32> = boxes.iter().map(|(_, of)| contest_number(of.contest)).collect();
    let rows = client
        .query_typed(
            "-- current
             SELECT asked.election, asked.place, highest.seq, kept.bytes
             FROM unnest($1::int[], $2::int[], $3::int[]) WITH ORDINALITY AS asked (election, ballot_box, contest, place)
             CROSS JOIN LATERAL (
                 SELECT seq FROM report
                 WHERE election = asked.election AND ballot_box = asked.ballot_box AND contest = asked.contest
                     AND election = ANY ($4) ORDER BY revision DESC LIMIT 1
             ) AS highest
             CROSS JOIN LATERAL (
                 SELECT bytes FROM entry
                 WHERE election = asked.election AND seq = highest.seq AND election = ANY ($4) LIMIT 1
             ) AS kept ORDER BY asked.place",
            &[
                (&elections, Type::INT4_ARRAY),
                (&units, Type::INT4_ARRAY),
                (&contests, Type::INT4_ARRAY),
                (&each_once(&elections), Type::INT4_ARRAY),
            ],
        )
        .await?;
    found(&rows, boxes)
}

/// The reports of boxes with just these revisions.
pub(in super::super) async fn with_revisions(
    client: &Client,
    reports: &[(OfBox, Revision)],
) -> Result<Vec<((OfBox, Revision), Stored)>, Failure> {
    let elections: Vec<i32> = reports.iter().map(|((key, _), _)| election_number(*key)).collect();
    let units: Vec<i32> = reports.iter().map(|((_, of), _)| unit_number(of.ballot_box)).collect();
    let contests: Vec<i32> = reports.iter().map(|((_, of), _)| contest_number(of.contest)).collect();
    let revisions: Vec<i64> = reports.iter().map(|(_, revision)| i64::from(revision.0)).collect();
    let rows = client
        .query_typed(
            "-- with_revisions
             SELECT asked.election, asked.place, same.seq, kept.bytes
             FROM unnest($1::int[], $2::int[], $3::int[], $4::bigint[]) WITH ORDINALITY
                 AS asked (election, ballot_box, contest, revision, place)
             CROSS JOIN LATERAL (
                 SELECT seq FROM report
                 WHERE election = asked.election AND ballot_box = asked.ballot_box AND contest = asked.contest
                     AND revision = asked.revision AND election = ANY ($5) LIMIT 1
             ) AS same
             CROSS JOIN LATERAL (
                 SELECT bytes FROM entry
                 WHERE election = asked.election AND seq = same.seq AND election = ANY ($5) LIMIT 1
             ) AS kept",
            &[
                (&elections, Type::INT4_ARRAY),
                (&units, Type::INT4_ARRAY),
                (&contests, Type::INT4_ARRAY),
                (&revisions, Type::INT8_ARRAY),
                (&each_once(&elections), Type::INT4_ARRAY),
            ],
        )
        .await?;
    found(&rows, reports)
}

/// Entries with what was asked, from the columns of [`rows::stored`] and `place`.
fn found<T: Copy>(rows: &[Row], asked: &[T]) -> Result<Vec<(T, Stored)>, Failure> {
    let one = |row: &Row| {
        let (_, stored) = rows::stored(row)?;
        let place: i64 = row.try_get("place")?;
        let asked = usize::try_from(place).ok().and_then(|place| asked.get(place.checked_sub(1)?));
        Ok(asked.map(|asked| (*asked, stored)))
    };
    rows.iter().filter_map(|row| one(row).transpose()).collect()
}

/// All reports of a box, by contest and revision.
pub(in super::super) async fn revisions(
    client: &Client,
    key: ElectionKey,
    ballot_box: UnitNumber,
) -> Result<Vec<Stored>, Failure> {
    let rows = client
        .query_typed(
            "-- revisions
             SELECT election, seq, bytes FROM report JOIN entry USING (election, seq)
             WHERE election = $1 AND ballot_box = $2 ORDER BY contest, revision",
            &[(&election_number(key), Type::INT4), (&unit_number(ballot_box), Type::INT4)],
        )
        .await?;
    rows.iter().map(|row| rows::stored(row).map(|(_, stored)| stored)).collect()
}

/// The contests in which the report of a box with the highest revision is no withdrawal, for each of some boxes.
pub(in super::super) async fn counted(
    client: &Client,
    boxes: &[(ElectionKey, UnitNumber)],
) -> Result<Vec<((ElectionKey, UnitNumber), ContestNumber)>, Failure> {
    let elections: Vec<i32> = boxes.iter().map(|(key, _)| election_number(*key)).collect();
    let units: Vec<i32> = boxes.iter().map(|(_, unit)| unit_number(*unit)).collect();
    let rows = client
        .query_typed(
            "-- counted
             SELECT asked.place, highest.contest
             FROM unnest($1::int[], $2::int[]) WITH ORDINALITY AS asked (election, ballot_box, place)
             CROSS JOIN LATERAL (
                 SELECT DISTINCT ON (contest) contest, content FROM report
                 WHERE election = asked.election AND ballot_box = asked.ballot_box AND election = ANY ($3)
                 ORDER BY contest, revision DESC
             ) AS highest WHERE highest.content <> 'withdrawn'",
            &[(&elections, Type::INT4_ARRAY), (&units, Type::INT4_ARRAY), (&each_once(&elections), Type::INT4_ARRAY)],
        )
        .await?;
    let one = |row: &Row| {
        let (place, contest): (i64, i32) = (row.try_get("place")?, row.try_get("contest")?);
        let asked = usize::try_from(place).ok().and_then(|place| boxes.get(place.checked_sub(1)?));
        Ok(asked.map(|asked| (*asked, ContestNumber(u32::try_from(contest).unwrap_or(0)))))
    };
    rows.iter().filter_map(|row| one(row).transpose()).collect()
}

/// Times never fall, so the place is found by halving.
pub(in super::super) async fn last_before(client: &Client, key: ElectionKey, time: Time) -> Result<Seq, Failure> {
    let row = client
        .query_typed_opt(
            "-- last_before
             WITH RECURSIVE search (low, high) AS (
                 SELECT 0::bigint, seq FROM head WHERE election = $1
                 UNION ALL
                 SELECT CASE WHEN halved.is_before THEN middle ELSE low END,
                        CASE WHEN halved.is_before THEN high ELSE middle - 1 END
                 FROM search
                 CROSS JOIN LATERAL (SELECT (low + high + 1) / 2 AS middle) AS half
                 CROSS JOIN LATERAL (
                     SELECT time < $2 AS is_before FROM entry WHERE election = $1 AND seq = middle
                 ) AS halved
                 WHERE low < high
             )
             SELECT low FROM search WHERE low = high",
            &[(&election_number(key), Type::INT4), (&signed(time.0), Type::INT8)],
        )
        .await?;
    Ok(Seq(row.map_or(Ok(0), |row| row.try_get(0)).map(unsigned)?))
}

/// Keeps a case, unless it is there.
pub(in super::super) async fn quarantine(client: &Client, case: &Case) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- quarantine
             INSERT INTO quarantine (election, digest, contest, ballot_box, revision, existing, request, sender, time)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            &[
                (&election_number(case.election), Type::INT4),
                (&case.digest.as_slice(), Type::BYTEA),
                (&contest_number(case.contest), Type::INT4),
                (&unit_number(case.ballot_box), Type::INT4),
                (&i64::from(case.revision.0), Type::INT8),
                (&signed(case.existing.0), Type::INT8),
                (&case.request, Type::BYTEA),
                (&case.by.as_str(), Type::TEXT),
                (&signed(case.time.0), Type::INT8),
            ],
        )
        .await?;
    Ok(())
}

/// Cases after a digest.
pub(in super::super) async fn cases(
    client: &Client,
    key: ElectionKey,
    after: Option<Digest>,
    waiting: bool,
    limit: usize,
) -> Result<Vec<Case>, Failure> {
    let after = after.map_or(Vec::new(), |digest| digest.to_vec());
    let rows = client
        .query_typed(
            "-- cases
             SELECT * FROM quarantine WHERE election = $1 AND digest > $2 AND (NOT $3 OR settled_by IS NULL)
             ORDER BY digest LIMIT $4",
            &[
                (&election_number(key), Type::INT4),
                (&after, Type::BYTEA),
                (&waiting, Type::BOOL),
                (&signed(limit as u64), Type::INT8),
            ],
        )
        .await?;
    rows.iter().map(case_of).collect()
}

/// The case of a digest.
pub(in super::super) async fn case(client: &Client, key: ElectionKey, digest: Digest) -> Result<Option<Case>, Failure> {
    let row = client
        .query_typed_opt(
            "-- case
             SELECT * FROM quarantine WHERE election = $1 AND digest = $2",
            &[(&election_number(key), Type::INT4), (&digest.as_slice(), Type::BYTEA)],
        )
        .await?;
    row.as_ref().map(case_of).transpose()
}

fn case_of(row: &Row) -> Result<Case, Failure> {
    let election = rows::key(row)?;
    let damaged =
        |what: &str| LedgerError::Damaged { table: "quarantine", key: election.0.to_string(), what: what.to_owned() };
    let text = |column: &str| -> Result<Option<Text>, Failure> {
        let raw: Option<&str> = row.try_get(column)?;
        Ok(raw.map(Text::parse).transpose().map_err(|_| damaged(&format!("its {column} is no text")))?)
    };
    let number = |column: &str| -> Result<u64, Failure> { Ok(unsigned(row.try_get(column)?)) };
    let settled = match text("settled_by")? {
        None => None,
        Some(by) => Some(Settled {
            filed: row.try_get::<_, Option<i64>>("filed")?.map(|seq| Seq(unsigned(seq))),
            by,
            reason: text("reason")?,
            time: Time(number("settled_time")?),
        }),
    };
    let digest: &[u8] = row.try_get("digest")?;
    Ok(Case {
        election,
        digest: digest.try_into().map_err(|_| damaged("its digest has another length than 32"))?,
        contest: ContestNumber(small(row, "contest")?),
        ballot_box: UnitNumber(small(row, "ballot_box")?),
        revision: Revision(u32::try_from(number("revision")?).unwrap_or(u32::MAX)),
        existing: Seq(number("existing")?),
        request: row.try_get("request")?,
        by: text("sender")?.ok_or_else(|| damaged("its sender has no name"))?,
        time: Time(number("time")?),
        settled,
    })
}

/// Writes down what became of a case that waits.
pub(in super::super) async fn settle(
    client: &Client,
    key: ElectionKey,
    digest: Digest,
    settled: &Settled,
) -> Result<bool, Failure> {
    let changed = client
        .execute_typed(
            "-- settle
             UPDATE quarantine SET settled_by = $3, settled_time = $4, reason = $5, filed = $6
             WHERE election = $1 AND digest = $2 AND (settled_by IS NULL OR (filed IS NULL AND $6 IS NOT NULL))",
            &[
                (&election_number(key), Type::INT4),
                (&digest.as_slice(), Type::BYTEA),
                (&settled.by.as_str(), Type::TEXT),
                (&signed(settled.time.0), Type::INT8),
                (&settled.reason.as_ref().map(Text::as_str), Type::TEXT),
                (&settled.filed.map(|seq| signed(seq.0)), Type::INT8),
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Columns of the units that came in a batch, each with the entry that retires it where that is in the batch too.
#[derive(Default)]
pub(in super::super) struct UnitColumns<'a> {
    pub(in super::super) elections: Vec<i32>,
    pub(in super::super) units: Vec<i32>,
    pub(in super::super) codes: Vec<&'a str>,
    pub(in super::super) names: Vec<Option<&'a str>>,
    pub(in super::super) kinds: Vec<&'a str>,
    pub(in super::super) parents: Vec<i32>,
    pub(in super::super) places: Vec<i32>,
    pub(in super::super) channels: Vec<&'a str>,
    pub(in super::super) registered: Vec<Option<i64>>,
    pub(in super::super) boxes: Vec<Option<i64>>,
    pub(in super::super) added: Vec<i64>,
}

impl<'a> UnitColumns<'a> {
    pub(in super::super) fn of(entries: &'a [(ElectionKey, Stored)]) -> Self {
        let mut columns = Self::default();
        for (key, stored) in entries {
            let Event::UnitsAdded(added) = &stored.entry.event else { continue };
            for (number, unit) in (added.first.0..).zip(&added.units) {
                columns.elections.push(election_number(*key));
                columns.units.push(unit_number(UnitNumber(number)));
                columns.codes.push(unit.code.as_str());
                columns.names.push(unit.name.as_ref().map(Text::as_str));
                columns.kinds.push(unit.kind.name());
                columns.parents.push(unit_number(unit.parent));
                columns.places.push(unit_number(unit.place));
                columns.channels.push(unit.channel.name());
                columns.registered.push(unit.registered.map(i64::from));
                columns.boxes.push(unit.boxes.map(i64::from));
                columns.added.push(signed(stored.entry.seq.0));
            }
        }
        columns
    }
}

/// Adds units. Without any, nothing is sent.
pub(in super::super) async fn add_units(client: &Client, units: &UnitColumns<'_>) -> Result<(), Failure> {
    if units.elections.is_empty() {
        return Ok(());
    }
    client
        .execute_typed(
            "-- add_units
             INSERT INTO unit (election, unit, code, name, kind, parent, place, channel, registered, boxes, added)
             SELECT * FROM unnest($1::int[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[],
                                  $8::text[], $9::bigint[], $10::bigint[], $11::bigint[])",
            &[
                (&units.elections, Type::INT4_ARRAY),
                (&units.units, Type::INT4_ARRAY),
                (&units.codes, Type::TEXT_ARRAY),
                (&units.names, Type::TEXT_ARRAY),
                (&units.kinds, Type::TEXT_ARRAY),
                (&units.parents, Type::INT4_ARRAY),
                (&units.places, Type::INT4_ARRAY),
                (&units.channels, Type::TEXT_ARRAY),
                (&units.registered, Type::INT8_ARRAY),
                (&units.boxes, Type::INT8_ARRAY),
                (&units.added, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

/// Marks units as retired by their entries. Without any, nothing is sent.
pub(in super::super) async fn retire_units(client: &Client, entries: &[(ElectionKey, Stored)]) -> Result<(), Failure> {
    let (mut elections, mut units, mut seqs) = (Vec::new(), Vec::new(), Vec::new());
    for (key, stored) in entries {
        if let Event::UnitRetired(retired) = &stored.entry.event {
            elections.push(election_number(*key));
            units.push(unit_number(retired.unit));
            seqs.push(signed(stored.entry.seq.0));
        }
    }
    if elections.is_empty() {
        return Ok(());
    }
    client
        .execute_typed(
            "-- retire_units
             UPDATE unit SET retired = gone.seq
             FROM unnest($1::int[], $2::int[], $3::bigint[]) AS gone (election, unit, seq)
             WHERE unit.election = gone.election AND unit.unit = gone.unit",
            &[(&elections, Type::INT4_ARRAY), (&units, Type::INT4_ARRAY), (&seqs, Type::INT8_ARRAY)],
        )
        .await?;
    Ok(())
}

/// Columns of the reports of a batch, in key order.
#[derive(Default)]
pub(in super::super) struct ReportColumns {
    elections: Vec<i32>,
    boxes: Vec<i32>,
    contests: Vec<i32>,
    revisions: Vec<i64>,
    seqs: Vec<i64>,
    contents: Vec<&'static str>,
    votes: Vec<i64>,
    blank: Vec<i64>,
    invalid: Vec<i64>,
    ballots: Vec<i64>,
    requests: Vec<i64>,
}

impl ReportColumns {
    pub(in super::super) fn of(entries: &[(ElectionKey, Stored)]) -> Self {
        let filed = entries.iter().filter_map(|(key, stored)| match &stored.entry.event {
            Event::ReportFiled(filed) => Some((*key, stored.entry.seq, filed)),
            _ => None,
        });
        let mut filed: Vec<_> = filed.collect();
        filed.sort_unstable_by_key(|(key, _, filed)| (*key, filed.ballot_box, filed.contest, filed.revision));
        let mut columns = Self::default();
        for (key, seq, filed) in filed {
            let counts = filed.content.counts();
            columns.elections.push(election_number(key));
            columns.boxes.push(unit_number(filed.ballot_box));
            columns.contests.push(contest_number(filed.contest));
            columns.revisions.push(filed.revision.0.into());
            columns.seqs.push(signed(seq.0));
            columns.contents.push(filed.content.name());
            columns.votes.push(counts.map_or(0, |counts| signed(counts.votes_in_all())));
            columns.blank.push(counts.map_or(0, |counts| counts.blank.into()));
            columns.invalid.push(counts.map_or(0, |counts| counts.invalid.into()));
            columns.ballots.push(counts.map_or(0, |counts| counts.cast.into()));
            columns.requests.push(signed(filed.request.len() as u64));
        }
        columns
    }
}

/// Writes the rows of reports. Without any, nothing is sent. A row that is there already fails it.
pub(in super::super) async fn add_reports(client: &Client, reports: &ReportColumns) -> Result<(), Failure> {
    if reports.elections.is_empty() {
        return Ok(());
    }
    client
        .execute_typed(
            "-- add_reports
             INSERT INTO report
                 (election, ballot_box, contest, revision, seq, content, votes, blank, invalid, ballots, request)
             SELECT * FROM unnest($1::int[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
                                  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])",
            &[
                (&reports.elections, Type::INT4_ARRAY),
                (&reports.boxes, Type::INT4_ARRAY),
                (&reports.contests, Type::INT4_ARRAY),
                (&reports.revisions, Type::INT8_ARRAY),
                (&reports.seqs, Type::INT8_ARRAY),
                (&reports.contents, Type::TEXT_ARRAY),
                (&reports.votes, Type::INT8_ARRAY),
                (&reports.blank, Type::INT8_ARRAY),
                (&reports.invalid, Type::INT8_ARRAY),
                (&reports.ballots, Type::INT8_ARRAY),
                (&reports.requests, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}
