//! What can go wrong with a store, in terms of what the caller can do.

use hustings_core::{FoldError, entry::DecodeError};

use super::ElectionKey;

/// Why a store did not do what was asked. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// No space left: refuse, and try again when there is.
    #[error("the disk is full: free some space; nothing that was acknowledged is lost")]
    Full,
    /// The store does not answer now: try again.
    #[error("the store is not available now: {0}")]
    Unavailable(String),
    /// The program is stopping.
    #[error("the server is stopping")]
    Stopped,
    /// A row that should not exist, by table and key.
    #[error("{table} row {key}: {what}; restore from a backup, and keep this file for study")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// What was to be copied contradicts a row that is there already, by table and key.
    #[error("{table} row {key} contradicts what was to be copied: {what}")]
    Conflict {
        /// The table.
        table: &'static str,
        /// The row.
        key: String,
        /// What is there.
        what: String,
    },
    /// The address is taken by another election.
    #[error("this slug is taken")]
    SlugTaken,
    /// The random code is taken; draw another.
    #[error("this code is taken")]
    CodeTaken,
}

impl LedgerError {
    /// An entry that cannot be read.
    #[must_use]
    pub fn damaged_entry(election: ElectionKey, seq: i64, error: DecodeError) -> Self {
        Self::Damaged { table: "entry", key: format!("({}, {seq})", election.0), what: error.to_string() }
    }

    /// A ledger that cannot be folded.
    #[must_use]
    pub fn damaged_ledger(election: ElectionKey, error: FoldError) -> Self {
        Self::Damaged { table: "entry", key: format!("of election {}", election.0), what: error.to_string() }
    }
}
