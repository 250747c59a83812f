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
    /// No such contest in this election.
    #[error("there is no such contest in this election")]
    UnknownContest,

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
    #[error("results have been shown, so the close cannot be undone; start a new round instead")]
    ResultsRevealed,
    /// The election has reached its limit of rounds.
    #[error("an election can have at most {max} rounds")]
    TooManyRounds {
        /// The limit.
        max: usize,
    },

    // Rules.
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
    /// A score outside the contest's range.
    #[error("scores go from {min} to {max}")]
    ScoreOutOfRange {
        /// The lowest score.
        min: u8,
        /// The highest score.
        max: u8,
    },
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
            Self::UnknownContest => "unknown_contest",
            Self::IdReused => "id_reused",
            Self::AlreadyVoted { .. } => "already_voted",
            Self::ContestNotOpen => "contest_not_open",
            Self::ContestPaused => "contest_paused",
            Self::ContestClosed => "contest_closed",
            Self::WrongStatus { .. } => "wrong_status",
            Self::ResultsRevealed => "results_revealed",
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
