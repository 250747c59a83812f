//! The copy of a whole installation into another store, from wherever an earlier run stopped.
//!
//! Invariant: only an empty store, or an unfinished copy of the same installation, is ever written to. Each election is cut
//! to where its ledger stood when it was listed, so that a source may take votes meanwhile. It must not know: what kinds
//! of stores there are, or how a finished copy is verified.

use hustings_core::{Seq, Time};

use super::archive::conflict;
use super::{Archive, Case, Cut, ElectionKey, Holds, LedgerError, Page, Registered};

/// How many rows are copied in one transaction: a run that is killed does at most so many again.
pub const COPY_PAGE: usize = 2_000;

/// How many reports in quarantine are copied in one transaction: each holds a whole request.
pub const CASES_PAGE: usize = 100;

/// How far one election's copy has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Which election.
    pub registered: &'a Registered,
    /// The last entry that was copied.
    pub copied: Seq,
    /// The last entry to copy.
    pub of: Seq,
}

/// What a copy found to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// Everything is copied; the target is still marked as unfinished.
    Now,
    /// The target was complete before; it was left alone.
    Before,
}

/// Why nothing, or no more, was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the stores.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is nothing to copy from.
    #[error("the source holds no installation: check its URL")]
    NoSource,
    /// The source is itself half a copy.
    #[error("the source is a copy that was not finished: finish that one first, or copy from its own source")]
    SourceUnfinished,
    /// The target is in use for something else.
    #[error("the target holds another installation: choose an empty one")]
    OtherInstallation,
}

