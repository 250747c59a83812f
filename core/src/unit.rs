//! Reporting units: the tree from nation to box. A poll has only the root.

use serde::{Deserialize, Serialize};

use crate::id::UnitNumber;
use crate::text::{Label, Text};

/// One place in the tree that totals are kept for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its place in the election's list; the root is 0.
    pub number: UnitNumber,
    /// Its stable code.
    pub code: Label,
    /// Its name as people know it.
    pub name: Text,
    /// The unit it belongs to; none for the root.
    pub parent: Option<UnitNumber>,
}

impl Unit {
    /// The unit that every ballot of a poll is counted in.
    pub const ROOT: UnitNumber = UnitNumber(0);
}
