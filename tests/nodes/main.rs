//! Several nodes on one PostgreSQL, one Redis Cluster and the shipped nginx, all real: what they promise together.
//!
//! Invariant of every test: whatever was killed, cut, emptied or stopped, in the end acknowledged = ledger = counters = last
//! frame of every watcher, and no watcher ever saw an older version after a newer one.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper of a test stops the test where something is wrong")]

mod hall;
mod installation;
mod nemesis;
mod node;
mod pause;
mod program;
mod rolling;
mod screens;
#[path = "../services/mod.rs"]
mod services;
mod silence;

use std::time::Duration;

use hustings::clock::{Random, SystemRandom};

/// How long anything may take before a test gives up: far more than it ever takes, so that nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(90);

/// The seed of a random test, printed; `HUSTINGS_TEST_SEED` replays a run.
fn seed() -> u64 {
    let given = std::env::var("HUSTINGS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        SystemRandom.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    });
    println!("replay with HUSTINGS_TEST_SEED={seed}");
    seed
}
