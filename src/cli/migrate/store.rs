//! The stores that an installation can be copied between, by URL: a further kind is one variant and its arms here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, ensure};
use hustings_core::Format;

use crate::clock::{SystemClock, SystemRandom};
use crate::keys::Keys;
use crate::ledger::{
    Archive, Folder, PostgresLedger, PostgresOptions, SqliteLedger, SqliteOptions, postgres_migrate, postgres_raise,
    sqlite_migrate, sqlite_raise,
};

/// Where an installation is.
#[derive(Debug, Clone)]
pub(super) enum Location {
    /// A data folder; empty until [`Location::within`].
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<PostgresOptions>),
}

impl FromStr for Location {
    type Err = String;
    fn from_str(url: &str) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("sqlite", folder)) => Ok(Self::Sqlite(folder.into())),
            Some(("postgres" | "postgresql", _)) => PostgresOptions::new(url)
                .map(|options| Self::Postgres(Box::new(options)))
                .map_err(|error| error.to_string()),
            _ => Err("use sqlite: and a data folder, such as sqlite:./hustings-data, or \
                      postgres://user:password@host/database"
                .to_owned()),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(folder) => write!(f, "sqlite:{}", folder.display()),
            Self::Postgres(options) => write!(f, "{options}"),
        }
    }
}

impl Location {
    /// `sqlite:` alone means the data folder that every other command means.
    pub(super) fn within(self, data: &Path) -> Self {
        match self {
            Self::Sqlite(folder) if folder.as_os_str().is_empty() => Self::Sqlite(data.to_owned()),
            other => other,
        }
    }

    /// Whether both are one, however they are written.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sqlite(one), Self::Sqlite(other)) => {
                let real = |folder: &Path| folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
                real(one) == real(other)
            }
            (Self::Postgres(one), Self::Postgres(other)) => one.to_string() == other.to_string(),
            _ => false,
        }
    }

    /// Brings the tables up to date, and says what became of them.
    pub(super) async fn migrate(&self) -> anyhow::Result<String> {
        let (before, after) = match self {
            Self::Sqlite(path) => {
                let database = Folder::existing_database(path)?;
                let _folder = Folder::lock(path)?;
                sqlite_migrate(&database)?
            }
            Self::Postgres(options) => {
                let (before, after) = postgres_migrate(options).await?;
                (before.into(), after.into())
            }
        };
        Ok(match before {
            0 => format!("{self} has its tables now, schema {after}"),
            before if before == after => format!("{self} has schema {after}, which is up to date"),
            before => format!("{self} had schema {before} and has schema {after} now"),
        })
    }

    /// Raises the ledger format, and says what became of it. Lower than it is, or newer than this program knows, it is
    /// refused.
    pub(super) async fn raise(&self, wanted: Format) -> anyhow::Result<String> {
        ensure!(
            wanted <= Format::NEWEST,
            "this program knows ledger formats up to {}: raise it to {wanted} with the newer hustings",
            Format::NEWEST
        );
        let found = match self {
            Self::Sqlite(path) => {
                let database = Folder::existing_database(path)?;
                let _folder = Folder::lock(path)?;
                sqlite_raise(&database, wanted)?
            }
            Self::Postgres(options) => postgres_raise(options, wanted).await?,
        };
        ensure!(found <= wanted, "{self} has ledger format {found}, which never falls");
        Ok(match found {
            found if found == wanted => format!("{self} has ledger format {found} already"),
            found => format!("{self} had ledger format {found} and has ledger format {wanted} now"),
        })
    }
}

/// A store that this process alone holds.
pub(super) struct Store {
    pub(super) archive: Arc<dyn Archive>,
    // The last field: the lock goes after the store is closed.
    _folder: Option<Folder>,
}

/// The secret that belongs to the source, and where it comes from.
pub(super) struct Secret {
    keys: Keys,
    /// The folder whose `secret.key` it is; none where it is `HUSTINGS_SECRET`.
    folder: Option<PathBuf>,
}

impl Secret {
    fn of(folder: &Path) -> anyhow::Result<Self> {
        let variable = super::super::offline::secret();
        let keys = Keys::load(folder, variable.as_deref(), false, &SystemRandom)?;
        Ok(Self { keys, folder: variable.is_none().then(|| folder.to_owned()) })
    }

