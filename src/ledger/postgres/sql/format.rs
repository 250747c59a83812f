//! The SQL of the ledger format.

use hustings_core::Format;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::super::failure::Failure;
use crate::ledger::format::{self, ROW};

/// The installation's format. Behind the lock of a head it is at least what any entry of that ledger needs.
pub(in super::super) async fn format(client: &Client) -> Result<Format, Failure> {
    let row = client
        .query_typed_opt(
            "-- format
             SELECT value FROM installation WHERE name = $1",
            &[(&ROW, Type::TEXT)],
        )
        .await?;
    let value: Option<Vec<u8>> = row.map(|row| row.try_get("value")).transpose()?;
    Ok(format::known(value.as_deref())?)
}

/// Begins an installation with the newest format; one that is not new keeps its own.
pub(in super::super) async fn begin_newest(client: &Client) -> Result<(), Failure> {
    client
        .execute_typed(
            "-- begin_newest
             INSERT INTO installation (name, value) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM installation)
             ON CONFLICT DO NOTHING",
            &[(&ROW, Type::TEXT), (&format::value(Format::NEWEST), Type::BYTEA)],
        )
        .await?;
    Ok(())
}

/// Puts a format in the place of a lower one; gives the one that was there.
pub(in super::super) async fn raise(client: &Client, wanted: Format) -> Result<Format, Failure> {
    let found = format(client).await?;
    if found < wanted {
        client
            .execute_typed(
                "-- raise
                 INSERT INTO installation (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                &[(&ROW, Type::TEXT), (&format::value(wanted), Type::BYTEA)],
            )
            .await?;
    }
    Ok(found)
}
