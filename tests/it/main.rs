//! The integration tests, in one binary.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper of a test stops the test where something is wrong")]

mod conformance;
mod following;
mod guardian;
mod healing;
mod moves;
mod postgres;
mod redis;
#[path = "../services/mod.rs"]
mod services;
mod sqlite;
mod timelines;
