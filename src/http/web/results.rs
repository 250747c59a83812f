//! `/{code}/results`: the results of each round, for reading, printing and taking away.
//!
//! Invariant: what is hidden from this reader is nowhere on the page, and neither is what votes left elsewhere, such as
//! when they came. It must not know: how totals are made, who may see them.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use hustings_core::election::Viewer;
use hustings_core::{Audience, Contest, ContestNumber, ContestState, ElectionState, Kind, Method, Version, Visibility};
use serde::Deserialize;

use super::bars::{Bars, identified, status};
use super::chart::{Chart, Moment};
use super::device::with_device;
use super::page::{Page, render, uncached};
use super::texts::Language;
use super::visitor::Visitor;
use super::{problem_page, without_token};
use crate::clock::parse_rfc3339;
use crate::feed::{ChoiceResult, Columns, Frame, Results};
use crate::http::api::{self, AskedAudience, Round, Seen, missing, schedule, unknown};
use crate::http::name::Name;
use crate::http::{Problem, Shared, elections};
use crate::ledger::Registered;

#[derive(Template)]
#[template(path = "results.html")]
pub(super) struct ResultsPage<'a> {
    pub(super) page: &'a Page,
    pub(super) code: &'a str,
    pub(super) poll: String,
    pub(super) results: &'a Results,
    pub(super) status: String,
    /// How voters are told apart.
    pub(super) identified: String,
    /// Whether results were asked for that are hidden from others.
    pub(super) full: bool,
    /// Where they are hidden from others now, who sees them: the key of the sentence.
    pub(super) hides: Option<&'static str>,
    /// The latest round; only that one is live.
    pub(super) latest: u32,
    /// Every round, where there are several.
    pub(super) rounds: Vec<RoundRow>,
    pub(super) voters: String,
    pub(super) blank: Option<String>,
    /// How votes are made and counted.
    pub(super) method: &'static str,
    pub(super) bars: Bars<'a>,
    /// What each choice got besides: who gave it points, and the mean of them.
    pub(super) scored: Vec<(String, String)>,
    pub(super) waiting: Waiting,
    pub(super) as_of: Option<Moment>,
    pub(super) chart: Option<Chart>,
    /// Whether the picture is still being made, or an earlier one is shown meanwhile.
    pub(super) is_late: bool,
    /// Whether the ballots of each round are shown once it is final.
    pub(super) public_ballots: bool,
    /// Whether this one is, so that they are shown now.
    pub(super) is_final: bool,
    /// How ballots are counted again, as a line of a shell.
    pub(super) recount: String,
    /// What other pages hold to show these results in a frame.
    pub(super) embed: String,
    pub(super) texts: String,
}

/// One round of several.
pub(super) struct RoundRow {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) status: String,
}

/// Why there are no figures, and when there will be.
pub(super) struct Waiting {
    pub(super) why: &'static str,
    /// When it opens or closes by itself: the key of the sentence, and the moment.
    pub(super) due: Option<(&'static str, Moment)>,
}

impl ResultsPage<'_> {
    fn is_over(&self) -> bool {
        is_over(self.results)
    }

    fn is_scored(&self) -> bool {
        self.results.method == "score"
    }

    /// Whether several share the first place, for good.
    fn is_tied(&self) -> bool {
        self.is_over() && self.bars.rows.iter().any(|bar| bar.ties)
    }

    fn is_latest(&self) -> bool {
        self.results.round == self.latest
    }

    /// What a row has besides: who gave points, and their mean.
    fn scores(&self, at: &usize) -> Option<&(String, String)> {
        self.scored.get(*at)
    }
}

/// What scripts say that follow results.
pub(super) const LIVE_TEXTS: [&str; 16] = [
    "live",
    "line-lost",
    "poll-gone",
    "mean",
    "leads",
    "tied",
    "unit-points",
    "unit-voters",
    "unit-votes",
    "status-draft",
    "status-open",
    "status-paused",
    "status-closed",
    "status-archived",
    "status-certified",
    "round",
];

/// What the page's script says besides.
pub(super) const RESULTS_TEXTS: [&str; 4] = ["opens-at", "closes-at", "chart-own-zone", "chart-told"];

/// Which part of an election of boxes the page shows, or which round of a poll, and whether with what is hidden from others.
#[derive(Default, Deserialize)]
pub(super) struct ResultsQuery {
    unit: Option<String>,
    round: Option<String>,
    audience: Option<String>,
}

