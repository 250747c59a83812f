//! Goes through a ledger line by line and ticks off every acknowledged vote.
//!
//! Invariant: each ballot in the ledger is either ticked off once, or counted as doubled, invented or altered.
//! It must not know: where the lines come from.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use uuid::Uuid;

use super::ballots::{AttemptKind, VoterNumber, bits};
use super::outcome::Outcome;
use super::report::Report;

/// The state of the check; memory grows by about a hundred bytes a voter.
#[derive(Debug)]
pub(super) struct Audit<'a> {
    outcome: &'a Outcome,
    /// Which voter sends a vote under this id.
    sender: HashMap<u128, VoterNumber>,
    found: Vec<bool>,
    /// Every keyed hash of a voter met so far.
    voters: HashSet<u128>,
    report: Report,
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    voter: Option<Cow<'a, str>>,
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(borrow, default)]
    choices: Option<Vec<Cow<'a, str>>>,
}

impl<'a> Audit<'a> {
    pub(super) fn new(outcome: &'a Outcome) -> Self {
        let plan = outcome.plan();
        let voters = (0..plan.voters()).map(VoterNumber);
        let sender = voters.map(|voter| (bits(plan.attempt(voter, AttemptKind::First).submission), voter)).collect();
        let mut report = Report::new(plan.codes().to_vec());
        for (_, choice, _) in outcome.acknowledged() {
            report.acknowledged.add(&[Some(choice.index())]);
        }
        report.in_doubt = outcome.in_doubt().len() as u64;
        report.contradictions = outcome.contradictions;
        for contradiction in &outcome.contradiction_samples {
            report.find(|| contradiction.to_string());
        }
        Self { outcome, sender, found: vec![false; plan.voters() as usize], voters: HashSet::new(), report }
    }

    /// The last place seen.
    pub(super) fn head(&self) -> u64 {
        self.report.ledger_head
    }

    /// Checks one page and returns how many entries it had, or why it cannot be read.
    pub(super) fn page(&mut self, page: &[u8]) -> Result<usize, String> {
        let mut entries = 0;
        for line in page.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let line: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
            let head = self.head();
            if line.seq <= head {
                return Err(format!("entry {} comes after entry {head}", line.seq));
            }
            if line.seq != head + 1 {
                self.report.gaps += 1;
                self.report.find(|| format!("entry {} follows entry {head}", line.seq));
            }
            self.report.ledger_head = line.seq;
            entries += 1;
            if line.kind == "ballot_cast" {
                self.ballot(&line)?;
            }
        }
        Ok(entries)
    }

    fn ballot(&mut self, line: &Line<'_>) -> Result<(), String> {
        let seq = line.seq;
        let voter = line.voter.as_deref().and_then(|hex| u128::from_str_radix(hex, 16).ok());
        let voter = voter.ok_or_else(|| format!("entry {seq} names no voter as a 16-byte hash in hex"))?;
        let codes = self.outcome.plan().codes();
        let place = |code: &Cow<'_, str>| codes.iter().position(|known| known == code);
        let choices: Vec<_> = line.choices.iter().flatten().map(place).collect();
        self.report.ledger.add(&choices);
        let sender = line.id.and_then(|id| self.sender.get(&id.as_u128()).copied());
        let twice = !self.voters.insert(voter);
        let found = sender.and_then(|sender| self.found.get_mut(sender.index()));
        if found.map(|found| std::mem::replace(found, true)).unwrap_or_default() || twice {
            self.report.doubled += 1;
            self.report.find(|| format!("entry {seq} counts a voter who was counted before"));
            return Ok(());
        }
        let receipts = self.outcome.receipts();
        match sender.map(|sender| (sender, receipts.get(sender))) {
            Some((sender, Some(known))) => {
                let expected = self.outcome.plan().attempt(sender, AttemptKind::First).choice;
                if choices != [Some(expected.index())] {
                    self.report.altered += 1;
                    self.report.find(|| format!("entry {seq} gives {sender} another choice"));
                }
                if known.seq.is_some_and(|told| told.0 != seq) {
                    self.report.misplaced += 1;
                    self.report.find(|| format!("entry {seq} stands elsewhere in the receipt of {sender}"));
                }
            }
            Some((sender, None)) if receipts.is_in_doubt(sender) => self.report.in_doubt_counted.add(&choices),
            _ => {
                self.report.invented += 1;
                self.report.find(|| format!("entry {seq} is nobody's vote: neither acknowledged nor in doubt"));
            }
        }
        Ok(())
    }

    /// What is acknowledged and was not found is lost.
    pub(super) fn finish(mut self) -> Report {
        for known in self.outcome.receipts().iter() {
            if !self.found.get(known.voter.index()).copied().unwrap_or_default() {
                self.report.lost += 1;
                self.report.find(|| {
                    format!("{} holds receipt {}, and the ledger has no such vote", known.voter, known.receipt)
                });
            }
        }
        self.report
    }
}
