//! Totals of any unit, as sums of the places that totals are kept for.
//!
//! Invariant: pure functions of a tally and a tree. The sums of the children of a unit, and of its own boxes, are the sums
//! of the unit; the sums of the channels are the sums of all. It must not know: JSON, who is looking.

use std::collections::BTreeMap;

use hustings_core::{
    Channel, ContestNumber, Counts, GroupNumber, Measure, ReportStatus, Tally, Totals, Unit, UnitKind, UnitNumber,
    Units, UnitsMark,
};

/// What boxes reported in one contest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Votes by choice, in the order of the choices.
    pub choices: Vec<u64>,
    /// Ballots without a choice.
    pub blank: u64,
    /// Ballots that do not count.
    pub invalid: u64,
    /// Ballots in the boxes that reported.
    pub cast: u64,
    /// Boxes whose report is provisional.
    pub provisional: u64,
    /// Boxes whose report is final.
    pub last: u64,
    /// Boxes that ever reported.
    pub new_boxes: u64,
    /// Votes in the first reports of boxes.
    pub new_votes: u64,
    /// The same by the way that votes were cast.
    pub channels: BTreeMap<Channel, InChannel>,
}

/// What was cast in one way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InChannel {
    /// Votes by choice.
    pub choices: Vec<u64>,
    /// Ballots.
    pub cast: u64,
    /// Boxes that reported.
    pub boxes: u64,
}

impl InChannel {
    /// All votes for choices.
    #[must_use]
    pub fn votes(&self) -> u64 {
        self.choices.iter().sum()
    }
}

impl Sums {
    /// Nothing yet, in a contest with so many choices.
    #[must_use]
    pub fn new(choices: usize) -> Self {
        Self { choices: vec![0; choices], ..Self::default() }
    }

    /// All votes for choices.
    #[must_use]
    pub fn votes(&self) -> u64 {
        self.choices.iter().sum()
    }

    /// Boxes that reported.
    #[must_use]
    pub fn reported(&self) -> u64 {
        self.provisional + self.last
    }

    /// Adds the totals of a place.
    pub fn add(&mut self, totals: &Totals) {
        for ((group, measure), total) in totals {
            self.add_measure(*group, *measure, total.get());
        }
    }

    /// Adds the report of a box.
    pub fn add_report(&mut self, channel: Channel, counts: &Counts) {
        let status = match counts.status {
            ReportStatus::Provisional => Measure::BoxesProvisional,
            ReportStatus::Final => Measure::BoxesFinal,
        };
        let votes = counts.votes.iter().map(|(number, votes)| (Measure::Choice(*number), *votes));
        let others = [
            (Measure::Blank, counts.blank),
            (Measure::Invalid, counts.invalid),
            (Measure::Cast, counts.cast),
            (status, 1),
        ];
        for (measure, number) in votes.chain(others) {
            self.add_measure(channel.group(), measure, number.into());
        }
    }

    fn add_measure(&mut self, group: GroupNumber, measure: Measure, number: u64) {
        if number == 0 {
            return;
        }
        let choices = self.choices.len();
        let mut channel = Channel::of(group).map(|channel| {
            let new = || InChannel { choices: vec![0; choices], ..InChannel::default() };
            self.channels.entry(channel).or_insert_with(new)
        });
        match measure {
            Measure::Choice(choice) => {
                let in_channel = channel.as_mut().and_then(|channel| channel.choices.get_mut(choice.index()));
                for votes in self.choices.get_mut(choice.index()).into_iter().chain(in_channel) {
                    *votes += number;
                }
            }
            Measure::Cast => {
                self.cast += number;
                channel.into_iter().for_each(|channel| channel.cast += number);
            }
            Measure::BoxesProvisional | Measure::BoxesFinal => {
                let boxes = if measure == Measure::BoxesFinal { &mut self.last } else { &mut self.provisional };
                *boxes += number;
                channel.into_iter().for_each(|channel| channel.boxes += number);
            }
            Measure::Blank => self.blank += number,
            Measure::Invalid => self.invalid += number,
            Measure::NewBoxes => self.new_boxes += number,
            Measure::NewVotes => self.new_votes += number,
            Measure::Ballots
            | Measure::Boxes
            | Measure::BoxesForeseen
            | Measure::Registered
            | Measure::ChoiceAt(..) => {}
        }
    }
}

/// The sums of a contest in a place: of all places in it, and itself.
#[must_use]
pub fn of_place(tally: &Tally, units: &Units, contest: ContestNumber, choices: usize, top: UnitNumber) -> Sums {
    let mut sums = Sums::new(choices);
    for (_, totals) in tally.units(contest).filter(|(unit, _)| units.is_within(*unit, top)) {
        sums.add(totals);
    }
    sums
}

/// The sums of a contest in each place that stands just below a unit, of those where something was reported.
#[must_use]
pub fn of_children(
    tally: &Tally,
    units: &Units,
    contest: ContestNumber,
    choices: usize,
    top: UnitNumber,
) -> BTreeMap<UnitNumber, Sums> {
    let mut children: BTreeMap<UnitNumber, Sums> = BTreeMap::new();
    for (unit, totals) in tally.units(contest) {
        if let Some(child) = child_of(units, top, unit) {
            children.entry(child).or_insert_with(|| Sums::new(choices)).add(totals);
        }
    }
    children
}

