//! Real servers for the tests, each in a folder of its own and on a free port.
//!
//! Invariant: a server ends with the process that started it, however that one ends. A program that is missing stops
//! the test with the name of Debian's package: nothing is skipped.
//!
//! A test binary takes this with `#[path = "../services/mod.rs"] mod services;`. A further service is a file beside
//! these, built on [`guardian`].
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod copying;
pub(crate) mod gate;
pub(crate) mod guardian;
pub(crate) mod nginx;
pub(crate) mod ports;
pub(crate) mod postgres;
pub(crate) mod redis;

use std::time::{Duration, Instant};

/// How long servers may take for what they must agree on.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until it is so, where nobody tells.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it does not happen: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
