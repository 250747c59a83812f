//! Whole installations on their way between stores: what a store must give and take, page by page.
//!
//! Job: let everything survive that must: definitions under their keys, entries, submission ids, the quarantine, tokens,
//! people, what stays of removed elections, and whose installation it is. Tickets, sessions and kept folds stay behind.
//! What every store must decide alike is decided here.
//! Invariant: heads and states follow from the entries and are never taken over. The same page twice changes nothing; one
//! that contradicts what is there is refused, by table and key. It must not know: where a store is, or why it is copied.

use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{Election, ElectionId, Format, Party, Seq, SubmissionId, Time};

use super::batch::Locked;
use super::{
    Advance, Case, CohostLink, DeviceHash, ElectionKey, Electorate, Head, Invitation, KeptCode, Ledger, LedgerError,
    Member, People, Person, PersonId, Registered, Registry, Removed, Reports, Settled, Stored, Token, TokenId,
};

/// A store that whole installations can be copied out of and into. All methods may be called from any task at any time.
#[async_trait]
pub trait Archive: Ledger + Registry + Reports + People + Electorate {
    /// Whose installation this is, what it may hold, and how much of it is here. A format that this program does not know
    /// is an error.
    async fn installation(&self) -> Result<Installation, LedgerError>;

    /// Elections after a key, newest key last, at most `limit`; definition and head of each are of one instant.
    async fn cuts(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Cut>, LedgerError>;

    /// The ids after one that stand for entries up to a place, in the order of their bytes, at most `limit`. Those of
    /// repeats are among them: nothing else knows that they stand for another one's entry.
    async fn submissions(
        &self,
        election: ElectionKey,
        after: Option<SubmissionId>,
        up_to: Seq,
        limit: usize,
    ) -> Result<Vec<Submitted>, LedgerError>;

    /// Tokens after a number with their hashes, revoked ones too, in the order they were made, at most `limit`.
    async fn hashed_tokens(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<HashedToken>, LedgerError>;

    /// How many rows an election has beside its entries.
    async fn census(&self, election: ElectionKey) -> Result<Census, LedgerError>;

    /// Marks a store without elections, tokens and persons as the unfinished copy of an installation; again, it changes nothing.
    /// A store that holds anything else is refused and left alone.
    async fn begin(&self, secret_check: [u8; 16]) -> Result<(), LedgerError>;

    /// Writes a page into an unfinished copy, all or nothing, and has synced it when this returns. A ledger's head moves
    /// with its entries, in the same transaction, so a copy that was cut off says how far it has come.
    async fn import(&self, page: Page) -> Result<(), LedgerError>;

    /// Takes the mark away: from here on the copy may be served, and nothing more can be imported.
    async fn complete(&self) -> Result<(), LedgerError>;
}

/// What a store says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    /// What it keeps to know its secret; none before its first start.
    pub secret_check: Option<[u8; 16]>,
    /// Which kinds of entries and definitions it may hold.
    pub format: Format,
    /// How much of an installation is here.
    pub holds: Holds,
}

/// How much of an installation a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Neither an election nor a token nor a person.
    Nothing,
    /// A copy that was begun and is not complete: it must not be served.
    Unfinished,
    /// All of it.
    All,
}

/// An election and where its ledger stands, of one instant: what a copy made while votes go on is cut to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Its definition, with just the rounds that the ledger has up to the head.
    pub registered: Registered,
    /// Where its ledger stands.
    pub head: Head,
}

/// An id that a client gave, and the entry that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The id.
    pub id: SubmissionId,
    /// The entry.
    pub seq: Seq,
}

/// A token with its hash, which nothing else ever gives out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedToken {
    /// All that lists show.
    pub token: Token,
    /// `SHA-256` of the token.
    pub hash: [u8; 32],
}

