//! The fold: from entries to totals. The oracle of every test, and the only definition of a total.

mod increments;
mod packed;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::count::{Count, CountError, Delta};
use crate::election::Election;
use crate::entry::{BallotCast, DecodeError, Entry, Event, ReportFiled};
use crate::id::{Chain, ChoiceNumber, ContestNumber, GroupNumber, Seq, Time, UnitNumber};
use crate::rejection::Rejection;
use crate::state::{ContestState, ElectionState};
use crate::unit::Unit;

/// The place of one total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The contest.
    pub contest: ContestNumber,
    /// The reporting unit.
    pub unit: UnitNumber,
    /// The voters' group.
    pub group: GroupNumber,
    /// What is counted.
    pub measure: Measure,
}

/// What is counted in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Voters with a counted ballot.
    Ballots,
    /// Ballots without any selection.
    Blank,
    /// Ballots that do not count, as boxes report them.
    Invalid,
    /// Ballots in the boxes that reported.
    Cast,
    /// Boxes whose report that counts is provisional.
    BoxesProvisional,
    /// Boxes whose report that counts is final.
    BoxesFinal,
    /// Boxes that ever reported; never falls.
    NewBoxes,
    /// Votes in the first reports of all boxes; never falls.
    NewVotes,
    /// Boxes that reports are expected from; of no contest.
    Boxes,
    /// Boxes that a place said it will have; of no contest.
    BoxesForeseen,
    /// Registered voters; of no contest.
    Registered,
    /// Ballots that chose this choice.
    Choice(ChoiceNumber),
    /// Ballots that gave this choice this score.
    ChoiceAt(ChoiceNumber, u8),
}

/// What one entry adds to one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Increment {
    /// The cell.
    pub cell: Cell,
    /// What is added.
    pub delta: Delta,
}

/// All totals of one election at one place in its ledger; cells that are zero may be absent.
///
/// Totals are kept in a block for each contest and unit. A copy shares its blocks until they move, so that a reader who
/// keeps the totals of three thousand cities costs a writer only the cities that moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(ContestNumber, UnitNumber), Arc<Totals>>);

/// The totals of one contest in one unit, by group and measure, rising. Memory: 16 bytes a total; three thousand cities with
/// eight contests of ten choices have four hundred thousand of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals(Vec<((GroupNumber, Measure), Count)>);

impl Totals {
    /// The total of a measure in a group, where it was ever moved.
    #[must_use]
    pub fn get(&self, of: (GroupNumber, Measure)) -> Option<Count> {
        self.place(&of).ok().map(|at| self.0[at].1)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ((GroupNumber, Measure), Count)> {
        self.0.iter()
    }

    /// Puts totals in the place of those that are there; each group and measure comes once.
    fn set(&mut self, moved: impl Iterator<Item = ((GroupNumber, Measure), Count)>) {
        let known = self.0.len();
        let mut new = Vec::new();
        for (of, total) in moved {
            match self.place(&of) {
                Ok(at) => self.0[at].1 = total,
                Err(_) => new.push((of, total)),
            }
        }
        self.0.extend(new);
        if self.0.len() > known {
            // Two runs that are in order already: one pass.
            self.0.sort_by_key(|(of, _)| *of);
        }
    }

    fn place(&self, of: &(GroupNumber, Measure)) -> Result<usize, usize> {
        self.0.binary_search_by_key(of, |(known, _)| *known)
    }
}

impl<'a> IntoIterator for &'a Totals {
    type Item = &'a ((GroupNumber, Measure), Count);
    type IntoIter = std::slice::Iter<'a, ((GroupNumber, Measure), Count)>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Tally {
    /// The total in a cell.
    #[must_use]
    pub fn get(&self, cell: &Cell) -> Count {
        let totals = self.totals(cell.contest, cell.unit);
        totals.and_then(|totals| totals.get((cell.group, cell.measure))).unwrap_or_default()
    }

    /// The totals of a contest in one unit, without those of other units.
    #[must_use]
    pub fn totals(&self, contest: ContestNumber, unit: UnitNumber) -> Option<&Totals> {
        self.0.get(&(contest, unit)).map(Arc::as_ref)
    }

