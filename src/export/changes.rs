//! Entries of an election of boxes in words: what came, when, from whom, why, and by how much it moved the totals.
//!
//! Invariant: everything said here follows from the entry itself, so that two readers never tell it differently.

use std::collections::BTreeMap;

use hustings_core::entry::StateChange;
use hustings_core::report::Counts;
use hustings_core::{Content, Contest, Election, Entry, Event, ReportFiled, Standing, Unit, UnitNumber, Units};
use serde::Serialize;
use utoipa::ToSchema;

use super::hex;
use crate::clock::rfc3339;

/// One entry of the ledger, and what it changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Change {
    /// Its place in the ledger.
    pub seq: u64,
    /// When it was accepted (RFC 3339, UTC).
    pub time: String,
    /// `first`, `correction`, `withdrawal` or `late` for a report; `unit_added`, `unit_retired`, `contest_added`, `opened`,
    /// `paused`, `closed`, `reopened`, `revealed` or `certified`.
    pub kind: &'static str,
    /// The box that reported.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    pub ballot_box: Option<String>,
    /// The place that the box's votes are counted in: its city, where it stands in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// How votes were cast there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<&'static str>,
    /// The unit that came or was retired; of several that came at once, the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How many units came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<usize>,
    /// The contest, by its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contest: Option<String>,
    /// The number of the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// provisional, final or withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// Who sent it or asked for it: a token's name.
    pub by: String,
    /// Why, where somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the sender says the report was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<String>,
    /// By how much it moved the votes of each choice, by code; a late report moves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub votes: Option<BTreeMap<String, i64>>,
    /// By how much it moved the ballots without a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blank: Option<i64>,
    /// By how much it moved the ballots that do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<i64>,
    /// By how much it moved the ballots cast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cast: Option<i64>,
}

/// The kinds of changes that [`Change::of`] tells.
pub const KINDS: [&str; 13] = [
    "first",
    "correction",
    "withdrawal",
    "late",
    "unit_added",
    "unit_retired",
    "contest_added",
    "opened",
    "paused",
    "closed",
    "reopened",
    "revealed",
    "certified",
];

/// What kind of change an entry is.
#[must_use]
pub fn kind(event: &Event) -> &'static str {
    match event {
        Event::ReportFiled(filed) => match (&filed.standing, &filed.content) {
            (Standing::Late { .. }, _) => "late",
            (_, Content::Withdrawn) => "withdrawal",
            (Standing::First, _) => "first",
            (Standing::Replaces { .. }, _) => "correction",
        },
        Event::UnitsAdded(_) => "unit_added",
        Event::UnitRetired(_) => "unit_retired",
        Event::StateChanged(changed) => match changed.change {
            StateChange::Opened { .. } => "opened",
            StateChange::Paused => "paused",
            StateChange::Closed { .. } => "closed",
            StateChange::Reopened => "reopened",
            StateChange::Revealed => "revealed",
            StateChange::Certified => "certified",
            StateChange::Added { .. } => "contest_added",
            StateChange::RoundStarted { .. } => "round_started",
        },
        Event::BallotCast(_) => "ballot",
        Event::Retitled(_) => "retitled",
    }
}

impl Change {
    /// An entry in words. Units and contests that are not known yet are told by their numbers.
    #[must_use]
    pub fn of(election: &Election, units: &Units, entry: &Entry) -> Self {
        let contest = || Some(contest_code(election, entry));
        let told = Self { seq: entry.seq.0, time: rfc3339(entry.time), kind: kind(&entry.event), ..Self::default() };
        match &entry.event {
            Event::ReportFiled(filed) => Self { contest: contest(), ..told.of_report(election, units, filed) },
            Event::UnitsAdded(added) => Self {
                unit: added.units.first().map(|unit| unit.code.to_string()),
                units: Some(added.units.len()),
                by: added.by.to_string(),
                reason: added.reason.as_ref().map(ToString::to_string),
                ..told
            },
            Event::UnitRetired(retired) => Self {
                unit: Some(unit_code(units, retired.unit)),
                by: retired.by.to_string(),
                reason: retired.reason.as_ref().map(ToString::to_string),
                ..told
            },
            Event::StateChanged(changed) => Self {
                contest: contest(),
                by: changed.by.to_string(),
                reason: changed.reason.as_ref().map(ToString::to_string),
                ..told
            },
            Event::Retitled(retitled) => {
                Self { by: retitled.by.to_string(), reason: retitled.reason.as_ref().map(ToString::to_string), ..told }
            }
            Event::BallotCast(_) => Self { contest: contest(), ..told },
        }
    }

