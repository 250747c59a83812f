//! Results as they stand: rendered once per version, cached by whoever may, masked while they are hidden.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hustings_core::election::Viewer;
use hustings_core::{Audience, ContestNumber, Kind, Version, Visibility};
use serde::Deserialize;
use utoipa::IntoParams;

use super::files::{ResultsFormat, results_file};
use super::polls::invalid_query;
use super::{find, successor};
use crate::feed::{Frame, Results};
use crate::http::auth::Caller;
use crate::http::described::Looked;
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::http::voter::voter_of;
use crate::http::{Services, Shared};
use crate::ledger::{Registered, Scope};

/// Which results.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ResultsQuery {
    /// An earlier round, from 1 (default: the current one).
    round: Option<u32>,
    /// A version that was seen before, maybe on another node: what is answered is not older. Waits two seconds at most.
    min_version: Option<String>,
    /// As which file (default: the JSON document). Hidden results are no file: 403 `results_hidden`.
    #[serde(default)]
    format: ResultsFormat,
    /// `full` for results that are hidden from others, to whoever may see them by token or by being signed in; the same as
    /// `Hustings-Audience: full`, for links, with which browsers send no headers.
    #[param(value_type = Option<String>)]
    audience: Option<AskedAudience>,
}

/// Results as they stand. Hidden ones show status and choices only, except to tokens with the scope `results`, and to whoever is
/// signed in with a part in the poll and sends `Hustings-Audience: full` or `?audience=full`.
#[utoipa::path(get, path = "/api/v1/polls/{poll}/results", tag = "results", params(ResultsQuery,
        ("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, content((Results = "application/json"), (String = "text/csv"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 304, description = "not changed since `If-None-Match`"), (status = 422, body = Problem), Looked),
    security((), ("token" = [])))]
pub(super) async fn results(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
    query: Result<Query<ResultsQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(invalid_query)?;
    let found = find(&services.elections, &poll).await?;
    let min_version = query.min_version.as_deref();
    let round = Round { number: query.round, min_version, audience: query.audience };
    let Seen { found, frame, viewer } = of_round(&services, found, round, &headers).await?;
    match query.format {
        ResultsFormat::Json => {}
        format => return results_file(&found.election, frame.poll().ok_or_else(super::unknown)?, format),
    }
    Ok(respond(&frame.tag(), frame.json.clone(), &headers, viewer, found.election.visibility))
}

/// Which round of a poll is looked at.
#[derive(Clone, Copy)]
pub(in crate::http) struct Round<'a> {
    /// Its number, from 1; the latest one without.
    pub(in crate::http) number: Option<u32>,
    /// A version that was seen before: what is shown is not older.
    pub(in crate::http) min_version: Option<&'a str>,
    /// Whether results are asked for that are hidden from others: refused to who may not see them.
    pub(in crate::http) audience: Option<AskedAudience>,
}

/// What is seen of a round, and as whom.
pub(in crate::http) struct Seen {
    /// The poll as it is now: another node may have replaced its definition a moment ago.
    pub(in crate::http) found: Registered,
    pub(in crate::http) frame: Arc<Frame>,
    pub(in crate::http) viewer: Viewer,
}

/// A round as whoever is looking may see it; 404 `unknown_round` where there is none of that number. Nobody sees a round as who
/// they were in the one before.
pub(in crate::http) async fn of_round(
    services: &Services,
    mut found: Registered,
    round: Round<'_>,
    headers: &HeaderMap,
) -> Result<Seen, Problem> {
    loop {
        let known = services.feed.rounds(found.key).await?;
        let viewer = asking(services, &found, round.audience, headers).await?;
        if let Some(version) = round.min_version {
            at_least(services, &found, version, viewer).await?;
        }
        let Some(latest) = services.feed.latest(found.key, viewer).await? else {
            found = successor(services, &found).await?;
            continue;
        };
        let rounds = latest.poll().ok_or_else(super::unknown)?.round;
        if viewer == Viewer::Voted && usize::try_from(rounds) != Ok(known) {
            // A round was opened meanwhile: who voted in the one before has not voted in this one.
            continue;
        }
        let frame = match round.number {
            None => Some(latest),
            Some(number) if number == rounds => Some(latest),
            Some(number) if (1..rounds).contains(&number) => {
                services.feed.contest(found.key, ContestNumber(number - 1), viewer).await?
            }
            Some(_) => None,
        };
        let frame = frame.ok_or_else(|| Problem::not_found("unknown_round", "this poll has no such round"))?;
        return Ok(Seen { found, frame, viewer });
    }
}

