//! Elections as they are shown: what is asked, where, and how far it has got.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use hustings_core::election::Viewer;
use hustings_core::{Choice, Contest, ContestState, ElectionState, Kind, Method, Seq, Unit, UnitKind, Units};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::find;
use crate::clock::rfc3339;
use crate::feed::night::Moment;
use crate::http::api::{PageQuery, invalid_query, page, visibility};
use crate::http::auth::Caller;
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::http::{Services, Shared};
use crate::ledger::{Registered, Scope};

/// An election of boxes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ElectionBody {
    id: String,
    /// The short code that people type.
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    slug: Option<String>,
    title: String,
    /// Always election.
    kind: &'static str,
    /// draft, counting, complete or certified; a rehearsal is always rehearsal.
    status: &'static str,
    /// Whether it is only practised.
    rehearsal: bool,
    /// The time zone that its hours are told in.
    zone: String,
    /// always, `after_vote`, `after_close` or `on_reveal`.
    visibility: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    accent: Option<String>,
    /// Whether a report of a box that nobody listed adds it.
    adds_boxes: bool,
    /// Whether a report from a city that nobody listed adds it.
    adds_cities: bool,
    created: String,
    contests: Vec<ContestBody>,
    /// How large the tree is; left out while results are hidden and reports add boxes or cities, because it would tell the turnout.
    #[serde(skip_serializing_if = "Option::is_none")]
    units: Option<UnitsCount>,
    urls: Urls,
}

/// A contest of an election.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ElectionContestBody)]
struct ContestBody {
    id: String,
    /// Its stable code.
    code: String,
    title: String,
    /// The code of the unit that it is held in.
    unit: String,
    /// single or approval.
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u16>,
    /// The hash over all that is asked; a report that names another one is refused.
    definition: String,
    /// draft, open, paused, closed or certified.
    status: &'static str,
    choices: Vec<ChoiceBody>,
}

/// One choice.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ElectionChoiceBody)]
struct ChoiceBody {
    id: String,
    code: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<PartyBody>,
}

/// A party.
#[derive(Debug, Serialize, ToSchema)]
struct PartyBody {
    code: String,
    name: String,
}

/// How large the tree of units is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnitsCount {
    /// All units, the nation and those that were retired too.
    pub(super) count: usize,
    /// Boxes that were not retired.
    pub(super) boxes: usize,
}

/// Where to go.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ElectionUrls)]
struct Urls {
    results: String,
    stream: String,
    changes: String,
    page: String,
}

/// A page of elections, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ElectionList {
    elections: Vec<ElectionBody>,
    /// The cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u32>,
}

