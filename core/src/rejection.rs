//! Refusals: values with stable codes, in documented precedence.
//!
//! The order of the variants is the order of the checks: dedupe, then state, then rules. A repeat of an accepted
//! submission therefore gets its receipt for ever, also after the close.

use crate::format::Format;
use crate::id::Seq;

/// Why a submission is refused. Nothing was written for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A kind that the installation may not hold yet. It comes before the dedupe and takes no receipt from anybody: what
    /// was accepted once was allowed, and a format never falls.
    #[error(
        "this needs ledger format {needed}, and the installation has {found}; once all nodes are upgraded, raise it \
         with: hustings migrate --database URL --format {needed}"
    )]
    FormatTooOld {
        /// The format that it needs.
        needed: Format,
        /// The installation's format.
        found: Format,
    },
    /// Votes in an election of boxes, or reports of boxes elsewhere.
    #[error("an election of boxes takes reports, everything else takes votes")]
    OtherKind,
    /// No such contest in this election.
    #[error("there is no such contest in this election")]
    UnknownContest,
    /// No such unit in this election.
    #[error("there is no such unit in this election")]
    UnknownUnit,
    /// A unit that is no box.
    #[error("only boxes report, and this unit is none")]
    NotABox,

    // Dedupe.
    /// The id names an earlier submission with other content.
    #[error("this id was used for an earlier submission with other content; a new vote needs a new id")]
    IdReused,
    /// The voter's vote is final and says something else.
    #[error("you have already voted, and votes in this contest are final")]
    AlreadyVoted {
        /// The vote that counts.
        current: Seq,
    },
    /// The box has reported other counts under this revision.
    #[error("this box has reported other counts with this revision; a correction needs a higher revision")]
    ExistsWithDifferentVotes {
        /// The report that is there.
        current: Seq,
    },

    // State.
    /// Still a draft.
    #[error("voting has not started yet")]
    ContestNotOpen,
    /// Paused by the host.
    #[error("voting is paused; please try again in a moment")]
    ContestPaused,
    /// Closed or archived.
    #[error("voting has ended")]
    ContestClosed,
    /// An act that this status does not allow.
    #[error("this cannot be done while the contest is {status}")]
    WrongStatus {
        /// The status now.
        status: &'static str,
    },
    /// A close cannot be undone after results were shown.
    #[error("results have been shown, so the close cannot be undone; more votes need a new round or a new election")]
    ResultsRevealed,
    /// Its definition froze when voting was opened.
    #[error("voting was opened, and from then on its definition is frozen")]
    AlreadyOpened,
    /// The election has reached its limit of rounds.
    #[error("an election can have at most {max} rounds")]
    TooManyRounds {
        /// The limit.
        max: usize,
    },
    /// The tree of units is not what the change was made for.
    #[error("the units have changed in the meantime; please send it again")]
    UnitsMoved,
    /// The root cannot go.
    #[error("the whole cannot be retired")]
    RootStays,
    /// Something below still reports, or the box has a report that counts.
    #[error("this unit has units or reports that count; retire its units and withdraw its reports first")]
    UnitInUse,
    /// The box was retired.
    #[error("this box was retired; no reports are taken from it")]
    BoxRetired,
    /// A contest code that is taken.
    #[error("there is a contest with this code already")]
    ContestTaken,
    /// The election has reached its limit of contests.
    #[error("an election can have at most {max} contests")]
    TooManyContests {
        /// The limit.
        max: usize,
    },
    /// A contest in a unit that totals are not kept for.
    #[error("a contest is held in a nation, a region or a city")]
    NotAPlace,

    // Rules.
    /// The report was made for another definition.
    #[error("this report was made for another definition of the contest; fetch the definition and check the report")]
    StaleDefinition,
    /// The box is outside the unit that the contest is held in.
    #[error("this box is not in the unit that the contest is held in")]
    BoxOutsideContest,
    /// The box is in another city.
    #[error("this box stands in another unit than the report says")]
    BoxBelongsElsewhere,
    /// The box has another channel.
    #[error("this box has another channel than the report says")]
    OtherChannel,
    /// A request that is too long to be kept.
    #[error("a report can have at most {max} bytes")]
    RequestTooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// Scores for a contest of choices, or the reverse.
    #[error("this contest uses the method {method}: send `choices` for single and approval, `scores` for score")]
    WrongForm {
        /// The contest's method.
        method: &'static str,
    },
    /// Fewer choices than the contest asks for.
    #[error("choose at least {min}")]
    TooFewChoices {
        /// The limit.
        min: usize,
    },
    /// More choices than the contest allows.
    #[error("choose at most {max}")]
    TooManyChoices {
        /// The limit.
        max: usize,
    },
    /// A choice that the contest does not have.
    #[error("there is no such choice in this contest")]
    UnknownChoice,
    /// A choice named twice.
    #[error("each choice can be named only once")]
    RepeatedChoice,
    /// A number beyond the limit.
    #[error("a number in a report can be at most {max}")]
    NumberTooLarge {
        /// The limit.
        max: u32,
    },
    /// A score outside the contest's range.
    #[error("scores go from {min} to {max}")]
    ScoreOutOfRange {
        /// The lowest score.
        min: u8,
        /// The highest score.
        max: u8,
    },
    /// A contest that boxes cannot report.
    #[error("boxes cannot report contests of the method {method}")]
    NoReports {
        /// The contest's method.
        method: &'static str,
    },
    /// Choices, blank and invalid do not make the ballots cast.
    #[error("votes, blank and invalid do not add up to the ballots cast")]
    CountsDisagree,
    /// Fewer ballots of several choices than blank and invalid ones.
    #[error("blank and invalid are more than the ballots cast")]
    TooFewCast,
    /// More votes for a choice than there are ballots, each of which names it once.
    #[error("a choice has more votes than the {valid} ballots cast that are neither blank nor invalid")]
    ChoiceOverCast {
        /// The ballots that are neither blank nor invalid.
        valid: u64,
    },
    /// More or fewer votes than ballots of so many choices each can hold.
    #[error(
        "the votes are {votes}, and {valid} valid ballots with {min} to {max} choices on each hold from {} to {}",
        valid * u64::from(*min), valid * u64::from(*max)
    )]
    VotesOutOfRange {
        /// All votes.
        votes: u64,
        /// The ballots that are neither blank nor invalid.
        valid: u64,
        /// The fewest choices of a ballot.
        min: u16,
        /// The most choices of a ballot.
        max: u16,
    },
    /// Revisions go up to 2^32 - 1.
    #[error("this box has reported with the highest revision there is")]
    NoRevisionLeft,
    /// Nothing was reported that could be withdrawn.
    #[error("this box has no report that could be withdrawn")]
    NothingToWithdraw,
    /// What was reported is withdrawn, by another request.
    #[error("the report of this box is withdrawn already, as its newest revision says")]
    AlreadyWithdrawn,
    /// The vote it means to replace is not the one that counts now.
    #[error("your vote was changed since; the current one stands")]
    Superseded {
        /// The vote that counts.
        current: Seq,
    },
}

