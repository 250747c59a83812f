//! Who votes for what, in which order, and what they try besides.
//!
//! Invariant: a plan is a function of its arguments. The same counts, mix and seed give the same voters, the same ids and
//! the same order, and the totals are the given counts, whatever is repeated or tried twice.
//! It must not know: HTTP, time as it passes, what became of an attempt.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::Arc;

use hustings_core::{ChoiceNumber, SubmissionId, Time};
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

/// A voter of a plan, from 0; written `v0000123` in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoterNumber(pub u32);

impl VoterNumber {
    /// The place in a list of voters.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for VoterNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{:07}", self.0)
    }
}

/// What a voter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptKind {
    /// Votes: must be counted.
    First,
    /// Sends the same vote again, as an impatient thumb does: must get the receipt of the first.
    Repeat,
    /// Tries to vote for something else: must be refused.
    SecondVote,
}

/// One thing to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Who.
    pub voter: VoterNumber,
    /// With which intention.
    pub kind: AttemptKind,
    /// Under which id; a repeat has that of the first.
    pub submission: SubmissionId,
    /// For what.
    pub choice: ChoiceNumber,
}

/// How many voters try more than to vote once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mix {
    /// Of 100 voters, so many send their vote again: half of them at once, half some time later.
    pub repeats_percent: u8,
    /// Of 100 voters, so many try to vote for something else later.
    pub second_votes_percent: u8,
}

/// Why there is no such plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A plan needs voters.
    #[error("there must be at least one voter")]
    Empty,
    /// Voter names have seven digits.
    #[error("there may be at most {VOTERS_MAX} voters")]
    TooManyVoters,
    /// A share of voters is at most all of them.
    #[error("a percentage is at most 100")]
    Percentage,
    /// Who wants to vote for something else needs something else.
    #[error("second votes need at least two choices")]
    OneChoice,
}

/// The most voters of one plan.
pub const VOTERS_MAX: u32 = 10_000_000;
/// A repeat or second vote follows its first vote by at most so many other voters.
const LAG_VOTERS_MAX: u32 = 4096;
/// How fast the times inside submission ids advance.
const VOTERS_PER_MS: u32 = 16;

/// A known set of voters with a known choice each. Two bytes a voter.
#[derive(Debug)]
pub struct Plan {
    codes: Vec<String>,
    expected: Vec<u32>,
    ballots: Vec<ChoiceNumber>,
    mix: Mix,
    seed: u64,
    start: Time,
}

impl Plan {
    /// A plan in which each choice code gets exactly the votes given with it, in an order shuffled by `seed`.
    ///
    /// `start` is the time in the first submission id; two plans for one poll need different seeds.
    pub fn new(counts: Vec<(String, u32)>, mix: Mix, seed: u64, start: Time) -> Result<Self, PlanError> {
        let voters: u64 = counts.iter().map(|&(_, votes)| u64::from(votes)).sum();
        match voters {
            0 => return Err(PlanError::Empty),
            _ if voters > u64::from(VOTERS_MAX) => return Err(PlanError::TooManyVoters),
            _ if mix.repeats_percent > 100 || mix.second_votes_percent > 100 => return Err(PlanError::Percentage),
            _ if mix.second_votes_percent > 0 && counts.len() < 2 => return Err(PlanError::OneChoice),
            _ => {}
        }
        let (codes, expected): (Vec<_>, Vec<_>) = counts.into_iter().unzip();
        let mut ballots = Vec::new();
        for (number, &votes) in (0..).zip(&expected) {
            ballots.extend(std::iter::repeat_n(ChoiceNumber(number), votes as usize));
        }
        ballots.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        Ok(Self { codes, expected, ballots, mix, seed, start })
    }

    /// How many voters there are.
    #[must_use]
    pub fn voters(&self) -> u32 {
        u32::try_from(self.ballots.len()).unwrap_or(VOTERS_MAX)
    }

    /// How many attempts there will be: first votes, repeats and second votes.
    #[must_use]
    pub fn attempts_in_all(&self) -> u64 {
        u64::from(self.voters()) + self.share(self.mix.repeats_percent) + self.share(self.mix.second_votes_percent)
    }

    /// The codes of the choices, by choice number.
    #[must_use]
    pub fn codes(&self) -> &[String] {
        &self.codes
    }

