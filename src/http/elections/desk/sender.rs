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
        if matches!(caller, Caller::Device(_) | Caller::Nobody) {
            caller.require(Scope::Report)?;
        }
        let found = find(services, election).await?;
        let by = actor(&somewhere(&caller, &found)?);
        Ok(Self { found, by, caller })
    }

    /// Refuses a report of a unit that the token is not for.
    pub(super) fn may_report(&self, units: &Units, unit: UnitNumber) -> Result<(), Problem> {
        self.caller.require_report(&self.found, units, unit).map(|_| ())
    }
}

/// The name of a token that may report in some unit of an election.
fn somewhere(caller: &Caller, found: &Registered) -> Result<String, Problem> {
    let top = match caller {
        Caller::Token(token) => token.unit,
        Caller::Device(_) | Caller::Nobody => None,
    };
    // A token is always within its own unit, whatever the tree is.
    let token = caller.require_report(found, &Units::default(), top.unwrap_or_default())?;
    Ok(token.name.clone())
}
