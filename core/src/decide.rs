//! The decision for one submission: dedupe, then state, then rules, in that order for ever.
//!
//! A store looks up what it knows, asks here, and writes what it is told. Every node and every test asks the same
//! function.

mod report;
mod tree;

use crate::contest::Contest;
use crate::election::Election;
use crate::entry::{BallotCast, Event, Previous, Retitled, StateChange, StateChanged};
use crate::id::{ContestNumber, GroupNumber, Seq, Time, VoterKey};
use crate::rejection::Rejection;
use crate::state::{ContestState, ElectionState};
use crate::submission::{Act, ActKind, Ballot, Selections};
use crate::text::Text;

pub use report::{Filed, KnownReports, decide_report};
pub use tree::{Grounds, decide_contest, decide_retirement, decide_units};

/// A ballot that the ledger holds already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands.
    pub seq: Seq,
    /// The contest voted in.
    pub contest: ContestNumber,
    /// Who voted.
    pub voter: VoterKey,
    /// The group it was counted in.
    pub group: GroupNumber,
    /// What was chosen.
    pub selections: Selections,
}

/// What the ledger knows that matters for one ballot.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The ballot with the same submission id.
    pub same_id: Option<&'a Recorded>,
    /// The vote of the voter of `same_id` that counts now, in its contest.
    pub current_of_same_id: Option<Seq>,
    /// The voter's vote that counts now, in this contest.
    pub current: Option<&'a Recorded>,
}

/// What is to be done with one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Append this event; a replaced vote is named in it.
    Accept(Event),
    /// Nothing moves: the vote stands at this place.
    Repeated(Seq),
    /// Nothing moves: it was counted at this place, and the voter has changed the vote since.
    Superseded(Seq),
    /// Nothing moves: the contest is already as the act wants it.
    Unchanged,
    /// Refused.
    Rejected(Rejection),
}

/// Decides one ballot.
#[must_use]
pub fn decide_ballot(contest: &Contest, state: &ContestState, known: Known<'_>, ballot: &Ballot) -> Verdict {
    if let Some(recorded) = known.same_id {
        // Whatever the contest: a retry that arrives after a new round has begun still means the old one.
        let same = recorded.voter == ballot.voter && recorded.selections == ballot.selections;
        return match known.current_of_same_id {
            _ if !same => Verdict::Rejected(Rejection::IdReused),
            Some(current) if current != recorded.seq => Verdict::Superseded(recorded.seq),
            _ => Verdict::Repeated(recorded.seq),
        };
    }
    if let Some(current) = known.current {
        if current.selections == ballot.selections {
            return Verdict::Repeated(current.seq);
        }
        if contest.change == crate::Change::Final {
            return Verdict::Rejected(Rejection::AlreadyVoted { current: current.seq });
        }
    }
    let allowed = state.accepts_submissions().and_then(|()| contest.check(&ballot.selections));
    if let Err(rejection) = allowed {
        return Verdict::Rejected(rejection);
    }
    match (known.current, ballot.replaces) {
        (Some(current), Some(replaces)) if current.seq != replaces => {
            return Verdict::Rejected(Rejection::Superseded { current: current.seq });
        }
        _ => {}
    }
    Verdict::Accept(Event::BallotCast(BallotCast {
        contest: ballot.contest,
        group: ballot.group,
        voter: ballot.voter,
        id: ballot.id,
        selections: ballot.selections.clone(),
        previous: known.current.map(|current| Previous {
            seq: current.seq,
            group: current.group,
            selections: current.selections.clone(),
        }),
    }))
}

/// The most rounds of one election.
pub const ROUNDS_MAX: usize = 100;

/// Decides one act about a contest and, where it is accepted, moves the state. `contest` is the contest acted on. Acts about
/// units and new contests are decided by [`decide_units`], [`decide_retirement`] and [`decide_contest`], and those about the
/// title by [`decide_title`].
pub fn decide_act(contest: &Contest, state: &mut ElectionState, act: &Act, at: Time) -> Verdict {
    let change = match &act.kind {
        ActKind::Open { scheduled } => StateChange::Opened { scheduled: *scheduled, definition: contest.digest() },
        ActKind::Pause => StateChange::Paused,
        ActKind::Close { scheduled } => StateChange::Closed { scheduled: *scheduled },
        ActKind::Reopen => StateChange::Reopened,
        ActKind::Reveal => StateChange::Revealed,
        ActKind::StartRound(next) => StateChange::RoundStarted { next: next.id, definition: next.digest() },
        ActKind::Certify => StateChange::Certified,
        ActKind::AddContest(_)
        | ActKind::AddContests(_)
        | ActKind::AddUnits(_)
        | ActKind::RetireUnit(_)
        | ActKind::Retitle(_) => return Verdict::Rejected(Rejection::UnknownContest),
    };
    let changed = StateChanged { contest: act.contest, change, by: act.by.clone(), reason: act.reason.clone() };
    let full = matches!(act.kind, ActKind::StartRound(_)) && state.contests.len() >= ROUNDS_MAX;
    let mut after = state.clone();
    match after.apply(&changed, at) {
        // The limit is checked after the state, which is the order that `Rejection` documents.
        Ok(true) if full => Verdict::Rejected(Rejection::TooManyRounds { max: ROUNDS_MAX }),
        Ok(true) => {
            *state = after;
            Verdict::Accept(Event::StateChanged(changed))
        }
        Ok(false) => Verdict::Unchanged,
        Err(rejection) => Verdict::Rejected(rejection),
    }
}

/// Decides about a title that is to take the place of the one that stands and, where it is accepted, moves the state. It may be
/// at any time: a title says what is asked, and decides nothing that is counted.
pub fn decide_title(election: &Election, state: &mut ElectionState, title: &Text, act: &Act) -> Verdict {
    if state.title(election) == title {
        return Verdict::Unchanged;
    }
    let retitled = Retitled { title: title.clone(), by: act.by.clone(), reason: act.reason.clone() };
    state.retitle(&retitled);
    Verdict::Accept(Event::Retitled(retitled))
}
