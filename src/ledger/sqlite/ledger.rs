//! [`Ledger`] on SQLite: one transaction a batch, on the writing thread.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{ContestNumber, Epoch, Fold, Seq, Time, Units, VoterKey};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tempfile::TempDir;

use super::folder::FolderError;
use super::open::{self, SqliteOptions};
use super::readers::Readers;
use super::sql;
use super::writer::{Failure, Writer, survive};
use crate::clock::{Clock, Random, SystemClock, SystemRandom};
use crate::ledger::batch::{self, Decided};
use crate::ledger::trees::Trees;
use crate::ledger::{
    Addressed, Committed, ElectionKey, FoldText, Head, Ledger, LedgerError, PAGE_MAX, Schedules, Stored,
};

/// A ledger and registry in one file. The data folder must be locked by this process.
pub struct SqliteLedger {
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) trees: Arc<Trees>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

impl SqliteLedger {
    /// Opens a database, makes or upgrades its tables, and checks that it belongs to this secret and is no unfinished copy.
    pub fn open(
        options: SqliteOptions,
        secret_check: [u8; 16],
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, FolderError> {
        let connection = open::writer(&options)?;
        let failed = |what: String| FolderError::Database { path: options.path.display().to_string(), what };
        sql::format::begin_newest(&connection).map_err(|error| failed(survive(error).to_string()))?;
        if !sql::secret_check(&connection, secret_check).map_err(|error| failed(survive(error).to_string()))? {
            let folder = options.path.parent().unwrap_or(Path::new("."));
            return Err(FolderError::OtherSecret(folder.display().to_string()));
        }
        if sql::archive::is_unfinished(&connection).map_err(|error| failed(survive(error).to_string()))? {
            return Err(FolderError::Unfinished(options.path.display().to_string()));
        }
        Self::over(connection, options, clock, random)
    }

    /// Starts to write through this connection.
    pub(super) fn over(
        connection: Connection,
        options: SqliteOptions,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, FolderError> {
        let failed = |error: std::io::Error| FolderError::Database {
            path: options.path.display().to_string(),
            what: error.to_string(),
        };
        let writer = Writer::start(connection, options.checkpoint_pages).map_err(failed)?;
        Ok(Self { writer, readers: Readers::new(options), trees: Arc::default(), clock, random })
    }

    /// Opens a database only to read, beside a server that may be running. Whatever writes is refused as stopped.
    pub fn read_only(options: SqliteOptions) -> Result<Self, FolderError> {
        open::require_ours(&options)?;
        let (writer, readers) = (Writer::none(), Readers::new(options));
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        Ok(Self { writer, readers, trees: Arc::default(), clock, random })
    }
}

/// Decides a batch and writes it, inside a transaction that the caller commits.
pub(super) fn append_in(
    tx: &Transaction<'_>,
    batch: Vec<Addressed>,
    trees: &Trees,
    now: Time,
) -> Result<(Committed, Grown), Failure> {
    let mut keys: Vec<ElectionKey> = batch.iter().map(|addressed| addressed.election).collect();
    keys.sort_unstable();
    keys.dedup();
    let (locked, format) = (sql::lock(tx, &trees.definitions, &keys)?, sql::format::format(tx)?);
    let Decided { answers, entries, aliases, rounds, trees: grown, advances } =
        batch::decide(batch, locked, format, now, &mut sql::InTransaction::new(tx, trees)?)?;
    sql::append(tx, &entries, &aliases)?;
    for (key, next) in &rounds {
        sql::add_round(tx, *key, next)?;
    }
    for advance in &advances {
        sql::move_head(tx, advance)?;
    }
    Ok((Committed { answers, advances }, Grown(grown)))
}

/// Trees that a transaction let grow: to be kept once it is committed.
#[must_use]
pub(super) struct Grown(Vec<(ElectionKey, Arc<Units>)>);

impl Grown {
    /// Keeps them. Their ledgers are those of the advances that were committed.
    pub(super) fn keep(self, trees: &Trees, committed: &Committed) {
        for (key, units) in self.0 {
            let advance = committed.advances.iter().find(|advance| advance.election == key);
            if let Some(advance) = advance {
                trees.keep(key, advance.after.epoch, &units);
            }
        }
    }
}

/// Begins a transaction that may write. It rolls back by itself where it is dropped without a commit.
pub(super) fn begin(connection: &mut Connection) -> Result<Transaction<'_>, Failure> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn append(&self, batch: Vec<Addressed>) -> Result<Committed, LedgerError> {
        let (now, trees) = (self.clock.now(), Arc::clone(&self.trees));
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                let (committed, grown) = append_in(&tx, batch, &trees, now)?;
                tx.commit()?;
                grown.keep(&trees, &committed);
                Ok(committed)
            })
            .await
    }

    async fn heads(&self, elections: &[ElectionKey]) -> Result<Vec<(ElectionKey, Head)>, LedgerError> {
        let keys = elections.to_vec();
        self.readers
            .run(move |connection| {
                let heads = sql::heads(connection, &keys)?;
                // After the heads: it is at least what their entries need.
                sql::format::format(connection)?;
                Ok(heads)
            })
            .await
    }

    async fn read(&self, election: ElectionKey, after: Seq, limit: usize) -> Result<Vec<Stored>, LedgerError> {
        let limit = limit.min(PAGE_MAX);
        self.readers.run(move |connection| sql::read(connection, election, after, limit)).await
    }

    async fn ballot(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError> {
        self.readers.run(move |connection| sql::ballot(connection, election, contest, voter)).await
    }

    async fn save_snapshot(&self, election: ElectionKey, epoch: Epoch, fold: &FoldText) -> Result<(), LedgerError> {
        let fold = fold.clone();
        self.writer.run(move |connection| sql::save_snapshot(connection, election, epoch, &fold)).await
    }

    async fn snapshot(&self, election: ElectionKey, epoch: Epoch, at: Seq) -> Result<Option<Fold>, LedgerError> {
        self.readers.run(move |connection| sql::snapshot(connection, election, epoch, at)).await
    }

    async fn due(&self, now: Time) -> Result<Schedules, LedgerError> {
        self.readers.run(move |connection| sql::due(connection, now)).await
    }

    async fn renew_epochs(&self, only: Option<ElectionKey>) -> Result<(), LedgerError> {
        let random = Arc::clone(&self.random);
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                sql::renew_epochs(&tx, only, || new_epoch(random.as_ref()))?;
                Ok(tx.commit()?)
            })
            .await
    }

    async fn backup(&self, file: &Path) -> Result<(), LedgerError> {
        let file: PathBuf = file.to_owned();
        self.readers.run(move |connection| write_backup(connection, &file)).await
    }
}

