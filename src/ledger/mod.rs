//! The ledger: the append-only, gapless sequence of entries of each election, and the only truth about what was counted.
//!
//! Job: decide and store batches, give entries back, and keep the registry of everything that is not counted.
//! Invariant: what [`Ledger::append`] answered is on disk, in exactly one place, under one hash chain.
//! It must not know: HTTP, voters' names, watchers, counters.

mod archive;
mod batch;
mod copy;
mod definitions;
mod elections;
mod electorate;
mod error;
mod format;
mod people;
mod postgres;
mod registry;
mod removed;
mod reports;
mod sqlite;
mod trees;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hustings_core::{
    Chain, ContestNumber, Election, ElectionState, Entry, Epoch, Fold, Increment, Rejection, Seq, Submission, Time,
    VoterKey,
};

pub use archive::{Archive, Census, Cut, HashedToken, Holds, Installation, Page, Submitted};
pub use copy::{CASES_PAGE, COPY_PAGE, Copied, CopyError, Progress, copy};
pub use elections::Elections;
pub use electorate::{
    CODES_MAX, CodeCount, CodeHash, CodeNumber, DeviceHash, Elector, Electorate, JOINED_MAX, JoinedCount, KeptCode,
    NewCode,
};
pub use error::LedgerError;
pub use people::{
    AGENT_MAX, Accepted, Changed, CohostLink, Holder, Invitation, LINKS_MAX, LinkId, MEMBERS_MAX, Member, NewLink,
    NewPerson, NewSession, Owned, PasswordHash, People, Person, PersonId, Purpose, SESSION_MS, SESSIONS_MAX, Seat,
    Session, cut_agent,
};
pub use postgres::{
    PostgresError, PostgresLedger, PostgresOptions, facts as postgres_facts, migrate as postgres_migrate,
    raise as postgres_raise,
};
pub use registry::{NewToken, Registered, Registry, Scope, Scopes, Token, TokenId, Wanted};
pub use removed::{Removal, Removed};
pub use reports::{Case, Digest, Reports, Settled};
pub use sqlite::{
    Folder, FolderError, SqliteLedger, SqliteOptions, facts as sqlite_facts, migrate as sqlite_migrate,
    raise as sqlite_raise,
};

/// An election's small number inside one installation; kept for ever, also by backups and migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElectionKey(pub u32);

/// The most entries one [`Ledger::read`] gives, so that no reader holds a long transaction, nor much memory.
pub const PAGE_MAX: usize = 5_000;

/// An entry holds a whole request, so pages have a limit in bytes too: none follows the entry that reaches it.
pub const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The truth about what was counted. All methods may be called from any task at any time.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Decides each submission in order and appends what is accepted, in one transaction that was synced when this
    /// returns. One refused submission never fails its neighbours. After an error nothing of the batch is in the ledger.
    async fn append(&self, batch: Vec<Addressed>) -> Result<Committed, LedgerError>;

    /// Where the ledgers stand; unknown elections are left out.
    async fn heads(&self, elections: &[ElectionKey]) -> Result<Vec<(ElectionKey, Head)>, LedgerError>;

    /// The next entries after a place, at most `limit`, [`PAGE_MAX`] and as many as reach [`PAGE_BYTES_MAX`], in order and without
    /// gaps. None means that there are none; fewer than were asked for mean nothing.
    async fn read(&self, election: ElectionKey, after: Seq, limit: usize) -> Result<Vec<Stored>, LedgerError>;

    /// The entry of the voter's ballot that counts now.
    async fn ballot(
        &self,
        election: ElectionKey,
        contest: ContestNumber,
        voter: VoterKey,
    ) -> Result<Option<Stored>, LedgerError>;

    /// Keeps a fold, so that later ones can start from it. Keeping the same one twice changes nothing.
    async fn save_snapshot(&self, election: ElectionKey, epoch: Epoch, fold: &FoldText) -> Result<(), LedgerError>;

    /// The latest kept fold of this epoch at or before a place.
    async fn snapshot(&self, election: ElectionKey, epoch: Epoch, at: Seq) -> Result<Option<Fold>, LedgerError>;

    /// What schedules have made due by this time, and when the next one is.
    async fn due(&self, now: Time) -> Result<Schedules, LedgerError>;

    /// Gives every ledger, or only one, a new epoch, after a restore or an alarm: counters, kept folds and watchers of
    /// the earlier life start anew.
    async fn renew_epochs(&self, only: Option<ElectionKey>) -> Result<(), LedgerError>;

    /// Writes a consistent copy while votes go on; the file appears only when it is whole and synced.
    async fn backup(&self, file: &Path) -> Result<(), LedgerError>;
}

