//! What commands share that work on a data folder without a server.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use crate::app::Stores;
use crate::config::Database;
use crate::ledger::{Elections, Folder, Ledger, People, Registered, Registry, Reports};

/// Which installation.
#[derive(Debug, Clone, Args)]
pub(super) struct DataArgs {
    /// The data folder.
    #[arg(long, global = true, env = "HUSTINGS_DATA", value_name = "DIR", default_value = "./hustings-data")]
    pub(super) data: PathBuf,
    /// The database: sqlite: in the data folder, or postgres://user:password@host/database [default: sqlite:].
    #[arg(long, global = true, env = "HUSTINGS_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(super) database: Option<String>,
}

impl DataArgs {
    /// Where the ledger is kept.
    pub(super) fn database(&self) -> anyhow::Result<Database> {
        Ok(Database::parse(self.database.as_deref(), &self.data)?)
    }
}

/// The secret of the environment, where there is one.
pub(super) fn secret() -> Option<String> {
    std::env::var("HUSTINGS_SECRET").ok().filter(|secret| !secret.is_empty())
}

/// An installation opened without a server.
pub(super) struct Offline {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) registry: Arc<dyn Registry>,
    pub(super) reports: Arc<dyn Reports>,
    pub(super) people: Arc<dyn People>,
    pub(super) elections: Arc<Elections>,
    _stores: Stores,
}

impl Offline {
    /// Opens only to read, also while a server runs.
    pub(super) async fn read(args: &DataArgs) -> anyhow::Result<Self> {
        Ok(Self::over(Stores::look(&args.database()?, &args.data).await?))
    }

    /// Opens to write. On SQLite it takes the folder's lock, which a running server holds.
    pub(super) async fn write(args: &DataArgs) -> anyhow::Result<Self> {
        if let Database::Sqlite(_) = args.database()? {
            Folder::existing_database(&args.data)?;
        }
        Self::write_or_create(args).await
    }

    /// Like [`Offline::write`], and makes the database where there is none: the first token comes before the first start.
    pub(super) async fn write_or_create(args: &DataArgs) -> anyhow::Result<Self> {
        let (stores, _keys) = Stores::open(&args.database()?, &args.data, secret().as_deref()).await?;
        Ok(Self::over(stores))
    }

    /// Gives stores to commands.
    pub(super) fn over(stores: Stores) -> Self {
        let (ledger, registry) = (Arc::clone(&stores.ledger), Arc::clone(&stores.registry));
        let elections = Arc::new(Elections::new(Arc::clone(&registry)));
        let (reports, people) = (Arc::clone(&stores.reports), Arc::clone(&stores.people));
        Self { ledger, registry, reports, people, elections, _stores: stores }
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
