//! Voters by the hundred thousand, and the proof that each was counted exactly once.
//!
//! Job: plan ballots whose totals are known beforehand, and speak to a server as cheaply as one can.
//! It must not know: any other module of the server. It speaks HTTP, as a stranger would.

mod api;
mod ballots;
mod chunks;
mod connection;
mod events;

pub use api::{Api, ApiError, Poll, PollChoice, Results, ResultsChoice};
pub use ballots::{Attempt, AttemptKind, Attempts, Mix, Plan, PlanError, VoterNumber};
pub use connection::{Connection, ConnectionError, Response};
pub use events::{Event, EventStream};
