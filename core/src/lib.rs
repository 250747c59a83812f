//! What an election is and how it is counted.
//!
//! Job: the words, the rules, the decision for one submission, and the fold that turns a ledger into totals.
//! Invariant: everything here is a pure function of its arguments, so that a test, a node and an observer who
//! recounts a file always get the same answer.
//! It must not know: I/O, async, clocks, random numbers, HTTP, SQL.

pub mod access;
pub mod bytes;
pub mod contest;
pub mod count;
pub mod decide;
pub mod election;
pub mod entry;
pub mod format;
pub mod id;
pub mod password;
pub mod person;
pub mod recount;
pub mod rejection;
pub mod report;
pub mod state;
pub mod submission;
pub mod tally;
pub mod text;
pub mod unit;
pub mod units;

pub use access::AccessCode;
pub use contest::{Change, Choice, Contest, Method, Party, Race};
pub use count::{Count, CountError, Delta};
pub use decide::{
    Filed, Grounds, Known, KnownReports, Recorded, Verdict, decide_act, decide_ballot, decide_contest, decide_report,
    decide_retirement, decide_title, decide_units,
};
pub use election::{Access, Audience, Code, Election, Kind, Reporting, Slug, Visibility};
pub use entry::{
    BallotCast, Entry, Event, Previous, ReportFiled, Retitled, Standing, StateChanged, UnitRetired, UnitsAdded,
};
pub use format::Format;
pub use id::{
    Chain, ChoiceId, ChoiceNumber, ContestId, ContestNumber, ElectionId, Epoch, GroupNumber, Revision, Seq,
    SubmissionId, Time, UnitNumber, Version, VoterKey,
};
pub use password::{Password, PasswordError};
pub use person::{LoginName, Role};
pub use recount::Recount;
pub use rejection::Rejection;
pub use report::{Content, Counts, Report, ReportStatus};
pub use state::{ContestState, ElectionState, Schedule, UnitsMark};
pub use submission::{Act, ActKind, Ballot, Selections, Submission};
pub use tally::{Cell, Fold, FoldError, Increment, Measure, Tally, Totals};
pub use text::{Label, Text, TextError};
pub use unit::{Channel, NewUnit, Unit, UnitKind};
pub use units::{UnitError, UnitFault, Units};