/// The results of whatever is here. Whoever has a part in it sees hidden ones where the address asks for them, so that a
/// projector never shows them by accident; nobody else does.
pub(super) async fn results(
    State(services): State<Shared>,
    page: Page,
    Name(code): Name,
    query: Result<Query<ResultsQuery>, QueryRejection>,
    mut parts: Parts,
) -> Response {
    let query = query.map_or_else(|_| ResultsQuery::default(), |Query(query)| query);
    let found = match services.elections.find(&code).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            return problem_page(&page, &missing(&services.elections, &code).await, &format!("/{code}/results"));
        }
        Err(error) => return problem_page(&page, &error.into(), &format!("/{code}/results")),
    };
    let own = page.clone().of(&found.election);
    let asks = query.audience.is_some_and(|audience| audience == "full");
    let audience = asks.then_some(AskedAudience::Full);
    if asks && let Err(refused) = with_part(&services, &mut parts, &code).await {
        return uncached(refused);
    }
    let headers = &parts.headers;
    // What is no number is no round either.
    let number = query.round.map(|round| round.parse().unwrap_or(0));
    let round = Round { number, min_version: None, audience };
    let shown = match found.election.kind {
        Kind::Election => elections::page(&services, &own, &found, (query.unit.as_deref(), audience), headers).await,
        Kind::Poll | Kind::Competition => of_poll(&services, &own, found.clone(), round, headers).await,
    };
    let shown = match shown {
        Ok(shown) => with_device(&services, headers, shown),
        Err(problem) => problem_page(&page, &problem, &format!("/{code}/results")),
    };
    if asks { uncached(shown) } else { shown }
}

/// Refuses whoever has no part in it, and sends who is not signed in to do so.
async fn with_part(services: &Shared, parts: &mut Parts, code: &str) -> Result<(), Response> {
    let visitor = Visitor::from_request_parts(parts, services).await?;
    visitor.part(services, &Name(code.to_owned())).await.map(drop)
}

async fn of_poll(
    services: &Shared,
    page: &Page,
    found: Registered,
    round: Round<'_>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let full = round.audience.is_some();
    let seen = api::of_round(services, found, round, &without_token(headers)).await?;
    let found = seen.found.clone();
    let Pictured { frame, chart, is_late } = pictured(services, page, seen).await?;
    let state = services.feed.state(found.key).await?.ok_or_else(unknown)?;
    let found = services.elections.with_contests(found.key, state.contests.len()).await?.ok_or_else(unknown)?;
    let results = ranked(frame.poll().ok_or_else(unknown)?);
    let number = ContestNumber(results.round - 1);
    let contest = found.election.contests.get(number.index()).ok_or_else(unknown)?;
    let contest_state = state.contest(number).map_err(|_| unknown())?;
    let (election, language) = (&found.election, page.language);
    let time = results.time.as_deref().and_then(parse_rfc3339);
    Ok(render(&ResultsPage {
        page,
        code: election.code.as_str(),
        poll: election.id.to_string(),
        status: status(language, results.status),
        identified: identified(language, results.identified_by),
        full,
        hides: hides(election.visibility, contest_state).filter(|_| full),
        latest: u32::try_from(state.contests.len()).unwrap_or(u32::MAX),
        rounds: rounds(&state, language),
        voters: results.ballots.map(|ballots| language.count("voters", ballots)).unwrap_or_default(),
        blank: results.blank.map(|blank| language.number(blank)),
        method: method(contest),
        bars: Bars::of(&results, language),
        scored: scored(&results, language),
        waiting: Waiting::of(election.visibility, contest_state, language),
        as_of: time.map(|time| Moment::of(time, language)),
        chart,
        is_late,
        public_ballots: election.public_ballots,
        is_final: contest_state.is_final(),
        recount: recount(election.code.as_str(), &results),
        embed: frame_tag(
            &services.settings.base_url(),
            election.code.as_str(),
            Some(results.round).filter(|_| number.index() + 1 < state.contests.len()),
        ),
        texts: page.texts(&[&LIVE_TEXTS[..], &RESULTS_TEXTS[..]].concat(), &["voters"]),
        results: &results,
    }))
}

/// What is seen of a round, with its picture.
struct Pictured {
    frame: Arc<Frame>,
    /// When people voted, where the figures may be seen.
    chart: Option<Chart>,
    /// Whether that is still being made, so that it is not there or tells of fewer voters than the figures.
    is_late: bool,
}

