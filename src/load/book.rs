//! Holds each answer against the plan, the moment it comes.
//!
//! Invariant: a contradiction is noted when it is seen and never explained away; second votes are sent only once the
//! first vote is acknowledged, so that a refusal is the only right answer.
//! It must not know: connections, pauses, clocks.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::answer::{Answer, Receipt};
use super::ballots::{Attempt, AttemptKind, Attempts, Plan, VoterNumber};
use super::connection::ConnectionError;
use super::outcome::{Contradiction, Counts, Outcome};
use super::progress::Latency;
use super::receipts::{Noted, Receipts};

/// Everything a run knows, behind one lock.
#[derive(Debug)]
pub(super) struct Book {
    plan: Arc<Plan>,
    attempts: Attempts,
    /// Second votes whose turn came before the first vote was acknowledged.
    waiting: HashMap<VoterNumber, Attempt>,
    ready: VecDeque<Attempt>,
    receipts: Receipts,
    second_votes_in_doubt: Vec<VoterNumber>,
    latency: Latency,
    counts: Counts,
    errors: BTreeMap<String, u64>,
    contradictions: u64,
    samples: Vec<Contradiction>,
}

/// What to do after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The attempt is decided.
    Done,
    /// Send the same again, not before this pause.
    Again(Option<Duration>),
}

const SAMPLES_MAX: usize = 10;
const ERROR_KINDS_MAX: usize = 100;

impl Book {
    pub(super) fn new(plan: &Arc<Plan>, before: Option<Receipts>) -> Self {
        Self {
            plan: Arc::clone(plan),
            attempts: plan.attempts(),
            waiting: HashMap::new(),
            ready: VecDeque::new(),
            receipts: before.unwrap_or_else(|| Receipts::new(plan.voters())),
            second_votes_in_doubt: Vec::new(),
            latency: Latency::default(),
            counts: Counts::default(),
            errors: BTreeMap::new(),
            contradictions: 0,
            samples: Vec::new(),
        }
    }

    /// What to send next; `None` when nothing is left that may be sent.
    pub(super) fn next_attempt(&mut self) -> Option<Attempt> {
        if let Some(attempt) = self.ready.pop_front() {
            return Some(attempt);
        }
        loop {
            let attempt = self.attempts.next()?;
            if attempt.kind != AttemptKind::SecondVote || self.receipts.has(attempt.voter) {
                return Some(attempt);
            }
            self.waiting.insert(attempt.voter, attempt);
        }
    }

    pub(super) fn acknowledged(&self) -> u64 {
        u64::from(self.receipts.acknowledged())
    }

    /// Answers that should not have been, and attempts given up; what was absorbed by a retry is no error of these.
    pub(super) fn failures(&self) -> u64 {
        self.counts.unexpected + self.contradictions + self.counts.given_up
    }

    /// Enters the answer to one vote, which took so long.
    pub(super) fn enter(&mut self, attempt: &Attempt, answer: Answer<'_>, latency: Duration) -> Next {
        match answer {
            Answer::Busy(pause) => {
                self.counts.busy += 1;
                self.error("503");
                self.undecided(attempt);
                return Next::Again(pause);
            }
            Answer::Lost(pause) => {
                self.counts.unanswered += 1;
                self.error("no answer behind the proxy");
                self.undecided(attempt);
                return Next::Again(pause);
            }
            Answer::Counted(receipt) => self.accepted(attempt, &receipt, true),
            Answer::Repeated(receipt) => self.accepted(attempt, &receipt, false),
            Answer::AlreadyVoted(receipt) => {
                self.counts.already_voted += 1;
                self.refused(attempt, "already_voted", receipt.as_ref());
            }
            Answer::Conflict(code) => {
                self.counts.conflicts += 1;
                self.error(&format!("409 {code}"));
                self.refused(attempt, &code, None);
            }
            Answer::Changed => {
                self.counts.changed += 1;
                self.error("changed, in a poll where votes are final");
            }
            Answer::Superseded => {
                self.counts.superseded += 1;
                self.error("superseded, in a poll where votes are final");
            }
            Answer::Unexpected(what) => {
                self.counts.unexpected += 1;
                self.error(&what);
            }
        }
        self.latency.record(latency);
        Next::Done
    }