    fn shared(data: &Path) -> anyhow::Result<Self> {
        let variable = super::super::offline::secret();
        let keys = Keys::shared(data, variable.as_deref())?;
        Ok(Self { keys, folder: variable.is_none().then(|| data.to_owned()) })
    }

    /// Gives a data folder the same secret where it is one of a file; one that is there must be the same.
    fn put_into(&self, folder: &Path) -> anyhow::Result<()> {
        match &self.folder {
            Some(own) if !folder.join("secret.key").exists() => Ok(Keys::copy_secret(own, folder)?),
            _ => Ok(()),
        }
    }

    /// Refuses a folder that has another secret already.
    fn fits(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join("secret.key");
        let fits = !path.exists() || Keys::load(folder, None, false, &SystemRandom)?.check() == self.keys.check();
        ensure!(fits, "{} is another installation's: choose an empty folder", path.display());
        Ok(())
    }

    /// How the copy is served under the same secret.
    pub(super) fn advice(&self, to: &Location) -> String {
        match (to, &self.folder) {
            (Location::Sqlite(path), Some(_)) => {
                format!("Its secret.key is there too. Start it with: hustings serve --data {}", path.display())
            }
            (Location::Sqlite(path), None) => {
                format!("Start it with the same HUSTINGS_SECRET: hustings serve --data {}", path.display())
            }
            (Location::Postgres(_), Some(folder)) => format!(
                "Give every node the same secret: set HUSTINGS_SECRET to what stands in {}, and start them with: \
                 hustings serve --database {to}",
                folder.join("secret.key").display()
            ),
            (Location::Postgres(_), None) => {
                format!("Start every node with the same HUSTINGS_SECRET: hustings serve --database {to}")
            }
        }
    }
}

impl Store {
    /// Opens what is copied, and gives the secret that it belongs to; that of a database stands in the environment or in
    /// the data folder of its nodes.
    pub(super) async fn source(from: &Location, data: &Path) -> anyhow::Result<(Self, Secret)> {
        match from {
            Location::Sqlite(path) => {
                let shown = path.display();
                ensure!(
                    !path.is_file(),
                    "{shown} is a file: first run hustings restore {shown} --data and a new folder"
                );
                let database = Folder::existing_database(path)?;
                let folder = Folder::lock(path).context("the source")?;
                let secret = Secret::of(path)?;
                let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
                let ledger = SqliteLedger::open(SqliteOptions::new(database), secret.keys.check(), clock, random)?;
                Ok((Self { archive: Arc::new(ledger), _folder: Some(folder) }, secret))
            }
            Location::Postgres(options) => {
                let secret = Secret::shared(data)?;
                let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
                let ledger =
                    PostgresLedger::connect(*options.clone(), Some(secret.keys.check()), clock, random).await?;
                Ok((Self { archive: Arc::new(ledger), _folder: None }, secret))
            }
        }
    }

    /// Opens what is copied into, and makes it where there is nothing. It has its mark before it has its secret.
    pub(super) async fn target(to: &Location, secret: &Secret) -> anyhow::Result<Self> {
        match to {
            Location::Sqlite(path) => {
                let folder = Folder::lock(path).context("the target")?;
                let database = Folder::database(path);
                for leftover in ["hustings.db-wal", "hustings.db-shm"].map(|name| path.join(name)) {
                    // The log of another database would be replayed into this one.
                    let foreign = leftover.exists() && !database.exists();
                    ensure!(!foreign, "{} belongs to a database that was here: move it away", leftover.display());
                }
                secret.fits(path)?;
                let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
                let options = SqliteOptions::new(database);
                let ledger = SqliteLedger::open_copy(options, secret.keys.check(), clock, random)?;
                secret.put_into(path)?;
                Ok(Self { archive: Arc::new(ledger), _folder: Some(folder) })
            }
            Location::Postgres(options) => {
                let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
                let ledger = PostgresLedger::connect_copy(*options.clone(), secret.keys.check(), clock, random).await?;
                Ok(Self { archive: Arc::new(ledger), _folder: None })
            }
        }
    }
}
