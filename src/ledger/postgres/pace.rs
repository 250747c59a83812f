//! How long a transaction may take: votes and reports hold each other up for moments only, an import of units for longer.
//!
//! Invariant: a node that stops in the middle of votes or reports holds up the others for two seconds at most.

use std::time::Duration;

use hustings_core::{ActKind, Submission};
use tokio_postgres::Client;

use super::failure::Failure;
use super::pool::{at_most, within};
use super::sql;
use crate::ledger::Addressed;

/// The most units that are written at the pace of votes.
const UNITS_MAX: usize = 5_000;

/// The longest that one flight of an import may take: a little more than the server allows it (see [`sql::TAKE_LONGER`]).
const IMPORT_MAX: Duration = Duration::from_secs(65);

/// How long the flights of one transaction may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Moments: others wait for the same heads.
    Brief,
    /// A minute, for three hundred thousand units in one entry. It happens once in an election.
    Import,
}

impl Pace {
    /// That of a batch.
    pub(super) fn of(batch: &[Addressed]) -> Self {
        let added = batch.iter().map(|addressed| match &addressed.submission {
            Submission::Act(act) => match &act.kind {
                ActKind::AddUnits(units) => units.len(),
                _ => 0,
            },
            Submission::Ballot(_) | Submission::Report(_) => 0,
        });
        Self::of_units(added.sum())
    }

    /// That of so many units.
    pub(super) fn of_units(units: usize) -> Self {
        if units > UNITS_MAX { Self::Import } else { Self::Brief }
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::Brief => sql::run(client, sql::BEGIN).await,
            Self::Import => sql::run(client, &format!("{}; {}", sql::BEGIN, sql::TAKE_LONGER)).await,
        }
    }

    /// Waits for a flight of statements, but not for ever.
    pub(super) async fn within<T>(self, flight: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        match self {
            Self::Brief => within(flight).await,
            Self::Import => at_most(IMPORT_MAX, flight).await,
        }
    }
}
