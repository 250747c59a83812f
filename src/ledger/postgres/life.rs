//! Definitions that are replaced, and elections that are removed.
//!
//! Invariant: both are decided behind the lock of the head, and a lost answer to a commit is looked up: a replaced definition
//! has the epoch that was drawn for it, and a removed election has its row.

use std::collections::HashMap;
use std::sync::Arc;

use hustings_core::{Epoch, Format, Submission};
use tokio_postgres::Client;

use super::append;
use super::failure::Failure;
use super::ledger::PostgresLedger;
use super::pool::within;
use super::registry::taken;
use super::rows::election_number;
use super::sql::{self, format::format, gone};
use crate::ledger::batch::{self, Locked};
use crate::ledger::removed::redefined;
use crate::ledger::{Addressed, Answer, ElectionKey, LedgerError, NewElection, Registered, Removal, Removed, Wanted};

/// One ledger with its definition, locked until the transaction ends; none where it is gone.
async fn locked(client: &Client, key: ElectionKey) -> Result<Option<Locked>, Failure> {
    let keys = [election_number(key)];
    let Some((head, state)) = within(sql::lock(client, &keys)).await?.remove(&key) else { return Ok(None) };
    let election = within(sql::definitions(client, &keys)).await?.remove(&key);
    let damaged =
        || LedgerError::Damaged { table: "head", key: key.0.to_string(), what: "its election has no row".to_owned() };
    Ok(Some(Locked { head, state, election: Arc::new(election.ok_or_else(damaged)?) }))
}

impl PostgresLedger {
    /// Inside a transaction: replaces a definition, or finds that an earlier try with this epoch did.
    pub(super) async fn redefine_in(
        &self,
        client: &Client,
        key: ElectionKey,
        new: &NewElection,
        epoch: Epoch,
    ) -> Result<Option<Registered>, Failure> {
        let Some(old) = locked(client, key).await? else { return made_before(client, new, epoch).await };
        let format = within(format(client)).await?;
        let new = redefined(&old, new, format)?;
        within(gone::let_go(client, key, None)).await?;
        let created = within(sql::create(client, &new.election, new.owner, epoch)).await;
        let (made, locked) = created.map_err(|failure| taken(&failure).map_or(failure, Failure::Ledger))?;
        let acts = new.acts.iter().cloned().map(Submission::Act);
        let acts = acts.map(|submission| Addressed { election: made, submission }).collect();
        let locked = HashMap::from([(made, locked)]);
        let decided = batch::decide(acts, locked, format, self.clock.now(), &mut append::nothing_known())?;
        for answer in &decided.answers {
            if let Answer::Rejected(rejection, _) = answer {
                let what = format!("the first acts on the new definition cannot be: {rejection}");
                return Err(LedgerError::Unavailable(what).into());
            }
        }
        if !decided.entries.is_empty() {
            within(sql::append(client, &decided)).await?;
        }
        within(gone::hand_over(client, key, made)).await?;
        Ok(Some(Registered { key: made, election: Arc::new(new.election) }))
    }

    /// Inside a transaction: removes an election, or finds that it was removed before.
    pub(super) async fn remove_in(
        &self,
        client: &Client,
        key: ElectionKey,
        removal: &Removal,
    ) -> Result<Option<Removed>, Failure> {
        let Some(locked) = locked(client, key).await? else {
            return within(gone::removed_one(client, &Wanted::Key(key))).await;
        };
        within(format(client)).await?.allow(Format::ACCESS).map_err(LedgerError::from)?;
        let removed = Removed::of(key, &locked, removal, self.clock.now()).map_err(LedgerError::from)?;
        within(gone::insert_removed(client, &removed)).await?;
        within(gone::revoke_tokens(client, key, removed.time)).await?;
        within(gone::let_go(client, key, Some(removed.id))).await?;
        Ok(Some(removed))
    }
}

async fn made_before(client: &Client, new: &NewElection, epoch: Epoch) -> Result<Option<Registered>, Failure> {
    let Some((key, election)) = within(sql::election(client, &Wanted::Id(new.election.id))).await? else {
        return Ok(None);
    };
    let heads = within(sql::heads(client, &[key])).await?;
    let is_ours = heads.first().is_some_and(|(_, head)| head.epoch == epoch);
    Ok(is_ours.then(|| Registered { key, election: Arc::new(election) }))
}
