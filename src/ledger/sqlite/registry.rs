//! [`Registry`] on SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{Party, Rejection, Submission, Time};

use super::ledger::{SqliteLedger, append_in, begin, new_epoch};
use super::sql;
use crate::ledger::{
    Addressed, Answer, ElectionKey, LedgerError, NewElection, NewToken, Registered, Registry, Token, TokenId, Wanted,
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
                let key = sql::create(&tx, None, &new.election, epoch)?;
                let acts =
                    new.acts.into_iter().map(|act| Addressed { election: key, submission: Submission::Act(act) });
                let (committed, grown) = append_in(&tx, acts.collect(), &trees, now)?;
                // All or nothing: an act that is refused takes the election with it.
                if let Some(rejection) = committed.answers.iter().find_map(refused) {
                    let what = format!("the first acts on the new election cannot be: {rejection}");
                    return Err(LedgerError::Unavailable(what).into());
                }
                // With the contests that its first acts have added.
                let election = sql::election(&tx, &Wanted::Key(key))?.map_or(new.election, |(_, election)| election);
                tx.commit()?;
                grown.keep(&trees, &committed);
                Ok(Registered { key, election: Arc::new(election) })
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

fn refused(answer: &Answer) -> Option<Rejection> {
    match answer {
        Answer::Rejected(rejection, _) => Some(*rejection),
        _ => None,
    }
}