/// Lists elections of boxes, oldest first.
#[utoipa::path(get, path = "/api/v1/elections", tag = "elections", params(PageQuery),
    responses((status = 200, body = ElectionList), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn list(
    State(services): State<Shared>,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<ElectionList>, Problem> {
    Caller::of(&services, &headers).await?.require(Scope::Manage)?;
    let Query(query) = query.map_err(invalid_query)?;
    let (found, next) = page(&services, &query, |kind| kind == Kind::Election).await?;
    let mut elections = Vec::with_capacity(found.len());
    for registered in &found {
        elections.push(show(&services, registered).await?);
    }
    Ok(Json(ElectionList { elections, next }))
}

/// Shows an election by its id, code or slug.
#[utoipa::path(get, path = "/api/v1/elections/{election}", tag = "elections",
    params(("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = ElectionBody), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn get(State(services): State<Shared>, Name(election): Name) -> Result<Json<ElectionBody>, Problem> {
    let found = find(&services, &election).await?;
    services.feed.refresh(found.key).await?;
    Ok(Json(show(&services, &found).await?))
}

/// Where an election stands, and its definition with all its contests.
pub(super) async fn standing(services: &Services, found: &Registered) -> Result<(ElectionState, Registered), Problem> {
    let gone = || Problem::not_found("unknown_election", "there is no such election");
    let state = services.feed.state(found.key).await?.ok_or_else(gone)?;
    let found = services.elections.with_contests(found.key, state.contests.len()).await?.ok_or_else(gone)?;
    Ok((state, found))
}

/// Waits until what is shown has got as far as an answer; where nothing was written, as far as the ledger is.
pub(super) async fn reached(services: &Services, found: &Registered, seq: Option<Seq>) -> Result<(), Problem> {
    let seq = match seq {
        Some(seq) => Some(seq),
        None => services.ledger.heads(&[found.key]).await?.first().map(|(_, head)| head.seq),
    };
    if let Some(seq) = seq {
        services.feed.reached(found.key, seq).await;
    }
    Ok(())
}

/// An election as it stands now, for anybody.
pub(super) async fn show(services: &Services, found: &Registered) -> Result<ElectionBody, Problem> {
    let gone = || Problem::not_found("unknown_election", "there is no such election");
    let moment = services.feed.moment(found.key).await?.ok_or_else(gone)?;
    let (state, units, election) = (moment.state(), moment.units(), &moment.found().election);
    let reporting = election.reporting.as_ref();
    let base = services.settings.base_url();
    let api = format!("{base}/api/v1/elections/{}", election.id);
    Ok(ElectionBody {
        id: election.id.to_string(),
        code: election.code.to_string(),
        slug: election.slug.as_ref().map(ToString::to_string),
        title: election.title.to_string(),
        kind: "election",
        status: moment.stage(moment.audience(Viewer::Public)),
        rehearsal: reporting.is_some_and(|reporting| reporting.rehearsal),
        zone: reporting.map_or_else(|| "UTC".to_owned(), |reporting| reporting.zone.clone()),
        visibility: visibility(election.visibility),
        accent: election.accent.as_ref().map(ToString::to_string),
        adds_boxes: reporting.is_some_and(|reporting| reporting.adds_boxes),
        adds_cities: reporting.is_some_and(|reporting| reporting.adds_cities),
        created: rfc3339(election.created),
        contests: election.contests.iter().zip(&state.contests).map(|of| contest_body(of, units)).collect(),
        units: (!hides_units(&moment)).then(|| count(units)),
        urls: Urls {
            results: format!("{api}/results"),
            stream: format!("{api}/results/stream"),
            changes: format!("{api}/changes"),
            page: format!("{base}/{}/results", election.code),
        },
    })
}

/// Whether the units that there are would tell how many have reported, and nobody may know that yet.
fn hides_units(moment: &Moment) -> bool {
    let audience = moment.audience(Viewer::Public);
    [UnitKind::City, UnitKind::Box].into_iter().any(|kind| moment.hides(audience, kind))
}

/// How large a tree is.
pub(super) fn count(units: &Units) -> UnitsCount {
    let numbers = (0..units.next().0).map(hustings_core::UnitNumber);
    let is_box = |unit: &&Unit| unit.kind == UnitKind::Box && !unit.is_retired;
    UnitsCount { count: units.count(), boxes: numbers.filter_map(|number| units.get(number)).filter(is_box).count() }
}

fn contest_body((contest, state): (&Contest, &ContestState), units: &Units) -> ContestBody {
    let (min, max) = match contest.method {
        Method::Approval { min, max } => (Some(min), Some(max)),
        Method::Single | Method::Score { .. } => (None, None),
    };
    let race = contest.race.as_ref();
    ContestBody {
        id: contest.id.to_string(),
        code: race.map_or_else(String::new, |race| race.code.to_string()),
        title: race.map_or_else(String::new, |race| race.title.to_string()),
        unit: units.get(contest.unit()).map_or_else(String::new, |unit| unit.code.to_string()),
        method: contest.method.name(),
        min,
        max,
        definition: contest.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
        status: state.name(),
        choices: contest.choices.iter().map(choice_body).collect(),
    }
}

fn choice_body(choice: &Choice) -> ChoiceBody {
    ChoiceBody {
        id: choice.id.to_string(),
        code: choice.code.to_string(),
        title: choice.title.to_string(),
        party: choice
            .party
            .as_ref()
            .map(|party| PartyBody { code: party.code.to_string(), name: party.name.to_string() }),
    }
}
