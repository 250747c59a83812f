//! The ledger format: one number that says which kinds of entries and definitions an installation may hold.
//!
//! Job: say what needs which format. While an installation is upgraded, nodes of two versions share it, so a new kind may
//! be written only once all of them know it.
//! Invariant: an installation's format only rises. It must not know: where the number is kept.

use std::fmt;

use crate::election::{Election, Kind};
use crate::rejection::Rejection;
use crate::submission::{ActKind, Submission};

/// A ledger format: it allows what those before it allow, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Format(pub u16);

impl Format {
    /// That of an installation which does not say another one.
    pub const FIRST: Self = Self(1);
    /// The newest that this program knows; each new kind of entry or definition raises it.
    pub const NEWEST: Self = Self::ACCESS;
    /// Elections of boxes, with their units and reports.
    pub const REPORTS: Self = Self(2);
    /// Access by codes and rosters, rehearsals of polls, public ballots, corrected titles.
    pub const ACCESS: Self = Self(3);

    /// Whether an installation of this format may hold what needs another one.
    pub fn allow(self, needed: Self) -> Result<(), Rejection> {
        if needed <= self { Ok(()) } else { Err(Rejection::FormatTooOld { needed, found: self }) }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Submission {
    /// The format that its entry needs.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::Ballot(_) => Format::FIRST,
            Self::Report(_) => Format::REPORTS,
            Self::Act(act) => match act.kind {
                ActKind::AddContest(_)
                | ActKind::AddContests(_)
                | ActKind::AddUnits(_)
                | ActKind::RetireUnit(_)
                | ActKind::Certify => Format::REPORTS,
                ActKind::Retitle(_) => Format::ACCESS,
                ActKind::Open { .. }
                | ActKind::Pause
                | ActKind::Close { .. }
                | ActKind::Reopen
                | ActKind::Reveal
                | ActKind::StartRound(_) => Format::FIRST,
            },
        }
    }
}

impl Election {
    /// The format that its definition needs.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.kind {
            _ if self.rehearsal || self.public_ballots || !self.access.is_device() => Format::ACCESS,
            Kind::Poll | Kind::Competition => Format::FIRST,
            Kind::Election => Format::REPORTS,
        }
    }
}