    fn of_report(self, election: &Election, units: &Units, filed: &ReportFiled) -> Self {
        let contest = election.contests.get(filed.contest.index());
        let old = match &filed.standing {
            Standing::Replaces { counts, .. } => counts.as_ref(),
            Standing::First | Standing::Late { .. } => None,
        };
        let new = filed.content.counts().filter(|_| !matches!(filed.standing, Standing::Late { .. }));
        let moved = |number: fn(&Counts) -> u32| {
            let of = |counts: Option<&Counts>| counts.map_or(0, |counts| i64::from(number(counts)));
            Some(of(new) - of(old))
        };
        let is_place = |unit: &Unit| unit.kind.is_place();
        Self {
            ballot_box: Some(unit_code(units, filed.ballot_box)),
            city: units.get(filed.place).filter(|unit| is_place(unit)).map(|unit| unit.code.to_string()),
            channel: Some(filed.channel.name()),
            revision: Some(filed.revision.0),
            status: Some(filed.content.name()),
            by: filed.by.to_string(),
            reason: filed.reason.as_ref().map(ToString::to_string),
            reported_at: filed.reported_at.map(rfc3339),
            votes: Some(votes_moved(contest, new, old)),
            blank: moved(|counts| counts.blank),
            invalid: moved(|counts| counts.invalid),
            cast: moved(|counts| counts.cast),
            ..self
        }
    }
}

/// What a report says, by the choices' codes; nothing of a withdrawal.
#[must_use]
pub fn votes_told(contest: Option<&Contest>, counts: &Counts) -> BTreeMap<String, i64> {
    votes_moved(contest, Some(counts), None)
}

fn votes_moved(contest: Option<&Contest>, new: Option<&Counts>, old: Option<&Counts>) -> BTreeMap<String, i64> {
    let mut moved: BTreeMap<String, i64> = BTreeMap::new();
    for (counts, sign) in [(new, 1), (old, -1)] {
        for (number, votes) in counts.into_iter().flat_map(|counts| &counts.votes) {
            let choice = contest.and_then(|contest| contest.choices.get(number.index()));
            let code = choice.map_or_else(|| number.to_string(), |choice| choice.code.to_string());
            *moved.entry(code).or_default() += sign * i64::from(*votes);
        }
    }
    moved.retain(|_, votes| *votes != 0);
    moved
}

fn contest_code(election: &Election, entry: &Entry) -> String {
    let number = entry.event.contest();
    let race = election.contests.get(number.index()).and_then(|contest| contest.race.as_ref());
    race.map_or_else(|| number.to_string(), |race| race.code.to_string())
}

fn unit_code(units: &Units, number: UnitNumber) -> String {
    units.get(number).map_or_else(|| number.to_string(), |unit| unit.code.to_string())
}

/// One line of the audit: a change, and beside it what was reported, word for word.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditLine {
    /// What it changed.
    #[serde(flatten)]
    pub change: Change,
    /// What the report said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<ReportedCounts>,
    /// The sender's name for the submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The receipt's id.
    pub receipt: String,
    /// The request, byte for byte (of a table, the line below its header); in hexadecimal digits after `hex:` where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// What a report said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportedCounts {
    /// Votes by the choices' codes.
    pub votes: BTreeMap<String, i64>,
    /// Ballots without a choice.
    pub blank: u32,
    /// Ballots that do not count.
    pub invalid: u32,
    /// Ballots in the box.
    pub cast: u32,
}

impl AuditLine {
    /// The line of an entry, whose receipt is given.
    #[must_use]
    pub fn of(election: &Election, units: &Units, entry: &Entry, receipt: String) -> Self {
        let filed = match &entry.event {
            Event::ReportFiled(filed) => Some(filed),
            _ => None,
        };
        let contest = election.contests.get(entry.event.contest().index());
        let reported = filed.and_then(|filed| filed.content.counts()).map(|counts| ReportedCounts {
            votes: votes_told(contest, counts),
            blank: counts.blank,
            invalid: counts.invalid,
            cast: counts.cast,
        });
        Self {
            change: Change::of(election, units, entry),
            reported,
            id: entry.event.id().map(|id| id.to_string()),
            receipt,
            request: filed.filter(|filed| !filed.request.is_empty()).map(|filed| request_text(&filed.request)),
        }
    }
}

/// A request as text, without loss.
#[must_use]
pub fn request_text(request: &[u8]) -> String {
    std::str::from_utf8(request).map_or_else(|_| format!("hex:{}", hex(request)), str::to_owned)
}
