//! Two real nodes behind the shipped nginx.conf.
//!
//! The nodes do not share a ledger: each has the poll `hall` in a folder of its own. So a request that nginx sent to
//! both would be counted by both, and is seen.

mod client;
mod failures;
mod headers;
mod night;
pub(crate) mod node;
mod streams;

use std::time::Duration;

/// How long anything may take before a test gives up: far more than it ever takes, so that nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The result of a future, or a failed test.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(result) => result,
        Err(_) => panic!("{what} did not happen within {} s", PATIENCE.as_secs()),
    }
}
