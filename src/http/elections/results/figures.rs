//! Totals: of the whole election or any unit, by contest, party, unit or channel, now or at an earlier place.

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use hustings_core::{Audience, UnitNumber};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Problem, Seen, Services, Shared, contest_needed, contest_of, read, see, short, table, times, unit_of, within,
};
use crate::feed::night::{Asked, Below, ChildPage, Moment, NightResults};
use crate::http::api::{AskedAudience, ResultsFormat, asking, at_least, respond};
use crate::http::described::Looked;
use crate::http::name::Name;

/// Which results.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct NightQuery {
    /// The code of a unit (default: the whole election).
    unit: Option<String>,
    /// The code of a contest (default: all that are held there).
    contest: Option<String>,
    /// The code of a choice: a single figure.
    choice: Option<String>,
    /// contest (default), party, unit, place or channel.
    #[param(inline)]
    by: Option<By>,
    /// What stood just before a time (RFC 3339, or local in the election's zone) that has come, or at a version.
    as_of: Option<String>,
    /// With `by=unit` and `by=place`: units after this one, the `next` of the page before.
    after: Option<String>,
    /// With `by=unit` and `by=place`: at most so many, up to 5,000 (default 1,000).
    limit: Option<usize>,
    /// A version that was seen before, maybe on another node: what is answered is not older. Waits two seconds at most.
    min_version: Option<String>,
    /// As which file (default: the JSON document): csv or xlsx, a row for each contest, unit and choice; with `by=unit` and
    /// `by=place` of all units below too. Hidden results are no file: 403 `results_hidden`.
    #[param(inline, value_type = Option<ResultsFormat>)]
    #[serde(default)]
    format: ResultsFormat,
    /// `full` for results that are hidden from others, to whoever may see them by token or by being signed in; the same as
    /// `Hustings-Audience: full`, for links, with which browsers send no headers.
    #[param(value_type = Option<String>)]
    audience: Option<AskedAudience>,
}

/// What sums are told beside the totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum By {
    /// Nothing more.
    Contest,
    /// Of each party.
    Party,
    /// Of each unit just below.
    Unit,
    /// Of each place below, at any depth: region and city.
    Place,
    /// Of each choice in each channel.
    Channel,
}

/// One number.
#[derive(Debug, Serialize, ToSchema)]
struct Figure {
    version: String,
    unit: String,
    contest: String,
    choice: String,
    votes: u64,
}

const LIMIT_DEFAULT: usize = 1_000;

/// Totals of an election: of a unit, a contest, a choice; by party, unit, place or channel; now or as of an earlier time or
/// version; as JSON, or as a table.
#[utoipa::path(get, path = "/api/v1/elections/{election}/results", tag = "elections", params(NightQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, content((NightResults = "application/json"), (String = "text/csv"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 304, description = "not changed since `If-None-Match`"),
        (status = 422, body = Problem), Looked),
    security((), ("token" = [])))]
pub(super) async fn results(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    query: Result<Query<NightQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let mut query = read(query)?;
    let audience = query.audience.take();
    if let Some(version) = query.min_version.take() {
        let found = super::find(&services, &election).await?;
        let viewer = asking(&services, &found, audience, &headers).await?;
        at_least(&services, &found, &version, viewer).await?;
    }
    if query == NightQuery::default() {
        return plain(&services, &election, audience, &headers).await;
    }
    let seen = see(&services, &election, audience, &headers).await?;
    let moment = match &query.as_of {
        Some(asked) => times::as_of(&services, &seen, asked).await?,
        None => seen.moment.clone(),
    };
    let asked = asked(&moment, seen.audience, &query)?;
    if query.format != ResultsFormat::Json {
        seen.require_full()?;
        is_of_tables(&query)?;
        return table::file(services, moment, asked, query.format).await;
    }
    let json = match &query.choice {
        Some(choice) => {
            seen.require_full()?;
            serde_json::to_vec(&figure(&services, &moment, asked, choice).await?)
        }
        None => serde_json::to_vec(&services.feed.answer(&moment, &asked, seen.audience).await?),
    };
    let json = Bytes::from(json.map_err(|_| super::gone())?);
    Ok(respond(&tag(&seen, &moment), json, &headers, seen.viewer, seen.found.election.visibility))
}

