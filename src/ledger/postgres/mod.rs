//! The ledger and the registry on PostgreSQL: one truth for several nodes.
//!
//! Invariant: the row of a head is locked from before anything of its ledger is read until the commit, so the order of
//! entries is the order of commits, whichever nodes they come from. What the server did not answer is looked up before
//! anybody is told anything. It must not know: how many nodes there are, or what else they share.
//!
//! Every statement is sent unnamed and with the types of its values: that goes through a pooler that hands out another
//! connection for each transaction, and a plan never outlives the statistics it was made from.

mod append;
mod archive;
mod columns;
mod connect;
mod electorate;
mod error;
mod failure;
mod ledger;
mod life;
mod open;
mod pace;
mod people;
mod pool;
mod registry;
mod reports;
mod rows;
mod schema;
mod sql;
mod trees;

pub use error::PostgresError;
pub use ledger::PostgresLedger;
pub use open::{PostgresOptions, facts};
pub use schema::{migrate, raise};
