//! What becomes of a definition before and after its life: it may be replaced until voting is opened, and be removed: a poll at any
//! time, an election of boxes until it is opened.
//!
//! Job: decide both for every store alike, under the lock of the head.
//! Invariant: nothing that was opened is ever redefined; what is removed leaves a row that says how much was in it.
//! It must not know: how a store keeps it.

use hustings_core::{Chain, Code, Election, ElectionId, Format, Kind, Rejection, Seq, Slug, Text, Time};

use super::batch::Locked;
use super::{ElectionKey, LedgerError, NewElection};

/// Why an election is to be removed, for the record.
#[derive(Debug, Clone)]
pub struct Removal {
    /// Who asks for it.
    pub by: Text,
    /// Why.
    pub reason: Option<Text>,
}

/// What stays of an election that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The number that it had inside this installation.
    pub key: ElectionKey,
    /// The id that it had.
    pub id: ElectionId,
    /// The code that it had; another one may have it by now.
    pub code: Code,
    /// The slug that it had; another one may have it by now.
    pub slug: Option<Slug>,
    /// Its title, as it was corrected last.
    pub title: Text,
    /// What it was for.
    pub kind: Kind,
    /// How many entries its ledger had.
    pub entries: Seq,
    /// The chain over them: who has an export of them can show that it is the one.
    pub chain: Chain,
    /// Who removed it.
    pub by: Text,
    /// Why.
    pub reason: Option<Text>,
    /// When.
    pub time: Time,
}

impl Removed {
    /// What stays of an election that is locked. One of boxes that was opened stays itself, unless it is a rehearsal.
    pub(super) fn of(key: ElectionKey, locked: &Locked, removal: &Removal, now: Time) -> Result<Self, Rejection> {
        let Locked { head, state, election } = locked;
        let is_night = election.reporting.as_ref().is_some_and(|reporting| !reporting.rehearsal);
        if is_night && state.was_opened() {
            return Err(Rejection::AlreadyOpened);
        }
        Ok(Self {
            key,
            id: election.id,
            code: election.code.clone(),
            slug: election.slug.clone(),
            title: state.title(election).clone(),
            kind: election.kind,
            entries: head.seq,
            chain: head.chain,
            by: removal.by.clone(),
            reason: removal.reason.clone(),
            time: now.max(head.time),
        })
    }
}

/// The definition that takes the place of a locked one. Id, code, birth and being a rehearsal stay, whatever is asked.
pub(super) fn redefined(locked: &Locked, new: &NewElection, format: Format) -> Result<NewElection, LedgerError> {
    // A node of an earlier program would go on with the old one for ever.
    format.allow(Format::ACCESS)?;
    let Locked { state, election, .. } = locked;
    if election.kind != new.election.kind || election.kind == Kind::Election {
        return Err(Rejection::OtherKind.into());
    }
    if state.was_opened() {
        return Err(Rejection::AlreadyOpened.into());
    }
    let (id, code, created) = (election.id, election.code.clone(), election.created);
    let rehearsal = election.rehearsal;
    let election = Election { id, code, created, rehearsal, ..new.election.clone() };
    format.allow(election.format())?;
    Ok(NewElection { election, acts: new.acts.clone(), owner: None })
}

/// The columns of a row of `removed_election`, as texts are kept.
pub(super) struct RemovedTexts {
    pub(super) code: String,
    pub(super) slug: Option<String>,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) by: String,
    pub(super) reason: Option<String>,
}

/// What its columns say, where they say something.
pub(super) fn removed(
    key: ElectionKey,
    id: ElectionId,
    texts: &RemovedTexts,
    entries: Seq,
    chain: Chain,
    time: Time,
) -> Result<Removed, LedgerError> {
    let parsed = || {
        let kind = [Kind::Poll, Kind::Competition, Kind::Election].into_iter();
        Some(Removed {
            key,
            id,
            code: texts.code.parse().ok()?,
            slug: texts.slug.as_deref().map(str::parse).transpose().ok()?,
            title: Text::parse(&texts.title).ok()?,
            kind: kind.into_iter().find(|kind| kind.name() == texts.kind)?,
            entries,
            chain,
            by: Text::parse(&texts.by).ok()?,
            reason: texts.reason.as_deref().map(Text::parse).transpose().ok()?,
            time,
        })
    };
    parsed().ok_or_else(|| LedgerError::Damaged {
        table: "removed_election",
        key: key.0.to_string(),
        what: "it holds a text that is not allowed".to_owned(),
    })
}
