//! The SQL of access codes and of devices that have come.

use hustings_core::{ElectionId, Time};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::super::failure::Failure;
use super::super::rows::{signed, unsigned};
use crate::ledger::electorate::{JOINED_MAX, MINUTES_KEPT, minute, person};
use crate::ledger::{CodeCount, CodeHash, CodeNumber, DeviceHash, JoinedCount, KeptCode, LedgerError};

/// Locks the row of an election, and says how many codes it has; none where there is no such election. Two statements, so
/// that the second sees what another node has written while the first waited for it.
pub(in super::super) async fn lock(client: &Client, id: ElectionId) -> Result<Option<u32>, Failure> {
    let locked = client
        .query_typed_opt(
            "-- lock
             SELECT election FROM election WHERE id = $1 FOR NO KEY UPDATE",
            &[(&id.0, Type::UUID)],
        )
        .await?;
    if locked.is_none() {
        return Ok(None);
    }
    let row = client
        .query_typed_one(
            "-- lock
             SELECT coalesce(max(number), 0) FROM access_code WHERE id = $1",
            &[(&id.0, Type::UUID)],
        )
        .await?;
    Ok(Some(u32::try_from(row.try_get::<_, i64>(0)?).unwrap_or(u32::MAX)))
}

/// Keeps codes under their numbers.
pub(in super::super) async fn insert_codes(client: &Client, id: ElectionId, codes: &[KeptCode]) -> Result<(), Failure> {
    let numbers: Vec<i64> = codes.iter().map(|code| code.number.0.into()).collect();
    let hashes: Vec<&[u8]> = codes.iter().map(|code| code.hash.0.as_slice()).collect();
    let voters: Vec<&[u8]> = codes.iter().map(|code| code.voter.0.as_slice()).collect();
    let persons = || codes.iter().map(|code| code.person.as_ref());
    let names: Vec<Option<&str>> = persons().map(|person| Some(person?.name.as_str())).collect();
    let emails: Vec<Option<&str>> = persons().map(|person| Some(person?.email.as_ref()?.as_str())).collect();
    let made: Vec<i64> = codes.iter().map(|code| signed(code.made.0)).collect();
    let revoked: Vec<Option<i64>> = codes.iter().map(|code| code.revoked.map(|at| signed(at.0))).collect();
    client
        .execute_typed(
            "-- insert_codes
             INSERT INTO access_code (id, number, hash, voter, name, email, made, revoked)
             SELECT $1, * FROM unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::bigint[],
                 $8::bigint[])",
            &[
                (&id.0, Type::UUID),
                (&numbers, Type::INT8_ARRAY),
                (&hashes, Type::BYTEA_ARRAY),
                (&voters, Type::BYTEA_ARRAY),
                (&names, Type::TEXT_ARRAY),
                (&emails, Type::TEXT_ARRAY),
                (&made, Type::INT8_ARRAY),
                (&revoked, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

/// The code with this hash.
pub(in super::super) async fn code(
    client: &Client,
    id: ElectionId,
    hash: CodeHash,
) -> Result<Option<KeptCode>, Failure> {
    let row = client
        .query_typed_opt(
            "-- code
             SELECT * FROM access_code WHERE id = $1 AND hash = $2",
            &[(&id.0, Type::UUID), (&hash.0.as_slice(), Type::BYTEA)],
        )
        .await?;
    row.as_ref().map(kept).transpose()
}

/// The place whose first code had this hash.
pub(in super::super) async fn first_code(
    client: &Client,
    id: ElectionId,
    hash: CodeHash,
) -> Result<Option<KeptCode>, Failure> {
    let row = client
        .query_typed_opt(
            "-- first_code
             SELECT * FROM access_code WHERE id = $1 AND voter = $2",
            &[(&id.0, Type::UUID), (&hash.0.as_slice(), Type::BYTEA)],
        )
        .await?;
    row.as_ref().map(kept).transpose()
}

/// Codes after a number.
pub(in super::super) async fn codes(
    client: &Client,
    id: ElectionId,
    after: Option<CodeNumber>,
    limit: usize,
) -> Result<Vec<KeptCode>, Failure> {
    let after = after.map_or(0, |number| i64::from(number.0));
    let rows = client
        .query_typed(
            "-- codes
             SELECT * FROM access_code WHERE id = $1 AND number > $2 ORDER BY number LIMIT $3",
            &[(&id.0, Type::UUID), (&after, Type::INT8), (&signed(limit as u64), Type::INT8)],
        )
        .await?;
    rows.iter().map(kept).collect()
}

fn kept(row: &Row) -> Result<KeptCode, Failure> {
    let number = CodeNumber(u32::try_from(row.try_get::<_, i64>("number")?).unwrap_or(u32::MAX));
    let revoked: Option<i64> = row.try_get("revoked")?;
    Ok(KeptCode {
        number,
        hash: CodeHash(bytes(row, number, "hash")?),
        voter: CodeHash(bytes(row, number, "voter")?),
        person: person(number, row.try_get("name")?, row.try_get("email")?)?,
        made: Time(unsigned(row.try_get("made")?)),
        revoked: revoked.map(|at| Time(unsigned(at))),
    })
}

fn bytes(row: &Row, number: CodeNumber, column: &str) -> Result<[u8; 16], Failure> {
    let bytes: &[u8] = row.try_get(column)?;
    let what = format!("its {column} has {} bytes, not 16", bytes.len());
    let damaged = |_| LedgerError::Damaged { table: "access_code", key: format!("number {}", number.0), what };
    Ok(bytes.try_into().map_err(damaged)?)
}

/// How many codes there are.
pub(in super::super) async fn count_codes(client: &Client, id: ElectionId) -> Result<CodeCount, Failure> {
    let row = client
        .query_typed_one(
            "-- count_codes
             SELECT count(*), count(revoked) FROM access_code WHERE id = $1",
            &[(&id.0, Type::UUID)],
        )
        .await?;
    let number =
        |at: usize| -> Result<u32, Failure> { Ok(u32::try_from(row.try_get::<_, i64>(at)?).unwrap_or(u32::MAX)) };
    Ok(CodeCount { made: number(0)?, revoked: number(1)? })
}

/// Revokes a code that was not revoked before.
pub(in super::super) async fn revoke_code(
    client: &Client,
    id: ElectionId,
    number: CodeNumber,
    at: Time,
) -> Result<bool, Failure> {
    let revoked = client
        .execute_typed(
            "-- revoke_code
             UPDATE access_code SET revoked = $3 WHERE id = $1 AND number = $2 AND revoked IS NULL",
            &[(&id.0, Type::UUID), (&i64::from(number.0), Type::INT8), (&signed(at.0), Type::INT8)],
        )
        .await?;
    Ok(revoked == 1)
}

/// Puts another code into the place of one that was not revoked; to do the same again changes nothing, and gives the same.
pub(in super::super) async fn replace_code(
    client: &Client,
    id: ElectionId,
    number: CodeNumber,
    before: CodeHash,
    hash: CodeHash,
    at: Time,
) -> Result<Option<KeptCode>, Failure> {
    let row = client
        .query_typed_opt(
            "-- replace_code
             UPDATE access_code SET hash = $4, made = $5
             WHERE id = $1 AND number = $2 AND hash IN ($3, $4) AND revoked IS NULL RETURNING *",
            &[
                (&id.0, Type::UUID),
                (&i64::from(number.0), Type::INT8),
                (&before.0.as_slice(), Type::BYTEA),
                (&hash.0.as_slice(), Type::BYTEA),
                (&signed(at.0), Type::INT8),
            ],
        )
        .await?;
    row.as_ref().map(kept).transpose()
}

/// Puts another code into the place of one that was revoked; to do the same again changes nothing, and gives the same.
pub(in super::super) async fn relist_code(
    client: &Client,
    id: ElectionId,
    number: CodeNumber,
    before: CodeHash,
    hash: CodeHash,
    at: Time,
) -> Result<Option<KeptCode>, Failure> {
    let row = client
        .query_typed_opt(
            "-- relist_code
             UPDATE access_code SET hash = $4, made = $5, revoked = NULL
             WHERE id = $1 AND number = $2
                 AND ((hash = $3 AND revoked < $5 AND made < $5) OR (hash = $4 AND revoked IS NULL))
             RETURNING *",
            &[
                (&id.0, Type::UUID),
                (&i64::from(number.0), Type::INT8),
                (&before.0.as_slice(), Type::BYTEA),
                (&hash.0.as_slice(), Type::BYTEA),
                (&signed(at.0), Type::INT8),
            ],
        )
        .await?;
    row.as_ref().map(kept).transpose()
}

/// Writes down what has changed in a place: its code, and whether it was revoked.
pub(in super::super) async fn update_code(client: &Client, id: ElectionId, code: &KeptCode) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- update_code
             UPDATE access_code SET hash = $3, made = $4, revoked = $5 WHERE id = $1 AND number = $2",
            &[
                (&id.0, Type::UUID),
                (&i64::from(code.number.0), Type::INT8),
                (&code.hash.0.as_slice(), Type::BYTEA),
                (&signed(code.made.0), Type::INT8),
                (&code.revoked.map(|at| signed(at.0)), Type::INT8),
            ],
        )
        .await?;
    Ok(())
}

/// Notes devices, and says how many are new.
pub(in super::super) async fn note_joined(
    client: &Client,
    id: ElectionId,
    devices: &[DeviceHash],
    now: Time,
) -> Result<u64, Failure> {
    let devices: Vec<&[u8]> = devices.iter().map(|device| device.0.as_slice()).collect();
    let row = client
        .query_typed_one(
            "-- note_joined
             WITH asked AS (SELECT DISTINCT device FROM unnest($2::bytea[]) AS asked (device)), fresh AS (
                 INSERT INTO joined (id, device)
                 SELECT $1, device FROM asked
                 WHERE NOT EXISTS (SELECT FROM joined WHERE id = $1 AND joined.device = asked.device)
                 LIMIT greatest(0, $3 - coalesce((SELECT devices FROM joined_total WHERE id = $1), 0))
                 ON CONFLICT DO NOTHING RETURNING device
             ), counted AS (SELECT count(*) AS new FROM fresh), total AS (
                 INSERT INTO joined_total (id, devices) SELECT $1, new FROM counted WHERE new > 0
                 ON CONFLICT (id) DO UPDATE SET devices = joined_total.devices + excluded.devices
             ), minutes AS (
                 INSERT INTO joined_minute (id, minute, devices) SELECT $1, $4, new FROM counted WHERE new > 0
                 ON CONFLICT (id, minute) DO UPDATE SET devices = joined_minute.devices + excluded.devices
             ), swept AS (DELETE FROM joined_minute WHERE id = $1 AND minute < $5)
             SELECT new FROM counted",
            &[
                (&id.0, Type::UUID),
                (&devices, Type::BYTEA_ARRAY),
                (&signed(JOINED_MAX), Type::INT8),
                (&signed(minute(now)), Type::INT8),
                (&signed(minute(now).saturating_sub(MINUTES_KEPT)), Type::INT8),
            ],
        )
        .await?;
    Ok(unsigned(row.try_get("new")?))
}

/// How many devices have come, and how many since a minute.
pub(in super::super) async fn joined(client: &Client, id: ElectionId, since: Time) -> Result<JoinedCount, Failure> {
    let row = client
        .query_typed_one(
            "-- joined
             SELECT coalesce((SELECT devices FROM joined_total WHERE id = $1), 0),
                 coalesce((SELECT sum(devices) FROM joined_minute WHERE id = $1 AND minute >= $2), 0)::bigint",
            &[(&id.0, Type::UUID), (&signed(minute(since)), Type::INT8)],
        )
        .await?;
    Ok(JoinedCount { devices: unsigned(row.try_get(0)?), recent: unsigned(row.try_get(1)?) })
}

/// Devices in the order of their bytes.
pub(in super::super) async fn joined_devices(
    client: &Client,
    id: ElectionId,
    after: Option<DeviceHash>,
    limit: usize,
) -> Result<Vec<DeviceHash>, Failure> {
    let after = after.map_or_else(Vec::new, |device| device.0.to_vec());
    let rows = client
        .query_typed(
            "-- joined_devices
             SELECT device FROM joined WHERE id = $1 AND device > $2 ORDER BY device LIMIT $3",
            &[(&id.0, Type::UUID), (&after, Type::BYTEA), (&signed(limit as u64), Type::INT8)],
        )
        .await?;
    let device = |row: &Row| -> Result<DeviceHash, Failure> {
        let bytes: &[u8] = row.try_get("device")?;
        let damaged = |_| LedgerError::Damaged {
            table: "joined",
            key: id.to_string(),
            what: "a device is not 8 bytes long".to_owned(),
        };
        Ok(DeviceHash(bytes.try_into().map_err(damaged)?))
    };
    rows.iter().map(device).collect()
}