    /// The totals of a contest in each unit that has some, in the order of their numbers.
    pub fn units(&self, contest: ContestNumber) -> impl Iterator<Item = (UnitNumber, &Totals)> {
        let all = (contest, UnitNumber(0))..=(contest, UnitNumber(u32::MAX));
        self.0.range(all).map(|((_, unit), totals)| (*unit, totals.as_ref()))
    }

    /// The total of a measure in a contest, at the root, for the default group.
    #[must_use]
    pub fn total(&self, contest: ContestNumber, measure: Measure) -> Count {
        self.get(&Cell { contest, unit: Unit::ROOT, group: GroupNumber(0), measure })
    }

    /// Adds increments, all or none; an error names a ledger that breaks its own rules.
    pub fn add(&mut self, increments: &[Increment]) -> Result<(), CountError> {
        let mut sums: BTreeMap<Cell, i64> = BTreeMap::new();
        for increment in increments {
            let sum = sums.entry(increment.cell).or_default();
            *sum = sum.checked_add(increment.delta.0).ok_or(CountError)?;
        }
        let moved: Vec<(Cell, Count)> = sums
            .into_iter()
            .map(|(cell, sum)| self.get(&cell).plus(Delta(sum)).map(|total| (cell, total)))
            .collect::<Result<_, _>>()?;
        for of_one in moved.chunk_by(|(a, _), (b, _)| (a.contest, a.unit) == (b.contest, b.unit)) {
            let Some((first, _)) = of_one.first() else { continue };
            let totals = Arc::make_mut(self.0.entry((first.contest, first.unit)).or_default());
            totals.set(of_one.iter().map(|(cell, total)| ((cell.group, cell.measure), *total)));
        }
        Ok(())
    }

    /// How many cells were ever moved.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.values().map(|totals| totals.0.len()).sum()
    }

    /// Every cell that was ever moved, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Cell, Count)> {
        self.0.iter().flat_map(|((contest, unit), totals)| {
            let cell = |((group, measure), total): &((GroupNumber, Measure), Count)| {
                (Cell { contest: *contest, unit: *unit, group: *group, measure: *measure }, *total)
            };
            totals.iter().map(cell)
        })
    }

    /// Whether two tallies say the same; a zero and an absent cell are the same.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let covered = |a: &Self, b: &Self| a.iter().all(|(cell, total)| b.get(&cell) == total);
        covered(self, other) && covered(other, self)
    }
}

impl From<Vec<(Cell, Count)>> for Tally {
    fn from(cells: Vec<(Cell, Count)>) -> Self {
        // Of one cell that comes twice, the later total stands.
        let cells: BTreeMap<Cell, Count> = cells.into_iter().collect();
        let cells: Vec<(Cell, Count)> = cells.into_iter().collect();
        let block = |of_one: &[(Cell, Count)]| {
            let first = of_one.first()?.0;
            let totals = of_one.iter().map(|(cell, total)| ((cell.group, cell.measure), *total)).collect();
            Some(((first.contest, first.unit), Arc::new(Totals(totals))))
        };
        Self(cells.chunk_by(|(a, _), (b, _)| (a.contest, a.unit) == (b.contest, b.unit)).filter_map(block).collect())
    }
}

/// A ledger folded up to one place: totals, states, and the chain that proves which entries they come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// The last entry folded.
    pub seq: Seq,
    /// Its time.
    pub time: Time,
    /// The chain up to it.
    pub chain: Chain,
    /// Where the contests stand.
    pub state: ElectionState,
    /// The totals.
    pub tally: Tally,
}