/// Copies everything that must survive. Killed at any instant and run again, it goes on where it stopped.
pub async fn copy(
    from: &dyn Archive,
    to: &dyn Archive,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Copied, CopyError> {
    let (source, target) = (from.installation().await?, to.installation().await?);
    let secret_check = match (source.secret_check, source.holds) {
        (None, _) => return Err(CopyError::NoSource),
        (_, Holds::Unfinished) => return Err(CopyError::SourceUnfinished),
        (Some(secret_check), _) => secret_check,
    };
    match (target.holds, target.secret_check) {
        (Holds::Nothing, None) => {}
        (_, other) if other != Some(secret_check) => return Err(CopyError::OtherInstallation),
        (Holds::All, _) => return Ok(Copied::Before),
        (Holds::Nothing | Holds::Unfinished, _) => {}
    }
    to.begin(secret_check).await?;
    copy_persons(from, to).await?;
    let mut last: Option<ElectionKey> = None;
    loop {
        let cuts = from.cuts(last, COPY_PAGE).await?;
        let Some(end) = cuts.last() else { break };
        last = Some(end.registered.key);
        to.import(Page::Elections(cuts.iter().map(|cut| cut.registered.clone()).collect())).await?;
        for cut in &cuts {
            copy_entries(from, to, cut, progress).await?;
            copy_submissions(from, to, cut).await?;
            copy_cases(from, to, cut).await?;
            copy_electorate(from, to, cut).await?;
            let parties = from.parties(cut.registered.key).await?;
            if !parties.is_empty() {
                to.import(Page::Parties(cut.registered.key, parties)).await?;
            }
            copy_members(from, to, cut.registered.key).await?;
        }
    }
    copy_tokens(from, to).await?;
    // After the elections: one that is removed while it is copied is in both, and goes.
    copy_removed(from, to).await?;
    to.import(Page::Invitations(from.invitations(Time(0)).await?)).await?;
    // Asked last: it allows every entry that was read before, also where it rose meanwhile.
    to.import(Page::Format(from.installation().await?.format)).await?;
    Ok(Copied::Now)
}

async fn copy_entries(
    from: &dyn Archive,
    to: &dyn Archive,
    cut: &Cut,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<(), LedgerError> {
    let key = cut.registered.key;
    loop {
        let Some((_, copied)) = to.heads(&[key]).await?.first().copied() else {
            return Err(conflict("head", key.0, "there is none"));
        };
        progress(Progress { registered: &cut.registered, copied: copied.seq, of: cut.head.seq });
        if copied.seq >= cut.head.seq {
            let same = (copied.seq, copied.chain) == (cut.head.seq, cut.head.chain);
            let what = format!("up to entry {} it has another history than the source", copied.seq);
            return same.then_some(()).ok_or_else(|| conflict("head", key.0, &what));
        }
        let left = usize::try_from(cut.head.seq.0 - copied.seq.0).unwrap_or(COPY_PAGE);
        let page = from.read(key, copied.seq, left.min(COPY_PAGE)).await?;
        if page.is_empty() && from.heads(&[key]).await?.is_empty() {
            // Removed, or replaced by another definition, while it was copied.
            return Ok(());
        }
        if page.is_empty() {
            let what = format!("it ends after entry {}, and its head says {}", copied.seq, cut.head.seq);
            return Err(LedgerError::Damaged { table: "entry", key: format!("of election {}", key.0), what });
        }
        to.import(Page::Entries(key, page)).await?;
    }
}

async fn copy_submissions(from: &dyn Archive, to: &dyn Archive, cut: &Cut) -> Result<(), LedgerError> {
    let key = cut.registered.key;
    let mut last = None;
    loop {
        let page = from.submissions(key, last, cut.head.seq, COPY_PAGE).await?;
        let Some(end) = page.last() else { return Ok(()) };
        last = Some(end.id);
        to.import(Page::Submissions(key, page)).await?;
    }
}

async fn copy_cases(from: &dyn Archive, to: &dyn Archive, cut: &Cut) -> Result<(), LedgerError> {
    let key = cut.registered.key;
    let mut last = None;
    loop {
        let mut page = from.cases(key, last, false, CASES_PAGE).await?;
        let Some(end) = page.last() else { return Ok(()) };
        last = Some(end.digest);
        page.retain(|case| case.existing <= cut.head.seq);
        page.iter_mut().for_each(|case| cut_to(cut, case));
        if !page.is_empty() {
            to.import(Page::Cases(key, page)).await?;
        }
    }
}

/// A case that was filed as an entry behind the cut waits in the copy, where filing it again does what it did.
fn cut_to(cut: &Cut, case: &mut Case) {
    let is_behind = case.settled.as_ref().and_then(|settled| settled.filed).is_some_and(|filed| filed > cut.head.seq);
    if is_behind {
        case.settled = None;
    }
}

async fn copy_electorate(from: &dyn Archive, to: &dyn Archive, cut: &Cut) -> Result<(), LedgerError> {
    let id = cut.registered.election.id;
    let mut last = None;
    loop {
        let page = from.codes(id, last, COPY_PAGE).await?;
        let Some(end) = page.last() else { break };
        last = Some(end.number);
        to.import(Page::Codes(id, page)).await?;
    }
    let mut last = None;
    loop {
        let page = from.joined_devices(id, last, COPY_PAGE).await?;
        let Some(end) = page.last() else { return Ok(()) };
        last = Some(*end);
        to.import(Page::Joined(id, page)).await?;
    }
}

async fn copy_removed(from: &dyn Archive, to: &dyn Archive) -> Result<(), LedgerError> {
    let mut last = None;
    loop {
        let page = from.removed(last, COPY_PAGE).await?;
        let Some(end) = page.last() else { return Ok(()) };
        last = Some(end.key);
        to.import(Page::Removed(page)).await?;
    }
}

async fn copy_tokens(from: &dyn Archive, to: &dyn Archive) -> Result<(), LedgerError> {
    let mut last = None;
    loop {
        let page = from.hashed_tokens(last, COPY_PAGE).await?;
        let Some(end) = page.last() else { return Ok(()) };
        last = Some(end.token.id);
        to.import(Page::Tokens(page)).await?;
    }
}

async fn copy_persons(from: &dyn Archive, to: &dyn Archive) -> Result<(), LedgerError> {
    let mut after = None;
    loop {
        let persons = from.persons(after, COPY_PAGE).await?;
        let up_to = persons.last().map(|last| last.id);
        to.import(Page::Persons { after, up_to, persons }).await?;
        if up_to.is_none() {
            return Ok(());
        }
        after = up_to;
    }
}

/// Most elections of a large installation have neither; for them nothing is written.
async fn copy_members(from: &dyn Archive, to: &dyn Archive, key: ElectionKey) -> Result<(), LedgerError> {
    let (members, links) = (from.members(key).await?, from.links(key).await?);
    if (&members, &links) != (&to.members(key).await?, &to.links(key).await?) {
        to.import(Page::Members(key, members, links)).await?;
    }
    Ok(())
}
