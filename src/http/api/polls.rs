//! Polls as they are shown.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use hustings_core::election::Viewer;
use hustings_core::{Change, Contest, ContestState, Kind, Method, Visibility};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{find, successor};
use crate::clock::rfc3339;
use crate::http::auth::Caller;
use crate::http::body::{doubled, pointer};
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::http::words::translate;
use crate::http::{Services, Shared};
use crate::ledger::{ElectionKey, Registered, Scope};

/// A poll.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PollBody {
    id: String,
    /// The short code that people type.
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    title: String,
    /// Whether it only rehearses; absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rehearsal: bool,
    /// draft, open, paused, closed or archived.
    status: &'static str,
    /// always, `after_vote`, `after_close` or `on_reveal`.
    visibility: &'static str,
    /// Who may vote: device, codes or roster.
    access: &'static str,
    /// Whether all may have the ballots once results are shown and the close is final; absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    public_ballots: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    accent: Option<String>,
    /// The current round, from 1.
    round: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closes_at: Option<String>,
    created: String,
    contest: ContestBody,
    urls: Urls,
}

/// The current contest of a poll.
#[derive(Debug, Serialize, ToSchema)]
struct ContestBody {
    id: String,
    /// single, approval or score.
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u16>,
    /// final or `until_close`.
    change: &'static str,
    choices: Vec<ChoiceBody>,
}

/// One choice.
#[derive(Debug, Serialize, ToSchema)]
struct ChoiceBody {
    id: String,
    code: String,
    title: String,
}

/// Where to go.
#[derive(Debug, Serialize, ToSchema)]
struct Urls {
    vote: String,
    screen: String,
    host: String,
    results: String,
    embed: String,
    stream: String,
}

/// Which page of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PageQuery {
    /// The `next` of the page before.
    cursor: Option<u32>,
    /// At most so many, 1 to 100 (default 50).
    limit: Option<usize>,
}

impl PageQuery {
    /// How many a page has at most.
    pub(in crate::http) fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, 100)
    }

    /// The key that the page begins after.
    pub(in crate::http) fn after(&self) -> Option<ElectionKey> {
        self.cursor.map(ElectionKey)
    }
}

/// The elections of a page, all of some kinds, and the cursor of the next page, where there may be one.
pub(in crate::http) async fn page(
    services: &Services,
    query: &PageQuery,
    is_wanted: impl Fn(Kind) -> bool,
) -> Result<(Vec<Registered>, Option<u32>), Problem> {
    let limit = query.limit();
    let (mut wanted, mut after) = (Vec::new(), query.after());
    loop {
        let found = services.registry.elections(after, limit).await?;
        let is_last = found.len() < limit;
        for registered in found {
            after = Some(registered.key);
            if is_wanted(registered.election.kind) {
                wanted.push(registered);
            }
            if wanted.len() == limit {
                return Ok((wanted, after.map(|key| key.0)));
            }
        }
        if is_last {
            return Ok((wanted, None));
        }
    }
}

/// A page of polls, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PollList {
    polls: Vec<PollBody>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u32>,
}

/// Lists polls, oldest first.
#[utoipa::path(get, path = "/api/v1/polls", tag = "polls", params(PageQuery),
    responses((status = 200, body = PollList), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn list(
    State(services): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<PollList>, Problem> {
    Caller::of(&services, &headers).await?.require(Scope::Manage)?;
    let Query(query) = query.map_err(invalid_query)?;
    let (found, next) = page(&services, &query, |kind| kind != Kind::Election).await?;
    let mut polls = Vec::with_capacity(found.len());
    for registered in &found {
        polls.push(show(&services, registered).await?);
    }
    Ok(Json(PollList { polls, next }))
}

/// A query that cannot be read; the pointer names its parameter.
pub(in crate::http) fn invalid_query(rejection: axum::extract::rejection::QueryRejection) -> Problem {
    type Place = serde_path_to_error::Error<serde::de::value::Error>;
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&rejection);
    while let Some(error) = cause {
        if let Some(place) = error.downcast_ref::<Place>() {
            let text = place.inner().to_string();
            let (code, detail) = translate(&text, "parameter");
            let pointer = match code {
                "duplicate_key" => doubled(pointer(place.path()), &text),
                _ => pointer(place.path()),
            };
            let named = detail.contains('`') || pointer.is_empty();
            let detail = if named { detail } else { format!("`{}`: {detail}", &pointer[1..]) };
            return Problem::invalid("invalid_query", pointer, detail);
        }
        cause = error.source();
    }
    Problem::invalid("invalid_query", "", "the part after `?` cannot be read")
}

/// Shows a poll by its id, code or slug.
#[utoipa::path(get, path = "/api/v1/polls/{poll}", tag = "polls", params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = PollBody), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn get(State(services): State<Shared>, Name(poll): Name) -> Result<Json<PollBody>, Problem> {
    let found = find(&services.elections, &poll).await?;
    match show(&services, &found).await {
        // Another node may have replaced the definition a moment ago.
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => {
            Ok(Json(show(&services, &successor(&services, &found).await?).await?))
        }
        shown => Ok(Json(shown?)),
    }
}