    /// What each choice must have in the end, by choice number.
    #[must_use]
    pub fn expected(&self) -> &[u32] {
        &self.expected
    }

    /// The seed, which also feeds the jitter of retries.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What this voter sends with this intention: always the same.
    #[must_use]
    pub fn attempt(&self, voter: VoterNumber, kind: AttemptKind) -> Attempt {
        let first = self.ballots.get(voter.index()).copied().unwrap_or_default();
        let second = kind == AttemptKind::SecondVote;
        // Distinct for each voter and intention, because the factor is odd.
        let place = (u64::from(voter.0) << 1) | u64::from(second);
        let seed = self.seed ^ (place + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (ms, choice) = if second {
            let step = random.random_range(1..self.codes.len().max(2));
            let other = (first.index() + step) % self.codes.len().max(1);
            (voter.0 + LAG_VOTERS_MAX, ChoiceNumber(u16::try_from(other).unwrap_or_default()))
        } else {
            (voter.0, first)
        };
        let ms = self.start.0 + u64::from(ms / VOTERS_PER_MS);
        let id = uuid::Builder::from_unix_timestamp_millis(ms, &random.random()).into_uuid();
        Attempt { voter, kind, submission: SubmissionId(id), choice }
    }

    /// All attempts, in the order in which they are to be sent.
    #[must_use]
    pub fn attempts(self: &Arc<Self>) -> Attempts {
        let voters = u64::from(self.voters());
        Attempts {
            plan: Arc::clone(self),
            random: Xoshiro256PlusPlus::seed_from_u64(!self.seed),
            voter: 0,
            later: BinaryHeap::new(),
            repeats: Draw { wanted: self.share(self.mix.repeats_percent), left: voters },
            second_votes: Draw { wanted: self.share(self.mix.second_votes_percent), left: voters },
        }
    }

    fn share(&self, percent: u8) -> u64 {
        u64::from(self.voters()) * u64::from(percent) / 100
    }
}

/// The attempts of a plan one after the other; a repeat or second vote never comes before its first vote.
#[derive(Debug)]
pub struct Attempts {
    plan: Arc<Plan>,
    random: Xoshiro256PlusPlus,
    voter: u32,
    later: BinaryHeap<Reverse<(u32, VoterNumber, AttemptKind)>>,
    repeats: Draw,
    second_votes: Draw,
}

/// Draws exactly `wanted` of `left` voters, each with the same chance (Knuth's algorithm S).
#[derive(Debug)]
struct Draw {
    wanted: u64,
    left: u64,
}

impl Draw {
    fn next(&mut self, random: &mut Xoshiro256PlusPlus) -> bool {
        let drawn = self.wanted > 0 && random.random_range(0..self.left) < self.wanted;
        self.left = self.left.saturating_sub(1);
        self.wanted -= u64::from(drawn);
        drawn
    }
}

impl Iterator for Attempts {
    type Item = Attempt;

    fn next(&mut self) -> Option<Attempt> {
        let voters = self.plan.voters();
        if let Some(&Reverse((due, voter, kind))) = self.later.peek()
            && (due <= self.voter || self.voter == voters)
        {
            self.later.pop();
            return Some(self.plan.attempt(voter, kind));
        }
        if self.voter == voters {
            return None;
        }
        let voter = VoterNumber(self.voter);
        self.voter += 1;
        if self.repeats.next(&mut self.random) {
            let lag = if self.random.random() { 0 } else { self.random.random_range(1..=LAG_VOTERS_MAX) };
            self.later.push(Reverse((self.voter + lag, voter, AttemptKind::Repeat)));
        }
        if self.second_votes.next(&mut self.random) {
            let lag = self.random.random_range(1..=LAG_VOTERS_MAX);
            self.later.push(Reverse((self.voter + lag, voter, AttemptKind::SecondVote)));
        }
        Some(self.plan.attempt(voter, AttemptKind::First))
    }
}

/// The bits of an id, for compact maps.
pub(super) fn bits(id: SubmissionId) -> u128 {
    let SubmissionId(uuid) = id;
    Uuid::as_u128(&uuid)
}

#[cfg(test)]
#[path = "ballots_tests.rs"]
mod tests;
