//! The fold: from entries to totals. The oracle of every test, and the only definition of a total.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::count::{Count, CountError, Delta};
use crate::election::Election;
use crate::entry::{BallotCast, DecodeError, Entry, Event, StateChange, StateChanged};
use crate::id::{Chain, ChoiceNumber, ContestNumber, GroupNumber, Seq, Time, UnitNumber, VoterKey};
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
    /// A contest that was opened with another definition.
    #[error("entry {0} froze another definition than this one: choices or titles were exchanged")]
    Definition(Seq),
    /// A ballot that its contest's method forbids.
    #[error("entry {0} holds a ballot that its contest forbids: {1}")]
    Ballot(Seq, Rejection),
    /// A second counted ballot of one voter, or one that replaces a vote that did not count.
    #[error("entry {0} counts a voter twice, or replaces a vote that did not count")]
    Twice(Seq),
}

impl ElectionState {
    /// Moves with the next entry after a place, given as its canonical bytes: it must come next, be no older, and be one
    /// that the states allow. Chain and totals are the caller's; after an error the state must not be used.
    pub fn follow(&mut self, seq: Seq, time: Time, bytes: &[u8]) -> Result<Entry, FoldError> {
        let expected = seq.next();
        let entry = Entry::from_bytes(bytes).map_err(|error| FoldError::Decode(expected, error))?;
        if entry.seq != expected {
            return Err(FoldError::Gap { expected, found: entry.seq });
        }
        if entry.time < time {
            return Err(FoldError::Time(expected));
        }
        let forbidden = |rejection| FoldError::State(expected, rejection);
        match &entry.event {
            Event::BallotCast(ballot) => {
                self.contest(ballot.contest).and_then(ContestState::accepts_ballots).map_err(forbidden)?;
            }
            Event::StateChanged(changed) => {
                if !self.apply(changed, entry.time).map_err(forbidden)? {
                    return Err(FoldError::Idle(expected));
                }
            }
        }
        Ok(entry)
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
        let expected = self.seq.next();
        let entry = self.state.follow(self.seq, self.time, bytes)?;
        self.tally.add(&entry.event.increments()).map_err(|error| FoldError::Count(expected, error))?;
        self.seq = entry.seq;
        self.time = entry.time;
        self.chain = self.chain.extend(bytes);
        Ok(entry)
    }
}

/// A fold that trusts nobody: it also holds each entry against the definition and against the voter's earlier votes.
/// Its memory grows with the number of voters.
pub struct Recount<'a> {
    election: &'a Election,
    fold: Fold,
    counted: HashMap<(ContestNumber, VoterKey), Counted>,
}

struct Counted {
    seq: Seq,
    group: GroupNumber,
    selections: Selections,
}

impl<'a> Recount<'a> {
    /// The recount of the empty ledger.
    #[must_use]
    pub fn new(election: &'a Election) -> Self {
        Self { election, fold: Fold::new(election), counted: HashMap::new() }
    }

    /// The fold so far.
    #[must_use]
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    /// The fold, when all is counted.
    #[must_use]
    pub fn into_fold(self) -> Fold {
        self.fold
    }

    /// Counts the next entry, given as its canonical bytes; after an error the recount must not be used.
    pub fn apply(&mut self, bytes: &[u8]) -> Result<Entry, FoldError> {
        let entry = self.fold.apply(bytes)?;
        match &entry.event {
            Event::BallotCast(ballot) => self.ballot(entry.seq, ballot)?,
            Event::StateChanged(changed) => self.definition(entry.seq, changed)?,
        }
        Ok(entry)
    }

    fn ballot(&mut self, seq: Seq, ballot: &BallotCast) -> Result<(), FoldError> {
        let contest = self.election.contests.get(ballot.contest.index()).ok_or(FoldError::Definition(seq))?;
        contest.check(&ballot.selections).map_err(|rejection| FoldError::Ballot(seq, rejection))?;
        let now = Counted { seq, group: ballot.group, selections: ballot.selections.clone() };
        let before = self.counted.insert((ballot.contest, ballot.voter), now);
        let honest = match (&before, &ballot.previous) {
            (None, None) => true,
            (Some(before), Some(previous)) => {
                before.seq == previous.seq && before.group == previous.group && before.selections == previous.selections
            }
            _ => false,
        };
        if honest { Ok(()) } else { Err(FoldError::Twice(seq)) }
    }

    fn definition(&self, seq: Seq, changed: &StateChanged) -> Result<(), FoldError> {
        let contest = |at: usize| self.election.contests.get(at).ok_or(FoldError::Definition(seq));
        let frozen = match changed.change {
            StateChange::Opened { definition, .. } => contest(changed.contest.index())?.digest() == definition,
            StateChange::RoundStarted { next, definition } => {
                let round = contest(changed.contest.index() + 1)?;
                round.id == next && round.digest() == definition
            }
            _ => true,
        };
        if frozen { Ok(()) } else { Err(FoldError::Definition(seq)) }
    }
}
