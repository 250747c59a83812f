//! The integration tests, in one binary.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper of a test stops the test where something is wrong")]

mod conformance;
mod healing;
mod moves;
mod sqlite;
