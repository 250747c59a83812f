//! The four sums side by side, and every way in which they differ.
//!
//! It must not know: how they were read.

use std::fmt;

use super::api::Results;

/// One sum: how many ballots, and what each choice of the plan has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Ballots.
    pub ballots: u64,
    /// Votes, by choice number.
    pub votes: Vec<u64>,
    /// Votes for choices that the plan does not have.
    pub foreign: u64,
}

impl Totals {
    fn zero(choices: usize) -> Self {
        Self { ballots: 0, votes: vec![0; choices], foreign: 0 }
    }

    pub(super) fn of_results(results: &Results, codes: &[String]) -> Self {
        let mut totals = Self { ballots: results.ballots, ..Self::zero(codes.len()) };
        for choice in &results.choices {
            let place = codes.iter().position(|code| *code == choice.code);
            *totals.slot(place) += choice.votes;
        }
        totals
    }

    /// Adds one ballot.
    pub(super) fn add(&mut self, choices: &[Option<usize>]) {
        self.ballots += 1;
        for &place in choices {
            *self.slot(place) += 1;
        }
    }

    fn slot(&mut self, place: Option<usize>) -> &mut u64 {
        match place.and_then(|place| self.votes.get_mut(place)) {
            Some(votes) => votes,
            None => &mut self.foreign,
        }
    }

    fn plus(&self, other: &Self) -> Self {
        let votes = self.votes.iter().zip(&other.votes).map(|(one, two)| one + two).collect();
        Self { ballots: self.ballots + other.ballots, votes, foreign: self.foreign + other.foreign }
    }
}

/// What the comparison found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The codes of the choices, by choice number.
    pub codes: Vec<String>,
    /// What voters were told.
    pub acknowledged: Totals,
    /// What the ledger's entries add up to.
    pub ledger: Totals,
    /// The last entry's place.
    pub ledger_head: u64,
    /// What the counters say.
    pub counters: Totals,
    /// At which version.
    pub counters_version: String,
    /// What a watcher sees at that version, if a frame came in time.
    pub frame: Option<Totals>,
    /// The version in that frame.
    pub frame_version: Option<String>,
    /// Attempts without an answer.
    pub in_doubt: u64,
    /// Those of them that the ledger has.
    pub in_doubt_counted: Totals,
    /// Acknowledged, and not in the ledger.
    pub lost: u64,
    /// Entries for a voter or an id that the ledger had before.
    pub doubled: u64,
    /// Entries that nobody sent.
    pub invented: u64,
    /// Entries with another choice than was sent.
    pub altered: u64,
    /// Entries at another place than the receipt says.
    pub misplaced: u64,
    /// Places missing in the ledger.
    pub gaps: u64,
    /// Answers during the run that cannot be true.
    pub contradictions: u64,
    /// The first findings, in words.
    pub findings: Vec<String>,
}

const FINDINGS_MAX: usize = 10;

/// The place in a version `epoch.seq`; none in a masked one.
pub(super) fn seq_of(version: &str) -> Option<u64> {
    version.rsplit_once('.')?.1.parse().ok()
}

impl Report {
    pub(super) fn new(codes: Vec<String>) -> Self {
        let zero = Totals::zero(codes.len());
        Self {
            codes,
            acknowledged: zero.clone(),
            ledger: zero.clone(),
            counters: zero.clone(),
            in_doubt_counted: zero,
            ..Self::default()
        }
    }

    pub(super) fn find(&mut self, finding: impl FnOnce() -> String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding());
        }
    }

    /// Whether the ledger has exactly what was acknowledged, and what of the doubtful it has on top.
    #[must_use]
    pub fn ledger_agrees(&self) -> bool {
        let faults = [self.lost, self.doubled, self.invented, self.altered, self.misplaced, self.gaps];
        faults.iter().all(|&fault| fault == 0) && self.ledger == self.acknowledged.plus(&self.in_doubt_counted)
    }

    /// Whether the counters have reached the ledger and say the same.
    #[must_use]
    pub fn counters_agree(&self) -> bool {
        seq_of(&self.counters_version) == Some(self.ledger_head) && self.counters == self.ledger
    }

    /// Whether watchers see the counters at their version.
    #[must_use]
    pub fn frame_agrees(&self) -> bool {
        self.frame.as_ref() == Some(&self.counters) && self.frame_version.as_ref() == Some(&self.counters_version)
    }

    /// Whether acknowledged = ledger = counters = frame, and no answer contradicted another.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.contradictions == 0 && self.ledger_agrees() && self.counters_agree() && self.frame_agrees()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = self.frame.clone().unwrap_or_default();
        let columns = [&self.acknowledged, &self.ledger, &self.counters, &frame];
        writeln!(f, "{:<22} {:>13} {:>13} {:>13} {:>13}", "", "acknowledged", "ledger", "counters", "frame")?;
        let mut row = |name: &str, value: &dyn Fn(&Totals) -> Option<u64>| {
            let name: String = name.chars().take(22).collect();
            write!(f, "{name:<22}")?;
            for column in columns {
                match value(column) {
                    Some(value) => write!(f, " {value:>13}")?,
                    None => write!(f, " {:>13}", "none")?,
                }
            }
            writeln!(f)
        };
        // A frame that never came has no votes at all, not even none of each.
        let came = |totals: &Totals, value: Option<u64>| if totals.votes.is_empty() { None } else { value };
        row("ballots", &|totals| came(totals, Some(totals.ballots)))?;
        for (number, code) in self.codes.iter().enumerate() {
            row(code, &|totals| totals.votes.get(number).copied())?;
        }
        if columns.iter().any(|totals| totals.foreign > 0) {
            row("other choices", &|totals| came(totals, Some(totals.foreign)))?;
        }
        let Self { lost, doubled, invented, altered, misplaced, gaps, contradictions, .. } = self;
        writeln!(f, "lost {lost}, doubled {doubled}, invented {invented}, altered {altered}, misplaced {misplaced}")?;
        write!(f, "gaps {gaps}, contradictions {contradictions}, ")?;
        writeln!(f, "in doubt {} (of these counted {})", self.in_doubt, self.in_doubt_counted.ballots)?;
        if !self.counters_agree() {
            writeln!(f, "counters stand at {}, the ledger at {}", self.counters_version, self.ledger_head)?;
        }
        for finding in &self.findings {
            writeln!(f, "  {finding}")?;
        }
        write!(f, "{}", if self.is_exact() { "exact" } else { "NOT EXACT" })
    }
}