/// How many rows an election has beside its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Voters' ballots that count now.
    pub ballots: u64,
    /// Ids that stand for an entry.
    pub submissions: u64,
    /// Units, without the root.
    pub units: u64,
    /// Reports of boxes, by revision.
    pub reports: u64,
    /// Those of them that count now.
    pub counted: u64,
    /// Reports in quarantine, settled ones too.
    pub cases: u64,
}

/// A part of an installation, small enough for one transaction.
#[derive(Debug, Clone)]
pub enum Page {
    /// Definitions under their keys. One that has more rounds than the one that is there takes its place.
    Elections(Vec<Registered>),
    /// Entries of one election, in order; the first ones may be there already.
    Entries(ElectionKey, Vec<Stored>),
    /// Submission ids of one election, for entries that are there.
    Submissions(ElectionKey, Vec<Submitted>),
    /// Reports in quarantine of one election, against entries that are there. One that was settled since takes the place of
    /// the one that waits.
    Cases(ElectionKey, Vec<Case>),
    /// Parties of one election.
    Parties(ElectionKey, Vec<Party>),
    /// Access codes of an election that is there. One that was revoked since takes the place of the one that is there.
    Codes(ElectionId, Vec<KeptCode>),
    /// Devices that have come to an election that is there.
    Joined(ElectionId, Vec<DeviceHash>),
    /// What stays of elections that were removed. One that was copied before it was removed goes.
    Removed(Vec<Removed>),
    /// Tokens. One that has been revoked or used since takes the place of the one that is there.
    Tokens(Vec<HashedToken>),
    /// Persons in the place of all that are there between two numbers: who is not among them is gone since.
    Persons {
        /// All with a number after this one; none is from the first on.
        after: Option<PersonId>,
        /// And up to this one; none is to the last.
        up_to: Option<PersonId>,
        /// Those that there are.
        persons: Vec<Person>,
    },
    /// Members and co-host links in the place of all that an election has.
    Members(ElectionKey, Vec<Member>, Vec<CohostLink>),
    /// One-time links in the place of all that are there.
    Invitations(Vec<Invitation>),
    /// The format, where it is higher than the one that is there.
    Format(Format),
}

/// Entries held against the ledger that they shall continue.
pub(super) struct Continued {
    /// Those that must be in the ledger already, byte for byte.
    pub(super) known: Vec<Stored>,
    /// Those to append.
    pub(super) new: Vec<(ElectionKey, Stored)>,
    /// How far they move the ledger.
    pub(super) advance: Advance,
}

/// Follows a page of entries from where a ledger stands; only their bytes are believed.
pub(super) fn continued(key: ElectionKey, locked: Locked, page: Vec<Stored>) -> Result<Continued, LedgerError> {
    let Locked { head: before, mut state, .. } = locked;
    let (known, later): (Vec<_>, Vec<_>) = page.into_iter().partition(|stored| stored.entry.seq <= before.seq);
    let mut after = before;
    let mut new = Vec::with_capacity(later.len());
    for Stored { bytes, .. } in later {
        let followed = state.follow(after.seq, after.time, &bytes);
        let entry = followed.map_err(|error| LedgerError::damaged_ledger(key, error))?;
        after = Head { epoch: after.epoch, seq: entry.seq, time: entry.time, chain: after.chain.extend(&bytes) };
        new.push((key, Stored { entry: Arc::new(entry), bytes }));
    }
    let advance = Advance { election: key, before, after, increments: Vec::new(), state: Some(state) };
    Ok(Continued { known, new, advance })
}

/// Whether a definition has rounds that the one that is there lacks; any other difference is a conflict.
pub(super) fn has_more_rounds(key: ElectionKey, kept: &Election, imported: &Election) -> Result<bool, LedgerError> {
    let shared = kept.contests.len().min(imported.contests.len());
    let cut = |election: &Election| {
        let mut election = election.clone();
        election.contests.truncate(shared);
        election
    };
    if cut(kept) == cut(imported) {
        Ok(imported.contests.len() > shared)
    } else {
        Err(conflict("election", key.0, &format!("it is {}, {}", kept.code, kept.title)))
    }
}

