//! The files of `deploy/` and the manual of operations: read by the programs that they are for, held against the
//! sources, and run where that is possible without containers.
//!
//! A program that is missing stops its test with the name of Debian's package: nothing is skipped. The only exception
//! is `docker compose config`, which Debian 12 does not have; its test says when it was left out.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper of a test stops the test when its own input is wrong")]

mod containers;
mod files;
mod lint;
mod manual;
mod moved;
mod names;
mod proxy;
mod restored;
#[path = "../services/mod.rs"]
mod services;
mod stores;
mod system_calls;
