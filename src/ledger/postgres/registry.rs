//! [`Registry`] on PostgreSQL.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use hustings_core::{ActKind, Election, Epoch, Party, Submission, Time};
use tokio_postgres::Client;

use super::append::{self, Definitions, Stopped};
use super::failure::{Failure, Patience};
use super::ledger::PostgresLedger;
use super::pace::Pace;
use super::pool::{Doubt, Lease, in_order, within};
use super::sql;
use super::sql::format::format;
use super::sql::{gone, parties, tokens};
use crate::ledger::batch::{self, Decided};
use crate::ledger::{
    Addressed, Answer, Archive, ElectionKey, LedgerError, NewElection, NewToken, Registered, Registry, Removal,
    Removed, Token, TokenId, Wanted,
};

#[async_trait]
impl Registry for PostgresLedger {
    async fn create(&self, new: NewElection) -> Result<Registered, LedgerError> {
        let epoch = self.new_epoch();
        let mut patience = Patience::new();
        let mut is_in_doubt = false;
        loop {
            let failure = match self.attempt_to_create(&new, epoch).await {
                Ok((key, election)) => return Ok(Registered { key, election: Arc::new(election) }),
                // Another attempt may have been stored although its answer was lost. The id is nobody else's.
                Err(Stopped::Nothing(failure)) if is_in_doubt && failure.taken().is_some() => {
                    match self.election(Wanted::Id(new.election.id)).await? {
                        Some(found) => return Ok(found),
                        None => failure,
                    }
                }
                Err(Stopped::Nothing(failure)) => failure,
                Err(Stopped::Unknown(_, failure)) => {
                    is_in_doubt = true;
                    failure
                }
            };
            patience.after(failure).await.map_err(|failure| match taken(&failure) {
                Some(error) => error,
                None if is_in_doubt => LedgerError::InDoubt,
                None => failure.into(),
            })?;
        }
    }

    async fn election(&self, wanted: Wanted) -> Result<Option<Registered>, LedgerError> {
        let wanted = &wanted;
        let found = self.pool.read(|lease| async move { sql::election(lease.client(), wanted).await }).await;
        Ok(self.understood(found).await?.map(registered))
    }

