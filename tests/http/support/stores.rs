//! Where the servers of this run keep ledgers and counters: one list of scenarios, one list of stores.
//!
//! `HUSTINGS_TEST_STORES` names them: `sqlite` (one server on a folder, the default), or `postgres+redis` (two nodes on a
//! database and a Redis of their own). `./test` runs both.

use std::path::Path;

use crate::services::postgres::PostgresServer;
use crate::services::redis::Redis;

/// The stores of one server or of its nodes.
pub(crate) enum Stores {
    /// The data folder.
    Folder,
    /// A database and a Redis that nobody else has. Dropped, the Redis has ended.
    Shared {
        /// The name of the database on the server that all tests share.
        database: String,
        /// The counters.
        counters: Redis,
        /// The secret that the nodes share.
        secret: String,
    },
}

impl Stores {
    /// Fresh ones, of the kind that this run is for.
    pub(crate) async fn chosen() -> Self {
        match std::env::var("HUSTINGS_TEST_STORES").as_deref() {
            Err(_) | Ok("sqlite") => Self::Folder,
            Ok("postgres+redis") => {
                let database = PostgresServer::shared().database().await;
                let secret = format!("a secret that the nodes on {database} share");
                Self::Shared { database, counters: Redis::start(&[]), secret }
            }
            Ok(other) => panic!("HUSTINGS_TEST_STORES is `{other}`; use sqlite or postgres+redis"),
        }
    }

    /// How many servers there are.
    pub(crate) fn nodes(&self) -> usize {
        match self {
            Self::Folder => 1,
            Self::Shared { .. } => 2,
        }
    }

    /// The variables that let servers and commands find them.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        match self {
            Self::Folder => Vec::new(),
            Self::Shared { database, counters, secret } => [
                ("HUSTINGS_DATABASE", PostgresServer::shared().url(database)),
                ("HUSTINGS_COUNTERS", counters.url()),
                ("HUSTINGS_SECRET", secret.clone()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        }
    }

    /// Runs a statement that all stores know in their database, behind the servers' backs.
    pub(crate) async fn execute(&self, data: &Path, sql: &str) {
        match self {
            Self::Folder => {
                let database = rusqlite::Connection::open(data.join("hustings.db")).expect("the database");
                database.execute_batch(sql).expect("a statement");
            }
            Self::Shared { database, .. } => {
                PostgresServer::shared().client(database).await.batch_execute(sql).await.expect("a statement");
            }
        }
    }

    /// What a question answers, cell by cell as text; yes and no are 1 and 0 in all stores.
    pub(crate) async fn rows(&self, data: &Path, sql: &str) -> Vec<Vec<String>> {
        match self {
            Self::Folder => {
                let database = rusqlite::Connection::open(data.join("hustings.db")).expect("the database");
                let mut select = database.prepare(sql).expect("a question");
                let columns = select.column_count();
                let text = |value: rusqlite::types::Value| match value {
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => format!("{other:?}"),
                };
                let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at).map(text)).collect();
                let rows = select.query_map([], row).expect("an answer");
                rows.map(|row| row.expect("a row")).collect()
            }
            Self::Shared { database, .. } => {
                let client = PostgresServer::shared().client(database).await;
                let messages = client.simple_query(sql).await.expect("an answer");
                let cell = |text: &str| match text {
                    "t" => "1".to_owned(),
                    "f" => "0".to_owned(),
                    other => other.to_owned(),
                };
                let row = |message: &tokio_postgres::SimpleQueryMessage| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|at| cell(row.get(at).unwrap_or_default())).collect())
                    }
                    _ => None,
                };
                messages.iter().filter_map(row).collect()
            }
        }
    }
}
