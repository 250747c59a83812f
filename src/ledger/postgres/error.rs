//! Why a database cannot be used, and what to do. No sentence here ever shows a password.

use tokio_postgres::error::SqlState;

use super::failure::Failure;

/// Why the PostgreSQL database cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The address cannot be read.
    #[error("{0}; write the database as postgres://user:password@host:5432/name")]
    Url(String),
    /// Encryption was asked for.
    #[error(
        "the address asks for an encrypted connection (sslmode), which is not built in: use sslmode=disable with a \
         database on a network you trust, or go through a tunnel or a local pgbouncer that encrypts"
    )]
    Tls,
    /// Nobody answers.
    #[error("cannot reach {url}: {what}; check that the server runs and that host and port are right")]
    Unreachable {
        /// The address, without its password.
        url: String,
        /// What went wrong.
        what: String,
    },
    /// The role and its password do not let us in.
    #[error("{url} does not let us in: {what}; check user and password, and the server's pg_hba.conf")]
    Password {
        /// The address, without its password.
        url: String,
        /// What the server said.
        what: String,
    },
    /// There is no such database.
    #[error("{url}: {what}; create it with createdb, and then its tables with: hustings migrate --database {url}")]
    NoDatabase {
        /// The address, without its password.
        url: String,
        /// What the server said.
        what: String,
    },
    /// The server is too old.
    #[error("{url} is PostgreSQL {found}: version {wanted} or newer is needed")]
    OldServer {
        /// The address, without its password.
        url: String,
        /// Its version.
        found: String,
        /// The oldest version that will do.
        wanted: i32,
    },
    /// A setting under which acknowledged votes can be lost.
    #[error("{url} could lose acknowledged votes, because {setting} is {value}: set it to on")]
    Unsafe {
        /// The address, without its password.
        url: String,
        /// The setting.
        setting: &'static str,
        /// What it is set to.
        value: String,
    },
    /// A server that only follows another one.
    #[error("{0} is a standby, which only reads: give the address of the primary server")]
    Standby(String),
    /// Texts would not come back as they were.
    #[error("{url} keeps its texts as {found}: create the database with ENCODING 'UTF8'")]
    Encoding {
        /// The address, without its password.
        url: String,
        /// Its encoding.
        found: String,
    },
    /// There are no tables.
    #[error("{0} has no tables yet: make them with: hustings migrate --database {0}")]
    NoSchema(String),
    /// The tables are those of an earlier program.
    #[error(
        "{url} has schema {found}, and this program needs {known}: bring it up to date with: hustings migrate \
         --database {url}"
    )]
    OlderSchema {
        /// The address, without its password.
        url: String,
        /// The schema of the database.
        found: i32,
        /// The schema that this program needs.
        known: i32,
    },
    /// The role may not do what is needed.
    #[error("{url}: {what}; grant it, or use the role that owns the tables")]
    Privilege {
        /// The address, without its password.
        url: String,
        /// What is missing.
        what: String,
    },
    /// The database belongs to another secret.
    #[error(
        "the secret does not belong to {0}: put the right secret.key back, or set HUSTINGS_SECRET to the secret that \
         this database was made with"
    )]
    OtherSecret(String),
    /// Half a copy.
    #[error(
        "{0} is a copy that was not finished: run the same hustings migrate --from .. --to .. again until it says that \
         it is complete"
    )]
    Unfinished(String),
    /// A copy was to be made where another installation is.
    #[error("{0} holds another installation: choose an empty database")]
    OtherInstallation(String),
    /// Anything else that the server refused.
    #[error("{url}: {what}")]
    Refused {
        /// The address, without its password.
        url: String,
        /// What the server said.
        what: String,
    },
}

impl PostgresError {
    /// What a failure at start means for the person who started the program.
    pub(super) fn at_start(url: &str, failure: Failure) -> Self {
        let url = url.to_owned();
        let what = failure.sentence();
        if let Failure::Ledger(_) = failure {
            return Self::Refused { url, what };
        }
        let Some(refused) = failure.refused() else { return Self::Unreachable { url, what } };
        match *refused.code() {
            SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Self::Password { url, what },
            SqlState::INVALID_CATALOG_NAME => Self::NoDatabase { url, what },
            SqlState::INSUFFICIENT_PRIVILEGE => Self::Privilege { url, what },
            SqlState::CANNOT_CONNECT_NOW => Self::Unreachable { url, what },
            _ => Self::Refused { url, what },
        }
    }
}
