//! The results of an election of boxes as rows: what each choice got in each contest and unit.

use super::{Cell, Row};

/// What one choice got in one contest and unit, beside what was counted there.
#[derive(Debug, Clone, Default)]
pub struct NightRow {
    /// The contest's code.
    pub contest: String,
    /// Its title.
    pub contest_title: String,
    /// Where it stands.
    pub status: &'static str,
    /// The unit's code.
    pub unit: String,
    /// What people call it.
    pub name: String,
    /// nation, region, city, station or box.
    pub kind: &'static str,
    /// The code of the unit that it stands in.
    pub parent: Option<String>,
    /// The choice's code.
    pub choice: String,
    /// Its title.
    pub title: String,
    /// The code of its party.
    pub party: Option<String>,
    /// Its votes.
    pub votes: u64,
    /// Ballots in the boxes that reported, whatever the choice; as all that follow.
    pub cast: u64,
    /// Ballots without a choice.
    pub blank: u64,
    /// Ballots that do not count.
    pub invalid: u64,
    /// Registered voters, where they are known of every box.
    pub registered: Option<u64>,
    /// Boxes with a report that counts.
    pub reported: u64,
    /// Of these, counted to the end.
    pub last: u64,
    /// Boxes that will report, where that is known.
    pub expected: Option<u64>,
}

impl Row for NightRow {
    const SHEET: &'static str = "results";
    const COLUMNS: &'static [&'static str] = &[
        "contest",
        "contest_title",
        "status",
        "unit",
        "name",
        "kind",
        "parent",
        "choice",
        "title",
        "party",
        "votes",
        "cast",
        "blank",
        "invalid",
        "registered",
        "boxes_reported",
        "boxes_final",
        "boxes_expected",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::text(&self.contest),
            Cell::text(&self.contest_title),
            Cell::text(self.status),
            Cell::text(&self.unit),
            Cell::text(&self.name),
            Cell::text(self.kind),
            Cell::maybe(self.parent.as_deref()),
            Cell::text(&self.choice),
            Cell::text(&self.title),
            Cell::maybe(self.party.as_deref()),
            Cell::Number(self.votes),
            Cell::Number(self.cast),
            Cell::Number(self.blank),
            Cell::Number(self.invalid),
            Cell::number(self.registered),
            Cell::Number(self.reported),
            Cell::Number(self.last),
            Cell::number(self.expected),
        ]
    }
}
