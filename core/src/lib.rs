//! What an election is and how it is counted.
//!
//! Job: the words, the rules, the decision for one submission, and the fold that turns a ledger into totals.
//! Invariant: everything here is a pure function of its arguments, so that a test, a node and an observer who
//! recounts a file always get the same answer.
//! It must not know: I/O, async, clocks, random numbers, HTTP, SQL.

pub mod bytes;
pub mod contest;
pub mod count;
pub mod decide;
pub mod election;
pub mod entry;
pub mod format;
pub mod id;
pub mod rejection;
pub mod state;
pub mod submission;
pub mod tally;
pub mod text;
pub mod unit;

pub use contest::{Change, Choice, Contest, Method};
pub use count::{Count, CountError, Delta};
pub use decide::{Known, Recorded, Verdict, decide_act, decide_ballot};
pub use election::{Audience, Code, Election, Kind, Slug, Visibility};
pub use entry::{BallotCast, Entry, Event, Previous, StateChanged};
pub use format::Format;
pub use id::{
    Chain, ChoiceId, ChoiceNumber, ContestId, ContestNumber, ElectionId, Epoch, GroupNumber, Seq, SubmissionId, Time,
    UnitNumber, Version, VoterKey,
};
pub use rejection::Rejection;
pub use state::{ContestState, ElectionState, Schedule};
pub use submission::{Act, ActKind, Ballot, Selections, Submission};
pub use tally::{Cell, Fold, FoldError, Increment, Measure, Recount, Tally};
pub use text::{Label, Text, TextError};
