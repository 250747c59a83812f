//! What a ballot box reports: its counts in one contest, with a revision.
//!
//! Invariant: equal reports are equal values, and every number is at most [`Counts::NUMBER_MAX`].

use serde::{Deserialize, Serialize};

use crate::contest::{Contest, Method};
use crate::id::{ChoiceNumber, ContestNumber, Revision, SubmissionId, Time, UnitNumber};
use crate::rejection::Rejection;
use crate::text::Text;
use crate::unit::Channel;

/// How sure a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// More may come.
    Provisional,
    /// The box is counted.
    Final,
}

impl ReportStatus {
    /// The stable name, one word for JSON, SQL, logs and pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Final => "final",
        }
    }
}

/// What was counted in one box: numbers above zero only, in the order of the choices.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Counts {
    /// How sure they are.
    pub status: ReportStatus,
    /// Votes by choice; a choice that is not named has none.
    pub votes: Vec<(ChoiceNumber, u32)>,
    /// Ballots without a choice.
    pub blank: u32,
    /// Ballots that do not count.
    pub invalid: u32,
    /// Ballots in the box.
    pub cast: u32,
}

impl Counts {
    /// The highest number that a report can hold: ten to the ninth.
    pub const NUMBER_MAX: u32 = 1_000_000_000;

    /// Counts in the one form that equal ones have. Without `cast`, it is the sum, as it must be where each ballot has one
    /// choice. A choice named twice is refused.
    pub fn new(
        status: ReportStatus,
        mut votes: Vec<(ChoiceNumber, u32)>,
        blank: u32,
        invalid: u32,
        cast: Option<u32>,
    ) -> Result<Self, Rejection> {
        votes.sort_unstable();
        if votes.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Rejection::RepeatedChoice);
        }
        votes.retain(|(_, number)| *number > 0);
        let sum =
            votes.iter().map(|(_, number)| u64::from(*number)).sum::<u64>() + u64::from(blank) + u64::from(invalid);
        let cast =
            cast.or_else(|| u32::try_from(sum).ok()).ok_or(Rejection::NumberTooLarge { max: Self::NUMBER_MAX })?;
        let counts = Self { status, votes, blank, invalid, cast };
        let is_small = |number: &u32| *number <= Self::NUMBER_MAX;
        let numbers =
            counts.votes.iter().map(|(_, number)| number).chain([&counts.blank, &counts.invalid, &counts.cast]);
        if numbers.into_iter().all(is_small) {
            Ok(counts)
        } else {
            Err(Rejection::NumberTooLarge { max: Self::NUMBER_MAX })
        }
    }

    /// All votes for choices.
    #[must_use]
    pub fn votes_in_all(&self) -> u64 {
        self.votes.iter().map(|(_, number)| u64::from(*number)).sum()
    }

    /// Whether the counts can be those of a box in this contest; the first broken rule is the answer.
    pub fn check(&self, contest: &Contest) -> Result<(), Rejection> {
        if self.votes.iter().any(|(number, _)| number.index() >= contest.choices.len()) {
            return Err(Rejection::UnknownChoice);
        }
        let (cast, others) = (u64::from(self.cast), u64::from(self.blank) + u64::from(self.invalid));
        let votes = self.votes_in_all();
        match contest.method {
            Method::Single if votes + others == cast => Ok(()),
            Method::Single => Err(Rejection::CountsDisagree),
            // A ballot names several choices, each once; one that names fewer than it must is blank or invalid.
            Method::Approval { min, max } => {
                let valid = cast.checked_sub(others).ok_or(Rejection::TooFewCast)?;
                if self.votes.iter().any(|(_, votes)| u64::from(*votes) > valid) {
                    Err(Rejection::ChoiceOverCast { valid })
                } else if !(valid * u64::from(min)..=valid * u64::from(max)).contains(&votes) {
                    Err(Rejection::VotesOutOfRange { votes, valid, min, max })
                } else {
                    Ok(())
                }
            }
            Method::Score { .. } => Err(Rejection::NoReports { method: contest.method.name() }),
        }
    }
}

/// A report of one box in one contest, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The contest.
    pub contest: ContestNumber,
    /// The box.
    pub ballot_box: UnitNumber,
    /// Its number, or none for the next one.
    pub revision: Option<Revision>,
    /// The sender's own name for this submission; retries carry the same.
    pub id: Option<SubmissionId>,
    /// What is reported.
    pub content: Content,
    /// When the sender says it was made; shown, and never decided by.
    pub reported_at: Option<Time>,
    /// The definition that the sender means.
    pub definition: Option<[u8; 32]>,
    /// The unit that the sender believes the box to stand in.
    pub within: Option<UnitNumber>,
    /// The channel that the sender believes the box to have.
    pub channel: Option<Channel>,
    /// Who sends: a token's name and number.
    pub by: Text,
    /// Why, where a person says so: of a withdrawal always, else of a decision about a report in quarantine.
    pub reason: Option<Text>,
    /// The request, byte for byte.
    pub request: Vec<u8>,
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The box was counted.
    Filed(Counts),
    /// What was reported of the box does not hold.
    Withdrawn,
}

impl Content {
    /// The stable name: withdrawn, or the status of the counts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Filed(counts) => counts.status.name(),
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The counts, where there are some.
    #[must_use]
    pub fn counts(&self) -> Option<&Counts> {
        match self {
            Self::Filed(counts) => Some(counts),
            Self::Withdrawn => None,
        }
    }
}

impl Report {
    /// The largest request that is kept: 1 MiB.
    pub const REQUEST_MAX: usize = 1024 * 1024;
}
