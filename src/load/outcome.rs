//! What came of a run: every answer counted by kind, every acknowledgement, every contradiction, every doubt.
//!
//! Invariant: an attempt that was sent ends in exactly one place: answered, given up, or in doubt.
//! It must not know: how requests are sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hustings_core::{ChoiceNumber, SubmissionId};

use super::ballots::{Attempt, AttemptKind, Plan, VoterNumber};
use super::progress::Latency;
use super::receipts::{Acknowledged, Receipts};

/// Answers by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// 201: counted by this request.
    pub counted: u64,
    /// 200: counted before.
    pub repeated: u64,
    /// 201 where votes may be changed; the plans made here never ask for it.
    pub changed: u64,
    /// The vote had been changed since.
    pub superseded: u64,
    /// 409: the voter has another vote.
    pub already_voted: u64,
    /// 409 for other reasons.
    pub conflicts: u64,
    /// 503: told to come back.
    pub busy: u64,
    /// No answer: connections refused, lost, timed out.
    pub unanswered: u64,
    /// Answers outside the contract.
    pub unexpected: u64,
    /// Answers of the no-op.
    pub noop: u64,
    /// Attempts given up after retrying for as long as the job allows.
    pub given_up: u64,
}

/// Two answers that cannot both be true, or one that cannot be true at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contradiction {
    /// The same vote got two different receipts.
    OtherReceipt(VoterNumber),
    /// Two answers claim to have counted the same vote.
    CountedTwice(VoterNumber),
    /// A voter's second, different vote was accepted.
    SecondVoteAccepted(VoterNumber),
    /// A refused second vote named a receipt that is not the voter's.
    ForeignReceipt(VoterNumber),
    /// A first vote was refused with this code, though the voter has no other vote.
    FirstVoteRefused(VoterNumber, String),
    /// A vote was called a repetition, though no earlier request can have been counted.
    NeverCounted(VoterNumber),
    /// Two voters hold one receipt.
    SharedReceipt(VoterNumber, VoterNumber),
    /// A receipt that is empty or absurdly long.
    UnusableReceipt(VoterNumber),
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherReceipt(voter) => write!(f, "{voter} got two different receipts for one vote"),
            Self::CountedTwice(voter) => write!(f, "{voter} was told twice that the vote was counted just now"),
            Self::SecondVoteAccepted(voter) => write!(f, "{voter} voted a second time, and it was accepted"),
            Self::ForeignReceipt(voter) => write!(f, "{voter} was refused with the receipt of somebody else"),
            Self::FirstVoteRefused(voter, code) => {
                write!(f, "{voter} voted for the first time and was refused: {code}")
            }
            Self::NeverCounted(voter) => write!(f, "{voter} was told of an earlier vote that was never counted"),
            Self::SharedReceipt(one, other) => write!(f, "{one} and {other} hold the same receipt"),
            Self::UnusableReceipt(voter) => write!(f, "{voter} got a receipt that is no receipt"),
        }
    }
}

/// What is known at the end of a run.
#[derive(Debug)]
pub struct Outcome {
    pub(super) plan: Arc<Plan>,
    pub(super) receipts: Receipts,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// From the (intended) sending of an attempt to its deciding answer, retries included.
    pub latency: Latency,
    /// Answers by kind.
    pub counts: Counts,
    /// Requests that were sent again.
    pub retries: u64,
    /// What went wrong, by kind, with how often: lost connections, 503s and unexpected answers.
    pub errors: BTreeMap<String, u64>,
    /// How many contradictions were seen.
    pub contradictions: u64,
    /// The first of them.
    pub contradiction_samples: Vec<Contradiction>,
    /// Second votes that were never sent, because the first vote was never acknowledged.
    pub unsent: u64,
    /// Second votes that were sent without getting an answer.
    pub(super) second_votes_in_doubt: Vec<VoterNumber>,
}

impl Outcome {
    /// The plan that was run.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The receipts by voter; give them to the next job of the same plan to go on after a crash.
    #[must_use]
    pub fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// The receipts, to go on with.
    #[must_use]
    pub fn into_receipts(self) -> Receipts {
        self.receipts
    }

    /// Each acknowledged vote with its id, its choice and its receipt: all of these must be in the ledger.
    pub fn acknowledged(&self) -> impl Iterator<Item = (SubmissionId, ChoiceNumber, Acknowledged<'_>)> {
        self.receipts.iter().map(|known| {
            let attempt = self.plan.attempt(known.voter, AttemptKind::First);
            (attempt.submission, attempt.choice, known)
        })
    }

    /// Attempts that were sent and got no deciding answer: each may have been counted or not.
    #[must_use]
    pub fn in_doubt(&self) -> Vec<Attempt> {
        let first = self.receipts.in_doubt().map(|voter| self.plan.attempt(voter, AttemptKind::First));
        let second = self.second_votes_in_doubt.iter();
        first.chain(second.map(|&voter| self.plan.attempt(voter, AttemptKind::SecondVote))).collect()
    }

    /// Answered attempts per second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate for people; a run has fewer than 2^53 answers")]
    pub fn per_second(&self) -> f64 {
        self.latency.count() as f64 / self.elapsed.as_secs_f64().max(1e-6)
    }

    /// Whether every request got, the first time, an answer that agrees with all the others.
    ///
    /// A run with absorbed retries is not clean, and may be exact all the same.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty() && self.contradictions == 0 && self.unsent == 0 && self.counts.given_up == 0
    }
}
