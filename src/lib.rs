//! Hustings counts every vote once, shows it at once, and proves it afterwards.
//!
//! The modules stand in the order in which data flows; `docs/ARCHITECTURE.md` says which may know which.

pub mod clock;
pub mod config;
pub mod keys;
pub mod separator;

pub mod ledger;
pub mod passwords;

pub mod ingest;

pub mod tally;

pub mod feed;

pub mod export;
pub mod http;

pub mod load;

pub mod app;
pub mod cli;
