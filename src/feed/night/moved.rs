//! What moved between two moments of an election: what was newly reported, and what all corrections left of it.
//!
//! Invariant: the moves of intervals that follow one another add up to the move of the whole.

use std::collections::BTreeMap;

use hustings_core::{Contest, ContestNumber, UnitNumber, Units};

use super::sums::{self, Sums};
use super::{Moment, contest_code};

/// What moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// Votes in first reports of boxes.
    pub new_votes: u64,
    /// First reports of boxes.
    pub new_boxes: u64,
    /// Votes by choice, corrections and withdrawals taken off.
    pub votes: BTreeMap<String, i64>,
    /// Boxes with a report that counts.
    pub boxes: i64,
    /// Ballots.
    pub cast: i64,
}

impl Moved {
    /// Whether nothing moved.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what moved from one state of a contest to a later one.
    pub fn add(&mut self, named: &Named<'_>, before: &Sums, after: &Sums) {
        self.new_votes += after.new_votes.saturating_sub(before.new_votes);
        self.new_boxes += after.new_boxes.saturating_sub(before.new_boxes);
        self.boxes += difference(after.reported(), before.reported());
        self.cast += difference(after.cast, before.cast);
        for (place, after) in after.choices.iter().enumerate() {
            self.add_votes(named.choice(place), difference(*after, before.choices.get(place).copied().unwrap_or(0)));
        }
    }

    /// Adds votes of one choice.
    pub fn add_votes(&mut self, choice: String, votes: i64) {
        if votes == 0 {
            return;
        }
        let sum = self.votes.entry(choice).or_default();
        *sum += votes;
    }

    /// Leaves out choices whose votes did not move in the end.
    pub fn settle(&mut self) {
        self.votes.retain(|_, votes| *votes != 0);
    }
}

/// A contest whose choices are named, with its own name before them where several contests are told together.
pub struct Named<'a> {
    /// The contest.
    pub contest: &'a Contest,
    /// Whether it is told alone.
    pub alone: bool,
}

impl Named<'_> {
    /// The name of a choice by its place.
    #[must_use]
    pub fn choice(&self, place: usize) -> String {
        let code = self.contest.choices.get(place).map_or_else(|| place.to_string(), |choice| choice.code.to_string());
        if self.alone { code } else { format!("{}/{code}", contest_code(self.contest)) }
    }
}

/// The contests that are told: one, or all.
pub fn named(moment: &Moment, only: Option<ContestNumber>) -> Vec<Named<'_>> {
    let alone = only.is_some() || moment.contests().len() == 1;
    let wanted = |contest: &&Contest| only.is_none_or(|only| only == contest.number);
    moment.contests().iter().filter(wanted).map(|contest| Named { contest, alone }).collect()
}

/// What moved in each place in a unit: its own boxes, without those of places below it.
#[must_use]
pub fn by_place(
    before: &Moment,
    after: &Moment,
    units: &Units,
    only: Option<ContestNumber>,
    top: UnitNumber,
) -> BTreeMap<UnitNumber, Moved> {
    let mut moved: BTreeMap<UnitNumber, Moved> = BTreeMap::new();
    for named in named(after, only) {
        let (number, choices) = (named.contest.number, named.contest.choices.len());
        let sums = |totals: Option<&hustings_core::Totals>| {
            let mut sums = Sums::new(choices);
            totals.into_iter().for_each(|totals| sums.add(totals));
            sums
        };
        for (unit, totals) in after.tally().units(number).filter(|(unit, _)| units.is_within(*unit, top)) {
            let earlier = before.tally().totals(number, unit);
            // Blocks are shared between moments until they move.
            if earlier.is_some_and(|earlier| std::ptr::eq(earlier, totals)) {
                continue;
            }
            moved.entry(unit).or_default().add(&named, &sums(earlier), &sums(Some(totals)));
        }
    }
    finished(moved)
}

/// What moved in each contest in a unit.
#[must_use]
pub fn by_contest(
    before: &Moment,
    after: &Moment,
    only: Option<ContestNumber>,
    top: UnitNumber,
) -> BTreeMap<ContestNumber, Moved> {
    let mut moved = BTreeMap::new();
    for Named { contest, .. } in named(after, only) {
        let Some(place) = sums::held(after.units(), contest.unit(), top) else { continue };
        let of_contest: &mut Moved = moved.entry(contest.number).or_default();
        let named = Named { contest, alone: true };
        of_contest.add(&named, &before.sums(contest, place), &after.sums(contest, place));
    }
    finished(moved)
}

/// What moved in a unit in all.
#[must_use]
pub fn in_all(before: &Moment, after: &Moment, only: Option<ContestNumber>, top: UnitNumber) -> Moved {
    let mut moved = Moved::default();
    for named in named(after, only) {
        let Some(place) = sums::held(after.units(), named.contest.unit(), top) else { continue };
        moved.add(&named, &before.sums(named.contest, place), &after.sums(named.contest, place));
    }
    moved.settle();
    moved
}

fn finished<K: Ord>(mut moved: BTreeMap<K, Moved>) -> BTreeMap<K, Moved> {
    moved.values_mut().for_each(Moved::settle);
    moved.retain(|_, moved| !moved.is_nothing());
    moved
}

fn difference(after: u64, before: u64) -> i64 {
    // Totals stay below 2^53.
    i64::try_from(after).unwrap_or(i64::MAX) - i64::try_from(before).unwrap_or(i64::MAX)
}
