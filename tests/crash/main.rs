//! Crashes of the real server: what it acknowledged before a kill, a failed sync, a full disk or a stop is there
//! afterwards, exactly once. A copy of an installation that is killed is finished by the next run.
//!
//! Each test starts processes of its own in a folder of its own, speaks HTTP as any voter would, and prints its seed
//! and what it covered; a test that covered nothing fails. `HUSTINGS_TEST_SEED` replays a seed (the instants of the
//! operating system excepted), `HUSTINGS_TEST_KILLS` sets the number of kills (six at least, or none meets a checkpoint), and `HUSTINGS_TEST_SERVER` puts another
//! server program to the test, such as an installed one.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper of a test stops the test when its own input is wrong")]

mod campaign;
#[path = "../services/copying.rs"]
mod copying;
mod coverage;
mod disk_full;
mod drain;
mod electorate;
mod failed_sync;
mod kill;
mod locks;
mod moves;
mod report_send;
mod server;
mod setting;