/// A submission and the election it is for.
#[derive(Debug, Clone)]
pub struct Addressed {
    /// Whose ledger.
    pub election: ElectionKey,
    /// What is asked.
    pub submission: Submission,
}

/// A stored entry with its canonical bytes. A copy shares both: an entry may hold three hundred thousand units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Its bytes, as they are chained.
    pub bytes: Bytes,
}

/// A fold as it is kept: a few hundred kilobytes, where the fold itself takes megabytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldText {
    pub(super) seq: Seq,
    pub(super) text: String,
}

impl FoldText {
    /// The text of a fold of a ledger.
    pub fn of(election: ElectionKey, fold: &Fold) -> Result<Self, LedgerError> {
        let damaged = |error: serde_json::Error| LedgerError::Damaged {
            table: "snapshot",
            key: election.0.to_string(),
            what: error.to_string(),
        };
        Ok(Self { seq: fold.seq, text: serde_json::to_string(fold).map_err(damaged)? })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

impl Stored {
    /// An entry whose bytes are these.
    #[must_use]
    pub fn new(entry: Entry, bytes: Vec<u8>) -> Self {
        Self { entry: Arc::new(entry), bytes: bytes.into() }
    }
}

/// What became of one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is in the ledger.
    Accepted(Stored),
    /// It is in the ledger and replaced an earlier vote.
    Changed(Stored),
    /// It was in the ledger already.
    Repeated(Stored),
    /// It was in the ledger already, and the voter has changed the vote since.
    Superseded(Stored),
    /// The contest was already as the act wanted it.
    Unchanged,
    /// It was refused; with the vote that counts, where the refusal is about one.
    Rejected(Rejection, Option<Stored>),
}

/// A batch that is on disk.
#[derive(Debug)]
pub struct Committed {
    /// One answer for each submission, in order.
    pub answers: Vec<Answer>,
    /// How far each election's ledger moved.
    pub advances: Vec<Arc<Advance>>,
}

/// How far one ledger moved in one batch: all that counters need to follow.
#[derive(Debug, Clone)]
pub struct Advance {
    /// Whose ledger.
    pub election: ElectionKey,
    /// The head before.
    pub before: Head,
    /// The head after.
    pub after: Head,
    /// The sum of the batch's increments.
    pub increments: Vec<Increment>,
    /// The election's state after, where the batch changed it.
    pub state: Option<ElectionState>,
}

/// Where a ledger stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The ledger's life.
    pub epoch: Epoch,
    /// The last entry.
    pub seq: Seq,
    /// Its time.
    pub time: Time,
    /// The chain up to it.
    pub chain: Chain,
}

/// What schedules ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedules {
    /// Elections with something due.
    pub due: Vec<ElectionKey>,
    /// The next time at which something becomes due.
    pub next: Option<Time>,
}

/// A new election with the first acts on it.
#[derive(Debug, Clone)]
pub struct NewElection {
    /// Its definition.
    pub election: Election,
    /// Acts to append in the same transaction, such as the opening.
    pub acts: Vec<hustings_core::Act>,
    /// Who owns it from the same transaction on; none where a token made it.
    pub owner: Option<PersonId>,
}
