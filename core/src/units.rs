//! The tree of one election: the fold of its unit entries.
//!
//! Invariant: codes are unique, every parent stands before its children, and nothing is below a box. What would break
//! that is refused with every fault at once. Memory: about 100 bytes a unit.

mod prepare;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use crate::entry::{UnitRetired, UnitsAdded};
use crate::id::{Seq, UnitNumber};
use crate::rejection::Rejection;
use crate::state::UnitsMark;
use crate::text::{Label, Text};
use crate::unit::{Unit, UnitKind};

pub use prepare::{UnitError, UnitFault};

/// All units of an election at one place in its ledger.
#[derive(Debug, Clone)]
pub struct Units {
    list: Vec<Unit>,
    by_code: ByCode,
    /// Of those that have some.
    children: BTreeMap<UnitNumber, Vec<UnitNumber>>,
    /// Places with boxes of their own whose registered voters are told nowhere, each with the first such box.
    unregistered: BTreeMap<UnitNumber, UnitNumber>,
    /// Units that were retired, each with the entry that did it.
    retired: BTreeMap<UnitNumber, Seq>,
    /// The last entry that changed it.
    seq: Seq,
}

/// The numbers of codes without a second copy of the codes. Of two codes of one hash, the later one stands at the next hash
/// that is free; none is ever taken out.
#[derive(Debug, Clone, Default)]
struct ByCode<S = RandomState> {
    hashes: S,
    numbers: HashMap<u32, UnitNumber>,
}

impl Default for Units {
    fn default() -> Self {
        let mut units = Self {
            list: Vec::new(),
            by_code: ByCode::default(),
            children: BTreeMap::new(),
            unregistered: BTreeMap::new(),
            retired: BTreeMap::new(),
            seq: Seq(0),
        };
        units.push(Unit::root());
        units
    }
}

impl Units {
    /// The most levels below the root.
    pub const DEPTH_MAX: usize = 12;
    /// The most units of an election.
    pub const UNITS_MAX: usize = 1_000_000;

    /// The last entry that changed it.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// How far it has grown.
    #[must_use]
    pub fn mark(&self) -> UnitsMark {
        UnitsMark { count: self.next().0, seq: self.seq }
    }

    /// Whether a unit was there, and not retired, when the tree had grown so far.
    #[must_use]
    pub fn is_live(&self, number: UnitNumber, then: UnitsMark) -> bool {
        number.0 < then.count && self.retired.get(&number).is_none_or(|at| *at > then.seq)
    }

    /// How many there are, the root among them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// The number that the next unit gets.
    #[must_use]
    pub fn next(&self) -> UnitNumber {
        UnitNumber(u32::try_from(self.list.len()).unwrap_or(u32::MAX))
    }

    /// The unit of a number.
    #[must_use]
    pub fn get(&self, number: UnitNumber) -> Option<&Unit> {
        self.list.get(number.index())
    }

