//! What commands share that work on a data folder without a server.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use crate::clock::{SystemClock, SystemRandom};
use crate::keys::Keys;
use crate::ledger::{Elections, Folder, FolderError, Ledger, Registered, Registry, SqliteLedger, SqliteOptions};

/// Which data folder.
#[derive(Debug, Clone, Args)]
pub(super) struct DataArgs {
    /// The data folder.
    #[arg(long, env = "HUSTINGS_DATA", value_name = "DIR", default_value = "./hustings-data")]
    pub(super) data: PathBuf,
}

/// A database opened without a server.
pub(super) struct Offline {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) registry: Arc<dyn Registry>,
    pub(super) elections: Arc<Elections>,
    _folder: Option<Folder>,
}

impl Offline {
    /// Opens only to read, also while a server runs.
    pub(super) fn read(args: &DataArgs) -> anyhow::Result<Self> {
        let database = Folder::database(&args.data);
        if !database.exists() {
            return Err(FolderError::NoDatabase(args.data.display().to_string()).into());
        }
        Ok(Self::over(SqliteLedger::read_only(SqliteOptions::new(database)), None))
    }

    /// Opens to write: takes the folder's lock, which a running server holds.
    pub(super) fn write(args: &DataArgs) -> anyhow::Result<Self> {
        if !Folder::database(&args.data).exists() {
            return Err(FolderError::NoDatabase(args.data.display().to_string()).into());
        }
        Self::write_or_create(args)
    }

    /// Like [`Offline::write`], and makes the database where there is none: the first token comes before the first start.
    pub(super) fn write_or_create(args: &DataArgs) -> anyhow::Result<Self> {
        let folder = Folder::lock(&args.data)?;
        let database = Folder::database(folder.path());
        let secret = std::env::var("HUSTINGS_SECRET").ok().filter(|secret| !secret.is_empty());
        let keys = Keys::load(folder.path(), secret.as_deref(), !database.exists(), &SystemRandom)?;
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let ledger = SqliteLedger::open(SqliteOptions::new(database), keys.check(), clock, random)?;
        Ok(Self::over(ledger, Some(folder)))
    }

    fn over(ledger: SqliteLedger, folder: Option<Folder>) -> Self {
        let ledger = Arc::new(ledger);
        let registry: Arc<dyn Registry> = ledger.clone();
        let elections = Arc::new(Elections::new(Arc::clone(&registry)));
        Self { ledger, registry, elections, _folder: folder }
    }

    /// All elections, or the one named.
    pub(super) async fn wanted(&self, name: Option<&str>) -> anyhow::Result<Vec<Registered>> {
        if let Some(name) = name {
            let found = self.elections.find(name).await?;
            return Ok(vec![found.with_context(|| format!("there is no poll `{name}` in this database"))?]);
        }
        let mut all: Vec<Registered> = Vec::new();
        loop {
            let page = self.registry.elections(all.last().map(|last| last.key), 1000).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}
