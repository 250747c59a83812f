//! Reporting units: the tree from nation to box. A poll has only the root.
//!
//! Units are entries of the ledger and no part of the definition, so adding a box in the night is no change of a schema,
//! and a file of entries is enough for a recount. Totals are kept for **places**, the root, regions and cities; those of
//! stations and boxes are sums of reports.

use serde::{Deserialize, Serialize};

use crate::id::{GroupNumber, UnitNumber};
use crate::text::{Label, Text};

/// What a unit is. The order is that of the tree: a unit stands below one of an earlier kind, or of its own where regions
/// are divided into regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// The root: all of it.
    Nation,
    /// Any level between nation and city: province, county, district; may stand in another one.
    Region,
    /// The smallest unit that totals are kept for.
    City,
    /// A polling station.
    Station,
    /// A ballot box: what reports.
    Box,
}

impl UnitKind {
    /// All kinds, from the top.
    pub const ALL: [Self; 5] = [Self::Nation, Self::Region, Self::City, Self::Station, Self::Box];

    /// The stable name, one word for JSON, SQL, logs and pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nation => "nation",
            Self::Region => "region",
            Self::City => "city",
            Self::Station => "station",
            Self::Box => "box",
        }
    }

    /// Whether totals are kept for units of this kind.
    #[must_use]
    pub fn is_place(self) -> bool {
        self <= Self::City
    }

    /// Whether a unit of this kind may stand below one of another kind.
    #[must_use]
    pub fn may_stand_in(self, parent: Self) -> bool {
        self != Self::Nation && (self > parent || (self == Self::Region && parent == Self::Region))
    }
}

impl std::str::FromStr for UnitKind {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(())
    }
}

/// How the votes of a box were cast. In cells it is the group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// At the polling station, on the day.
    #[default]
    InPerson,
    /// By post.
    Postal,
    /// Before the day.
    Early,
    /// From abroad.
    Overseas,
    /// By a mobile polling station, as in hospitals.
    Mobile,
    /// Votes whose voters are still to be verified.
    Provisional,
    /// Any other way.
    Other,
}

impl Channel {
    /// All channels, in the order of their groups.
    pub const ALL: [Self; 7] =
        [Self::InPerson, Self::Postal, Self::Early, Self::Overseas, Self::Mobile, Self::Provisional, Self::Other];

    /// The stable name, one word for JSON, SQL, logs and pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InPerson => "in_person",
            Self::Postal => "postal",
            Self::Early => "early",
            Self::Overseas => "overseas",
            Self::Mobile => "mobile",
            Self::Provisional => "provisional",
            Self::Other => "other",
        }
    }

    /// The group that its totals are kept in.
    #[must_use]
    pub fn group(self) -> GroupNumber {
        GroupNumber(self as u16)
    }

    /// The channel of a group.
    #[must_use]
    pub fn of(group: GroupNumber) -> Option<Self> {
        Self::ALL.get(usize::from(group.0)).copied()
    }
}

impl std::str::FromStr for Channel {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|channel| channel.name() == name).ok_or(())
    }
}

/// One unit of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its stable code, unique in the election.
    pub code: Label,
    /// Its name as people know it, where that is not the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// What it is.
    pub kind: UnitKind,
    /// The unit that it belongs to; that of the root is the root itself.
    pub parent: UnitNumber,
    /// The place that its totals are kept for: itself, or the nearest one above.
    pub place: UnitNumber,
    /// How votes are cast there; told of boxes only.
    #[serde(default)]
    pub channel: Channel,
    /// How many may vote there; told of a unit or of units in it, never of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<u32>,
    /// How many boxes a place will have, where they are not all listed beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes: Option<u32>,
    /// No more reports are expected from it.
    #[serde(default)]
    pub is_retired: bool,
}

/// A unit to be added. Its place is made from its parent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUnit {
    /// Its code.
    pub code: Label,
    /// Its name, where that is not the code.
    pub name: Option<Text>,
    /// What it is.
    pub kind: UnitKind,
    /// The code of the unit it belongs to, in the tree or among those added with it; none for the root.
    pub parent: Option<Label>,
    /// How votes are cast there.
    pub channel: Channel,
    /// How many may vote there.
    pub registered: Option<u32>,
    /// How many boxes a place will have.
    pub boxes: Option<u32>,
}

impl Unit {
    /// The unit that every ballot of a poll is counted in.
    pub const ROOT: UnitNumber = UnitNumber(0);
    /// The code of the root.
    pub const ROOT_CODE: &str = "nation";

    /// What people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.name.as_ref().map_or(self.code.as_str(), Text::as_str)
    }

    /// The root of every tree.
    #[must_use]
    pub fn root() -> Self {
        Self {
            code: Label::root(),
            name: None,
            kind: UnitKind::Nation,
            parent: Self::ROOT,
            place: Self::ROOT,
            channel: Channel::InPerson,
            registered: None,
            boxes: None,
            is_retired: false,
        }
    }
}

impl UnitNumber {
    /// The place in a list of units.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
