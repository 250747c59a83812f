//! What only PostgreSQL promises: several nodes on one database, lost answers that are looked up, and a start that
//! refuses what could lose votes.

mod faults;
mod hosts;
mod nights;
mod nodes;
mod pooler;
mod proxy;
mod silence;
mod startup;

use hustings::ledger::ElectionKey;
use hustings_core::{Change, Measure};

use crate::conformance::support::*;
use crate::conformance::{Backend, Postgres, audit_election};
use crate::services::postgres::PostgresServer;

/// A new database with the tables, and two nodes on it.
async fn two_nodes() -> (String, [Postgres; 2]) {
    let server = PostgresServer::shared();
    let database = server.database().await;
    let url = server.url(&database);
    (database, [Postgres::at(&url, 1).await, Postgres::at(&url, 2).await])
}

/// How many ballots count, by the audited ledger.
async fn ballots(backend: &dyn Backend, key: ElectionKey) -> u64 {
    audit_election(backend, key).await.tally.total(FIRST, Measure::Ballots).get()
}

/// Sends a batch from a task of its own, so that other things can happen meanwhile.
fn sent(node: &Postgres, batch: Vec<hustings::ledger::Addressed>) -> tokio::task::JoinHandle<Vec<String>> {
    let ledger = node.ledger();
    tokio::spawn(async move {
        let committed = ledger.append(batch).await.expect("a batch is decided");
        committed.answers.iter().map(words).collect()
    })
}

/// A poll that takes one vote of each voter for good.
async fn final_poll(node: &Postgres) -> ElectionKey {
    opened(node, Change::Final).await
}

/// A poll in which votes can be changed.
async fn changing_poll(node: &Postgres) -> ElectionKey {
    opened(node, Change::UntilClose).await
}
