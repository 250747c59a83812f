//! What is sent: a ballot of a voter, a report of a box, or an act of who runs the election.

use std::sync::Arc;

use crate::contest::Contest;
use crate::election::Kind;
use crate::id::{ChoiceNumber, ContestNumber, GroupNumber, Seq, SubmissionId, UnitNumber, VoterKey};
use crate::rejection::Rejection;
use crate::report::Report;
use crate::text::Text;
use crate::unit::NewUnit;

/// Anything that asks for an entry in one election's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// A vote.
    Ballot(Ballot),
    /// A box's report.
    Report(Box<Report>),
    /// A change of state.
    Act(Act),
}

impl Submission {
    /// Whether an election of this kind takes it: boxes report in elections of boxes only, and voters vote elsewhere.
    #[must_use]
    pub fn suits(&self, kind: Kind) -> bool {
        let of_boxes = kind == Kind::Election;
        match self {
            Self::Ballot(_) => !of_boxes,
            Self::Report(_) => of_boxes,
            Self::Act(act) => match act.kind {
                ActKind::StartRound(_) | ActKind::Retitle(_) => !of_boxes,
                ActKind::AddContest(_)
                | ActKind::AddContests(_)
                | ActKind::AddUnits(_)
                | ActKind::RetireUnit(_)
                | ActKind::Certify => of_boxes,
                ActKind::Open { .. } | ActKind::Pause | ActKind::Close { .. } | ActKind::Reopen | ActKind::Reveal => {
                    true
                }
            },
        }
    }
}

/// One voter's selections in one contest, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// The contest voted in.
    pub contest: ContestNumber,
    /// Who votes.
    pub voter: VoterKey,
    /// The voter's group.
    pub group: GroupNumber,
    /// The client's own name for this submission; retries carry the same.
    pub id: Option<SubmissionId>,
    /// The vote that this one means to replace; guards a late retry from undoing a newer vote.
    pub replaces: Option<Seq>,
    /// What was chosen.
    pub selections: Selections,
}

/// What was chosen, in a form where equal choices are equal values: sorted, each choice once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selections {
    /// Choices, for the methods single and approval.
    Choices(Vec<ChoiceNumber>),
    /// Choices with a number each, for the method score.
    Scores(Vec<(ChoiceNumber, u8)>),
}

impl Selections {
    /// Chosen choices in any order; a choice named twice is refused.
    pub fn choices(mut chosen: Vec<ChoiceNumber>) -> Result<Self, Rejection> {
        chosen.sort_unstable();
        let repeated = chosen.windows(2).any(|pair| pair[0] == pair[1]);
        if repeated { Err(Rejection::RepeatedChoice) } else { Ok(Self::Choices(chosen)) }
    }

    /// Scored choices in any order; a choice named twice is refused.
    pub fn scores(mut scores: Vec<(ChoiceNumber, u8)>) -> Result<Self, Rejection> {
        scores.sort_unstable();
        let repeated = scores.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if repeated { Err(Rejection::RepeatedChoice) } else { Ok(Self::Scores(scores)) }
    }

    /// Whether nothing was chosen.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Choices(chosen) => chosen.is_empty(),
            Self::Scores(scores) => scores.is_empty(),
        }
    }
}

/// An act of who runs the election, or of its schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The contest acted on.
    pub contest: ContestNumber,
    /// What is to happen.
    pub kind: ActKind,
    /// Who asks: a token's name, or the schedule.
    pub by: Text,
    /// Why, for the record.
    pub reason: Option<Text>,
}

/// What is to happen to a contest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActKind {
    /// Accept votes: from a draft, or after a pause.
    Open {
        /// By the schedule, which acts only once and only when due.
        scheduled: bool,
    },
    /// Refuse votes for a while.
    Pause,
    /// Refuse votes.
    Close {
        /// By the schedule, which acts only once and only when due.
        scheduled: bool,
    },
    /// Undo a close; not after the reveal.
    Reopen,
    /// Show results to all.
    Reveal,
    /// Start a new round: this contest, which repeats the closed one.
    StartRound(Box<Contest>),
    /// Add this contest to an election of boxes, with the next number; one that is there just so stays.
    AddContest(Box<Contest>),
    /// Add these contests, all or none; those that are there just so stay.
    AddContests(Arc<[Contest]>),
    /// Add these units; those that are there just so stay.
    AddUnits(Arc<Vec<NewUnit>>),
    /// Expect no more reports from this unit.
    RetireUnit(UnitNumber),
    /// Let nothing change any more.
    Certify,
    /// Correct the title of the whole, whatever the state of its contests.
    Retitle(Text),
}
