//! Short ways to start a server, to ask it, and to say what the answer must be.

mod answer;
mod ask;
mod front;
mod server;
mod stores;
mod stream;

pub(crate) use answer::{Answer, mask};
pub(crate) use ask::{Ask, raw};
pub(crate) use front::{Authority, front};
pub(crate) use server::{ADMIN, Poll, TestServer, command, program, run};
pub(crate) use stores::Stores;
pub(crate) use stream::{Events, Frame, Socket};

use std::time::Duration;

use hustings::clock::{Random, SystemRandom};

/// How long anything may take before a test gives up: far more than it ever takes, so that nothing is measured by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The result of a future, or a failed test.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(result) => result,
        Err(_) => panic!("{what} did not happen within {} s", PATIENCE.as_secs()),
    }
}

/// The seed of a random test, printed; `HUSTINGS_TEST_SEED` replays a run.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("HUSTINGS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        SystemRandom.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    });
    println!("replay with HUSTINGS_TEST_SEED={seed}");
    seed
}
