//! Units that are to be added, held against the tree and against each other: every fault at once, or the list that an entry
//! holds.

use std::collections::HashMap;

use super::Units;
use crate::id::UnitNumber;
use crate::unit::{NewUnit, Unit};

/// Why units cannot be added: which one, and what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitFault {
    /// Its place among those to be added, from 0.
    pub at: usize,
    /// What is wrong.
    pub what: UnitError,
}

/// What is wrong with a unit to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UnitError {
    /// The code is another unit's.
    #[error("this code is already another unit's")]
    CodeTaken,
    /// The code stands twice in what is to be added.
    #[error("this code stands twice")]
    CodeTwice,
    /// The parent is neither in the tree nor among those added.
    #[error("its parent is unknown")]
    Orphan,
    /// The unit is, in the end, its own parent.
    #[error("it stands below itself")]
    Cycle,
    /// A kind that cannot stand below its parent's.
    #[error("a unit of its kind cannot stand below one of its parent's kind")]
    WrongKind,
    /// More levels than the limit.
    #[error("the tree can have at most {max} levels", max = Units::DEPTH_MAX)]
    TooDeep,
    /// Registered voters are told of a unit above already.
    #[error("registered voters are told of a unit above already, and would count twice")]
    RegisteredTwice,
    /// Expected boxes of something that is no place.
    #[error("expected boxes are told of nations, regions and cities only")]
    BoxesOfNoPlace,
    /// The parent was retired.
    #[error("its parent is retired")]
    ParentRetired,
    /// More units than the limit.
    #[error("an election can have at most {max} units", max = Units::UNITS_MAX)]
    TooMany,
}

impl UnitError {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::CodeTaken => "code_taken",
            Self::CodeTwice => "code_twice",
            Self::Orphan => "unknown_parent",
            Self::Cycle => "cycle",
            Self::WrongKind => "wrong_kind",
            Self::TooDeep => "too_deep",
            Self::RegisteredTwice => "registered_twice",
            Self::BoxesOfNoPlace => "boxes_of_no_place",
            Self::ParentRetired => "parent_retired",
            Self::TooMany => "too_many_units",
        }
    }
}

/// What matters of a unit for those below it.
#[derive(Clone, Copy)]
struct Level {
    depth: usize,
    /// Registered voters were told of it or of a unit above it.
    is_told: bool,
}

impl Units {
    /// Units in the order that an entry holds them: parents first, without those that are in the tree just so; or every
    /// fault.
    pub fn prepare(&self, new: &[NewUnit]) -> Result<Vec<Unit>, Vec<UnitFault>> {
        let (order, mut faults) = self.parents_first(new);
        let mut prepared: Vec<Unit> = Vec::with_capacity(order.len());
        let mut numbers: HashMap<&str, UnitNumber> = HashMap::new();
        let mut levels: Vec<Level> = Vec::with_capacity(order.len());
        let known = self.count();
        for at in order {
            let unit = &new[at];
            let parent = match &unit.parent {
                None => Some(Unit::ROOT),
                Some(code) => numbers.get(code.as_str()).copied().or_else(|| self.find(code.as_str())),
            };
            // A parent that has a fault itself is told of there.
            let Some(parent) = parent else { continue };
            let added = parent.index().checked_sub(known);
            let above = added.map_or_else(|| self.get(parent), |at| prepared.get(at)).cloned();
            let Some(above) = above else { continue };
            if let Some(same) = self.find(unit.code.as_str()) {
                if !self.is_same(same, parent, unit) {
                    faults.push(UnitFault { at, what: UnitError::CodeTaken });
                }
                continue;
            }
            let level = added.and_then(|at| levels.get(at).copied()).unwrap_or_else(|| self.level(parent));
            faults.extend(fault(unit, &above, level).map(|what| UnitFault { at, what }));
            let number = UnitNumber(u32::try_from(known + prepared.len()).unwrap_or(u32::MAX));
            levels.push(Level { depth: level.depth + 1, is_told: level.is_told || unit.registered.is_some() });
            numbers.insert(unit.code.as_str(), number);
            prepared.push(Unit {
                code: unit.code.clone(),
                name: unit.name.clone(),
                kind: unit.kind,
                parent,
                place: if unit.kind.is_place() { number } else { above.place },
                channel: unit.channel,
                registered: unit.registered,
                boxes: unit.boxes,
                is_retired: false,
            });
        }
        if known + prepared.len() > Self::UNITS_MAX {
            faults.push(UnitFault { at: new.len().saturating_sub(1), what: UnitError::TooMany });
        }
        faults.sort_by_key(|fault| fault.at);
        if faults.is_empty() { Ok(prepared) } else { Err(faults) }
    }

