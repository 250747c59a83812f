//! Voters by the hundred thousand, and the proof that each was counted exactly once.
//!
//! Job: plan ballots whose totals are known beforehand, send them as fast as a server takes them or at a fixed rate,
//! remember every acknowledgement, and hold the server to it afterwards.
//! Invariant: nothing is taken on trust. What was acknowledged is compared with the ledger, the ledger with the
//! counters, and the counters with what watchers see; what got no answer is in doubt, never guessed.
//! It must not know: any other module of the server. It speaks HTTP, as a stranger would.

mod answer;
mod api;
mod audit;
mod ballots;
mod book;
mod chunks;
mod clerk;
mod connection;
mod crowd;
mod events;
mod issuer;
mod limits;
mod outcome;
mod progress;
mod receipts;
mod report;
mod request;
mod run;
mod server;
mod stream;
#[cfg(test)]
mod stub;
mod tls;
mod url;
mod verify;

pub use api::{Api, ApiError, Poll, PollChoice, Results, ResultsChoice};
pub use ballots::{Attempt, AttemptKind, Attempts, Mix, Plan, PlanError, VOTERS_MAX, VoterNumber};
pub use connection::{Connection, ConnectionError, Response};
pub use crowd::{Crowd, Screen};
pub use events::{Event, EventStream};
pub use limits::raise_open_files;
pub use outcome::{Contradiction, Counts, Outcome};
pub use progress::{Latency, Progress, Seen};
pub use receipts::{Acknowledged, Receipts};
pub use report::{Report, Totals};
pub use run::{Acknowledgements, Job, Pace, Target, run};
pub use server::{Launch, ServerError, ServerProcess, Usage, without_settings};
pub use tls::TrustError;
pub use verify::verify;