impl Rejection {
    /// The stable code, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::FormatTooOld { .. } => "format_too_old",
            Self::OtherKind => "other_kind",
            Self::UnknownContest => "unknown_contest",
            Self::UnknownUnit => "unknown_unit",
            Self::NotABox => "not_a_box",
            Self::ExistsWithDifferentVotes { .. } => "exists_with_different_votes",
            Self::UnitsMoved => "units_moved",
            Self::RootStays => "root_stays",
            Self::UnitInUse => "unit_in_use",
            Self::BoxRetired => "box_retired",
            Self::ContestTaken => "contest_taken",
            Self::TooManyContests { .. } => "too_many_contests",
            Self::NotAPlace => "not_a_place",
            Self::StaleDefinition => "stale_definition",
            Self::BoxOutsideContest => "box_outside_contest",
            Self::BoxBelongsElsewhere | Self::OtherChannel => "box_belongs_elsewhere",
            Self::NothingToWithdraw | Self::AlreadyWithdrawn => "nothing_to_withdraw",
            Self::NoReports { .. } => "no_reports",
            Self::CountsDisagree | Self::TooFewCast | Self::ChoiceOverCast { .. } | Self::VotesOutOfRange { .. } => {
                "counts_disagree"
            }
            Self::NumberTooLarge { .. } => "number_too_large",
            Self::RequestTooLarge { .. } => "request_too_large",
            Self::NoRevisionLeft => "no_revision_left",
            Self::IdReused => "id_reused",
            Self::AlreadyVoted { .. } => "already_voted",
            Self::ContestNotOpen => "contest_not_open",
            Self::ContestPaused => "contest_paused",
            Self::ContestClosed => "contest_closed",
            Self::WrongStatus { .. } => "wrong_status",
            Self::ResultsRevealed => "results_revealed",
            Self::AlreadyOpened => "already_opened",
            Self::TooManyRounds { .. } => "too_many_rounds",
            Self::WrongForm { .. } => "wrong_form",
            Self::TooFewChoices { .. } => "too_few_choices",
            Self::TooManyChoices { .. } => "too_many_choices",
            Self::UnknownChoice => "unknown_choice",
            Self::RepeatedChoice => "repeated_choice",
            Self::ScoreOutOfRange { .. } => "score_out_of_range",
            Self::Superseded { .. } => "superseded",
        }
    }
}
