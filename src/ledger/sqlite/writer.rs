//! The one thread that writes: jobs in order, checkpoints between them, and the end of the process on a failed sync.

use std::cell::Cell;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode, ffi};
use tokio::sync::oneshot;

use crate::ledger::LedgerError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

thread_local! {
    /// How many pages the write-ahead log held after the last commit of this thread.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// The writing thread. Dropped, it finishes what was queued, copies the log into the database, and ends.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// The exit code for a disk that failed: `EX_IOERR` of sysexits.h.
const EXIT_DISK_FAILED: i32 = 74;

impl Writer {
    pub(super) fn start(mut connection: Connection, checkpoint_pages: u32) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new().name("ledger-writer".to_owned()).spawn(move || {
            let _ends_with_us = EndsWithPanic;
            let hooked = connection.wal_hook(Some(note_log_pages));
            if let Err(error) = hooked {
                end_process(&error);
            }
            let mut checkpoint_at = checkpoint_pages;
            for job in queue {
                job(&mut connection);
                let pages = LOG_PAGES.get();
                if pages >= checkpoint_at {
                    let whole = checkpoint(&connection, "PASSIVE");
                    // A reader in the way: try again when the log has grown by a quarter, not at every commit.
                    checkpoint_at = if whole { checkpoint_pages } else { pages.saturating_add(checkpoint_pages / 4) };
                }
            }
            checkpoint(&connection, "TRUNCATE");
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// No thread: every job is refused.
    pub(super) fn none() -> Self {
        Self { jobs: None, thread: None }
    }

    /// Runs a job on the writing thread. An error means that its transaction left nothing behind.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = job(connection).map_err(survive);
            // The caller may have gone; what was written stays written.
            let _gone = answer.send(result);
        });
        let jobs = self.jobs.as_ref().ok_or(LedgerError::Stopped)?;
        jobs.send(job).map_err(|_| LedgerError::Stopped)?;
        answered.await.map_err(|_| LedgerError::Stopped)?
    }
}

/// A panic of the writing thread ends the process: a server that cannot write must not look alive.
struct EndsWithPanic;

impl Drop for EndsWithPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::exit(EXIT_DISK_FAILED);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// What stopped a job.
pub(super) enum Failure {
    /// SQLite's own error.
    Sqlite(rusqlite::Error),
    /// An error in our terms.
    Ledger(LedgerError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// Turns an error into one that the caller can act on, or ends the process where nothing is certain any more.
pub(super) fn survive(failure: Failure) -> LedgerError {
    let error = match failure {
        Failure::Ledger(error) => return error,
        Failure::Sqlite(error) => error,
    };
    let extended = error.sqlite_error().map_or(0, |e| e.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LedgerError::Full,
        // The shared-memory index could not grow: the same full disk, seen from another file.
        Some(ErrorCode::SystemIoFailure) if extended == ffi::SQLITE_IOERR_SHMSIZE => LedgerError::Full,
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => end_process(&error),
        _ => LedgerError::Unavailable(error.to_string()),
    }
}

fn end_process(error: &rusqlite::Error) -> ! {
    tracing::error!(%error, "the disk failed; ending, so that nothing is acknowledged that may not be stored");
    eprintln!(
        "hustings: the disk failed ({error}). Nothing was acknowledged that is not stored. \
         Check the disk, then start again: every acknowledged vote will be there."
    );
    std::process::exit(EXIT_DISK_FAILED)
}

fn note_log_pages(_: &mut Wal, pages: std::ffi::c_int) -> rusqlite::Result<()> {
    LOG_PAGES.set(u32::try_from(pages).unwrap_or(0));
    Ok(())
}

/// Copies the log into the database; false where a reader or a full disk left some of it for later.
fn checkpoint(connection: &Connection, mode: &str) -> bool {
    let copied = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match copied {
        Ok((busy, in_log, copied)) => busy == 0 && in_log == copied,
        Err(error) => {
            let error = survive(Failure::Sqlite(error));
            tracing::warn!(%error, "the log could not be copied into the database now");
            false
        }
    }
}
