//! By when a vote is answered, whatever the store says.
//!
//! Invariant: from the last byte of a vote to its answer there are at most [`ANSWER_MAX`], look-ups included. It must not
//! know: what is looked up.

use tokio::time::{Instant, timeout_at};

use super::error::Problem;
use crate::ingest::ANSWER_MAX;
use crate::ledger::LedgerError;

/// The time that one vote has.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    until: Instant,
}

impl Patience {
    /// Begins now.
    pub(super) fn new() -> Self {
        Self { until: Instant::now() + ANSWER_MAX }
    }

    /// When it ends.
    pub(super) fn until(self) -> Instant {
        self.until
    }

    /// Looks something up that a vote needs before it is decided. If that takes too long, nothing was stored.
    pub(super) async fn look_up<T, E>(self, looking: impl Future<Output = Result<T, E>>) -> Result<T, Problem>
    where
        Problem: From<E>,
    {
        match timeout_at(self.until, looking).await {
            Ok(found) => Ok(found?),
            Err(_) => Err(LedgerError::Unavailable("a look-up got no answer in time".to_owned()).into()),
        }
    }

    /// Waits for the client, whose time is not the store's.
    pub(super) async fn receive<T>(&mut self, body: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let received = body.await;
        self.until += began.elapsed();
        received
    }
}