/// A new life of a ledger.
pub(super) fn new_epoch(random: &dyn Random) -> Epoch {
    let mut epoch = Epoch([0; 8]);
    random.fill(&mut epoch.0);
    epoch
}

fn write_backup(connection: &Connection, file: &Path) -> Result<(), Failure> {
    let unfinished = unfinished_beside(file)?;
    let partial = unfinished.path().join("hustings.db");
    sql::backup(connection, &partial.display().to_string())?;
    Ok(put_in_place(&partial, file)?)
}

/// A folder beside a file that is to be written: the file's name never stands for half of it.
pub(super) fn unfinished_beside(file: &Path) -> Result<TempDir, LedgerError> {
    tempfile::Builder::new().prefix(".hustings-backup-").tempdir_in(folder_of(file)).map_err(|error| {
        match folder_of(file) {
            folder if !folder.is_dir() => cannot(file, format!("there is no folder {}", folder.display())),
            // The error itself would tell the passing name, which nobody gave it.
            _ => cannot(file, std::io::Error::from(error.kind())),
        }
    })
}

/// Gives a whole database its name, for its owner alone: who voted is only a keyed hash in there, and still nobody
/// else's business.
pub(super) fn put_in_place(whole: &Path, file: &Path) -> Result<(), LedgerError> {
    let placed = || {
        std::fs::set_permissions(whole, std::fs::Permissions::from_mode(0o600))?;
        std::fs::File::open(whole)?.sync_all()?;
        std::fs::rename(whole, file)?;
        std::fs::File::open(folder_of(file))?.sync_all()
    };
    placed().map_err(|error| cannot(file, error))
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn cannot(file: &Path, what: impl ToString) -> LedgerError {
    LedgerError::Unwritable { path: file.display().to_string(), what: what.to_string() }
}