    /// Enters an answer of the no-op, where any success is right.
    pub(super) fn enter_noop(&mut self, status: u16, pause: Option<Duration>, latency: Duration) -> Next {
        match status {
            200..300 => self.counts.noop += 1,
            503 => {
                self.counts.busy += 1;
                self.error("503");
                return Next::Again(pause);
            }
            other => {
                self.counts.unexpected += 1;
                self.error(&other.to_string());
            }
        }
        self.latency.record(latency);
        Next::Done
    }

    /// Enters that a request got no answer.
    pub(super) fn enter_loss(&mut self, attempt: &Attempt, error: &ConnectionError) -> Next {
        self.counts.unanswered += 1;
        self.error(error.kind());
        if !error.nothing_done() {
            self.undecided(attempt);
        }
        Next::Again(None)
    }

    pub(super) fn given_up(&mut self) {
        self.counts.given_up += 1;
        self.error("given up");
    }

    /// Notes an attempt that was sent and whose answer nobody will read.
    pub(super) fn in_doubt(&mut self, attempt: &Attempt) {
        self.undecided(attempt);
        if attempt.kind == AttemptKind::SecondVote {
            self.second_votes_in_doubt.push(attempt.voter);
        }
    }

    /// Closes the book.
    pub(super) fn outcome(&mut self, elapsed: Duration) -> Outcome {
        for voter in self.receipts.never_counted().collect::<Vec<_>>() {
            self.contradiction(Contradiction::NeverCounted(voter));
        }
        for (one, other) in self.receipts.shared() {
            self.contradiction(Contradiction::SharedReceipt(one, other));
        }
        Outcome {
            plan: Arc::clone(&self.plan),
            receipts: std::mem::take(&mut self.receipts),
            elapsed,
            latency: std::mem::take(&mut self.latency),
            counts: self.counts.clone(),
            retries: 0,
            errors: std::mem::take(&mut self.errors),
            contradictions: self.contradictions,
            contradiction_samples: std::mem::take(&mut self.samples),
            unsent: self.waiting.len() as u64,
            second_votes_in_doubt: std::mem::take(&mut self.second_votes_in_doubt),
        }
    }

    fn undecided(&mut self, attempt: &Attempt) {
        if attempt.kind != AttemptKind::SecondVote {
            self.receipts.unanswered(attempt.voter);
        }
    }

    fn accepted(&mut self, attempt: &Attempt, receipt: &Receipt<'_>, counted: bool) {
        let voter = attempt.voter;
        *(if counted { &mut self.counts.counted } else { &mut self.counts.repeated }) += 1;
        if attempt.kind == AttemptKind::SecondVote {
            self.contradiction(Contradiction::SecondVoteAccepted(voter));
            return;
        }
        match self.receipts.note(voter, &receipt.id, receipt.seq, counted) {
            Noted::New => self.ready.extend(self.waiting.remove(&voter)),
            Noted::Same => {}
            Noted::Other => self.contradiction(Contradiction::OtherReceipt(voter)),
            Noted::CountedTwice => self.contradiction(Contradiction::CountedTwice(voter)),
            Noted::Impossible => self.contradiction(Contradiction::UnusableReceipt(voter)),
        }
    }

    fn refused(&mut self, attempt: &Attempt, code: &str, receipt: Option<&Receipt<'_>>) {
        let voter = attempt.voter;
        if attempt.kind != AttemptKind::SecondVote {
            self.contradiction(Contradiction::FirstVoteRefused(voter, code.to_owned()));
        } else if receipt.is_some_and(|named| self.receipts.get(voter).is_some_and(|known| known.receipt != named.id)) {
            self.contradiction(Contradiction::ForeignReceipt(voter));
        }
    }

    fn contradiction(&mut self, contradiction: Contradiction) {
        self.contradictions += 1;
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(contradiction);
        }
    }

    fn error(&mut self, kind: &str) {
        if let Some(count) = self.errors.get_mut(kind) {
            *count += 1;
        } else {
            let kind = if self.errors.len() < ERROR_KINDS_MAX { kind } else { "others" };
            *self.errors.entry(kind.to_owned()).or_default() += 1;
        }
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
