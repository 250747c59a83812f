//! What can stop a statement: whether nothing was stored for certain, and whether another try can help.

use std::error::Error as _;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::ledger::LedgerError;

/// For how long the same is tried again before the caller is told.
const TRIES_FOR: Duration = Duration::from_secs(10);

/// The first and the longest pause before another try.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// What stopped a statement or a transaction.
#[derive(Debug)]
pub(super) enum Failure {
    /// What the server said, or how the connection ended.
    Server(tokio_postgres::Error),
    /// No answer in time.
    Silent,
    /// No host gave a connection: which were asked, and what each of them said.
    Hosts(Vec<(String, Failure)>),
    /// An error in our terms.
    Ledger(LedgerError),
}

impl Failure {
    /// What kept hosts from giving a connection; one host alone is not named, because the address names it.
    pub(super) fn of_hosts(mut tried: Vec<(String, Self)>) -> Self {
        match tried.len() {
            1 => tried.remove(0).1,
            _ => Self::Hosts(tried),
        }
    }

    /// Whether the transaction has left nothing behind for certain, even though its commit may have been sent with it.
    ///
    /// A statement that the server refused takes the commit after it along. That a connection ended says nothing, nor
    /// does a pooler that says so for the server (fatal, or class 08).
    pub(super) fn is_certain(&self) -> bool {
        match self {
            Self::Server(error) => error.as_db_error().is_some_and(|error| {
                error.parsed_severity() == Some(Severity::Error) && !error.code().code().starts_with("08")
            }),
            Self::Silent => false,
            // Nothing was sent.
            Self::Hosts(_) => true,
            Self::Ledger(_) => true,
        }
    }

    /// Whether the same can succeed on another try, or on another connection.
    fn passes(&self) -> bool {
        match self {
            Self::Server(error) => error.as_db_error().is_none_or(passes),
            Self::Silent => true,
            Self::Hosts(tried) => tried.iter().any(|(_, failure)| failure.passes()),
            Self::Ledger(_) => false,
        }
    }

    /// What the server said, where it refused something; of several hosts, the first that said something.
    pub(super) fn refused(&self) -> Option<&DbError> {
        match self {
            Self::Server(error) => error.as_db_error(),
            Self::Hosts(tried) => tried.iter().find_map(|(_, failure)| failure.refused()),
            Self::Silent | Self::Ledger(_) => None,
        }
    }

    /// What went wrong, in the words of who noticed it.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Server(error) => sentence(error),
            Self::Silent => "it did not answer in time".to_owned(),
            Self::Hosts(tried) => {
                let each = tried.iter().map(|(host, failure)| format!("{host}: {}", failure.sentence()));
                each.collect::<Vec<_>>().join("; ")
            }
            Self::Ledger(error) => error.to_string(),
        }
    }

    /// The name of the constraint, where a row was there already.
    pub(super) fn taken(&self) -> Option<&str> {
        let refused = self.refused().filter(|error| *error.code() == SqlState::UNIQUE_VIOLATION)?;
        Some(refused.constraint().unwrap_or_default())
    }
}

fn passes(error: &DbError) -> bool {
    let code = error.code().code();
    // Connections and resources, operators at work, and transactions that met: all of it ends by itself. A server that
    // only reads was the primary until a moment ago; a new connection finds the new one.
    ["08", "57", "40"].iter().any(|class| code.starts_with(class))
        || [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::OUT_OF_MEMORY,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ]
        .contains(error.code())
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<Failure> for LedgerError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Server(error) if error.code() == Some(&SqlState::DISK_FULL) => Self::Full,
            Failure::Server(error) => Self::Unavailable(sentence(&error)),
            Failure::Silent => Self::Unavailable("PostgreSQL did not answer in time".to_owned()),
            Failure::Hosts(_) => Self::Unavailable(failure.sentence()),
            Failure::Ledger(error) => error,
        }
    }
}

/// What went wrong, in the server's words where it said some. Values stay out of it: they could be a voter's.
pub(super) fn sentence(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        sentence = format!("{sentence}: {cause}");
        source = cause.source();
    }
    sentence
}

/// How long one request has been tried.
pub(super) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { until: Instant::now() + TRIES_FOR, pause: PAUSES.0 }
    }

    /// Waits a little before another try, or gives back what stopped the last one where none can help.
    pub(super) async fn after(&mut self, failure: Failure) -> Result<(), Failure> {
        if !failure.passes() || Instant::now() + self.pause > self.until {
            return Err(failure);
        }
        tracing::debug!(?failure, "PostgreSQL is asked again");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        Ok(())
    }
}
