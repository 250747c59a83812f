//! The stores that an installation can be copied between, by URL: a further kind is one variant and its arms here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, ensure};

use crate::clock::{SystemClock, SystemRandom};
use crate::keys::Keys;
use crate::ledger::{Archive, Folder, FolderError, SqliteLedger, SqliteOptions, sqlite_migrate};

/// Where an installation is.
#[derive(Debug, Clone)]
pub(super) enum Location {
    /// A data folder; empty until [`Location::within`].
    Sqlite(PathBuf),
}

impl FromStr for Location {
    type Err = String;
    fn from_str(url: &str) -> Result<Self, String> {
        match url.split_once(':') {
            Some(("sqlite", folder)) => Ok(Self::Sqlite(folder.into())),
            _ => Err("use sqlite: and a data folder, such as sqlite:./hustings-data".to_owned()),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(folder) => write!(f, "sqlite:{}", folder.display()),
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
                one == other
                    || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
            }
        }
    }

    /// Brings the tables up to date, and says what became of them.
    pub(super) fn migrate(&self) -> anyhow::Result<String> {
        match self {
            Self::Sqlite(path) => {
                let database = existing(path)?;
                let _folder = Folder::lock(path)?;
                Ok(match sqlite_migrate(&database)? {
                    (before, after) if before == after => format!("{self} has schema {after}, which is up to date"),
                    (before, after) => format!("{self} had schema {before} and has schema {after} now"),
                })
            }
        }
    }
}

/// A store that this process alone holds.
pub(super) struct Store {
    pub(super) archive: Arc<dyn Archive>,
    /// What to do with it once it is complete.
    pub(super) advice: String,
    // The last field: the lock goes after the store is closed.
    _folder: Option<Folder>,
}

impl Store {
    /// Opens what is copied, and gives the keys that belong to it.
    pub(super) fn source(from: &Location) -> anyhow::Result<(Self, Keys)> {
        match from {
            Location::Sqlite(path) => {
                let database = existing(path)?;
                let folder = Folder::lock(path).context("the source")?;
                let keys = Keys::load(path, secret().as_deref(), false, &SystemRandom)?;
                let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
                let ledger = SqliteLedger::open(SqliteOptions::new(database), keys.check(), clock, random)?;
                Ok((Self { archive: Arc::new(ledger), advice: String::new(), _folder: Some(folder) }, keys))
            }
        }
    }

    /// Opens what is copied into, and makes it where there is nothing. It has its mark before it has its secret.
    pub(super) fn target(to: &Location, keys: &Keys) -> anyhow::Result<Self> {
        match to {
            Location::Sqlite(path) => {
                let folder = Folder::lock(path).context("the target")?;
                let database = Folder::database(path);
                for leftover in ["hustings.db-wal", "hustings.db-shm"].map(|name| path.join(name)) {
                    // The log of another database would be replayed into this one.
                    let foreign = leftover.exists() && !database.exists();
                    ensure!(!foreign, "{} belongs to a database that was here: move it away", leftover.display());
                }
                let secret_key = path.join("secret.key");
                if secret_key.exists() {
                    let other = Keys::load(path, None, false, &SystemRandom)?.check() != keys.check();
                    ensure!(!other, "{} is another installation's: choose an empty folder", secret_key.display());
                }
                let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
                let ledger = SqliteLedger::open_copy(SqliteOptions::new(database), keys.check(), clock, random)?;
                let advice = match secret() {
                    Some(_) => "Serve it with the same HUSTINGS_SECRET: hustings serve --data",
                    None => "Its secret.key is there too. Start it with: hustings serve --data",
                };
                if secret().is_none() && !secret_key.exists() {
                    keys.save(path)?;
                }
                let advice = format!("{advice} {}", path.display());
                Ok(Self { archive: Arc::new(ledger), advice, _folder: Some(folder) })
            }
        }
    }
}

/// The database of a data folder that has one.
fn existing(folder: &Path) -> Result<PathBuf, FolderError> {
    let database = Folder::database(folder);
    if database.exists() { Ok(database) } else { Err(FolderError::NoDatabase(folder.display().to_string())) }
}

fn secret() -> Option<String> {
    std::env::var("HUSTINGS_SECRET").ok().filter(|secret| !secret.is_empty())
}
