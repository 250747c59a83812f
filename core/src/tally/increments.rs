//! What each kind of entry adds to which totals. An entry says all of it by itself.

use std::collections::BTreeMap;

use super::{Cell, Increment, Measure};
use crate::count::Delta;
use crate::entry::{BallotCast, Event, ReportFiled, Standing, UnitRetired, UnitsAdded};
use crate::id::{ContestNumber, GroupNumber, UnitNumber};
use crate::report::{Counts, ReportStatus};
use crate::submission::Selections;
use crate::unit::{Channel, Unit, UnitKind};

impl Event {
    /// The increments of this event: `new - old` for a changed vote or a corrected report, nothing for a change of state.
    #[must_use]
    pub fn increments(&self) -> Vec<Increment> {
        match self {
            Self::BallotCast(ballot) => ballot_increments(ballot),
            Self::StateChanged(_) | Self::Retitled(_) => Vec::new(),
            Self::UnitsAdded(added) => units_increments(added),
            Self::UnitRetired(retired) => {
                let UnitRetired { place, channel, kind, registered, boxes, .. } = retired;
                let told = numbers(*place, *channel, *kind, Some(*registered), Some(*boxes));
                told.map(|(cell, number)| Increment { cell, delta: Delta(-i64::from(number)) }).collect()
            }
            Self::ReportFiled(filed) => report_increments(filed),
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

/// One for each cell: a city may have hundreds of boxes.
fn units_increments(added: &UnitsAdded) -> Vec<Increment> {
    let mut sums: BTreeMap<Cell, i64> = BTreeMap::new();
    for unit in &added.units {
        for (cell, number) in numbers(unit.place, unit.channel, unit.kind, unit.registered, unit.boxes) {
            *sums.entry(cell).or_default() += i64::from(number);
        }
    }
    sums.into_iter().map(|(cell, sum)| Increment { cell, delta: Delta(sum) }).collect()
}

/// What a unit adds to the cells of its place; what it does not have is left out.
fn numbers(
    unit: UnitNumber,
    channel: Channel,
    kind: UnitKind,
    registered: Option<u32>,
    foreseen: Option<u32>,
) -> impl Iterator<Item = (Cell, u32)> {
    let cell = move |group, measure| Cell { contest: ContestNumber::NONE, unit, group, measure };
    let numbers = [
        (cell(channel.group(), Measure::Boxes), u32::from(kind == UnitKind::Box)),
        (cell(GroupNumber(0), Measure::Registered), registered.unwrap_or(0)),
        (cell(GroupNumber(0), Measure::BoxesForeseen), foreseen.unwrap_or(0)),
    ];
    numbers.into_iter().filter(|(_, number)| *number > 0)
}

fn report_increments(filed: &ReportFiled) -> Vec<Increment> {
    let old = match &filed.standing {
        Standing::Late { .. } => return Vec::new(),
        Standing::First => None,
        Standing::Replaces { counts, .. } => counts.as_ref(),
    };
    let new = filed.content.counts();
    let mut increments = Vec::with_capacity(16);
    let mut push = |measure, new: i64, old: i64| {
        if new != old {
            let cell = Cell { contest: filed.contest, unit: filed.place, group: filed.channel.group(), measure };
            increments.push(Increment { cell, delta: Delta(new - old) });
        }
    };
    let number = |counts: Option<&Counts>, number: fn(&Counts) -> u32| counts.map_or(0, |c| i64::from(number(c)));
    let boxes = |counts: Option<&Counts>, status| i64::from(counts.is_some_and(|counts| counts.status == status));
    for (choice, votes) in new.iter().flat_map(|counts| &counts.votes) {
        push(Measure::Choice(*choice), (*votes).into(), 0);
    }
    for (choice, votes) in old.iter().flat_map(|counts| &counts.votes) {
        push(Measure::Choice(*choice), 0, (*votes).into());
    }
    push(Measure::Blank, number(new, |counts| counts.blank), number(old, |counts| counts.blank));
    push(Measure::Invalid, number(new, |counts| counts.invalid), number(old, |counts| counts.invalid));
    push(Measure::Cast, number(new, |counts| counts.cast), number(old, |counts| counts.cast));
    let (provisional, last) = (ReportStatus::Provisional, ReportStatus::Final);
    push(Measure::BoxesProvisional, boxes(new, provisional), boxes(old, provisional));
    push(Measure::BoxesFinal, boxes(new, last), boxes(old, last));
    if let (Standing::First, Some(counts)) = (&filed.standing, new) {
        push(Measure::NewBoxes, 1, 0);
        push(Measure::NewVotes, i64::try_from(counts.votes_in_all()).unwrap_or(i64::MAX), 0);
    }
    increments
}
