//! SQL of access codes and of devices that have come.

use hustings_core::{ElectionId, Time};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::ledger::electorate::{JOINED_MAX, MINUTES_KEPT, minute, person};
use crate::ledger::sqlite::rows::{signed, unsigned};
use crate::ledger::sqlite::writer::Failure;
use crate::ledger::{CodeCount, CodeHash, CodeNumber, DeviceHash, JoinedCount, KeptCode, LedgerError, NewCode};

/// How many codes an election has, which are numbered without gaps; none where there is no such election.
pub(in crate::ledger::sqlite) fn there(connection: &Connection, id: ElectionId) -> Result<Option<u32>, Failure> {
    let there = connection.query_row(
        "-- there
         SELECT (SELECT coalesce(max(number), 0) FROM access_code WHERE id = ?1) FROM election WHERE id = ?1",
        [id.0.as_bytes()],
        |row| row.get(0),
    );
    Ok(there.optional()?)
}

pub(in crate::ledger::sqlite) fn make_codes(
    tx: &Transaction<'_>,
    id: ElectionId,
    first: CodeNumber,
    codes: &[NewCode],
) -> Result<(), Failure> {
    for (number, code) in (first.0..).map(CodeNumber).zip(codes) {
        let NewCode { hash, person, made } = code.clone();
        insert_code(tx, id, &KeptCode { number, hash, voter: hash, person, made, revoked: None })?;
    }
    Ok(())
}

pub(in crate::ledger::sqlite) fn insert_code(
    tx: &Transaction<'_>,
    id: ElectionId,
    code: &KeptCode,
) -> Result<(), Failure> {
    let inserted = tx
        .prepare_cached(
            "-- insert_code
             INSERT INTO access_code (id, number, hash, voter, name, email, made, revoked) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id.0.as_bytes(),
            code.number.0,
            code.hash.0,
            code.voter.0,
            code.person.as_ref().map(|person| person.name.as_str()),
            code.person.as_ref().and_then(|person| person.email.as_ref()).map(|email| email.as_str()),
            signed(code.made.0),
            code.revoked.map(|at| signed(at.0)),
        ]);
    inserted.map(drop).map_err(taken)
}

/// A code that stands elsewhere already is an error of its own.
fn taken(error: rusqlite::Error) -> Failure {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) if text.contains("access_code.hash") => {
            LedgerError::CodeTaken.into()
        }
        other => other.into(),
    }
}

/// Writes down what has changed in a place: its code, and whether it was revoked.
pub(in crate::ledger::sqlite) fn update_code(
    tx: &Transaction<'_>,
    id: ElectionId,
    code: &KeptCode,
) -> Result<(), Failure> {
    tx.execute(
        "-- update_code
         UPDATE access_code SET hash = ?3, made = ?4, revoked = ?5 WHERE id = ?1 AND number = ?2",
        params![id.0.as_bytes(), code.number.0, code.hash.0, signed(code.made.0), code.revoked.map(|at| signed(at.0))],
    )
    .map(drop)
    .map_err(taken)
}

pub(in crate::ledger::sqlite) fn code(
    connection: &Connection,
    id: ElectionId,
    hash: CodeHash,
) -> Result<Option<KeptCode>, Failure> {
    let mut select = connection.prepare_cached(
        "-- code
         SELECT * FROM access_code WHERE id = ? AND hash = ?",
    )?;
    select.query_and_then(params![id.0.as_bytes(), hash.0], kept)?.next().transpose()
}

pub(in crate::ledger::sqlite) fn first_code(
    connection: &Connection,
    id: ElectionId,
    hash: CodeHash,
) -> Result<Option<KeptCode>, Failure> {
    let mut select = connection.prepare_cached(
        "-- first_code
         SELECT * FROM access_code WHERE id = ? AND voter = ?",
    )?;
    select.query_and_then(params![id.0.as_bytes(), hash.0], kept)?.next().transpose()
}

pub(in crate::ledger::sqlite) fn codes(
    connection: &Connection,
    id: ElectionId,
    after: Option<CodeNumber>,
    limit: usize,
) -> Result<Vec<KeptCode>, Failure> {
    let mut select = connection.prepare_cached(
        "-- codes
         SELECT * FROM access_code WHERE id = ? AND number > ? ORDER BY number LIMIT ?",
    )?;
    let after = after.map_or(0, |number| number.0);
    select.query_and_then(params![id.0.as_bytes(), after, signed(limit as u64)], kept)?.collect()
}

fn kept(row: &Row<'_>) -> Result<KeptCode, Failure> {
    let number = CodeNumber(row.get("number")?);
    let (name, email): (Option<String>, Option<String>) = (row.get("name")?, row.get("email")?);
    let revoked: Option<i64> = row.get("revoked")?;
    Ok(KeptCode {
        number,
        hash: CodeHash(row.get("hash")?),
        voter: CodeHash(row.get("voter")?),
        person: person(number, name.as_deref(), email.as_deref())?,
        made: Time(unsigned(row.get("made")?)),
        revoked: revoked.map(|at| Time(unsigned(at))),
    })
}

