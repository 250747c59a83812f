//! Receipts as they are shown: an id nobody can guess, a time, and the place where results are not hidden.

use hustings_core::{Kind, Visibility};
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::keys::Keys;
use crate::ledger::{Registered, Stored};

/// The proof that a submission is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    /// Not guessable; the same for every repeat, for ever.
    pub id: String,
    /// When it was accepted (RFC 3339, UTC).
    pub time: String,
    /// Its place in the ledger; left out where results are hidden from voters, because it would tell the turnout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

impl Receipt {
    /// The receipt of a stored entry.
    #[must_use]
    pub fn new(keys: &Keys, found: &Registered, stored: &Stored) -> Self {
        let tells_seq = match found.election.visibility {
            Visibility::Always => true,
            // Whoever votes sees results; a box does not.
            Visibility::AfterVote => found.election.kind != Kind::Election,
            Visibility::AfterClose | Visibility::OnReveal => false,
        };
        let entry = &stored.entry;
        Self {
            id: keys.receipt(found.key, entry.seq, &stored.bytes),
            time: rfc3339(entry.time),
            seq: tells_seq.then_some(entry.seq.0),
        }
    }
}
