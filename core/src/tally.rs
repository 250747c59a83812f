//! The fold: from entries to totals. The oracle of every test, and the only definition of a total.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::count::{Count, CountError, Delta};
use crate::election::Election;
use crate::entry::{BallotCast, DecodeError, Entry, Event};
use crate::id::{Chain, ChoiceNumber, ContestNumber, GroupNumber, Seq, Time, UnitNumber};
use crate::rejection::Rejection;
use crate::state::{ContestState, ElectionState};
use crate::submission::Selections;
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Cell, Count)>", into = "Vec<(Cell, Count)>")]
pub struct Tally(BTreeMap<Cell, Count>);

impl Tally {
    /// The total in a cell.
    #[must_use]
    pub fn get(&self, cell: &Cell) -> Count {
        self.0.get(cell).copied().unwrap_or(Count::ZERO)
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
        self.0.extend(moved);
        Ok(())
    }

    /// Every cell that was ever moved, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Cell, &Count)> {
        self.0.iter()
    }

    /// Whether two tallies say the same; a zero and an absent cell are the same.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let covered = |a: &Self, b: &Self| a.iter().all(|(cell, total)| b.get(cell) == *total);
        covered(self, other) && covered(other, self)
    }
}

impl From<Vec<(Cell, Count)>> for Tally {
    fn from(cells: Vec<(Cell, Count)>) -> Self {
        Self(cells.into_iter().collect())
    }
}

impl From<Tally> for Vec<(Cell, Count)> {
    fn from(tally: Tally) -> Self {
        tally.0.into_iter().collect()
    }
}

impl Event {
    /// The increments of this event: `new - old` for a changed vote, nothing for a change of state.
    #[must_use]
    pub fn increments(&self) -> Vec<Increment> {
        match self {
            Self::BallotCast(ballot) => ballot_increments(ballot),
            Self::StateChanged(_) => Vec::new(),
        }
    }
}

fn ballot_increments(ballot: &BallotCast) -> Vec<Increment> {
    let mut increments = Vec::with_capacity(4);
    let mut push = |group, measure, delta| {
        let cell = Cell { contest: ballot.contest, unit: Unit::ROOT, group, measure };
        increments.push(Increment { cell, delta: Delta(delta) });
    };
    if let Some(previous) = &ballot.previous {
        push(previous.group, Measure::Ballots, -1);
        selected(&previous.selections, |measure| push(previous.group, measure, -1));
    }
    push(ballot.group, Measure::Ballots, 1);
    selected(&ballot.selections, |measure| push(ballot.group, measure, 1));
    increments
}

fn selected(selections: &Selections, mut each: impl FnMut(Measure)) {
    if selections.is_blank() {
        each(Measure::Blank);
    }
    match selections {
        Selections::Choices(chosen) => chosen.iter().for_each(|number| each(Measure::Choice(*number))),
        Selections::Scores(scores) => {
            scores.iter().for_each(|(number, score)| each(Measure::ChoiceAt(*number, *score)));
        }
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
        let expected = self.seq.next();
        let entry = Entry::from_bytes(bytes).map_err(|error| FoldError::Decode(expected, error))?;
        if entry.seq != expected {
            return Err(FoldError::Gap { expected, found: entry.seq });
        }
        if entry.time < self.time {
            return Err(FoldError::Time(expected));
        }
        let forbidden = |rejection| FoldError::State(expected, rejection);
        match &entry.event {
            Event::BallotCast(ballot) => {
                self.state.contest(ballot.contest).and_then(ContestState::accepts_ballots).map_err(forbidden)?;
            }
            Event::StateChanged(changed) => {
                if !self.state.apply(changed, entry.time).map_err(forbidden)? {
                    return Err(FoldError::Idle(expected));
                }
            }
        }
        self.tally.add(&entry.event.increments()).map_err(|error| FoldError::Count(expected, error))?;
        self.seq = entry.seq;
        self.time = entry.time;
        self.chain = self.chain.extend(bytes);
        Ok(entry)
    }
}