/// The whole election, rendered once a version for all who ask.
async fn plain(
    services: &Services,
    election: &str,
    audience: Option<AskedAudience>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let found = super::find(services, election).await?;
    let viewer = asking(services, &found, audience, headers).await?;
    let frame = services.feed.latest(found.key, viewer).await?.ok_or_else(super::gone)?;
    Ok(respond(&frame.tag(), frame.json.clone(), headers, viewer, found.election.visibility))
}

/// Refuses what a table does not tell: it is written to its end, and has a row for every choice.
fn is_of_tables(query: &NightQuery) -> Result<(), Problem> {
    let refused = |name: &str| {
        let detail = format!("`{name}` goes with JSON; a table has all rows of its contests and units");
        Err(Problem::invalid("invalid_query", format!("/{name}"), detail))
    };
    match query {
        NightQuery { by: Some(By::Party | By::Channel), .. } => refused("by"),
        NightQuery { choice: Some(_), .. } => refused("choice"),
        NightQuery { after: Some(_), .. } => refused("after"),
        NightQuery { limit: Some(_), .. } => refused("limit"),
        _ => Ok(()),
    }
}

fn tag(seen: &Seen, moment: &Moment) -> String {
    moment.tag(seen.audience)
}

fn asked(moment: &Moment, audience: Audience, query: &NightQuery) -> Result<Asked, Problem> {
    let unit = unit_of(moment, audience, query.unit.as_deref())?;
    let contest = contest_of(moment, query.contest.as_deref())?;
    let limit = within("limit", query.limit, LIMIT_DEFAULT, 1..=ChildPage::LIMIT_MAX)?;
    let by = query.by.unwrap_or(By::Contest);
    let which = match by {
        By::Unit => Some(Below::Next),
        By::Place => Some(Below::Places),
        By::Contest | By::Party | By::Channel => None,
    };
    let after = after(moment, audience, query)?;
    Ok(Asked {
        unit,
        contest: contest.map(|contest| contest.number),
        children: which.map(|which| ChildPage { which, after, limit }),
        parties: by == By::Party,
        channels: by == By::Channel,
    })
}

fn after(moment: &Moment, audience: Audience, query: &NightQuery) -> Result<UnitNumber, Problem> {
    let unknown = |_| Problem::invalid("unknown_unit", "/after", "`after` is the `next` of the page before");
    unit_of(moment, audience, query.after.as_deref()).map_err(unknown)
}

/// The votes of one choice. Where several contests in the unit have such a choice, one of them must be named.
async fn figure(services: &Services, moment: &Moment, asked: Asked, choice: &str) -> Result<Figure, Problem> {
    let results = services.feed.answer(moment, &Asked { children: None, ..asked }, Audience::Full).await?;
    let of_contest = |contest: &crate::feed::night::ContestResult| {
        let found = contest.choices.iter().find(|found| found.code == choice || found.id == choice)?;
        Some((contest.code.clone(), found.code.clone(), found.votes.unwrap_or(0)))
    };
    let mut found = results.contests.iter().filter_map(of_contest);
    match (found.next(), found.next()) {
        (Some((contest, choice, votes)), None) => {
            Ok(Figure { version: results.version, unit: results.unit.code, contest, choice, votes })
        }
        (Some(_), Some(_)) => {
            let having = results.contests.iter().filter(|contest| of_contest(contest).is_some());
            let having = having.filter_map(|contest| moment.contest(&contest.id));
            Err(contest_needed("several contests have this choice", having))
        }
        (None, _) => {
            let detail = format!("there is no choice with the code `{}` in what is counted there", short(choice));
            Err(Problem::invalid("unknown_choice", "/choice", detail))
        }
    }
}
