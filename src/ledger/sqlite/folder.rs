//! The data folder: one server at a time, and a start-up error that says what to do.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A data folder that this process holds alone, until dropped.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// Why the data folder cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process holds it.
    #[error(
        "{0} is in use by another hustings process: stop that one first, or give this one another folder with --data"
    )]
    InUse(String),
    /// It cannot be made or opened.
    #[error("cannot use the data folder {path}: {error}; check that you may write to it")]
    Unusable {
        /// The folder.
        path: String,
        /// What went wrong.
        error: std::io::Error,
    },
    /// It is something else.
    #[error("{0} is a file: give the folder that has it, or that is to be made, with --data")]
    NotAFolder(String),
    /// The database was written by a later program.
    #[error("{path} has schema {found}, and this program knows up to {known}: install the newer hustings again")]
    NewerSchema {
        /// The database.
        path: String,
        /// The schema in the file.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The database belongs to another secret.
    #[error(
        "the secret does not belong to this database: put the right secret.key back into {0}, or set HUSTINGS_SECRET \
         to the secret it was made with"
    )]
    OtherSecret(String),
    /// The database is a copy that was begun and never finished.
    #[error(
        "{0} is a copy that was not finished: run the same `hustings migrate --from .. --to ..` again until it says that \
         it is complete, or move this file away"
    )]
    Unfinished(String),
    /// What was to become a copy is something else.
    #[error("{0} holds another installation: choose an empty folder")]
    OtherInstallation(String),
    /// There is no database.
    #[error("there is no database in {0}: check --data, or start a new one with: hustings serve --data {0}")]
    NoDatabase(String),
    /// The file is something else.
    #[error("cannot open {0}: it is not a database of Hustings")]
    NotOurs(String),
    /// The database cannot be opened.
    #[error("cannot open {path}: {what}")]
    Database {
        /// The database.
        path: String,
        /// What went wrong.
        what: String,
    },
}

impl Folder {
    /// Makes the folder where needed (mode 0700) and takes its lock.
    pub fn lock(path: &Path) -> Result<Self, FolderError> {
        let shown = path.display().to_string();
        if path.is_file() {
            return Err(FolderError::NotAFolder(shown));
        }
        let unusable = |error| FolderError::Unusable { path: shown.clone(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("hustings.lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(shown)),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database of a data folder that has one.
    pub fn existing_database(path: &Path) -> Result<PathBuf, FolderError> {
        let (shown, database) = (path.display().to_string(), Self::database(path));
        if path.is_file() {
            return Err(FolderError::NotAFolder(shown));
        }
        if database.exists() { Ok(database) } else { Err(FolderError::NoDatabase(shown)) }
    }

    /// The database in a data folder.
    #[must_use]
    pub fn database(path: &Path) -> PathBuf {
        path.join("hustings.db")
    }
}
