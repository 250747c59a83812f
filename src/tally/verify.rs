//! A copy held against its source: both are counted again from their first entries, and every row beside them is compared.

use std::sync::Arc;

use hustings_core::{ElectionId, Fold, Measure, Time, UnitNumber};

use super::recount;
use crate::ledger::{
    Archive, CASES_PAGE, COPY_PAGE, Census, Cut, ElectionKey, Elections, HashedToken, Ledger, LedgerError, Registered,
    Registry,
};

/// An election that is the same in both stores.
#[derive(Debug)]
pub struct Verified {
    /// Which one.
    pub registered: Registered,
    /// As it is counted in the source: what has been published.
    pub published: Fold,
    /// As it is counted in the copy.
    pub counted: Fold,
    /// How many rows both have beside the entries.
    pub census: Census,
}

/// Why a copy does not stand for its source.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// One of the stores.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The source took votes, elections or tokens after they were copied.
    #[error("the source has moved on while it was copied: stop whatever serves it, and run the same command again")]
    Moved,
    /// Something is not the same.
    #[error("the copy differs from its source in {what} of {of}: it must not be served")]
    Differs {
        /// What differs.
        what: &'static str,
        /// Where.
        of: String,
    },
}

/// Recounts every election in both stores, and gives them where nothing differs but the epochs.
pub async fn verify(from: &Arc<dyn Archive>, to: &Arc<dyn Archive>) -> Result<Vec<Verified>, VerifyError> {
    let (source, copy) = (Side::new(from), Side::new(to));
    let mut verified = Vec::new();
    let mut last = None;
    persons(from.as_ref(), to.as_ref()).await?;
    loop {
        let (ours, theirs) = (from.cuts(last, COPY_PAGE).await?, to.cuts(last, COPY_PAGE).await?);
        if ours.len() > theirs.len() {
            return Err(VerifyError::Moved);
        }
        same("the number of elections", &"the installation", ours.len() == theirs.len())?;
        let Some(end) = ours.last() else { break };
        last = Some(end.registered.key);
        for (one, other) in ours.into_iter().zip(theirs) {
            verified.push(election(&source, &copy, one, &other).await?);
        }
    }
    tokens(from.as_ref(), to.as_ref()).await?;
    removed(from.as_ref(), to.as_ref()).await?;
    let invitations = [from.invitations(Time(0)).await?, to.invitations(Time(0)).await?];
    same("the one-time links", &"the installation", invitations[0] == invitations[1])?;
    Ok(verified)
}

struct Side<'a> {
    archive: &'a dyn Archive,
    elections: Elections,
}

impl<'a> Side<'a> {
    fn new(archive: &'a Arc<dyn Archive>) -> Self {
        let registry: Arc<dyn Registry> = Arc::clone(archive) as _;
        Self { archive: archive.as_ref(), elections: Elections::new(registry) }
    }

    async fn counted(&self, cut: &Cut) -> Result<(Fold, Census), VerifyError> {
        let (key, ledger): (_, &dyn Ledger) = (cut.registered.key, self.archive);
        let counted = recount(ledger, &self.elections, key).await?.map(|snapshot| snapshot.fold);
        let of = cut.registered.election.code.to_string();
        let fold = counted.ok_or(VerifyError::Differs { what: "the ledger", of })?;
        Ok((fold, self.archive.census(key).await?))
    }
}

async fn election(source: &Side<'_>, copy: &Side<'_>, one: Cut, other: &Cut) -> Result<Verified, VerifyError> {
    let (ours, theirs) = (one.head, other.head);
    if ours.seq > theirs.seq {
        return Err(VerifyError::Moved);
    }
    let of = &one.registered.election.code;
    same("the definition", of, one.registered == other.registered)?;
    same("the head", of, (ours.seq, ours.time, ours.chain) == (theirs.seq, theirs.time, theirs.chain))?;
    let (published, census) = source.counted(&one).await?;
    let (counted, copied) = copy.counted(other).await?;
    same("the chain", of, (published.seq, published.chain) == (counted.seq, counted.chain))?;
    same("the state", of, published.state == counted.state)?;
    same("the totals", of, published.tally.agrees_with(&counted.tally))?;
    same("the number of votes that count", of, [census.ballots, copied.ballots] == [ballots(&published); 2])?;
    let key = one.registered.key;
    same("the parties", of, source.archive.parties(key).await? == copy.archive.parties(key).await?)?;
    same("the members", of, source.archive.members(key).await? == copy.archive.members(key).await?)?;
    same("the co-host links", of, source.archive.links(key).await? == copy.archive.links(key).await?)?;
    same("the number of submissions", of, census.submissions == copied.submissions)?;
    let units = u64::from(published.state.units.count).saturating_sub(1);
    same("the number of units", of, [census.units, copied.units] == [units; 2])?;
    same("the number of reports", of, census.reports == copied.reports)?;
    same("the number of reports that count", of, [census.counted, copied.counted] == [boxes(&published); 2])?;
    if census.cases > copied.cases {
        return Err(VerifyError::Moved);
    }
    let key = one.registered.key;
    same("the units", of, same_units(source.archive, copy.archive, key).await?)?;
    same("the quarantine", of, same_cases(source.archive, copy.archive, key).await?)?;
    let id = one.registered.election.id;
    same("the access codes", of, same_codes(source.archive, copy.archive, id).await?)?;
    let since = Time(u64::MAX);
    if source.archive.joined(id, since).await? != copy.archive.joined(id, since).await? {
        return Err(VerifyError::Moved);
    }
    Ok(Verified { registered: one.registered, published, counted, census })
}

