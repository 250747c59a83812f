//! The tests of the pure core: its bytes, its decisions, its states and its fold, in one binary.
#![expect(clippy::expect_used, reason = "a helper of a test stops the test when its own input is wrong")]

mod boxes;
mod bytes;
mod counts;
mod decide;
mod errors;
mod fold;
mod format;
mod ledger;
mod model;
mod nights;
mod recount;
mod reports;
mod states;
mod support;
mod tally;
mod titles;
mod trees;
mod units;
