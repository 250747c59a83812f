//! The SQL of the ledger format.

use hustings_core::Format;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::writer::Failure;
use crate::ledger::format::{self, ROW};

/// The installation's format.
pub(in super::super) fn format(connection: &Connection) -> Result<Format, Failure> {
    let mut select = connection.prepare_cached(
        "-- format
         SELECT CAST(value AS BLOB) FROM installation WHERE name = ?",
    )?;
    let value: Option<Vec<u8>> = select.query_row([ROW], |row| row.get(0)).optional()?;
    Ok(format::known(value.as_deref())?)
}

/// Begins an installation with the newest format; one that is not new keeps its own.
pub(in super::super) fn begin_newest(connection: &Connection) -> Result<(), Failure> {
    connection.execute(
        "-- begin_newest
         INSERT INTO installation (name, value) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM installation)",
        params![ROW, format::value(Format::NEWEST)],
    )?;
    Ok(())
}

/// Puts a format in the place of a lower one; gives the one that was there.
pub(in super::super) fn raise(connection: &Connection, wanted: Format) -> Result<Format, Failure> {
    let found = format(connection)?;
    if found < wanted {
        connection.execute(
            "-- raise
             INSERT INTO installation (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![ROW, format::value(wanted)],
        )?;
    }
    Ok(found)
}