/// A ledger that cannot be folded. It was damaged, or written by a later program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Bytes that are no entry.
    #[error("entry {0} cannot be read: {1}")]
    Decode(Seq, DecodeError),
    /// A gap or a repeat.
    #[error("entry {expected} is missing: found {found} in its place")]
    Gap {
        /// The place that must come next.
        expected: Seq,
        /// The place that came.
        found: Seq,
    },
    /// Time went back.
    #[error("entry {0} is older than the one before it")]
    Time(Seq),
    /// A ballot or a change of state that the state forbids.
    #[error("entry {0} is one that its contest's state forbids: {1}")]
    State(Seq, Rejection),
    /// A change of state that changes nothing.
    #[error("entry {0} changes nothing")]
    Idle(Seq),
    /// A total out of range.
    #[error("entry {0}: {1}")]
    Count(Seq, CountError),
    /// A contest that was opened with another definition.
    #[error("entry {0} froze another definition than this one: choices or titles were exchanged")]
    Definition(Seq),
    /// A ballot that its contest's method forbids.
    #[error("entry {0} holds a ballot that its contest forbids: {1}")]
    Ballot(Seq, Rejection),
    /// A report that its contest or its box forbids, or that replaces another one than what counted.
    #[error("entry {0} holds a report that its box or its contest forbids: {1}")]
    Report(Seq, Rejection),
    /// A kind of entry that elections of this kind do not have.
    #[error("entry {0} belongs to another kind of election: polls have ballots and rounds, and boxes report")]
    WrongKind(Seq),
    /// Units that may not stand where the entry adds them, or that may not go.
    #[error("entry {0} changes the units as their tree forbids ({code})", code = .1.code())]
    Units(Seq, Rejection),
    /// A second counted ballot of one voter, or one that replaces a vote that did not count.
    #[error("entry {0} counts a voter twice, or replaces a vote that did not count")]
    Twice(Seq),
}

impl ElectionState {
    /// Moves with the next entry after a place, given as its canonical bytes: it must come next, be no older, and be one
    /// that the states allow. Chain and totals are the caller's; after an error the state must not be used.
    pub fn follow(&mut self, seq: Seq, time: Time, bytes: &[u8]) -> Result<Entry, FoldError> {
        let entry = Entry::from_bytes(bytes).map_err(|error| FoldError::Decode(seq.next(), error))?;
        self.move_with(seq, time, &entry)?;
        Ok(entry)
    }

    fn move_with(&mut self, seq: Seq, time: Time, entry: &Entry) -> Result<(), FoldError> {
        let expected = seq.next();
        if entry.seq != expected {
            return Err(FoldError::Gap { expected, found: entry.seq });
        }
        if entry.time < time {
            return Err(FoldError::Time(expected));
        }
        let forbidden = |rejection| FoldError::State(expected, rejection);
        match &entry.event {
            Event::BallotCast(BallotCast { contest, .. }) | Event::ReportFiled(ReportFiled { contest, .. }) => {
                self.contest(*contest).and_then(ContestState::accepts_submissions).map_err(forbidden)?;
            }
            Event::UnitsAdded(added) => self.add_units(added, expected).map_err(forbidden)?,
            Event::UnitRetired(retired) => self.retire_unit(retired, expected).map_err(forbidden)?,
            Event::Retitled(retitled) => {
                if !self.retitle(retitled) {
                    return Err(FoldError::Idle(expected));
                }
            }
            Event::StateChanged(changed) => {
                if !self.apply(changed, entry.time).map_err(forbidden)? {
                    return Err(FoldError::Idle(expected));
                }
            }
        }
        Ok(())
    }
}

impl Fold {
    /// The fold of the empty ledger.
    #[must_use]
    pub fn new(election: &Election) -> Self {
        Self {
            seq: Seq(0),
            time: Time(0),
            chain: Chain::EMPTY,
            state: ElectionState::new(election),
            tally: Tally::default(),
        }
    }

    /// Folds the next entry, given as its canonical bytes; after an error the fold must not be used.
    pub fn apply(&mut self, bytes: &[u8]) -> Result<Entry, FoldError> {
        let entry = Entry::from_bytes(bytes).map_err(|error| FoldError::Decode(self.seq.next(), error))?;
        self.apply_entry(&entry, bytes)?;
        Ok(entry)
    }

    /// The same for an entry that was decoded from these bytes already.
    pub fn apply_entry(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), FoldError> {
        self.state.move_with(self.seq, self.time, entry)?;
        self.tally.add(&entry.event.increments()).map_err(|error| FoldError::Count(entry.seq, error))?;
        self.seq = entry.seq;
        self.time = entry.time;
        self.chain = self.chain.extend(bytes);
        Ok(())
    }
}