/// Whether an access code was replaced, revoked or listed again since it was copied; any other difference is a conflict. A page
/// from before changes nothing: the later code stands, and what is revoked stays so until a later one takes its place.
pub(super) fn code_changed_since(id: ElectionId, kept: &KeptCode, imported: &KeptCode) -> Result<bool, LedgerError> {
    let voter = |code: &KeptCode| (code.voter, code.person.clone());
    let is_same = kept.hash == imported.hash;
    match (kept.revoked, imported.revoked) {
        _ if voter(kept) != voter(imported) => {}
        _ if kept.made != imported.made => return Ok(kept.made < imported.made),
        (None, None) => return Ok(!is_same),
        (None, Some(_)) => return Ok(true),
        (Some(_), None) => return Ok(false),
        (one, other) if one == other && is_same => return Ok(false),
        _ => {}
    }
    Err(conflict("access_code", format!("({id}, {})", kept.number.0), "it is another code"))
}

/// Whether an imported definition has taken the place of one that is there, which was never opened.
pub(super) fn has_taken_the_place(
    (key, imported): (ElectionKey, &Election),
    (other, kept): (ElectionKey, &Election),
    was_opened: bool,
) -> bool {
    kept.id == imported.id && other < key && !was_opened
}

/// When a token was revoked, where that happened since it was copied; any other difference is a conflict, but for when it
/// was used.
pub(super) fn revoked_since(kept: &HashedToken, imported: &HashedToken) -> Result<Option<Time>, LedgerError> {
    let as_made = |one: &HashedToken| {
        let token = Token { revoked: None, used: None, ..one.token.clone() };
        HashedToken { token, hash: one.hash }
    };
    match (kept.token.revoked, imported.token.revoked) {
        _ if as_made(kept) != as_made(imported) => {}
        (None, since) => return Ok(since),
        // A page from before the revocation: what is revoked stays so.
        (Some(_), None) => return Ok(None),
        (Some(one), Some(other)) if one == other => return Ok(None),
        (Some(_), Some(_)) => {}
    }
    Err(conflict("token", kept.token.id.0, &format!("it is the token {}", kept.token.name)))
}

/// Refuses parties whose codes are those of others; the ones that are there just so are no conflict.
pub(super) fn same_parties(key: ElectionKey, kept: &[Party], imported: &[Party]) -> Result<(), LedgerError> {
    let differs = |party: &&Party| kept.iter().any(|kept| kept.code == party.code && kept.name != party.name);
    match imported.iter().find(differs) {
        Some(Party { code, .. }) => Err(conflict("party", format!("({}, {code})", key.0), "it has another name")),
        None => Ok(()),
    }
}

/// What became of a case, where that happened since it was copied; any other difference is a conflict.
pub(super) fn settled_since(kept: &Case, imported: &Case) -> Result<Option<Settled>, LedgerError> {
    let as_made = |case: &Case| Case { settled: None, ..case.clone() };
    match (&kept.settled, &imported.settled) {
        _ if as_made(kept) != as_made(imported) => {}
        (None, since) => return Ok(since.clone()),
        // A page from before the decision: what is settled stays so.
        (Some(_), None) => return Ok(None),
        (Some(one), Some(other)) if one == other => return Ok(None),
        (Some(_), Some(_)) => {}
    }
    Err(case_conflict(kept, "it is another case, or was settled in another way"))
}

/// A case in quarantine against an entry that is not there.
pub(super) fn case_of_nothing(case: &Case) -> LedgerError {
    case_conflict(case, &format!("it contradicts entry {}, and there is none", case.existing))
}

fn case_conflict(case: &Case, what: &str) -> LedgerError {
    let digest: String = case.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    conflict("quarantine", format!("({}, {digest})", case.election.0), what)
}

/// What was to be imported contradicts this row.
pub(super) fn conflict(table: &'static str, key: impl std::fmt::Display, what: &str) -> LedgerError {
    LedgerError::Conflict { table, key: key.to_string(), what: what.to_owned() }
}