/// When people voted, beside what is seen of a round.
async fn pictured(services: &Shared, page: &Page, seen: Seen) -> Result<Pictured, Problem> {
    let Seen { found, mut frame, viewer } = seen;
    if frame.poll().is_none_or(|results| results.hidden) {
        return Ok(Pictured { frame, chart: None, is_late: false });
    }
    let (epoch, seq) = match frame.version {
        Version::Full(epoch, seq) => (epoch, seq),
        // An earlier round beside a hidden one: nothing comes to it any more.
        Version::Masked(..) => services.feed.place(found.key).await?.ok_or_else(unknown)?,
    };
    let timeline = services.timelines.of(found.key, epoch, seq).await;
    if timeline.as_ref().is_some_and(|timeline| timeline.seq() > seq) {
        // It tells of later votes too, which may have been hidden from this reader since. The same round again: another
        // one may have been opened meanwhile, and who voted in this one may not see that.
        let number = ContestNumber(frame.poll().ok_or_else(unknown)?.round - 1);
        frame = services.feed.contest(found.key, number, viewer).await?.ok_or_else(unknown)?;
    }
    let results = frame.poll().filter(|results| !results.hidden);
    let columns = results.and_then(|results| timeline.as_ref()?.round(ContestNumber(results.round - 1)));
    let ballots = results.and_then(|results| results.ballots).unwrap_or(0);
    let is_late = columns.map_or(0, Columns::total) != ballots;
    let chart = columns.and_then(|columns| Chart::of(columns, page.language));
    Ok(Pictured { frame, chart, is_late })
}

/// Whether no vote can come any more, but by undoing the close.
fn is_over(results: &Results) -> bool {
    !["draft", "open", "paused"].contains(&results.status)
}

/// Results in the order in which they are read: that of the ballot paper while votes come, so that nothing jumps; then the
/// most first, and equal ones as on the paper.
pub(super) fn ranked(results: &Results) -> Results {
    let mut results = results.clone();
    if is_over(&results) {
        results.choices.sort_by_key(|choice| Reverse(choice.points.or(choice.votes)));
    }
    results
}

/// How votes are made and counted: the key of its name.
pub(super) fn method(contest: &Contest) -> &'static str {
    match contest.method {
        Method::Single => "method-single",
        Method::Approval { .. } => "method-approval",
        Method::Score { .. } => "method-score",
    }
}

/// Counts the lines of the file of ballots again: how many chose what, or how many points each got.
fn recount(code: &str, results: &Results) -> String {
    let sums = match results.method {
        "score" => "jq -rs 'map(.scores | to_entries[]) | group_by(.key)[] | \"\\(map(.value) | add) \\(.[0].key)\"'",
        _ => "jq -rs 'map(.choices[]) | group_by(.)[] | \"\\(length) \\(.[0])\"'",
    };
    format!("{sums} {code}-round-{}-ballots.ndjson", results.round)
}

/// What another page holds to show the results in a frame: those of the round, or of whichever is the latest.
pub(super) fn frame_tag(base: &str, code: &str, round: Option<u32>) -> String {
    let query = round.map(|round| format!("?round={round}")).unwrap_or_default();
    format!(
        "<iframe src=\"{base}/{code}/embed{query}\" title=\"Hustings {code}\" width=\"100%\" height=\"420\" loading=\"lazy\"></iframe>"
    )
}

/// Where a contest is hidden from the public now, who sees it: the key of the sentence.
pub(super) fn hides(visibility: Visibility, contest: &ContestState) -> Option<&'static str> {
    let is_hidden = visibility.audience(contest, Viewer::Public) == Audience::Masked;
    is_hidden.then_some(if visibility == Visibility::AfterVote { "hides-after-vote" } else { "hides-others" })
}

/// What each choice got besides its points: how many gave it some, and the mean.
pub(super) fn scored(results: &Results, language: Language) -> Vec<(String, String)> {
    let scored = |choice: &ChoiceResult| {
        let (points, votes) = (choice.points?, choice.votes?);
        let tenths = (points.saturating_mul(10).saturating_add(votes / 2)) / votes.max(1);
        let mean = if votes == 0 { "–".to_owned() } else { language.tenths(tenths) };
        Some((language.number(votes), mean))
    };
    results.choices.iter().filter_map(scored).collect()
}

fn rounds(state: &ElectionState, language: Language) -> Vec<RoundRow> {
    let row = |(number, contest): (u32, &ContestState)| RoundRow {
        number,
        name: language.say_with("round", &[("number", &language.number(number.into()))]),
        status: status(language, contest.name()),
    };
    let several = (1..).zip(&state.contests).filter(|_| state.contests.len() > 1);
    several.map(row).collect()
}

impl Waiting {
    pub(super) fn of(visibility: Visibility, contest: &ContestState, language: Language) -> Self {
        let why = match (contest, visibility) {
            (ContestState::Draft { .. }, _) => "results-draft",
            (_, Visibility::AfterVote) => "results-after-vote",
            (_, Visibility::AfterClose) => "results-after-close",
            (_, Visibility::OnReveal | Visibility::Always) => "results-on-reveal",
        };
        let schedule = schedule(contest);
        let due = |key, time| (key, Moment::of(time, language));
        let opens = schedule.opens_at.map(|time| due("opens-at", time));
        Self { why, due: opens.or_else(|| schedule.closes_at.map(|time| due("closes-at", time))) }
    }
}