/// The sums of a contest in each of some places, given in their order, of those where something was reported.
#[must_use]
pub fn of_places(
    tally: &Tally,
    units: &Units,
    contest: ContestNumber,
    choices: usize,
    places: &[UnitNumber],
) -> BTreeMap<UnitNumber, Sums> {
    let mut sums: BTreeMap<UnitNumber, Sums> = BTreeMap::new();
    for (unit, totals) in tally.units(contest) {
        for place in units.up(unit).filter(|above| places.binary_search(above).is_ok()) {
            sums.entry(place).or_insert_with(|| Sums::new(choices)).add(totals);
        }
    }
    sums
}

/// The unit just below another one that a unit stands in, or is.
#[must_use]
pub fn child_of(units: &Units, top: UnitNumber, unit: UnitNumber) -> Option<UnitNumber> {
    if unit == top {
        return None;
    }
    units.up(unit).find(|above| *above != Unit::ROOT && units.get(*above).is_some_and(|found| found.parent == top))
}

/// Where a contest is held inside a unit: the lower one of the two, or nowhere.
#[must_use]
pub fn held(units: &Units, contest: UnitNumber, unit: UnitNumber) -> Option<UnitNumber> {
    if units.is_within(unit, contest) { Some(unit) } else { units.is_within(contest, unit).then_some(contest) }
}

/// What is expected of units, whatever the contest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// Boxes that will report: those that are listed, or as many as a place says it will have.
    pub boxes: u64,
    /// Registered voters, as far as they are told.
    pub registered: u64,
    /// Whether there are boxes whose registered voters are told nowhere.
    pub lacks_registered: bool,
}

impl Expected {
    /// Registered voters, where they are known of every box: only then a turnout is one.
    #[must_use]
    pub fn voters(&self) -> Option<u64> {
        Some(self.registered).filter(|registered| *registered > 0 && !self.lacks_registered)
    }

    /// Registered voters of a part of the boxes, where those of others are not known.
    #[must_use]
    pub fn voters_in_part(&self) -> Option<u64> {
        Some(self.registered).filter(|registered| *registered > 0 && self.lacks_registered)
    }
}

/// What is expected of each place, those below it among it; a place of which nothing is known is left out.
#[must_use]
pub fn expected(tally: &Tally, units: &Units, then: UnitsMark) -> BTreeMap<UnitNumber, Expected> {
    let mut foreseen: BTreeMap<UnitNumber, u64> = BTreeMap::new();
    let mut waiting: BTreeMap<UnitNumber, Expected> = BTreeMap::new();
    for (unit, totals) in tally.units(ContestNumber::NONE) {
        let expected = waiting.entry(unit).or_default();
        for ((_, measure), total) in totals {
            match measure {
                Measure::Boxes => expected.boxes += total.get(),
                Measure::Registered => expected.registered += total.get(),
                Measure::BoxesForeseen => *foreseen.entry(unit).or_default() += total.get(),
                _ => {}
            }
        }
    }
    let mut all = BTreeMap::new();
    // Parents have lower numbers than their children, so what is taken last has got everything from below.
    while let Some((unit, mut expected)) = waiting.pop_last() {
        expected.boxes = expected.boxes.max(foreseen.get(&unit).copied().unwrap_or(0));
        expected.lacks_registered |= units.lacks_registered(unit, then);
        all.insert(unit, expected);
        if let Some(parent) = units.get(unit).map(|found| found.parent).filter(|parent| *parent != unit) {
            let above = waiting.entry(parent).or_default();
            above.boxes += expected.boxes;
            above.registered += expected.registered;
            above.lacks_registered |= expected.lacks_registered;
        }
    }
    all
}

/// What was expected of a station or a box when the tree had grown so far.
#[must_use]
pub fn expected_below(units: &Units, top: UnitNumber, then: UnitsMark) -> Expected {
    let live = units.below(top).filter(|number| units.is_live(*number, then)).filter_map(|number| units.get(number));
    let lacks_registered = units.boxes(top, then).any(|number| !units.has_registered(number));
    live.fold(Expected::default(), |sum, unit| Expected {
        boxes: sum.boxes + u64::from(unit.kind == UnitKind::Box),
        registered: sum.registered + u64::from(unit.registered.unwrap_or(0)),
        lacks_registered,
    })
}

/// Whether a unit is a box, or was told how many boxes it will have, itself or each unit just below it. A tree that has grown
/// beyond that place tells what it was there.
#[must_use]
pub fn foresees_boxes(units: &Units, top: UnitNumber, then: UnitsMark) -> bool {
    let Some(unit) = units.get(top) else { return false };
    if unit.boxes.is_some() || unit.kind == UnitKind::Box {
        return true;
    }
    let mut live = units.children(top).iter().filter(|child| units.is_live(**child, then)).peekable();
    let is_place = |child: UnitNumber| units.get(child).is_some_and(|unit| unit.kind.is_place());
    live.peek().is_some() && live.all(|child| is_place(*child) && foresees_boxes(units, *child, then))
}

/// Who is ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// The places of the choices with the most votes, several where they have as many.
    pub choices: Vec<usize>,
    /// Votes more than the next one has.
    pub margin: u64,
}

/// Who is ahead; nobody where there are no votes.
#[must_use]
pub fn leader(votes: &[u64]) -> Option<Leader> {
    let most = *votes.iter().max().filter(|most| **most > 0)?;
    let choices: Vec<usize> = (0..votes.len()).filter(|place| votes[*place] == most).collect();
    let next = votes.iter().filter(|number| **number < most).max();
    let margin = if choices.len() > 1 { 0 } else { most - next.copied().unwrap_or(0) };
    Some(Leader { choices, margin })
}

#[cfg(test)]
#[path = "sums_tests.rs"]
mod tests;
