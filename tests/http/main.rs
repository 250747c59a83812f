//! The server as a stranger sees it: a real process, real sockets, and the contract of `docs/ARCHITECTURE.md`.
//!
//! Each test starts its own server in a temporary folder. When it is done with it, the server must hold its invariant:
//! see `support::TestServer::finish`.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test stops the test when its own input is wrong"
)]

mod support;

#[path = "../services/mod.rs"]
mod services;

mod access;
mod bad_input;
mod cli;
mod contract;
mod definition;
mod devices;
mod formats;
mod hidden;
mod lost_replies;
mod night;
mod pages;
mod people;
mod races;
mod repeats;
mod results;
mod schedules;
mod startup;
mod streams;