pub(in crate::ledger::sqlite) fn count_codes(connection: &Connection, id: ElectionId) -> Result<CodeCount, Failure> {
    let counted = connection.query_row(
        "-- count_codes
         SELECT count(*), count(revoked) FROM access_code WHERE id = ?",
        [id.0.as_bytes()],
        |row| Ok(CodeCount { made: row.get(0)?, revoked: row.get(1)? }),
    );
    Ok(counted?)
}

pub(in crate::ledger::sqlite) fn revoke_code(
    connection: &Connection,
    id: ElectionId,
    number: CodeNumber,
    at: Time,
) -> Result<bool, Failure> {
    let revoked = connection.execute(
        "-- revoke_code
         UPDATE access_code SET revoked = ?3 WHERE id = ?1 AND number = ?2 AND revoked IS NULL",
        params![id.0.as_bytes(), number.0, signed(at.0)],
    )?;
    Ok(revoked == 1)
}

pub(in crate::ledger::sqlite) fn replace_code(
    connection: &Connection,
    id: ElectionId,
    number: CodeNumber,
    before: CodeHash,
    hash: CodeHash,
    at: Time,
) -> Result<Option<KeptCode>, Failure> {
    let replaced = connection.execute(
        "-- replace_code
         UPDATE access_code SET hash = ?4, made = ?5 WHERE id = ?1 AND number = ?2 AND hash IN (?3, ?4) AND revoked IS NULL",
        params![id.0.as_bytes(), number.0, before.0, hash.0, signed(at.0)],
    );
    if replaced.map_err(taken)? == 0 { Ok(None) } else { code(connection, id, hash) }
}

pub(in crate::ledger::sqlite) fn relist_code(
    connection: &Connection,
    id: ElectionId,
    number: CodeNumber,
    before: CodeHash,
    hash: CodeHash,
    at: Time,
) -> Result<Option<KeptCode>, Failure> {
    let relisted = connection.execute(
        "-- relist_code
         UPDATE access_code SET hash = ?4, made = ?5, revoked = NULL
         WHERE id = ?1 AND number = ?2
             AND ((hash = ?3 AND revoked < ?5 AND made < ?5) OR (hash = ?4 AND revoked IS NULL))",
        params![id.0.as_bytes(), number.0, before.0, hash.0, signed(at.0)],
    );
    if relisted.map_err(taken)? == 0 { Ok(None) } else { code(connection, id, hash) }
}

pub(in crate::ledger::sqlite) fn note_joined(
    tx: &Transaction<'_>,
    id: ElectionId,
    devices: &[DeviceHash],
    now: Time,
) -> Result<u64, Failure> {
    let mut insert = tx.prepare_cached(
        "-- note_joined
         INSERT INTO joined (id, device) VALUES (?, ?) ON CONFLICT DO NOTHING",
    )?;
    let room = JOINED_MAX.saturating_sub(joined(tx, id, now)?.devices);
    let mut new = 0;
    for device in devices {
        if new == room {
            break;
        }
        new += u64::try_from(insert.execute(params![id.0.as_bytes(), device.0])?).unwrap_or(0);
    }
    if new == 0 {
        return Ok(0);
    }
    tx.execute(
        "-- note_joined
         INSERT INTO joined_total (id, devices) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET devices = devices + excluded.devices",
        params![id.0.as_bytes(), signed(new)],
    )?;
    tx.execute(
        "-- note_joined
         INSERT INTO joined_minute (id, minute, devices) VALUES (?1, ?2, ?3)
         ON CONFLICT (id, minute) DO UPDATE SET devices = devices + excluded.devices",
        params![id.0.as_bytes(), signed(minute(now)), signed(new)],
    )?;
    tx.execute(
        "-- note_joined
         DELETE FROM joined_minute WHERE id = ? AND minute < ?",
        params![id.0.as_bytes(), signed(minute(now).saturating_sub(MINUTES_KEPT))],
    )?;
    Ok(new)
}

pub(in crate::ledger::sqlite) fn joined(
    connection: &Connection,
    id: ElectionId,
    since: Time,
) -> Result<JoinedCount, Failure> {
    let counted = connection
        .prepare_cached(
            "-- joined
             SELECT coalesce((SELECT devices FROM joined_total WHERE id = ?1), 0),
                    coalesce((SELECT sum(devices) FROM joined_minute WHERE id = ?1 AND minute >= ?2), 0)",
        )?
        .query_row(params![id.0.as_bytes(), signed(minute(since))], |row| {
            Ok(JoinedCount { devices: unsigned(row.get(0)?), recent: unsigned(row.get(1)?) })
        });
    Ok(counted?)
}

pub(in crate::ledger::sqlite) fn joined_devices(
    connection: &Connection,
    id: ElectionId,
    after: Option<DeviceHash>,
    limit: usize,
) -> Result<Vec<DeviceHash>, Failure> {
    let mut select = connection.prepare_cached(
        "-- joined_devices
         SELECT device FROM joined WHERE id = ? AND device > ? ORDER BY device LIMIT ?",
    )?;
    let after = after.map_or_else(Vec::new, |device| device.0.to_vec());
    let found =
        select.query_map(params![id.0.as_bytes(), after, signed(limit as u64)], |row| Ok(DeviceHash(row.get(0)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}
