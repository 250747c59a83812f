//! What can go wrong with a store, in terms of what the caller can do.

use hustings_core::{FoldError, Format, Rejection, entry::DecodeError};

use super::ElectionKey;

/// Why a store did not do what was asked. Nothing was written, except where the error says that nobody knows.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// No space left: refuse, and try again when there is.
    #[error("the disk is full: free some space; nothing that was acknowledged is lost")]
    Full,
    /// The store does not answer now: try again.
    #[error("the store is not available now: {0}")]
    Unavailable(String),
    /// The store did not say whether it was stored, also when it was asked again: send the same once more.
    #[error("the store did not say whether it was stored; sending the same again is harmless")]
    InDoubt,
    /// A file beside the store, such as a backup, cannot be written.
    #[error("cannot write {path}: {what}")]
    Unwritable {
        /// The file.
        path: String,
        /// Why not.
        what: String,
    },
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
    /// An entry that this program does not know yet: another node has been upgraded. Nothing is damaged.
    #[error("election {election}: {error}")]
    Newer {
        /// Whose ledger.
        election: u32,
        /// What is not known.
        error: DecodeError,
    },
    /// The installation's format is one that this program does not know: all other nodes have been upgraded.
    #[error(
        "this installation has ledger format {found}, and this program knows up to {}: upgrade Hustings",
        Format::NEWEST
    )]
    NewerFormat {
        /// The installation's format.
        found: Format,
    },
    /// A definition that the rules refuse.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The address is taken by another election.
    #[error("this slug is taken")]
    SlugTaken,
    /// An election has as many access codes as it can have.
    #[error("an election can have at most {} access codes", super::CODES_MAX)]
    TooManyCodes,
    /// The random code is taken; draw another.
    #[error("this code is taken")]
    CodeTaken,
    /// There is such a token already, or there was one that was revoked.
    #[error("there is such a token already, or it was revoked")]
    TokenTaken,
}

impl LedgerError {
    /// An entry that cannot be read.
    #[must_use]
    pub fn damaged_entry(election: ElectionKey, seq: i64, error: DecodeError) -> Self {
        match error {
            DecodeError::Version(_) | DecodeError::Kind(_) => Self::Newer { election: election.0, error },
            _ => Self::Damaged { table: "entry", key: format!("({}, {seq})", election.0), what: error.to_string() },
        }
    }

    /// A ledger that cannot be folded.
    #[must_use]
    pub fn damaged_ledger(election: ElectionKey, error: FoldError) -> Self {
        match error {
            FoldError::Decode(_, error @ (DecodeError::Version(_) | DecodeError::Kind(_))) => {
                Self::Newer { election: election.0, error }
            }
            _ => Self::Damaged { table: "entry", key: format!("of election {}", election.0), what: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use hustings_core::Seq;

    use super::*;

    #[test]
    fn what_a_later_program_wrote_is_no_damage() {
        for (error, is_newer) in [
            (DecodeError::Version(2), true),
            (DecodeError::Kind(9), true),
            (DecodeError::Short, false),
            (DecodeError::Tag(7), false),
        ] {
            let entry = LedgerError::damaged_entry(ElectionKey(1), 3, error);
            let ledger = LedgerError::damaged_ledger(ElectionKey(1), FoldError::Decode(Seq(3), error));
            for told in [entry, ledger] {
                assert_eq!(matches!(told, LedgerError::Newer { election: 1, .. }), is_newer, "{told}");
                assert_eq!(matches!(told, LedgerError::Damaged { table: "entry", .. }), !is_newer, "{told}");
            }
        }
    }
}
