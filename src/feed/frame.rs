//! One version of the results, rendered once: the same bytes for JSON, SSE, WebSocket and the page.

use bytes::Bytes;
use hustings_core::{Audience, Contest, ContestNumber, Election, Measure, Method, Seq, Tally, Version};
use serde::Serialize;
use utoipa::ToSchema;

use super::night::NightResults;
use crate::clock::rfc3339;
use crate::tally::{Snapshot, TallyStatus};

/// Results at one version, ready to be sent.
#[derive(Debug)]
pub struct Frame {
    /// The version.
    pub version: Version,
    /// How far the figures can be relied upon to be the latest.
    pub status: TallyStatus,
    /// The JSON document.
    pub json: Bytes,
    /// The same as a server-sent event.
    pub event: Bytes,
    /// The same as values, for pages.
    pub shown: Shown,
}

/// What a frame shows, as values.
#[derive(Debug)]
pub enum Shown {
    /// A contest of a poll or a competition.
    Poll(Results),
    /// An election of boxes.
    Night(Box<NightResults>),
}

impl Frame {
    /// A document at a version, ready to be sent; none where it cannot be written, which no document of ours is.
    pub(super) fn new(version: Version, status: TallyStatus, shown: Shown) -> Option<Self> {
        let json = match &shown {
            Shown::Poll(results) => serde_json::to_vec(results),
            Shown::Night(results) => serde_json::to_vec(results),
        };
        let json = Bytes::from(json.ok()?);
        let id = version.to_string();
        let event = [b"id: ", id.as_bytes(), b"\nevent: results\ndata: ", &json[..], b"\n\n"].concat();
        Some(Self { version, status, json, event: event.into(), shown })
    }

    /// The results of a poll's contest.
    #[must_use]
    pub fn poll(&self) -> Option<&Results> {
        match &self.shown {
            Shown::Poll(results) => Some(results),
            Shown::Night(_) => None,
        }
    }

    /// The results of an election of boxes.
    #[must_use]
    pub fn night(&self) -> Option<&NightResults> {
        match &self.shown {
            Shown::Poll(_) => None,
            Shown::Night(results) => Some(results),
        }
    }

    /// The tag of exactly these bytes: a version, and how it is marked.
    #[must_use]
    pub fn tag(&self) -> String {
        tag(self.version, self.status)
    }

    /// Whether a watcher who has got the other frame should get this one: it is newer, or the same and marked otherwise.
    #[must_use]
    pub(super) fn follows(&self, other: &Self) -> bool {
        self.version.is_newer_than(other.version) || (self.version == other.version && self.status != other.status)
    }
}

/// The tag of a document: its version, and how it is marked.
pub(super) fn tag(version: Version, status: TallyStatus) -> String {
    match status {
        TallyStatus::Fresh => version.to_string(),
        TallyStatus::Stale => format!("{version}-stale"),
        TallyStatus::Degraded => format!("{version}-degraded"),
    }
}

/// The results of one contest, as one audience may see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Results {
    /// Where the contest stands: draft, open, paused, closed or archived.
    pub status: &'static str,
    /// The opaque version; a later one never has an earlier state.
    pub version: String,
    /// The round, from 1.
    pub round: u32,
    /// The title of the poll, as it was corrected last.
    pub title: String,
    /// Whether it only rehearses; absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// How voters were identified: device, code or roster; with a device it is not one person, one vote.
    pub identified_by: &'static str,
    /// The method: single, approval or score.
    pub method: &'static str,
    /// Whether totals are hidden from this audience for now.
    pub hidden: bool,
    /// Whether newer votes than these may have been counted, which cannot be shown yet. What is shown was right once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
    /// Whether the shared counters are out of reach, so that this node counts by itself. What is shown is right.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
    /// Voters whose ballot counts; absent while hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ballots: Option<u64>,
    /// When the last entry was counted that these include; absent while these or those of the latest round are hidden, because
    /// it would tell when somebody voted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Ballots without a selection, where the method allows them; absent while hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blank: Option<u64>,
    /// The choices, in the order of the definition.
    pub choices: Vec<ChoiceResult>,
}

/// One choice and what it got.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChoiceResult {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Ballots that chose or scored it; absent while hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub votes: Option<u64>,
    /// The sum of its scores, for the method score; absent while hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<u64>,
}

/// Renders one contest for one audience. A masked frame is made from the definition and the state alone; and where the votes
/// of the latest round are masked from it, so are the version and the time of an earlier one, which they would move.
pub(super) fn render(
    election: &Election,
    snapshot: &Snapshot,
    status: TallyStatus,
    number: ContestNumber,
    audience: Audience,
    of_latest: Audience,
) -> Option<Frame> {
    let contest = election.contests.get(number.index())?;
    let state = snapshot.fold.state.contest(number).ok()?;
    let full = audience == Audience::Full;
    let moves = full && of_latest == Audience::Full;
    let version = if moves {
        Version::Full(snapshot.epoch, snapshot.fold.seq)
    } else {
        Version::Masked(snapshot.epoch, snapshot.fold.state.state_entries)
    };
    let tally = &snapshot.fold.tally;
    let blank_possible = matches!(contest.method, Method::Approval { min: 0, .. });
    let results = Results {
        status: state.name(),
        version: version.to_string(),
        round: number.0 + 1,
        title: snapshot.fold.state.title(election).to_string(),
        rehearsal: election.is_rehearsal(),
        identified_by: election.access.identified_by(),
        method: contest.method.name(),
        hidden: !full,
        stale: status == TallyStatus::Stale,
        degraded: status == TallyStatus::Degraded,
        ballots: full.then(|| tally.total(number, Measure::Ballots).get()),
        time: (moves && snapshot.fold.seq > Seq(0)).then(|| rfc3339(snapshot.fold.time)),
        blank: (full && blank_possible).then(|| tally.total(number, Measure::Blank).get()),
        choices: choices(contest, full.then_some(tally)),
    };
    Frame::new(version, status, Shown::Poll(results))
}

fn choices(contest: &Contest, tally: Option<&Tally>) -> Vec<ChoiceResult> {
    let numbers = (0..).map(hustings_core::ChoiceNumber);
    let one = |(choice, number): (&hustings_core::Choice, hustings_core::ChoiceNumber)| {
        let (votes, points) = match (tally, contest.method) {
            (None, _) => (None, None),
            (Some(tally), Method::Score { min, max }) => {
                let at = |score| tally.total(contest.number, Measure::ChoiceAt(number, score)).get();
                let votes = (min..=max).map(at).sum();
                let points = (min..=max).map(|score| u64::from(score) * at(score)).sum();
                (Some(votes), Some(points))
            }
            (Some(tally), _) => (Some(tally.total(contest.number, Measure::Choice(number)).get()), None),
        };
        ChoiceResult {
            id: choice.id.to_string(),
            code: choice.code.to_string(),
            title: choice.title.to_string(),
            votes,
            points,
        }
    };
    contest.choices.iter().zip(numbers).map(one).collect()
}
