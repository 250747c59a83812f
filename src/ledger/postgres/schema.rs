//! The tables: which ones the program needs, and how a database gets them.
//!
//! Invariant: all that is missing is made in one transaction, under a lock of the database, so any number of nodes may
//! try at once. Migrations only add: nodes of the version before go on working.

use hustings_core::Format;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::error::PostgresError;
use super::failure::Failure;
use super::open::{self, PostgresOptions};
use super::sql;

/// The migrations by number, oldest first.
const MIGRATIONS: [(i32, &str, &str); 5] = [
    (1, "engine", include_str!("../../../migrations/postgres/V1__engine.sql")),
    (2, "reports", include_str!("../../../migrations/postgres/V2__reports.sql")),
    (3, "people", include_str!("../../../migrations/postgres/V3__people.sql")),
    (4, "access", include_str!("../../../migrations/postgres/V4__access.sql")),
    (5, "found", include_str!("../../../migrations/postgres/V5__found.sql")),
];

/// The schema that this program needs.
pub(super) const KNOWN: i32 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Any number that no other program is likely to lock: `hustings` in ASCII.
const LOCK: i64 = 0x6875_7374_696e_6773;

/// Brings a database up to date, and gives the schema that it had and that it has. A second run changes nothing, and nor does
/// a program before the one that made the tables.
pub async fn migrate(options: &PostgresOptions) -> Result<(i32, i32), PostgresError> {
    let url = options.to_string();
    let migrated = async { bring_up_to_date(&mut open::client(options).await?).await };
    let found = migrated.await.map_err(|failure| PostgresError::at_start(&url, failure))?;
    Ok((found, found.max(KNOWN)))
}

/// Raises the ledger format where it is lower, and gives the one that was found.
pub async fn raise(options: &PostgresOptions, wanted: Format) -> Result<Format, PostgresError> {
    let url = options.to_string();
    let failed = |failure| PostgresError::at_start(&url, failure);
    let mut client = open::client(options).await.map_err(failed)?;
    check(&url, version(&client).await.map_err(failed)?)?;
    let raised = async {
        let transaction = client.transaction().await?;
        transaction.query_typed("-- raise\n SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
        let found = sql::format::raise(transaction.client(), wanted).await?;
        transaction.commit().await?;
        Ok(found)
    };
    raised.await.map_err(failed)
}

async fn bring_up_to_date(client: &mut Client) -> Result<i32, Failure> {
    let transaction = client.transaction().await?;
    // Released with the transaction, and therefore also through a pooler.
    transaction.query_typed("-- migrate\n SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    transaction
        .batch_execute(
            "-- migrate
             CREATE TABLE IF NOT EXISTS schema_history (
                 version int PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT now()
             )",
        )
        .await?;
    let row = transaction.query_typed_one("-- migrate\n SELECT coalesce(max(version), 0) FROM schema_history", &[]);
    let before: i32 = row.await?.try_get(0)?;
    for (version, name, sql) in MIGRATIONS.iter().filter(|(version, ..)| *version > before) {
        transaction.batch_execute(sql).await?;
        transaction
            .execute_typed(
                "-- migrate\n INSERT INTO schema_history (version, name) VALUES ($1, $2)",
                &[(version, Type::INT4), (name, Type::TEXT)],
            )
            .await?;
    }
    transaction.commit().await?;
    Ok(before)
}

/// The schema of a database; none where there are no tables.
pub(super) async fn version(client: &Client) -> Result<Option<i32>, Failure> {
    let exists = "-- version\n SELECT to_regclass('schema_history') IS NOT NULL";
    if !client.query_typed_one(exists, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    Ok(client
        .query_typed_one("-- version\n SELECT coalesce(max(version), 0) FROM schema_history", &[])
        .await?
        .try_get(0)?)
}

/// Whether the tables are there that this program needs. Those of a later one do: tables only grow, and what an earlier
/// program could not work with has a later format.
pub(super) fn check(url: &str, found: Option<i32>) -> Result<(), PostgresError> {
    let url = url.to_owned();
    match found {
        None => Err(PostgresError::NoSchema(url)),
        Some(found) if found < KNOWN => Err(PostgresError::OlderSchema { url, found, known: KNOWN }),
        Some(_) => Ok(()),
    }
}