    /// The unit of a code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<UnitNumber> {
        self.by_code.find(code, |number| self.code(number))
    }

    /// The unit whose code is made of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<UnitNumber> {
        let code = Text::parse(name).and_then(|name| Label::for_name(&name)).ok()?;
        self.find(code.as_str())
    }

    /// The units just below one, in the order they were added.
    #[must_use]
    pub fn children(&self, number: UnitNumber) -> &[UnitNumber] {
        self.children.get(&number).map_or(&[], Vec::as_slice)
    }

    /// A unit and all above it, up to the root.
    pub fn up(&self, from: UnitNumber) -> impl Iterator<Item = UnitNumber> {
        std::iter::successors(Some(from), |number| {
            (*number != Unit::ROOT).then(|| self.get(*number).map(|unit| unit.parent)).flatten()
        })
    }

    /// Whether a unit is another one or stands below it.
    #[must_use]
    pub fn is_within(&self, unit: UnitNumber, of: UnitNumber) -> bool {
        of == Unit::ROOT || self.up(unit).any(|number| number == of)
    }

    /// A unit and all below it, parents before their children.
    pub fn below(&self, top: UnitNumber) -> impl Iterator<Item = UnitNumber> {
        let mut waiting = vec![top];
        std::iter::from_fn(move || {
            let next = waiting.pop()?;
            waiting.extend(self.children(next).iter().rev());
            Some(next)
        })
    }

    /// All boxes in a unit that were live when the tree had grown so far, in the order of the tree.
    pub fn boxes(&self, top: UnitNumber, then: UnitsMark) -> impl Iterator<Item = UnitNumber> {
        let is_box = |number: &UnitNumber| self.get(*number).is_some_and(|unit| unit.kind == UnitKind::Box);
        self.below(top).filter(move |number| is_box(number) && self.is_live(*number, then))
    }

    /// Whether registered voters are told of a unit, or of one above it.
    #[must_use]
    pub fn has_registered(&self, number: UnitNumber) -> bool {
        self.up(number).any(|above| self.get(above).is_some_and(|unit| unit.registered.is_some()))
    }

    /// Whether a place had boxes of its own whose registered voters are told nowhere, when the tree had grown so far.
    #[must_use]
    pub fn lacks_registered(&self, place: UnitNumber, then: UnitsMark) -> bool {
        let is_own = |number: &UnitNumber| self.get(*number).is_some_and(|unit| unit.place == place);
        let is_lacking = |number: &UnitNumber| is_own(number) && !self.has_registered(*number);
        // Where the first one is retired, there may be others.
        self.unregistered.get(&place).is_some_and(|first| {
            first.0 < then.count && (self.is_live(*first, then) || self.boxes(place, then).any(|one| is_lacking(&one)))
        })
    }

    /// Follows an entry that adds units, which must be ones that [`Units::prepare`] has made of this very tree; after
    /// an error the tree must not be used.
    pub fn add(&mut self, added: &UnitsAdded, at: Seq) -> Result<(), Rejection> {
        if added.first != self.next() || self.list.len() + added.units.len() > Self::UNITS_MAX {
            return Err(Rejection::UnitsMoved);
        }
        self.list.reserve(added.units.len());
        for unit in &added.units {
            let parent = self.get(unit.parent).ok_or(Rejection::UnitsMoved)?;
            let place = if unit.kind.is_place() { self.next() } else { parent.place };
            let is_sound = unit.kind.may_stand_in(parent.kind) && unit.place == place && !unit.is_retired;
            if !is_sound || self.find(unit.code.as_str()).is_some() {
                return Err(Rejection::UnitsMoved);
            }
            self.push(unit.clone());
        }
        self.seq = at;
        Ok(())
    }

    /// Whether a unit may be retired: it is no root, and nothing below it still reports.
    pub fn may_retire(&self, number: UnitNumber) -> Result<&Unit, Rejection> {
        let unit = self.get(number).ok_or(Rejection::UnknownUnit)?;
        let has_live_children =
            self.children(number).iter().any(|child| self.get(*child).is_some_and(|c| !c.is_retired));
        match number {
            Unit::ROOT => Err(Rejection::RootStays),
            _ if has_live_children => Err(Rejection::UnitInUse),
            _ => Ok(unit),
        }
    }

    /// Follows an entry that retires a unit, which must say what the unit is.
    pub fn retire(&mut self, retired: &UnitRetired, at: Seq) -> Result<(), Rejection> {
        let unit = self.may_retire(retired.unit)?;
        let is_told = (unit.kind, unit.place, unit.channel) == (retired.kind, retired.place, retired.channel)
            && (unit.registered.unwrap_or(0), unit.boxes.unwrap_or(0)) == (retired.registered, retired.boxes);
        if unit.is_retired || !is_told {
            return Err(Rejection::UnitsMoved);
        }
        self.list[retired.unit.index()].is_retired = true;
        self.retired.insert(retired.unit, at);
        self.seq = at;
        Ok(())
    }

    /// Takes over a unit as a store has it, which must be the next one or one that was retired since.
    pub fn restore(&mut self, number: UnitNumber, unit: Unit, at: Seq) -> Result<(), Rejection> {
        let is_retired = unit.is_retired;
        let is_next = number == self.next() && unit.parent.index() < self.list.len();
        match self.list.get_mut(number.index()) {
            Some(known) => known.is_retired |= unit.is_retired,
            None if is_next => self.push(unit),
            None => return Err(Rejection::UnitsMoved),
        }
        if is_retired {
            self.retired.entry(number).or_insert(at);
        }
        self.seq = self.seq.max(at);
        Ok(())
    }

    fn push(&mut self, unit: Unit) {
        let number = self.next();
        let Self { list, by_code, .. } = self;
        by_code
            .insert(unit.code.as_str(), number, |known| list.get(known.index()).map_or("", |unit| unit.code.as_str()));
        let (parent, place, is_box) = (unit.parent, unit.place, unit.kind == UnitKind::Box);
        list.push(unit);
        if is_box && !self.has_registered(number) {
            self.unregistered.entry(place).or_insert(number);
        }
        if number != Unit::ROOT {
            self.children.entry(parent).or_default().push(number);
        }
    }

    fn code(&self, number: UnitNumber) -> &str {
        self.get(number).map_or("", |unit| unit.code.as_str())
    }
}

impl<S: BuildHasher> ByCode<S> {
    fn find<'a>(&self, code: &str, code_of: impl Fn(UnitNumber) -> &'a str) -> Option<UnitNumber> {
        self.place(code, code_of).ok()
    }

    /// Of two units of one code, the first one is found.
    fn insert<'a>(&mut self, code: &str, number: UnitNumber, code_of: impl Fn(UnitNumber) -> &'a str) {
        if let Err(free) = self.place(code, code_of) {
            self.numbers.insert(free, number);
        }
    }

    /// The unit of a code, or the hash at which it would stand.
    fn place<'a>(&self, code: &str, code_of: impl Fn(UnitNumber) -> &'a str) -> Result<UnitNumber, u32> {
        let mut at = u32::try_from(self.hashes.hash_one(code) >> 32).unwrap_or(u32::MAX);
        while let Some(number) = self.numbers.get(&at) {
            if code_of(*number) == code {
                return Ok(*number);
            }
            at = at.wrapping_add(1);
        }
        Err(at)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasherDefault, Hasher};

    use super::*;

    #[derive(Default)]
    struct AllTheSame;

    impl Hasher for AllTheSame {
        fn finish(&self) -> u64 {
            u64::MAX
        }
        fn write(&mut self, _: &[u8]) {}
    }

    #[test]
    fn codes_of_one_hash_are_told_apart() {
        let codes = ["a", "b", "c"];
        let mut by_code: ByCode<BuildHasherDefault<AllTheSame>> = ByCode::default();
        let code_of = |number: UnitNumber| codes[number.index()];
        (0..).zip(codes).for_each(|(number, code)| by_code.insert(code, UnitNumber(number), code_of));
        let found = |code| by_code.find(code, code_of);
        assert_eq!(codes.map(found), [0, 1, 2].map(|number| Some(UnitNumber(number))));
        assert_eq!(found("d"), None);
    }
}
