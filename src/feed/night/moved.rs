//! What moved between two moments of an election: what was newly reported, and what all corrections left of it.
//!
//! Invariant: the moves of intervals that follow one another add up to the move of the whole.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hustings_core::{Contest, ContestNumber, Measure, Totals, UnitNumber};

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

/// What moved in places in a unit: in their own boxes, without those of places below them. At most so many places, those
/// that reported the most new votes.
#[must_use]
pub fn by_place(
    before: &Moment,
    after: &Moment,
    only: Option<ContestNumber>,
    top: UnitNumber,
    most: usize,
) -> BTreeMap<UnitNumber, Moved> {
    let contests = named(after, only);
    let mut new_votes: BTreeMap<UnitNumber, u64> = BTreeMap::new();
    for Named { contest, .. } in &contests {
        for (unit, votes) in reported(before, after, contest, top) {
            *new_votes.entry(unit).or_default() += votes;
        }
    }
    // Choices are named only where they are told: a place has many.
    let mut ranked: Vec<(UnitNumber, u64)> = new_votes.into_iter().collect();
    ranked.sort_by_cached_key(|(unit, votes)| (Reverse(*votes), after.unit_name(*unit).code));
    ranked.truncate(most);
    let of_place = |(unit, _)| {
        let mut moved = Moved::default();
        for named in &contests {
            let sums = |moment: &Moment| sums_of(moment, named.contest, unit);
            moved.add(named, &sums(before), &sums(after));
        }
        moved.settle();
        (unit, moved)
    };
    ranked.into_iter().map(of_place).filter(|(_, moved)| !moved.is_nothing()).collect()
}

/// The places in a unit whose totals in a contest moved, with the votes that were newly reported there.
fn reported<'a>(
    before: &'a Moment,
    after: &'a Moment,
    contest: &'a Contest,
    top: UnitNumber,
) -> impl Iterator<Item = (UnitNumber, u64)> + 'a {
    let new_votes = |totals: &Totals| {
        let of_channels = totals.iter().filter(|((_, measure), _)| *measure == Measure::NewVotes);
        of_channels.map(|(_, votes)| votes.get()).sum::<u64>()
    };
    let places = after.tally().units(contest.number).filter(move |(unit, _)| after.units().is_within(*unit, top));
    places.filter_map(move |(unit, totals)| {
        let earlier = before.tally().totals(contest.number, unit);
        // Blocks are shared between moments until they move.
        let is_same = earlier.is_some_and(|earlier| std::ptr::eq(earlier, totals) || earlier == totals);
        (!is_same).then(|| (unit, new_votes(totals).saturating_sub(earlier.map_or(0, new_votes))))
    })
}

/// The totals of a place's own boxes in a contest.
fn sums_of(moment: &Moment, contest: &Contest, unit: UnitNumber) -> Sums {
    let mut sums = Sums::new(contest.choices.len());
    moment.tally().totals(contest.number, unit).into_iter().for_each(|totals| sums.add(totals));
    sums
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
