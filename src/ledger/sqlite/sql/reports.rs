//! The SQL of units, reports and the quarantine.

use std::sync::Arc;

use hustings_core::{
    ContestNumber, Event, Label, ReportFiled, Revision, Seq, Text, Time, Unit, UnitNumber, Units, UnitsAdded, UnitsMark,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::super::rows::{self, signed, unsigned};
use super::super::writer::Failure;
use crate::ledger::batch::{BoxIn, KnownOfBox};
use crate::ledger::trees::{self, Trees};
use crate::ledger::{Case, Digest, ElectionKey, Head, LedgerError, Settled, Stored};

/// The tree as far as a head says; only what is newer than the one that is kept is read.
pub(in super::super) fn units(
    connection: &Connection,
    trees: &Trees,
    key: ElectionKey,
    head: Head,
    mark: UnitsMark,
) -> Result<Arc<Units>, Failure> {
    let kept = trees.kept(key, head.epoch).unwrap_or_default();
    if kept.seq() >= mark.seq {
        return Ok(kept);
    }
    let newer = newer_units(connection, key, kept.next(), kept.seq(), mark.seq)?;
    Ok(trees.grown(kept, key, head, mark, newer)?)
}

/// Units from a number on, and those before it that were retired after an entry, as they were at another entry: two
/// statements may see the store at two places.
fn newer_units(
    connection: &Connection,
    key: ElectionKey,
    from: UnitNumber,
    after: Seq,
    at: Seq,
) -> Result<Vec<trees::Row>, Failure> {
    let mut select = connection.prepare_cached(
        "-- newer_units
         SELECT unit, code, name, kind, parent, place, channel, registered, boxes, added, retired FROM unit
         WHERE election = ? AND unit >= ? AND added <= ? ORDER BY unit",
    )?;
    let added = select.query_and_then(params![key.0, from.0, signed(at.0)], |row| unit(key, row, at))?;
    let mut units: Vec<_> = added.collect::<Result<_, _>>()?;
    let mut select = connection.prepare_cached(
        "-- newer_units
         SELECT unit, code, name, kind, parent, place, channel, registered, boxes, added, retired FROM unit
         WHERE election = ?1 AND retired > ?2 AND retired <= ?4 AND unit < ?3",
    )?;
    let found = params![key.0, signed(after.0), from.0, signed(at.0)];
    let retired = select.query_and_then(found, |row| unit(key, row, at))?;
    units.extend(retired.collect::<Result<Vec<_>, _>>()?);
    Ok(units)
}

fn unit(key: ElectionKey, row: &Row<'_>, at: Seq) -> Result<trees::Row, Failure> {
    let number: u32 = row.get(0)?;
    let damaged = |what: &str| LedgerError::Damaged {
        table: "unit",
        key: format!("({}, {number})", key.0),
        what: what.to_owned(),
    };
    let (code, name): (String, Option<String>) = (row.get(1)?, row.get(2)?);
    let (kind, channel): (String, String) = (row.get(3)?, row.get(6)?);
    let (added, retired): (i64, Option<i64>) = (row.get(9)?, row.get(10)?);
    let retired = retired.filter(|retired| unsigned(*retired) <= at.0);
    let unit = Unit {
        code: Label::parse(&code).map_err(|_| damaged("its code is none"))?,
        name: name.map(|name| Text::parse(&name)).transpose().map_err(|_| damaged("its name is none"))?,
        kind: kind.parse().map_err(|()| damaged("its kind is none"))?,
        parent: UnitNumber(row.get(4)?),
        place: UnitNumber(row.get(5)?),
        channel: channel.parse().map_err(|()| damaged("its channel is none"))?,
        registered: row.get(7)?,
        boxes: row.get(8)?,
        is_retired: retired.is_some(),
    };
    Ok(trees::Row { number: UnitNumber(number), unit, changed: Seq(unsigned(retired.unwrap_or(added))) })
}

/// Writes the rows of what was appended: units, retirements, reports in the order of their keys.
pub(in super::super) fn append(tx: &Transaction<'_>, entries: &[(ElectionKey, Stored)]) -> Result<(), Failure> {
    let mut reports: Vec<(ElectionKey, Seq, &ReportFiled)> = Vec::new();
    for (key, stored) in entries {
        match &stored.entry.event {
            Event::ReportFiled(filed) => reports.push((*key, stored.entry.seq, filed)),
            Event::UnitsAdded(added) => add_units(tx, *key, stored.entry.seq, added)?,
            Event::UnitRetired(retired) => {
                tx.prepare_cached(
                    "-- append
                     UPDATE unit SET retired = ?3 WHERE election = ?1 AND unit = ?2",
                )?
                .execute(params![key.0, retired.unit.0, signed(stored.entry.seq.0)])?;
            }
            Event::BallotCast(_) | Event::StateChanged(_) | Event::Retitled(_) => {}
        }
    }
    reports.sort_unstable_by_key(|(key, _, filed)| (*key, filed.ballot_box, filed.contest, filed.revision));
    let mut insert = tx.prepare_cached(
        "-- append
         INSERT INTO report (election, ballot_box, contest, revision, seq, content, votes, blank, invalid, ballots, request)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (key, seq, filed) in reports {
        let counts = filed.content.counts();
        insert.execute(params![
            key.0,
            filed.ballot_box.0,
            filed.contest.0,
            filed.revision.0,
            signed(seq.0),
            filed.content.name(),
            counts.map_or(0, |counts| signed(counts.votes_in_all())),
            counts.map_or(0, |counts| counts.blank),
            counts.map_or(0, |counts| counts.invalid),
            counts.map_or(0, |counts| counts.cast),
            signed(filed.request.len() as u64),
        ])?;
    }
    Ok(())
}

fn add_units(tx: &Transaction<'_>, key: ElectionKey, seq: Seq, added: &UnitsAdded) -> Result<(), Failure> {
    let mut insert = tx.prepare_cached(
        "-- append
         INSERT INTO unit (election, unit, code, name, kind, parent, place, channel, registered, boxes, added)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (number, unit) in (added.first.0..).zip(&added.units) {
        insert.execute(params![
            key.0,
            number,
            unit.code.as_str(),
            unit.name.as_ref().map(Text::as_str),
            unit.kind.name(),
            unit.parent.0,
            unit.place.0,
            unit.channel.name(),
            unit.registered,
            unit.boxes,
            signed(seq.0),
        ])?;
    }
    Ok(())
}

/// A box's report with a revision, and that with the highest.
pub(in super::super) fn of_box(
    connection: &Connection,
    key: ElectionKey,
    of: BoxIn,
    revision: Option<Revision>,
) -> Result<KnownOfBox, Failure> {
    let current = current(connection, key, of)?;
    let number = |stored: &Stored| match &stored.entry.event {
        Event::ReportFiled(filed) => Some(filed.revision),
        _ => None,
    };
    let same_revision = match (revision, current.as_ref().and_then(number)) {
        (Some(asked), Some(highest)) if asked == highest => current.clone(),
        (Some(asked), Some(highest)) if asked < highest => {
            let mut select = connection.prepare_cached(
                "-- of_box
                 SELECT seq, bytes FROM report JOIN entry USING (election, seq)
                 WHERE election = ? AND ballot_box = ? AND contest = ? AND revision = ?",
            )?;
            let found = params![key.0, of.ballot_box.0, of.contest.0, asked.0];
            select.query_and_then(found, |row| rows::stored(key, row))?.next().transpose()?
        }
        _ => None,
    };
    Ok(KnownOfBox { same_revision, current })
}

fn current(connection: &Connection, key: ElectionKey, of: BoxIn) -> Result<Option<Stored>, Failure> {
    let mut select = connection.prepare_cached(
        "-- current
         SELECT seq, bytes FROM report JOIN entry USING (election, seq)
         WHERE election = ? AND ballot_box = ? AND contest = ? ORDER BY revision DESC LIMIT 1",
    )?;
    let found = params![key.0, of.ballot_box.0, of.contest.0];
    select.query_and_then(found, |row| rows::stored(key, row))?.next().transpose()
}

pub(in super::super) fn current_reports(
    connection: &Connection,
    key: ElectionKey,
    contest: ContestNumber,
    boxes: &[UnitNumber],
) -> Result<Vec<Stored>, Failure> {
    let of = |ballot_box: &UnitNumber| BoxIn { ballot_box: *ballot_box, contest };
    boxes.iter().filter_map(|ballot_box| current(connection, key, of(ballot_box)).transpose()).collect()
}

pub(in super::super) fn revisions(
    connection: &Connection,
    key: ElectionKey,
    ballot_box: UnitNumber,
) -> Result<Vec<Stored>, Failure> {
    let mut select = connection.prepare_cached(
        "-- revisions
         SELECT seq, bytes FROM report JOIN entry USING (election, seq)
         WHERE election = ? AND ballot_box = ? ORDER BY contest, revision",
    )?;
    select.query_and_then(params![key.0, ballot_box.0], |row| rows::stored(key, row))?.collect()
}

/// The contests in which the report of a box with the highest revision is no withdrawal.
pub(in super::super) fn counted(
    connection: &Connection,
    key: ElectionKey,
    ballot_box: UnitNumber,
) -> Result<Vec<ContestNumber>, Failure> {
    let mut select = connection.prepare_cached(
        "-- counted
         SELECT contest FROM report AS counts WHERE election = ?1 AND ballot_box = ?2 AND content <> 'withdrawn'
         AND revision = (SELECT max(revision) FROM report
                         WHERE election = ?1 AND ballot_box = ?2 AND contest = counts.contest)",
    )?;
    let contests = select.query_map(params![key.0, ballot_box.0], |row| row.get(0).map(ContestNumber))?;
    Ok(contests.collect::<Result<_, _>>()?)
}

/// Times never fall, so the place is found by halving.
pub(in super::super) fn last_before(connection: &Connection, key: ElectionKey, time: Time) -> Result<Seq, Failure> {
    let seq: Option<i64> = connection
        .prepare_cached(
            "-- last_before
             WITH RECURSIVE search (low, high) AS (
                 SELECT 0, seq FROM head WHERE election = ?1
                 UNION ALL
                 SELECT CASE WHEN (SELECT time FROM entry WHERE election = ?1 AND seq = (low + high + 1) / 2) < ?2
                             THEN (low + high + 1) / 2 ELSE low END,
                        CASE WHEN (SELECT time FROM entry WHERE election = ?1 AND seq = (low + high + 1) / 2) < ?2
                             THEN high ELSE (low + high + 1) / 2 - 1 END
                 FROM search WHERE low < high
             )
             SELECT low FROM search WHERE low = high",
        )?
        .query_row(params![key.0, signed(time.0)], |row| row.get(0))
        .optional()?;
    Ok(Seq(unsigned(seq.unwrap_or(0))))
}

pub(in super::super) fn quarantine(connection: &Connection, case: &Case) -> Result<(), Failure> {
    connection.execute(
        "-- quarantine
         INSERT INTO quarantine (election, digest, contest, ballot_box, revision, existing, request, sender, time)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        params![
            case.election.0,
            case.digest,
            case.contest.0,
            case.ballot_box.0,
            case.revision.0,
            signed(case.existing.0),
            case.request,
            case.by.as_str(),
            signed(case.time.0),
        ],
    )?;
    Ok(())
}

pub(in super::super) fn cases(
    connection: &Connection,
    key: ElectionKey,
    after: Option<Digest>,
    waiting: bool,
    limit: usize,
) -> Result<Vec<Case>, Failure> {
    let mut select = connection.prepare_cached(
        "-- cases
         SELECT * FROM quarantine WHERE election = ?1 AND digest > ?2 AND (NOT ?3 OR settled_by IS NULL)
         ORDER BY digest LIMIT ?4",
    )?;
    let after = after.map_or(Vec::new(), |digest| digest.to_vec());
    let found = params![key.0, after, waiting, signed(limit as u64)];
    select.query_and_then(found, |row| case_of(key, row))?.collect()
}

pub(in super::super) fn case(
    connection: &Connection,
    key: ElectionKey,
    digest: Digest,
) -> Result<Option<Case>, Failure> {
    let mut select = connection.prepare_cached(
        "-- case
         SELECT * FROM quarantine WHERE election = ? AND digest = ?",
    )?;
    select.query_and_then(params![key.0, digest], |row| case_of(key, row))?.next().transpose()
}

fn case_of(key: ElectionKey, row: &Row<'_>) -> Result<Case, Failure> {
    let text = |column: &str| -> Result<Option<Text>, Failure> {
        let damaged = || LedgerError::Damaged {
            table: "quarantine",
            key: key.0.to_string(),
            what: format!("its {column} is no text"),
        };
        let raw: Option<String> = row.get(column)?;
        Ok(raw.map(|raw| Text::parse(&raw)).transpose().map_err(|_| damaged())?)
    };
    let number = |column: &str| -> Result<u64, Failure> { Ok(unsigned(row.get(column)?)) };
    let settled = match text("settled_by")? {
        None => None,
        Some(by) => Some(Settled {
            filed: row.get::<_, Option<i64>>("filed")?.map(|seq| Seq(unsigned(seq))),
            by,
            reason: text("reason")?,
            time: Time(number("settled_time")?),
        }),
    };
    Ok(Case {
        election: key,
        digest: row.get("digest")?,
        contest: ContestNumber(row.get("contest")?),
        ballot_box: UnitNumber(row.get("ballot_box")?),
        revision: Revision(row.get("revision")?),
        existing: Seq(number("existing")?),
        request: row.get("request")?,
        by: text("sender")?.ok_or_else(|| LedgerError::Unavailable("a sender has no name".to_owned()))?,
        time: Time(number("time")?),
        settled,
    })
}

pub(in super::super) fn settle(
    connection: &Connection,
    key: ElectionKey,
    digest: Digest,
    settled: &Settled,
) -> Result<bool, Failure> {
    let changed = connection.execute(
        "-- settle
         UPDATE quarantine SET settled_by = ?3, settled_time = ?4, reason = ?5, filed = ?6
         WHERE election = ?1 AND digest = ?2 AND (settled_by IS NULL OR (filed IS NULL AND ?6 IS NOT NULL))",
        params![
            key.0,
            digest,
            settled.by.as_str(),
            signed(settled.time.0),
            settled.reason.as_ref().map(Text::as_str),
            settled.filed.map(|seq| signed(seq.0)),
        ],
    )?;
    Ok(changed == 1)
}
