//! A few connections that only read, for short reads beside the writer.

use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open::{SqliteOptions, reader};
use super::writer::{Failure, survive};
use crate::ledger::LedgerError;

/// The most reads at once; further ones wait.
const READERS_MAX: usize = 4;

/// The readers' connections, opened as needed and kept.
#[derive(Clone)]
pub(super) struct Readers {
    options: Arc<SqliteOptions>,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(options: SqliteOptions) -> Self {
        Self { options: Arc::new(options), idle: Arc::default(), places: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Runs a read on its own thread; whatever it does sees one state of the database per statement.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| LedgerError::Stopped)?;
        let readers = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            let idle = readers.idle.lock().ok().and_then(|mut idle| idle.pop());
            let connection = match idle {
                Some(connection) => connection,
                None => reader(&readers.options)?,
            };
            let result = read(&connection);
            if let (Ok(mut idle), Ok(_)) = (readers.idle.lock(), &result) {
                idle.push(connection);
            }
            result
        });
        done.await.map_err(|_| LedgerError::Stopped)?.map_err(survive)
    }
}
