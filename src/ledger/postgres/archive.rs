//! [`Archive`] on PostgreSQL: whole pages in and out.
//!
//! Invariant: the mark of an unfinished copy is locked by whoever writes a page, so two runs never write at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{ElectionId, Event, Seq, SubmissionId, Time};
use tokio_postgres::Client;

use super::failure::Failure;
use super::ledger::PostgresLedger;
use super::pace::Pace;
use super::people;
use super::pool::{Doubt, Lease, within};
use super::rows::election_number;
use super::sql::format::raise;
use super::sql::{self, archive as rows, electorate, gone, parties, reports, tokens};
use crate::ledger::archive::{
    Continued, case_of_nothing, code_changed_since, conflict, continued, has_more_rounds, has_taken_the_place,
    revoked_since, same_parties, settled_since,
};
use crate::ledger::batch::{Decided, Locked};
use crate::ledger::{
    Archive, Case, Census, CodeNumber, Cut, ElectionKey, HashedToken, Holds, Installation, KeptCode, LedgerError, Page,
    Registered, Removed, Stored, Submitted, TokenId, Wanted,
};

#[async_trait]
impl Archive for PostgresLedger {
    async fn installation(&self) -> Result<Installation, LedgerError> {
        self.pool.read(|lease| async move { rows::installation(lease.client()).await }).await
    }

