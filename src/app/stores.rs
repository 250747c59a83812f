//! Opens the stores that the configuration names, for the server and for commands beside it.
//!
//! Invariant: what is named is what is opened; nothing ever falls back to another store.

use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, Random, SystemClock, SystemRandom};
use crate::config::Database;
use crate::keys::{Keys, SecretError};
use crate::ledger::{
    Electorate, Folder, FolderError, Ledger, People, PostgresError, PostgresLedger, Registry, Reports, SqliteLedger,
    SqliteOptions,
};

/// A ledger with its registry.
pub struct Stores {
    /// The truth about what was counted.
    pub ledger: Arc<dyn Ledger>,
    /// Everything that is not counted.
    pub registry: Arc<dyn Registry>,
    /// Units, reports of boxes, the quarantine.
    pub reports: Arc<dyn Reports>,
    /// Who signs in, and what each may do.
    pub people: Arc<dyn People>,
    /// Access codes, rosters, and who has come.
    pub electorate: Arc<dyn Electorate>,
    /// Held while a SQLite file is written: its folder is for one process. Dropped after the ledger.
    _folder: Option<Folder>,
}

/// Why a store cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder or its database.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The PostgreSQL server or its database.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The master secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Stores {
    /// Opens to write, and checks that the database belongs to this secret. SQLite is made where there is none; several
    /// nodes share a secret, so PostgreSQL never makes one.
    pub async fn open(database: &Database, data: &Path, secret: Option<&str>) -> Result<(Self, Keys), StoreError> {
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        match database {
            Database::Sqlite(file) => {
                let folder = Folder::lock(data)?;
                let is_new = !file.exists();
                let keys = Keys::load(folder.path(), secret, is_new, random.as_ref())?;
                tracing::info!(folder = %data.display(), is_new, "using the data folder");
                let ledger = SqliteLedger::open(SqliteOptions::new(file.clone()), keys.check(), clock, random)?;
                Ok((Self::over(Arc::new(ledger), Some(folder)), keys))
            }
            Database::Postgres(options) => {
                let keys = Keys::shared(data, secret)?;
                let ledger = PostgresLedger::connect(*options.clone(), Some(keys.check()), clock, random).await?;
                Ok((Self::over(Arc::new(ledger), None), keys))
            }
        }
    }

    /// Opens only to look, also beside a server, and without its secret.
    pub async fn look(database: &Database, data: &Path) -> Result<Self, StoreError> {
        match database {
            Database::Sqlite(_) => {
                let options = SqliteOptions::new(Folder::existing_database(data)?);
                Ok(Self::over(Arc::new(SqliteLedger::read_only(options)?), None))
            }
            Database::Postgres(options) => {
                let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
                let ledger = PostgresLedger::connect(*options.clone(), None, clock, random).await?;
                Ok(Self::over(Arc::new(ledger), None))
            }
        }
    }

    /// One store as the ledger and the registry that it is.
    pub fn over<Store: Ledger + Registry + Reports + People + Electorate + 'static>(
        store: Arc<Store>,
        folder: Option<Folder>,
    ) -> Self {
        Self {
            ledger: store.clone(),
            registry: store.clone(),
            reports: store.clone(),
            people: store.clone(),
            electorate: store,
            _folder: folder,
        }
    }
}
