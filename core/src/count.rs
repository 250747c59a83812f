//! Numbers of votes: integers, checked, and never beyond what a browser can hold exactly.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A total that is exact everywhere, JavaScript included: 0 to 2^53 - 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Count(u64);

/// What an entry adds to a total; negative where a vote was changed or a report corrected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delta(pub i64);

/// A total left its range: the ledger and the rules disagree, and nothing may go on as if it were right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a total would leave the range 0 to 2^53 - 1")]
pub struct CountError;

impl Count {
    /// The largest total: the largest integer that every JSON reader holds exactly (RFC 8259, section 6).
    pub const MAX: u64 = (1 << 53) - 1;
    /// No votes.
    pub const ZERO: Self = Self(0);

    /// The total after one increment, or an error that stops the count.
    pub fn plus(self, delta: Delta) -> Result<Self, CountError> {
        self.0.checked_add_signed(delta.0).ok_or(CountError)?.try_into()
    }

    /// The plain number, for arithmetic that only shows (percentages, means).
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Count {
    type Error = CountError;
    fn try_from(value: u64) -> Result<Self, CountError> {
        if value <= Self::MAX { Ok(Self(value)) } else { Err(CountError) }
    }
}

impl From<Count> for u64 {
    fn from(count: Count) -> Self {
        count.0
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_stays_in_its_range() {
        let top = Count::try_from(Count::MAX).expect("the largest total");
        assert_eq!(top.plus(Delta(1)), Err(CountError));
        assert_eq!(Count::ZERO.plus(Delta(-1)), Err(CountError));
        assert_eq!(top.plus(Delta(-3)).map(Count::get), Ok(Count::MAX - 3));
    }
}
