//! Opening the database: pragmas, migrations, and a checkpoint before anything is answered.

use std::path::{Path, PathBuf};

use hustings_core::Format;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::folder::FolderError;
use super::sql;
use super::writer::Failure;

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// How to open a database.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file.
    pub path: PathBuf,
    /// A SQLite VFS by name; none is the operating system's. Tests of power loss bring their own.
    pub vfs: Option<String>,
    /// `PRAGMA synchronous`; anything but `FULL` loses votes, and is here so that a test can prove it.
    pub synchronous: &'static str,
    /// How many pages the write-ahead log may hold before it is copied into the database.
    pub checkpoint_pages: u32,
}

impl SqliteOptions {
    /// The options of a real installation.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, vfs: None, synchronous: "FULL", checkpoint_pages: 4_000 }
    }
}

/// Opens the one connection that writes; when this returns, nothing in the file is without a sync.
pub(super) fn writer(options: &SqliteOptions) -> Result<Connection, FolderError> {
    let shown = options.path.display().to_string();
    let failed = |error: rusqlite::Error| FolderError::Database { path: shown.clone(), what: error.to_string() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = connect(options, flags).map_err(failed)?;
    refuse_newer(&connection, &shown)?;
    let pragmas = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; PRAGMA wal_autocheckpoint = 0;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000; PRAGMA foreign_keys = ON;",
        options.synchronous
    );
    connection.execute_batch(&pragmas).map_err(failed)?;
    require_durability(&connection, options)?;
    // Grouped: the tables and the note that they were made are one transaction. In two of them a crash in between leaves
    // a database that no later start can open, because it makes the same tables again.
    embedded::migrations::runner()
        .set_grouped(true)
        .run(&mut connection)
        .map_err(|error| FolderError::Database { path: shown.clone(), what: error.to_string() })?;
    // After a crash the log may hold frames that were written and never synced. Syncing them into the database first
    // means that nothing is ever answered from a page that a power loss could still take away.
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
    if busy != 0 {
        return Err(FolderError::Database {
            path: shown,
            what: "another program is reading it; close that program and start again".to_owned(),
        });
    }
    Ok(connection)
}

/// SQLite keeps silent where a file system does not allow WAL or a setting is misspelt; a server must not.
fn require_durability(connection: &Connection, options: &SqliteOptions) -> Result<(), FolderError> {
    let shown = options.path.display().to_string();
    let failed = |error: rusqlite::Error| FolderError::Database { path: shown.clone(), what: error.to_string() };
    let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(failed)?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).map_err(failed)?;
    let wanted = ["OFF", "NORMAL", "FULL", "EXTRA"].iter().zip(0..).find(|(name, _)| **name == options.synchronous);
    if journal == "wal" && wanted.is_some_and(|(_, number)| number == synchronous) {
        return Ok(());
    }
    Err(FolderError::Database {
        path: shown,
        what: format!(
            "it would keep votes with journal mode {journal} and synchronous {synchronous}, not with wal and {}; put \
             the data folder on a local disk",
            options.synchronous
        ),
    })
}

/// Refuses a file that is no database of ours. Only here: once a ledger is open, the same errors mean a failed disk.
pub(super) fn require_ours(options: &SqliteOptions) -> Result<(), FolderError> {
    let shown = options.path.display().to_string();
    let connection = reader(options).map_err(|error| cannot_open(&shown, &error))?;
    refuse_newer(&connection, &shown)?;
    let ours = connection.table_exists(None, "installation").map_err(|error| cannot_open(&shown, &error))?;
    if ours { Ok(()) } else { Err(FolderError::NotOurs(shown)) }
}

fn unusable(shown: &str, failure: Failure) -> FolderError {
    match failure {
        Failure::Sqlite(error) => cannot_open(shown, &error),
        Failure::Ledger(error) => FolderError::Database { path: shown.to_owned(), what: error.to_string() },
    }
}

fn cannot_open(shown: &str, error: &rusqlite::Error) -> FolderError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => FolderError::NotOurs(shown.to_owned()),
        _ => FolderError::Database { path: shown.to_owned(), what: error.to_string() },
    }
}

/// Opens a connection that only reads.
pub(super) fn reader(options: &SqliteOptions) -> rusqlite::Result<Connection> {
    let connection = connect(options, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}

/// Brings a database's tables up to date, and gives the schema's version before and after. The data folder must be locked
/// by this process.
pub fn migrate(path: &Path) -> Result<(i64, i64), FolderError> {
    let options = SqliteOptions::new(path.to_owned());
    let version = |opened: rusqlite::Result<Connection>| {
        let found = opened.and_then(|connection| schema(&connection));
        let failed = |error: rusqlite::Error| FolderError::Database {
            path: path.display().to_string(),
            what: error.to_string(),
        };
        found.map(|version| version.unwrap_or(0)).map_err(failed)
    };
    let before = version(reader(&options))?;
    let after = version(Ok(writer(&options)?))?;
    Ok((before, after))
}

/// Raises the ledger format where it is lower, and gives the one that was found. The data folder must be locked by this
/// process.
pub fn raise(path: &Path, wanted: Format) -> Result<Format, FolderError> {
    let connection = writer(&SqliteOptions::new(path.to_owned()))?;
    sql::format::raise(&connection, wanted).map_err(|failure| unusable(&path.display().to_string(), failure))
}

/// What `doctor` tells of a database: names and values, read without changing anything.
pub fn facts(path: &Path) -> Result<Vec<(&'static str, String)>, rusqlite::Error> {
    const FORMAT: &str = "SELECT CAST(coalesce((SELECT value FROM installation WHERE name = 'format'), '1') AS TEXT)";
    let connection = reader(&SqliteOptions::new(path.to_owned()))?;
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|n| n.to_string());
    Ok(vec![
        ("sqlite version", rusqlite::version().to_owned()),
        ("journal mode", text("PRAGMA journal_mode")?),
        ("page size", number("PRAGMA page_size")?),
        ("pages", number("PRAGMA page_count")?),
        ("schema", schema(&connection)?.map_or_else(|| "none".to_owned(), |version| version.to_string())),
        ("ledger format", text(FORMAT)?),
        ("quick check", text("PRAGMA quick_check(1)")?),
        ("elections", number("SELECT count(*) FROM election")?),
        ("entries", number("SELECT coalesce(sum(seq), 0) FROM head")?),
    ])
}

fn connect(options: &SqliteOptions, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = match &options.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(&options.path, flags, vfs.as_str())?,
        None => Connection::open_with_flags(&options.path, flags)?,
    };
    // One plan per statement, for ever: otherwise SQLite looks at each bound value and prepares the statement anew,
    // which costs more than running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Refuses what a later program has written, before anything is changed in it.
fn refuse_newer(connection: &Connection, shown: &str) -> Result<(), FolderError> {
    let known = embedded::migrations::runner().get_migrations().iter().map(|m| i64::from(m.version())).max();
    match (schema(connection).map_err(|error| cannot_open(shown, &error))?, known) {
        (Some(found), Some(known)) if found > known => {
            Err(FolderError::NewerSchema { path: shown.to_owned(), found, known })
        }
        (None, _) => Ok(()),
        _ => sql::format::format(connection).map(drop).map_err(|error| unusable(shown, error)),
    }
}

fn schema(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    if connection.table_exists(None, "refinery_schema_history")? {
        connection.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0))
    } else {
        Ok(None)
    }
}
