//! The results of an election of boxes, in the form they are sent.

use std::collections::BTreeMap;

use hustings_core::Contest;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The form that this program writes; a later one adds fields, and never changes what these mean.
pub const SCHEMA_VERSION: u32 = 1;

/// Results of an election of boxes in one unit, as one audience may see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NightResults {
    /// The form of this document.
    pub schema_version: u32,
    /// What is counted.
    pub election: ElectionName,
    /// draft, rehearsal, counting, complete (every box is final, and no more can come) or certified.
    pub status: &'static str,
    /// The opaque version; a later one never has an earlier state.
    pub version: String,
    /// When the last entry of this version was accepted (RFC 3339, UTC); absent while hidden, and before the first entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The time zone of the election, by its IANA name.
    pub zone: String,
    /// Whether totals are hidden from this audience for now.
    pub hidden: bool,
    /// Whether newer reports than these may have been counted, which cannot be shown yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
    /// Whether the shared counters are out of reach, so that this node counts by itself. What is shown is right.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
    /// The unit that the figures are of.
    pub unit: UnitName,
    /// The contests that are held in it.
    pub contests: Vec<ContestResult>,
    /// Votes by party over these contests, the most first; with `by=party`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parties: Option<Vec<PartyResult>>,
    /// The units just below, with `by=unit`; all places in it, with `by=place`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<Vec<ChildResult>>,
    /// Where the list of units goes on: send it as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The choices of the first contest, for elections that have one.
    pub choices: Vec<ChoiceFigure>,
    /// The boxes of the first contest; absent while hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boxes: Option<Boxes>,
}

/// The election's names.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ElectionName {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
}

/// A unit's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnitName {
    /// Its code.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// nation, region, city, station or box.
    pub kind: &'static str,
}

/// One contest in one unit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContestResult {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// The code of the unit that it is held in.
    pub unit: String,
    /// draft, open, paused, closed or certified.
    pub status: &'static str,
    /// The choices, in the order of the definition.
    pub choices: Vec<ChoiceFigure>,
    /// The figures; absent while hidden.
    #[serde(flatten)]
    pub figures: Option<Figures>,
    /// By how votes were cast; absent while hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<BTreeMap<&'static str, ChannelResult>>,
}

/// What was counted in a contest in a unit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Figures {
    /// Ballots in the boxes that reported.
    pub cast: u64,
    /// Ballots without a choice.
    pub blank: u64,
    /// Ballots that do not count.
    pub invalid: u64,
    /// Votes for all choices.
    pub votes: u64,
    /// Registered voters, where they are known of every box.
    pub registered: Option<u64>,
    /// Registered voters of a part of the boxes, where those of others are not known, so that there is no turnout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered_in_part: Option<u64>,
    /// Ballots cast for each registered voter, to four places; more than 1 where more were cast than may vote.
    pub turnout: Option<f64>,
    /// The boxes.
    pub boxes: Boxes,
    /// Who is ahead; nobody before the first vote.
    pub leader: Option<LeaderResult>,
}

/// One choice and what it got.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChoiceFigure {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// The code of its party.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// Its votes; absent while hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub votes: Option<u64>,
    /// Its part of the ballots that count, to four places; absent while hidden or before the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// How many boxes reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Boxes {
    /// Boxes that will report; null where more can come than are known of so far.
    pub expected: Option<u64>,
    /// Boxes with a report that counts.
    pub reported: u64,
    /// Of these, with more to come.
    pub provisional: u64,
    /// Of these, counted to the end.
    #[serde(rename = "final")]
    pub last: u64,
}

/// Votes that were cast in one way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChannelResult {
    /// Votes for all choices.
    pub votes: u64,
    /// Ballots.
    pub cast: u64,
    /// Boxes that reported.
    pub boxes: u64,
    /// Votes by the choices' codes; with `by=channel`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, u64>>)]
    pub choices: Option<ByCode>,
}

/// Who is ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeaderResult {
    /// The codes of the choices with the most votes.
    pub choices: Vec<String>,
    /// Votes more than the next one has.
    pub margin: u64,
    /// Whether several have the most.
    pub tie: bool,
}

/// A party over several contests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartyResult {
    /// Its code; none stands for the choices without a party.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Votes for its choices.
    pub votes: u64,
    /// Contests in which one of its choices is ahead alone.
    pub leads: u64,
}

/// A unit below, in short.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChildResult {
    /// The unit.
    #[serde(flatten)]
    pub unit: UnitName,
    /// The contests that are held in it.
    pub contests: Vec<ChildContest>,
}

/// One contest in a unit below.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChildContest {
    /// The contest's code.
    pub code: String,
    /// Votes by the choices' codes.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub choices: ByCode,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Votes by the choices' codes, in the order of the definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByCode(Vec<(String, u64)>);

impl ByCode {
    /// Votes of a contest's choices.
    #[must_use]
    pub fn of(contest: &Contest, votes: &[u64]) -> Self {
        Self(contest.choices.iter().zip(votes).map(|(choice, votes)| (choice.code.to_string(), *votes)).collect())
    }

    /// The votes of each code.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(code, votes)| (code.as_str(), *votes))
    }
}

impl Serialize for ByCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(code, votes)| (code, votes)))
    }
}

/// A part of a whole to four places; none of nothing.
#[must_use]
pub fn part(part: u64, whole: u64) -> Option<f64> {
    if whole == 0 {
        return None;
    }
    let rounded = (u128::from(part) * 10_000 + u128::from(whole) / 2) / u128::from(whole);
    // A part can be more than the whole, where more vote than were registered.
    let (thousands, rest) = (rounded / 1_000_000_000, rounded % 1_000_000_000);
    let float = |number: u128| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    Some((float(thousands) * 1e9 + float(rest)) / 10_000.0)
}