    async fn cuts(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Cut>, LedgerError> {
        self.pool.read(|lease| async move { rows::cuts(lease.client(), after, limit).await }).await
    }

    async fn submissions(
        &self,
        election: ElectionKey,
        after: Option<SubmissionId>,
        up_to: Seq,
        limit: usize,
    ) -> Result<Vec<Submitted>, LedgerError> {
        let look = |lease: Lease| async move { rows::submissions(lease.client(), election, after, up_to, limit).await };
        self.pool.read(look).await
    }

    async fn hashed_tokens(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<HashedToken>, LedgerError> {
        self.pool.read(|lease| async move { rows::hashed_tokens(lease.client(), after, limit).await }).await
    }

    async fn census(&self, election: ElectionKey) -> Result<Census, LedgerError> {
        self.pool.count(|lease| async move { rows::census(lease.client(), election).await }).await
    }

    async fn begin(&self, secret_check: [u8; 16]) -> Result<(), LedgerError> {
        self.in_transaction(Pace::Brief, |lease| async move { mark(lease.client(), secret_check).await }).await
    }

    async fn import(&self, page: Page) -> Result<(), LedgerError> {
        let page = &page;
        let pace = pace_of(page);
        self.in_transaction(pace, |lease| async move { self.import_into(lease.client(), pace, page).await }).await
    }

    async fn complete(&self) -> Result<(), LedgerError> {
        self.pool.write(Doubt::RunAgain, |lease| async move { rows::unmark(lease.client()).await }).await
    }
}

impl PostgresLedger {
    async fn import_into(&self, client: &Client, pace: Pace, page: &Page) -> Result<(), Failure> {
        if !within(rows::lock_mark(client)).await? {
            return Err(conflict("installation", "migrating", "the store is not marked as an unfinished copy").into());
        }
        match page {
            Page::Elections(page) => self.import_elections(client, page).await,
            Page::Entries(key, page) => import_entries(client, pace, *key, page).await,
            Page::Submissions(key, page) => import_submissions(client, *key, page).await,
            Page::Cases(key, page) => import_cases(client, *key, page).await,
            Page::Parties(key, page) => {
                same_parties(*key, &within(parties::parties(client, *key)).await?, page)?;
                within(parties::add_parties(client, *key, page)).await
            }
            Page::Codes(id, page) => import_codes(client, *id, page).await,
            Page::Joined(id, page) => within(electorate::note_joined(client, *id, page, Time(0))).await.map(drop),
            Page::Removed(page) => import_removed(client, page).await,
            Page::Tokens(page) => import_tokens(client, page).await,
            Page::Persons { after, up_to, persons } => people::import_persons(client, *after, *up_to, persons).await,
            Page::Members(key, members, links) => people::import_members(client, *key, members, links).await,
            Page::Invitations(page) => people::import_invitations(client, page).await,
            Page::Format(format) => within(raise(client, *format)).await.map(drop),
        }
    }

    async fn import_elections(&self, client: &Client, page: &[Registered]) -> Result<(), Failure> {
        let kept = within(rows::same_elections(client, page)).await?;
        let (mut new, mut grown) = (Vec::new(), Vec::new());
        for Registered { key, election } in page {
            if let Some((_, kept)) = kept.iter().find(|(other, _)| other == key) {
                if has_more_rounds(*key, kept, election)? {
                    grown.push((*key, super::columns::definition_text(*key, election)?));
                }
                continue;
            }
            let same_name = |(_, kept): &&(_, hustings_core::Election)| {
                kept.id == election.id
                    || kept.code == election.code
                    || (kept.slug.is_some() && kept.slug == election.slug)
            };
            if let Some((other, kept)) = kept.iter().find(same_name) {
                let head = within(sql::lock(client, &[election_number(*other)])).await?.remove(other);
                let was_opened = head.is_none_or(|(_, state)| state.was_opened());
                if has_taken_the_place((*key, election), (*other, kept), was_opened) {
                    within(gone::let_go(client, *other, None)).await?;
                    new.push((*key, election.as_ref(), self.new_epoch()));
                    continue;
                }
                return Err(conflict("election", other.0, &format!("it is {}, {}", kept.code, kept.title)).into());
            }
            new.push((*key, election.as_ref(), self.new_epoch()));
        }
        within(rows::create_numbered(client, &new)).await?;
        within(sql::redefine(client, grown)).await
    }
}

async fn import_codes(client: &Client, id: ElectionId, page: &[KeptCode]) -> Result<(), Failure> {
    let Some(first) = page.first() else { return Ok(()) };
    let before = CodeNumber(first.number.0.saturating_sub(1));
    let kept = within(electorate::codes(client, id, Some(before), page.len())).await?;
    let kept: HashMap<CodeNumber, KeptCode> = kept.into_iter().map(|code| (code.number, code)).collect();
    let mut new = Vec::new();
    for code in page {
        match kept.get(&code.number) {
            None => new.push(code.clone()),
            Some(kept) => {
                if code_changed_since(id, kept, code)? {
                    within(electorate::update_code(client, id, code)).await?;
                }
            }
        }
    }
    within(electorate::insert_codes(client, id, &new)).await
}

async fn import_removed(client: &Client, page: &[Removed]) -> Result<(), Failure> {
    for removed in page {
        match within(gone::removed_one(client, &Wanted::Key(removed.key))).await? {
            Some(kept) if kept == *removed => continue,
            Some(kept) => {
                let what = format!("it is {}, {}", kept.code, kept.title);
                return Err(conflict("removed_election", kept.key.0, &what).into());
            }
            None => within(gone::insert_removed(client, removed)).await?,
        }
        if within(sql::election(client, &Wanted::Key(removed.key))).await?.is_some() {
            within(gone::let_go(client, removed.key, Some(removed.id))).await?;
        }
    }
    Ok(())
}

async fn mark(client: &Client, secret_check: [u8; 16]) -> Result<(), Failure> {
    if !within(sql::secret_check(client, secret_check)).await? {
        return Err(conflict("installation", "secret_check", "it is that of another installation").into());
    }
    match within(rows::installation(client)).await?.holds {
        Holds::Nothing | Holds::Unfinished => within(rows::mark(client)).await,
        Holds::All => {
            Err(conflict("installation", "migrating", "there are elections, tokens or persons, and no mark").into())
        }
    }
}

/// One entry can hold hundreds of thousands of units.
fn pace_of(page: &Page) -> Pace {
    let Page::Entries(_, entries) = page else { return Pace::Brief };
    let units = |stored: &Stored| match &stored.entry.event {
        Event::UnitsAdded(added) => added.units.len(),
        _ => 0,
    };
    Pace::of_units(entries.iter().map(units).sum())
}

async fn import_entries(client: &Client, pace: Pace, key: ElectionKey, page: &[Stored]) -> Result<(), Failure> {
    let keys = [election_number(key)];
    let head = within(sql::lock(client, &keys)).await?.remove(&key);
    let election = within(sql::definitions(client, &keys)).await?.remove(&key);
    let (Some((head, state)), Some(election)) = (head, election) else {
        return Err(conflict("head", key.0, "there is none: its election comes first").into());
    };
    let locked = Locked { head, state, election: Arc::new(election) };
    let Continued { known, new, advance } = continued(key, locked, page.to_vec())?;
    let kept = within(rows::entry_bytes(client, key, known.iter().map(|stored| stored.entry.seq))).await?;
    for Stored { entry, bytes } in &known {
        if kept.get(&entry.seq).is_none_or(|kept| bytes != kept) {
            return Err(conflict("entry", format!("({}, {})", key.0, entry.seq), "it is another entry").into());
        }
    }
    let ids: Vec<SubmissionId> = new.iter().filter_map(|(_, stored)| stored.entry.event.id()).collect();
    if let Some((id, seq)) = within(rows::named_entries(client, key, ids.into_iter())).await?.into_iter().next() {
        return Err(other_submission(key, id, seq));
    }
    let advances = vec![Arc::new(advance)];
    let decided = Decided { entries: new, advances, ..Decided::default() };
    pace.within(sql::append(client, &decided)).await
}

async fn import_submissions(client: &Client, key: ElectionKey, page: &[Submitted]) -> Result<(), Failure> {
    let kept = within(rows::named_entries(client, key, page.iter().map(|one| one.id))).await?;
    let entries = within(rows::entry_bytes(client, key, page.iter().map(|one| one.seq))).await?;
    let mut aliases = Vec::new();
    for Submitted { id, seq } in page {
        match kept.get(id) {
            Some(kept) if kept == seq => {}
            Some(kept) => return Err(other_submission(key, *id, *kept)),
            None if !entries.contains_key(seq) => {
                let row = format!("({}, {seq})", key.0);
                return Err(conflict("entry", row, &format!("there is none, and submission {id} stands for it")).into());
            }
            None => aliases.push((key, *id, *seq)),
        }
    }
    within(sql::append(client, &Decided { aliases, ..Decided::default() })).await
}

fn other_submission(key: ElectionKey, id: SubmissionId, kept: Seq) -> Failure {
    conflict("submission", format!("({}, {id})", key.0), &format!("it stands for entry {kept}")).into()
}

async fn import_cases(client: &Client, key: ElectionKey, page: &[Case]) -> Result<(), Failure> {
    let entries = within(rows::entry_bytes(client, key, page.iter().map(|case| case.existing))).await?;
    for case in page {
        let settled = match within(reports::case(client, key, case.digest)).await? {
            None if !entries.contains_key(&case.existing) => return Err(case_of_nothing(case).into()),
            None => {
                within(reports::quarantine(client, case)).await?;
                case.settled.clone()
            }
            Some(kept) => settled_since(&kept, case)?,
        };
        if let Some(settled) = settled {
            within(reports::settle(client, key, case.digest, &settled)).await?;
        }
    }
    Ok(())
}

async fn import_tokens(client: &Client, page: &[HashedToken]) -> Result<(), Failure> {
    let kept = within(rows::same_tokens(client, page)).await?;
    let by_id: HashMap<TokenId, &HashedToken> = kept.iter().map(|one| (one.token.id, one)).collect();
    let by_hash: HashMap<[u8; 32], &HashedToken> = kept.iter().map(|one| (one.hash, one)).collect();
    let mut new = Vec::new();
    for imported in page {
        match by_id.get(&imported.token.id).or_else(|| by_hash.get(&imported.hash)) {
            None => new.push(imported),
            Some(kept) => {
                if let Some(at) = revoked_since(kept, imported)? {
                    within(tokens::revoke_token(client, imported.token.id, at)).await?;
                }
                if let Some(at) = imported.token.used.filter(|at| Some(*at) > kept.token.used) {
                    within(tokens::use_tokens(client, &[(imported.token.id, at)])).await?;
                }
            }
        }
    }
    within(rows::insert_tokens(client, &new)).await
}