    async fn elections(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Registered>, LedgerError> {
        let found = self.pool.read(|lease| async move { sql::elections(lease.client(), after, limit).await }).await;
        Ok(self.understood(found).await?.into_iter().map(registered).collect())
    }

    async fn redefine(&self, key: ElectionKey, new: NewElection) -> Result<Option<Registered>, LedgerError> {
        let (epoch, new) = (self.new_epoch(), &new);
        let redefine = |lease: Lease| async move { self.redefine_in(lease.client(), key, new, epoch).await };
        self.in_transaction(Pace::Brief, redefine).await
    }

    async fn remove(&self, key: ElectionKey, removal: Removal) -> Result<Option<Removed>, LedgerError> {
        let removal = &removal;
        let remove = |lease: Lease| async move { self.remove_in(lease.client(), key, removal).await };
        self.in_transaction(Pace::Brief, remove).await
    }

    async fn removed(&self, after: Option<ElectionKey>, limit: usize) -> Result<Vec<Removed>, LedgerError> {
        self.pool.read(|lease| async move { gone::removed(lease.client(), after, limit).await }).await
    }

    async fn removed_one(&self, wanted: Wanted) -> Result<Option<Removed>, LedgerError> {
        let wanted = &wanted;
        self.pool.read(|lease| async move { gone::removed_one(lease.client(), wanted).await }).await
    }

    async fn erase(&self, limit: usize) -> Result<usize, LedgerError> {
        let erase = |lease: Lease| async move {
            match within(gone::gone(lease.client())).await? {
                Some(gone) => within(gone::erase(lease.client(), gone, limit)).await,
                None => Ok(0),
            }
        };
        self.in_transaction(Pace::Brief, erase).await
    }

    async fn create_tokens(&self, tokens: Vec<NewToken>) -> Result<Vec<TokenId>, LedgerError> {
        let new = &tokens;
        self.pool.write(Doubt::Tell, |lease| async move { tokens::create_tokens(lease.client(), new).await }).await
    }

    async fn token(&self, hash: [u8; 32]) -> Result<Option<Token>, LedgerError> {
        self.pool.read(|lease| async move { tokens::token(lease.client(), hash).await }).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, LedgerError> {
        self.pool.read(|lease| async move { tokens::tokens(lease.client()).await }).await
    }

    async fn revoke_token(&self, id: TokenId, at: Time) -> Result<bool, LedgerError> {
        self.pool.write(Doubt::Tell, |lease| async move { tokens::revoke_token(lease.client(), id, at).await }).await
    }

    async fn use_tokens(&self, uses: Vec<(TokenId, Time)>) -> Result<(), LedgerError> {
        let uses = &uses;
        self.pool.write(Doubt::RunAgain, |lease| async move { tokens::use_tokens(lease.client(), uses).await }).await
    }

    async fn add_parties(&self, election: ElectionKey, parties: Vec<Party>) -> Result<(), LedgerError> {
        let new = &parties;
        let add = |lease: Lease| async move { parties::add_parties(lease.client(), election, new).await };
        self.pool.write(Doubt::RunAgain, add).await
    }

    async fn parties(&self, election: ElectionKey) -> Result<Vec<Party>, LedgerError> {
        self.pool.read(|lease| async move { parties::parties(lease.client(), election).await }).await
    }

    async fn issue_ticket(&self, hash: [u8; 32], election: ElectionKey, expires: Time) -> Result<(), LedgerError> {
        let issue = |lease: Lease| async move { tokens::issue_ticket(lease.client(), hash, election, expires).await };
        self.pool.write(Doubt::Tell, issue).await
    }

    async fn spend_ticket(&self, hash: [u8; 32], election: ElectionKey, now: Time) -> Result<bool, LedgerError> {
        let spend = |lease: Lease| async move { tokens::spend_ticket(lease.client(), hash, election, now).await };
        self.pool.write(Doubt::Tell, spend).await
    }
}

impl PostgresLedger {
    /// A definition that cannot be read is no damage where a later program may have written it.
    pub(super) async fn understood<T>(&self, found: Result<T, LedgerError>) -> Result<T, LedgerError> {
        match found {
            Err(damaged @ LedgerError::Damaged { .. }) => Err(match self.installation().await {
                Err(newer @ LedgerError::NewerFormat { .. }) => newer,
                _ => damaged,
            }),
            other => other,
        }
    }

    async fn attempt_to_create(&self, new: &NewElection, epoch: Epoch) -> Result<(ElectionKey, Election), Stopped> {
        let lease = self.pool.lease().await?;
        let pace = pace_of(new);
        match self.begin_to_create(lease.client(), pace, new, epoch).await {
            Ok((key, decided)) => {
                let definitions = Definitions::from([(key, Arc::new(new.election.clone()))]);
                let decided = append::store(lease, pace, decided, &definitions).await?;
                append::keep_grown(&decided.trees, &decided.advances, &self.trees);
                // With the contests that its first acts have added.
                let mut election = new.election.clone();
                election.contests.extend(decided.rounds.into_iter().map(|(_, contest)| contest));
                Ok((key, election))
            }
            Err(failure) => {
                lease.end_after(&failure).await;
                Err(failure.into())
            }
        }
    }

    /// All or nothing: an act that is refused takes the election with it.
    async fn begin_to_create(
        &self,
        client: &Client,
        pace: Pace,
        new: &NewElection,
        epoch: Epoch,
    ) -> Result<(ElectionKey, Decided), Failure> {
        let creating = in_order(format(client), sql::create(client, &new.election, new.owner, epoch));
        let (_, (format, (key, locked))) = pace.within(in_order(pace.begin(client), creating)).await?;
        format.allow(new.election.format()).map_err(LedgerError::from)?;
        let acts = new.acts.iter().cloned().map(Submission::Act);
        let acts = acts.map(|submission| Addressed { election: key, submission }).collect();
        let locked = HashMap::from([(key, locked)]);
        let decided = batch::decide(acts, locked, format, self.clock.now(), &mut append::nothing_known())?;
        for answer in &decided.answers {
            if let Answer::Rejected(rejection, _) = answer {
                let what = format!("the first acts on the new election cannot be: {rejection}");
                return Err(LedgerError::Unavailable(what).into());
            }
        }
        Ok((key, decided))
    }
}

/// An election may bring its units along.
fn pace_of(new: &NewElection) -> Pace {
    let units = |act: &hustings_core::Act| match &act.kind {
        ActKind::AddUnits(units) => units.len(),
        _ => 0,
    };
    Pace::of_units(new.acts.iter().map(units).sum())
}

fn registered((key, election): (ElectionKey, hustings_core::Election)) -> Registered {
    Registered { key, election: Arc::new(election) }
}

/// Which of a new election's names another one has.
pub(super) fn taken(failure: &Failure) -> Option<LedgerError> {
    match failure.taken()? {
        "election_slug_key" => Some(LedgerError::SlugTaken),
        "election_code_key" => Some(LedgerError::CodeTaken),
        _ => None,
    }
}
