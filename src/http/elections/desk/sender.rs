//! Who reports, and in which election.

use axum::http::HeaderMap;
use hustings_core::{Text, UnitNumber, Units};

use super::super::find;
use crate::http::Services;
use crate::http::api::actor;
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::ledger::{Registered, Scope};

/// The holder of a token that may report in an election, somewhere at least.
pub(super) struct Sender {
    pub(super) found: Registered,
    pub(super) by: Text,
    caller: Caller,
}

impl Sender {
    /// Finds out who reports. Whoever may report nowhere in this election is refused before anything is read.
    pub(super) async fn of(services: &Services, headers: &HeaderMap, election: &str) -> Result<Self, Problem> {
        let caller = Caller::of(services, headers).await?;
        caller.require_known(Scope::Report)?;
        let found = find(services, election).await?;
        let by = actor(&somewhere(services, &caller, &found).await?);
        Ok(Self { found, by, caller })
    }

    /// Refuses a report of a unit that the token is not for.
    pub(super) fn may_report(&self, units: &Units, unit: UnitNumber) -> Result<(), Problem> {
        match &self.caller {
            // Looked up before anything was read; a part is in all of an election.
            Caller::Session(_) => Ok(()),
            caller => caller.require_report(&self.found, units, unit).map(drop),
        }
    }
}

/// The name of whoever may report in some unit of an election.
async fn somewhere(services: &Services, caller: &Caller, found: &Registered) -> Result<String, Problem> {
    let top = match caller {
        Caller::Token(token) => token.unit,
        Caller::Session(_) => return Ok(caller.require_in(services, Scope::Report, found).await?.name),
        Caller::Code(_) | Caller::Device(_) | Caller::Nobody => None,
    };
    // A token is always within its own unit, whatever the tree is.
    Ok(caller.require_report(found, &Units::default(), top.unwrap_or_default())?.name)
}