    /// Each unit once, after its parent, with the faults that leave a unit without a place in that order.
    fn parents_first(&self, new: &[NewUnit]) -> (Vec<usize>, Vec<UnitFault>) {
        let mut faults = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(new.len());
        let mut seen = vec![Seen::No; new.len()];
        for (at, unit) in new.iter().enumerate() {
            if let Some(earlier) = places.insert(unit.code.as_str(), at) {
                faults.push(UnitFault { at, what: UnitError::CodeTwice });
                // The later one stands for both.
                seen[earlier] = Seen::Ordered;
            }
        }
        let mut order = Vec::with_capacity(new.len());
        for start in 0..new.len() {
            let mut path = Vec::new();
            let mut next = Some(start);
            while let Some(at) = next {
                match seen[at] {
                    Seen::Ordered => break,
                    Seen::OnPath => {
                        faults.push(UnitFault { at, what: UnitError::Cycle });
                        break;
                    }
                    Seen::No => {}
                }
                seen[at] = Seen::OnPath;
                path.push(at);
                next = match &new[at].parent {
                    Some(code) if self.find(code.as_str()).is_none() => {
                        let parent = places.get(code.as_str()).copied();
                        if parent.is_none() {
                            faults.push(UnitFault { at, what: UnitError::Orphan });
                        }
                        parent
                    }
                    _ => None,
                };
            }
            for at in path.into_iter().rev() {
                seen[at] = Seen::Ordered;
                order.push(at);
            }
        }
        (order, faults)
    }

    /// Whether a unit that is to be added is in the tree already, just so.
    fn is_same(&self, number: UnitNumber, parent: UnitNumber, new: &NewUnit) -> bool {
        self.get(number).is_some_and(|unit| {
            number != Unit::ROOT
                && !unit.is_retired
                && unit.parent == parent
                && (unit.kind, unit.channel) == (new.kind, new.channel)
                && (unit.registered, unit.boxes) == (new.registered, new.boxes)
                && unit.title() == new.name.as_ref().map_or(new.code.as_str(), |name| name.as_str())
        })
    }

    fn level(&self, number: UnitNumber) -> Level {
        let is_told = |number: UnitNumber| self.get(number).is_some_and(|unit| unit.registered.is_some());
        Level { depth: self.up(number).count() - 1, is_told: self.up(number).any(is_told) }
    }
}

#[derive(Clone, Copy)]
enum Seen {
    No,
    OnPath,
    Ordered,
}

/// The first rule that a unit breaks where it is to stand.
fn fault(unit: &NewUnit, above: &Unit, level: Level) -> Option<UnitError> {
    if !unit.kind.may_stand_in(above.kind) {
        Some(UnitError::WrongKind)
    } else if above.is_retired {
        Some(UnitError::ParentRetired)
    } else if level.depth >= Units::DEPTH_MAX {
        Some(UnitError::TooDeep)
    } else if level.is_told && unit.registered.is_some() {
        Some(UnitError::RegisteredTwice)
    } else if unit.boxes.is_some() && !unit.kind.is_place() {
        Some(UnitError::BoxesOfNoPlace)
    } else {
        None
    }
}