fn ballots(fold: &Fold) -> u64 {
    total(fold, &[Measure::Ballots])
}

/// Boxes whose report counts, once for each contest.
fn boxes(fold: &Fold) -> u64 {
    total(fold, &[Measure::BoxesProvisional, Measure::BoxesFinal])
}

/// In all contests, places and groups.
fn total(fold: &Fold, measures: &[Measure]) -> u64 {
    fold.tally.iter().filter(|(cell, _)| measures.contains(&cell.measure)).map(|(_, total)| total.get()).sum()
}

/// Whether both stores give the same tree to whoever decides or shows.
async fn same_units(from: &dyn Archive, to: &dyn Archive, key: ElectionKey) -> Result<bool, LedgerError> {
    let (ours, theirs) = (from.units(key, None).await?, to.units(key, None).await?);
    Ok(ours.next() == theirs.next() && (0..ours.next().0).map(UnitNumber).all(|at| ours.get(at) == theirs.get(at)))
}

async fn same_cases(from: &dyn Archive, to: &dyn Archive, key: ElectionKey) -> Result<bool, LedgerError> {
    let mut last = None;
    loop {
        let ours = from.cases(key, last, false, CASES_PAGE).await?;
        if ours != to.cases(key, last, false, CASES_PAGE).await? {
            return Ok(false);
        }
        let Some(end) = ours.last() else { return Ok(true) };
        last = Some(end.digest);
    }
}

/// Whether both stores know the same access codes.
async fn same_codes(from: &dyn Archive, to: &dyn Archive, id: ElectionId) -> Result<bool, LedgerError> {
    let mut last = None;
    loop {
        let ours = from.codes(id, last, COPY_PAGE).await?;
        if ours != to.codes(id, last, COPY_PAGE).await? {
            return Ok(false);
        }
        let Some(end) = ours.last() else { return Ok(true) };
        last = Some(end.number);
    }
}

async fn tokens(from: &dyn Archive, to: &dyn Archive) -> Result<(), VerifyError> {
    let mut last = None;
    loop {
        let (ours, theirs) = (from.hashed_tokens(last, COPY_PAGE).await?, to.hashed_tokens(last, COPY_PAGE).await?);
        let end = ours.last().map(|end| end.token.id);
        same("the tokens", &"the installation", as_made(ours) == as_made(theirs))?;
        let Some(end) = end else { return Ok(()) };
        last = Some(end);
    }
}

/// What stays of removed elections.
async fn removed(from: &dyn Archive, to: &dyn Archive) -> Result<(), VerifyError> {
    let mut last = None;
    loop {
        let (ours, theirs) = (from.removed(last, COPY_PAGE).await?, to.removed(last, COPY_PAGE).await?);
        same("the removed elections", &"the installation", ours == theirs)?;
        let Some(end) = ours.last() else { return Ok(()) };
        last = Some(end.key);
    }
}

async fn persons(from: &dyn Archive, to: &dyn Archive) -> Result<(), VerifyError> {
    let mut last = None;
    loop {
        let (ours, theirs) = (from.persons(last, COPY_PAGE).await?, to.persons(last, COPY_PAGE).await?);
        if ours.len() > theirs.len() {
            return Err(VerifyError::Moved);
        }
        same("the persons", &"the installation", ours == theirs)?;
        let Some(end) = ours.last() else { return Ok(()) };
        last = Some(end.id);
    }
}

/// When a token was used may have moved since.
fn as_made(tokens: Vec<HashedToken>) -> Vec<HashedToken> {
    let as_made = |mut one: HashedToken| {
        one.token.used = None;
        one
    };
    tokens.into_iter().map(as_made).collect()
}

fn same(what: &'static str, of: &dyn std::fmt::Display, is: bool) -> Result<(), VerifyError> {
    if is { Ok(()) } else { Err(VerifyError::Differs { what, of: of.to_string() }) }
}
