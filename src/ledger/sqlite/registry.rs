//! [`Registry`] on SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{Epoch, Format, Party, Rejection, Submission, Time};
use rusqlite::Transaction;

use super::ledger::{Grown, SqliteLedger, append_in, begin, new_epoch};
use super::sql;
use super::writer::Failure;
use crate::ledger::removed::redefined;
use crate::ledger::trees::Trees;
use crate::ledger::{
    Addressed, Answer, Committed, ElectionKey, LedgerError, NewElection, NewToken, Registered, Registry, Removal,
    Removed, Token, TokenId, Wanted,
};

#[async_trait]
impl Registry for SqliteLedger {
    async fn create(&self, new: NewElection) -> Result<Registered, LedgerError> {
        let epoch = new_epoch(self.random.as_ref());
        let (now, trees) = (self.clock.now(), Arc::clone(&self.trees));
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                sql::format::format(&tx)?.allow(new.election.format()).map_err(LedgerError::from)?;
                let (created, committed, grown) = create_in(&tx, new, epoch, &trees, now)?;
                tx.commit()?;
                grown.keep(&trees, &committed);
                Ok(created)
            })
            .await
    }

    async fn redefine(&self, key: ElectionKey, new: NewElection) -> Result<Option<Registered>, LedgerError> {
        let epoch = new_epoch(self.random.as_ref());
        let (now, trees) = (self.clock.now(), Arc::clone(&self.trees));
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                let Some(locked) = sql::lock(&tx, &trees.definitions, &[key])?.remove(&key) else { return Ok(None) };
                let new = redefined(&locked, &new, sql::format::format(&tx)?)?;
                sql::gone::let_go(&tx, key, None)?;
                let (created, committed, grown) = create_in(&tx, new, epoch, &trees, now)?;
                sql::gone::hand_over(&tx, key, created.key)?;
                tx.commit()?;
                grown.keep(&trees, &committed);
                Ok(Some(created))
            })
            .await
    }

    async fn remove(&self, key: ElectionKey, removal: Removal) -> Result<Option<Removed>, LedgerError> {
        let (now, trees) = (self.clock.now(), Arc::clone(&self.trees));
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                let Some(locked) = sql::lock(&tx, &trees.definitions, &[key])?.remove(&key) else {
                    return sql::gone::removed_one(&tx, &Wanted::Key(key));
                };
                sql::format::format(&tx)?.allow(Format::ACCESS).map_err(LedgerError::from)?;
                let removed = Removed::of(key, &locked, &removal, now).map_err(LedgerError::from)?;
                sql::gone::note_removed(&tx, &removed)?;
                sql::gone::let_go(&tx, key, Some(removed.id))?;
                tx.commit()?;
                Ok(Some(removed))
            })
            .await
    }

    async fn removed(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Removed>, LedgerError> {
        self.readers.run(move |connection| sql::gone::removed(connection, after, limit)).await
    }

    async fn removed_one(&self, wanted: Wanted) -> Result<Option<Removed>, LedgerError> {
        self.readers.run(move |connection| sql::gone::removed_one(connection, &wanted)).await
    }

    async fn erase(&self, limit: usize) -> Result<usize, LedgerError> {
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                let erased = sql::gone::erase(&tx, limit)?;
                tx.commit()?;
                Ok(erased)
            })
            .await
    }

    async fn election(&self, wanted: Wanted) -> Result<Option<Registered>, LedgerError> {
        let found = self.readers.run(move |connection| sql::election(connection, &wanted)).await?;
        Ok(found.map(|(key, election)| Registered { key, election: Arc::new(election) }))
    }

    async fn elections(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Registered>, LedgerError> {
        let found = self.readers.run(move |connection| sql::elections(connection, after, limit)).await?;
        Ok(found.into_iter().map(|(key, election)| Registered { key, election: Arc::new(election) }).collect())
    }

    async fn create_tokens(&self, tokens: Vec<NewToken>) -> Result<Vec<TokenId>, LedgerError> {
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                let made = tokens.iter().map(|token| sql::create_token(&tx, token)).collect::<Result<_, _>>()?;
                tx.commit()?;
                Ok(made)
            })
            .await
    }

    async fn token(&self, hash: [u8; 32]) -> Result<Option<Token>, LedgerError> {
        self.readers.run(move |connection| sql::token(connection, hash)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, LedgerError> {
        self.readers.run(sql::tokens).await
    }

    async fn revoke_token(&self, id: TokenId, at: Time) -> Result<bool, LedgerError> {
        self.writer.run(move |connection| sql::revoke_token(connection, id, at)).await
    }

    async fn use_tokens(&self, uses: Vec<(TokenId, Time)>) -> Result<(), LedgerError> {
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                uses.into_iter().try_for_each(|(id, at)| sql::use_token(&tx, id, at))?;
                Ok(tx.commit()?)
            })
            .await
    }

    async fn add_parties(&self, election: ElectionKey, parties: Vec<Party>) -> Result<(), LedgerError> {
        self.writer
            .run(move |connection| {
                let tx = begin(connection)?;
                sql::parties::add_parties(&tx, election, &parties)?;
                Ok(tx.commit()?)
            })
            .await
    }

    async fn parties(&self, election: ElectionKey) -> Result<Vec<Party>, LedgerError> {
        self.readers.run(move |connection| sql::parties::parties(connection, election)).await
    }

    async fn issue_ticket(&self, hash: [u8; 32], election: ElectionKey, expires: Time) -> Result<(), LedgerError> {
        self.writer.run(move |connection| sql::issue_ticket(connection, hash, election, expires)).await
    }

    async fn spend_ticket(&self, hash: [u8; 32], election: ElectionKey, now: Time) -> Result<bool, LedgerError> {
        self.writer.run(move |connection| sql::spend_ticket(connection, hash, election, now)).await
    }
}

/// Keeps a new election and appends its first acts, inside a transaction that the caller commits.
fn create_in(
    tx: &Transaction<'_>,
    new: NewElection,
    epoch: Epoch,
    trees: &Trees,
    now: Time,
) -> Result<(Registered, Committed, Grown), Failure> {
    let key = sql::create(tx, None, &new.election, epoch)?;
    if let Some(owner) = new.owner {
        sql::members::own(tx, key, owner)?;
    }
    let acts = new.acts.into_iter().map(|act| Addressed { election: key, submission: Submission::Act(act) });
    let (committed, grown) = append_in(tx, acts.collect(), trees, now)?;
    // All or nothing: an act that is refused takes the election with it.
    if let Some(rejection) = committed.answers.iter().find_map(refused) {
        let what = format!("the first acts on the new election cannot be: {rejection}");
        return Err(LedgerError::Unavailable(what).into());
    }
    // With the contests that its first acts have added.
    let election = sql::election(tx, &Wanted::Key(key))?.map_or(new.election, |(_, election)| election);
    Ok((Registered { key, election: Arc::new(election) }, committed, grown))
}

fn refused(answer: &Answer) -> Option<Rejection> {
    match answer {
        Answer::Rejected(rejection, _) => Some(*rejection),
        _ => None,
    }
}
