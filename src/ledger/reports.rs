//! What is asked of box reports and of the tree they come from, and the quarantine of reports that contradict others.
//!
//! Invariant: everything here but the quarantine follows from the entries. It must not know: totals, HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{ContestNumber, Revision, Seq, Text, Time, UnitNumber, Units, UnitsMark};

use super::{ElectionKey, LedgerError, Stored};

/// Look-ups behind totals: boxes, stations, and who reported what. All methods may be called from any task at any time.
#[async_trait]
pub trait Reports: Send + Sync {
    /// The tree of units of an election, at least as far as a mark says; without one, as far as the store has it now.
    async fn units(&self, election: ElectionKey, least: Option<UnitsMark>) -> Result<Arc<Units>, LedgerError>;

    /// The report with the highest revision of each of these boxes in a contest, withdrawals too, in the order of the
    /// boxes; those without one are left out. At most [`super::PAGE_MAX`] boxes are asked about.
    async fn current_reports(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        boxes: &[UnitNumber],
    ) -> Result<Vec<Stored>, LedgerError>;

    /// All reports of a box, by contest and revision.
    async fn revisions(&self, election: ElectionKey, ballot_box: UnitNumber) -> Result<Vec<Stored>, LedgerError>;

    /// The last entry before a time; 0 where there is none.
    async fn last_before(&self, election: ElectionKey, time: Time) -> Result<Seq, LedgerError>;

    /// Keeps a report that contradicts another one; one with the same digest is there already and stays as it is.
    async fn quarantine(&self, case: Case) -> Result<(), LedgerError>;

    /// Cases after a digest, in the order of their digests, at most `limit`; those that wait only, where asked.
    async fn cases(
        &self,
        election: ElectionKey,
        after: Option<Digest>,
        waiting: bool,
        limit: usize,
    ) -> Result<Vec<Case>, LedgerError>;

    /// The case of a digest.
    async fn case(&self, election: ElectionKey, digest: Digest) -> Result<Option<Case>, LedgerError>;

    /// Writes down what became of a case that waits; false where it does not wait any more. That it was filed takes the
    /// place of a dismissal: then its report is in the ledger, and counts.
    async fn settle(&self, election: ElectionKey, digest: Digest, settled: Settled) -> Result<bool, LedgerError>;
}

/// `SHA-256` over what a report says of which box and contest: the same contradiction is one case, however often it is sent.
pub type Digest = [u8; 32];

/// A report that contradicts one that is in the ledger. A person decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Whose report.
    pub election: ElectionKey,
    /// What it is known by.
    pub digest: Digest,
    /// The contest.
    pub contest: ContestNumber,
    /// The box.
    pub ballot_box: UnitNumber,
    /// The number that it came with.
    pub revision: Revision,
    /// The entry that it contradicts.
    pub existing: Seq,
    /// The request, byte for byte.
    pub request: Vec<u8>,
    /// Who sent it.
    pub by: Text,
    /// When it came.
    pub time: Time,
    /// What became of it.
    pub settled: Option<Settled>,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The entry that it was filed as, or none where it was dismissed.
    pub filed: Option<Seq>,
    /// Who decided.
    pub by: Text,
    /// Why.
    pub reason: Option<Text>,
    /// When.
    pub time: Time,
}