/// A poll as it stands now.
pub(super) async fn show(services: &Services, found: &Registered) -> Result<PollBody, Problem> {
    let gone = || Problem::not_found("unknown_poll", "there is no such poll");
    let state = services.feed.state(found.key).await?.ok_or_else(gone)?;
    let frame = services.feed.latest(found.key, Viewer::Public).await?.ok_or_else(gone)?;
    let round = frame.poll().ok_or_else(gone)?.round;
    let rounds = usize::try_from(round).unwrap_or(1);
    let found = services.elections.with_contests(found.key, rounds).await?.ok_or_else(gone)?;
    let election = &found.election;
    let contest = election.contests.get(rounds.saturating_sub(1)).ok_or_else(gone)?;
    let contest_state = state.contests.get(rounds.saturating_sub(1)).ok_or_else(gone)?;
    let schedule = schedule(contest_state);
    let base = services.settings.base_url();
    let page = format!("{base}/{}", election.code);
    Ok(PollBody {
        id: election.id.to_string(),
        code: election.code.to_string(),
        slug: election.slug.as_ref().map(ToString::to_string),
        title: state.title(election).to_string(),
        rehearsal: election.is_rehearsal(),
        status: contest_state.name(),
        visibility: visibility(election.visibility),
        access: election.access.name(),
        public_ballots: election.public_ballots,
        accent: election.accent.as_ref().map(ToString::to_string),
        round,
        opens_at: schedule.opens_at.map(rfc3339),
        closes_at: schedule.closes_at.map(rfc3339),
        created: rfc3339(election.created),
        contest: contest_body(contest),
        urls: Urls {
            screen: format!("{page}/screen"),
            host: format!("{page}/host"),
            results: format!("{page}/results"),
            embed: format!("{page}/embed"),
            stream: format!("{base}/api/v1/polls/{}/results/stream", election.id),
            vote: page,
        },
    })
}

/// What is still to happen by itself.
pub(in crate::http) fn schedule(state: &ContestState) -> hustings_core::Schedule {
    match state {
        ContestState::Draft { schedule } => *schedule,
        ContestState::Open { closes_at, .. } | ContestState::Paused { closes_at, .. } => {
            hustings_core::Schedule { opens_at: None, closes_at: *closes_at }
        }
        ContestState::Closed { .. } | ContestState::Archived { .. } | ContestState::Certified { .. } => {
            hustings_core::Schedule::default()
        }
    }
}

pub(in crate::http) fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Always => "always",
        Visibility::AfterVote => "after_vote",
        Visibility::AfterClose => "after_close",
        Visibility::OnReveal => "on_reveal",
    }
}

fn contest_body(contest: &Contest) -> ContestBody {
    let (min, max) = match contest.method {
        Method::Single => (None, None),
        Method::Approval { min, max } => (Some(min), Some(max)),
        Method::Score { min, max } => (Some(min.into()), Some(max.into())),
    };
    let choice = |choice: &hustings_core::Choice| ChoiceBody {
        id: choice.id.to_string(),
        code: choice.code.to_string(),
        title: choice.title.to_string(),
    };
    ContestBody {
        id: contest.id.to_string(),
        method: contest.method.name(),
        min,
        max,
        change: match contest.change {
            Change::Final => "final",
            Change::UntilClose => "until_close",
        },
        choices: contest.choices.iter().map(choice).collect(),
    }
}
