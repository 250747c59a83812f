//! What moved between two moments of an election: what was newly reported, and what all corrections left of it.
//!
//! Invariant: the moves of intervals that follow one another add up to the move of the whole. Boxes and votes of several
//! contests are never added up: a box that reports two contests is one box.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hustings_core::{Contest, ContestNumber, Measure, Totals, UnitNumber};

use super::Moment;
use super::sums::{self, Sums};

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
    pub fn add(&mut self, contest: &Contest, before: &Sums, after: &Sums) {
        self.new_votes += after.new_votes.saturating_sub(before.new_votes);
        self.new_boxes += after.new_boxes.saturating_sub(before.new_boxes);
        self.boxes += difference(after.reported(), before.reported());
        self.cast += difference(after.cast, before.cast);
        for ((choice, after), place) in contest.choices.iter().zip(&after.choices).zip(0..) {
            let votes = difference(*after, before.choices.get::<usize>(place).copied().unwrap_or(0));
            self.add_votes(choice.code.to_string(), votes);
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

/// What moved in places in a unit: in their own boxes, without those of places below them. At most so many places, those
/// that reported the most new votes.
#[must_use]
pub fn by_place(
    before: &Moment,
    after: &Moment,
    contest: &Contest,
    top: UnitNumber,
    most: usize,
) -> BTreeMap<UnitNumber, Moved> {
    // Choices are named only where they are told: a place has many.
    let mut ranked: Vec<(UnitNumber, u64)> = reported(before, after, contest, top).collect();
    ranked.sort_by_cached_key(|(unit, votes)| (Reverse(*votes), after.unit_name(*unit).code));
    ranked.truncate(most);
    let of_place = |(unit, _)| {
        let sums = |moment: &Moment| sums_of(moment, contest, unit);
        let mut moved = Moved::default();
        moved.add(contest, &sums(before), &sums(after));
        (unit, moved)
    };
    finished(ranked.into_iter().map(of_place).collect())
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

/// What moved in each of these contests in a unit.
#[must_use]
pub fn by_contest(
    before: &Moment,
    after: &Moment,
    contests: &[&Contest],
    top: UnitNumber,
) -> BTreeMap<ContestNumber, Moved> {
    finished(contests.iter().map(|contest| (contest.number, in_all(before, after, contest, top))).collect())
}

/// What moved in a contest in a unit in all.
#[must_use]
pub fn in_all(before: &Moment, after: &Moment, contest: &Contest, top: UnitNumber) -> Moved {
    let mut moved = Moved::default();
    if let Some(place) = sums::held(after.units(), contest.unit(), top) {
        moved.add(contest, &before.sums(contest, place), &after.sums(contest, place));
    }
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