/// Waits until this node has what another one may have shown already.
pub(in crate::http) async fn at_least(
    services: &Services,
    found: &Registered,
    version: &str,
    viewer: Viewer,
) -> Result<(), Problem> {
    let malformed = || Problem::invalid("invalid_version", "", "`min_version` is the `version` of earlier results");
    let version: Version = version.parse().map_err(|()| malformed())?;
    // Who may not see totals was never shown such a version, and would learn by asking how many entries there are.
    if matches!(version, Version::Full(..)) && !sees_totals(services, found, viewer).await? {
        return Ok(());
    }
    if services.feed.at_least(found.key, version).await? {
        return Ok(());
    }
    Err(Problem::unavailable("not_yet", "this node has not heard of that version yet; please try again"))
}

/// Whether what is shown to this viewer holds totals now.
pub(in crate::http) async fn sees_totals(
    services: &Services,
    found: &Registered,
    viewer: Viewer,
) -> Result<bool, Problem> {
    let Some(state) = services.feed.state(found.key).await? else { return Ok(false) };
    let sees = |contest| found.election.visibility.audience(contest, viewer) == Audience::Full;
    Ok(match found.election.kind {
        Kind::Election => state.contests.iter().all(sees),
        Kind::Poll | Kind::Competition => state.contests.last().is_some_and(sees),
    })
}

/// The header by which whoever is signed in asks for results that are hidden from others. Without it a host's browser gets
/// what everybody gets: it may well be the one that the screen is shown with.
const AUDIENCE: &str = "hustings-audience";

/// The same in an address, for streams and links: browsers send no headers with those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum AskedAudience {
    /// All results.
    Full,
}

/// Whoever may see results that are hidden from others; anybody else is refused.
async fn organiser(services: &Services, found: &Registered, headers: &HeaderMap) -> Result<Viewer, Problem> {
    Caller::of(services, headers).await?.require_in(services, Scope::Results, found).await?;
    Ok(Viewer::Organiser)
}

/// Who is looking at this election, where the address may ask for results that are hidden from others.
pub(in crate::http) async fn asking(
    services: &Services,
    found: &Registered,
    audience: Option<AskedAudience>,
    headers: &HeaderMap,
) -> Result<Viewer, Problem> {
    match audience {
        Some(AskedAudience::Full) => organiser(services, found, headers).await,
        None => viewer(services, found, headers).await,
    }
}

/// Who is looking at this election.
pub(in crate::http) async fn viewer(
    services: &Services,
    found: &Registered,
    headers: &HeaderMap,
) -> Result<Viewer, Problem> {
    let caller = Caller::of_voter(services, headers).await?;
    if matches!(caller, Caller::Token(_)) {
        let may = caller.may_in(services, Scope::Results, found).await?;
        return Ok(if may { Viewer::Organiser } else { Viewer::Public });
    }
    if headers.get(AUDIENCE).is_some_and(|audience| audience == "full") {
        return organiser(services, found, headers).await;
    }
    if found.election.visibility != Visibility::AfterVote {
        return Ok(Viewer::Public);
    }
    let Some(voter) = voter_of(services, found, &caller, headers).await? else { return Ok(Viewer::Public) };
    let rounds = u32::try_from(services.feed.rounds(found.key).await?).unwrap_or(1);
    let ballot = services.ledger.ballot(found.key, ContestNumber(rounds.saturating_sub(1)), voter).await?;
    Ok(if ballot.is_some() { Viewer::Voted } else { Viewer::Public })
}

/// A document with its tag; nothing but the tag where the client has it already.
pub(in crate::http) fn respond(
    tag: &str,
    json: Bytes,
    headers: &HeaderMap,
    viewer: Viewer,
    visibility: Visibility,
) -> Response {
    let etag = format!("\"{tag}\"");
    // What one viewer may see must never be given to another one by a cache.
    let shared = viewer == Viewer::Public && visibility != Visibility::AfterVote;
    let cache = if shared { "public, max-age=1, stale-if-error=60" } else { "private, no-cache" };
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // A proxy that compresses marks the tag as weak; that is the same version (RFC 9110, section 13.1.2).
    let same = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag;
    let known = asked.is_some_and(|tags| tags.split(',').any(|tag| same(tag.trim())));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], json).into_response()
    };
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("authorization, cookie, hustings-audience"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        out.insert(header::ETAG, etag);
    }
    response
}
