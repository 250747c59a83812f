//! The decisions about the tree of units and about the contests that are held in it.
//!
//! Invariant: what was certified stays as it is, its expected boxes and registered voters too.

use super::Verdict;
use crate::contest::Contest;
use crate::entry::{Event, StateChange, StateChanged, UnitRetired, UnitsAdded};
use crate::id::{ContestNumber, UnitNumber};
use crate::rejection::Rejection;
use crate::state::{ContestState, ElectionState};
use crate::submission::Act;
use crate::unit::NewUnit;
use crate::units::Units;

/// What a decision about units and contests looks at.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// The contests that are there.
    pub contests: &'a [Contest],
    /// How they stand.
    pub state: &'a ElectionState,
    /// The tree.
    pub units: &'a Units,
}

/// Where nothing may come or go any more, because a contest that was held there is certified.
enum Signed {
    Everywhere,
    In(Vec<UnitNumber>),
}

impl Grounds<'_> {
    fn signed(&self) -> Signed {
        let states = self.contests.iter().zip(&self.state.contests);
        let certified = states.filter(|(_, state)| matches!(state, ContestState::Certified { .. }));
        let places: Vec<UnitNumber> = certified.map(|(contest, _)| contest.unit()).collect();
        match places.len() == self.contests.len() && !places.is_empty() {
            true => Signed::Everywhere,
            false => Signed::In(places),
        }
    }

    /// Of some units, whether each stands where nothing may come or go any more.
    pub fn are_signed(&self, units: impl Iterator<Item = UnitNumber>) -> impl Iterator<Item = bool> {
        let (signed, tree) = (self.signed(), self.units);
        units.map(move |unit| match &signed {
            Signed::Everywhere => true,
            Signed::In(places) => places.iter().any(|place| tree.is_within(unit, *place)),
        })
    }
}

/// The refusal of what would move what was certified.
const SIGNED: Rejection = Rejection::WrongStatus { status: "certified" };

/// Decides about units that are to be added; those that are there just so are left out.
#[must_use]
pub fn decide_units(on: Grounds<'_>, new: &[NewUnit], act: &Act) -> Verdict {
    let units = on.units;
    match units.prepare(new) {
        // Who asks was told every fault before; what is wrong only now has happened in between.
        Err(_) => Verdict::Rejected(Rejection::UnitsMoved),
        Ok(new) if new.is_empty() => Verdict::Unchanged,
        // A unit below another new one stands where that one does.
        Ok(new) if on.are_signed(new.iter().map(|unit| unit.parent)).any(|signed| signed) => Verdict::Rejected(SIGNED),
        Ok(new) => Verdict::Accept(Event::UnitsAdded(UnitsAdded {
            first: units.next(),
            units: new,
            by: act.by.clone(),
            reason: act.reason.clone(),
        })),
    }
}

/// Decides about a unit that is to be retired; `is_counted` says whether a report of it counts.
#[must_use]
pub fn decide_retirement(on: Grounds<'_>, number: UnitNumber, is_counted: bool, act: &Act) -> Verdict {
    match on.units.may_retire(number) {
        Err(rejection) => Verdict::Rejected(rejection),
        Ok(unit) if unit.is_retired => Verdict::Unchanged,
        Ok(_) if on.are_signed(std::iter::once(number)).any(|signed| signed) => Verdict::Rejected(SIGNED),
        Ok(_) if is_counted => Verdict::Rejected(Rejection::UnitInUse),
        Ok(unit) => Verdict::Accept(Event::UnitRetired(UnitRetired {
            unit: number,
            kind: unit.kind,
            place: unit.place,
            channel: unit.channel,
            registered: unit.registered.unwrap_or(0),
            boxes: unit.boxes.unwrap_or(0),
            by: act.by.clone(),
            reason: act.reason.clone(),
        })),
    }
}

/// Decides about a contest that is to be added to those that are there.
#[must_use]
pub fn decide_contest(on: Grounds<'_>, next: &Contest, act: &Act) -> Verdict {
    let contests = on.contests;
    let code = |contest: &Contest| contest.race.as_ref().map(|race| race.code.clone());
    if let Some(same) = contests.iter().find(|contest| code(contest) == code(next)) {
        return if asks_the_same(same, next) { Verdict::Unchanged } else { Verdict::Rejected(Rejection::ContestTaken) };
    }
    let rejection = match on.units.get(next.unit()) {
        _ if matches!(on.signed(), Signed::Everywhere) => Some(SIGNED),
        _ if contests.len() >= Contest::CONTESTS_MAX => Some(Rejection::TooManyContests { max: Contest::CONTESTS_MAX }),
        None => Some(Rejection::UnknownUnit),
        Some(unit) if !unit.kind.is_place() => Some(Rejection::NotAPlace),
        Some(unit) if unit.is_retired => Some(Rejection::UnknownUnit),
        Some(_) => None,
    };
    let number = ContestNumber(u32::try_from(contests.len()).unwrap_or(u32::MAX));
    match rejection {
        Some(rejection) => Verdict::Rejected(rejection),
        None => Verdict::Accept(Event::StateChanged(StateChanged {
            contest: number,
            change: StateChange::Added { next: next.id, definition: Contest { number, ..next.clone() }.digest() },
            by: act.by.clone(),
            reason: act.reason.clone(),
        })),
    }
}

/// Whether two contests differ only in the ids that were made for them.
fn asks_the_same(one: &Contest, other: &Contest) -> bool {
    let choices = |contest: &Contest| {
        contest
            .choices
            .iter()
            .map(|choice| (choice.code.clone(), choice.title.clone(), choice.party.clone()))
            .collect::<Vec<_>>()
    };
    (one.method, one.change, &one.race) == (other.method, other.change, &other.race) && choices(one) == choices(other)
}
