//! The tree of units: adding to it, reading it, and retiring what is not needed.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use hustings_core::{
    Act, ActKind, ContestNumber, ContestState, Event, Grounds, NewUnit, Rejection, Submission, Text, Unit, UnitKind,
    UnitNumber, Units, Version,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::find;
use super::show::{UnitsCount, count, reached, standing};
use super::units_sent::{self, Parsed, UnitsBody};
use crate::http::api::{actor, invalid_query, viewer};
use crate::http::auth::Caller;
use crate::http::body::{self, IMPORT_MAX, VOTE_MAX};
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::import::is_csv;
use crate::http::name::{Name, NoQuery};
use crate::http::{Services, Shared};
use crate::ledger::{Answer, Registered, Scope};

/// How often units are held against a tree that others change at the same time.
const ATTEMPTS: usize = 8;
/// The most units of a page.
const PAGE_MAX: usize = 1_000;

/// Why, where the body is CSV.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonQuery {
    /// A sentence for the record; in a JSON document it stands in the document.
    pub(super) reason: Option<String>,
}

/// What came of an import of units.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AddedBody {
    /// How many are new; the others were there just so.
    added: usize,
    units: UnitsCount,
    /// The version of the election with them.
    version: String,
}

/// Adds units, all or none. Those that are there just so stay; so the same import can be sent again.
#[utoipa::path(post, path = "/api/v1/elections/{election}/units", tag = "elections",
    params(ReasonQuery, ("election" = String, Path, description = "id, code or slug")),
    request_body(content((UnitsBody = "application/json"), (String = "text/csv")), description = "at most 64 MiB; a CSV \
        file begins with some of the columns code,name,kind,parent,channel,registered,boxes in any order"),
    responses((status = 200, body = AddedBody), (status = 201, body = AddedBody), Acted),
    security(("token" = [])))]
pub(super) async fn add(
    State(services): State<Shared>,
    Name(election): Name,
    query: Result<Query<ReasonQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<AddedBody>), Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let found = find(&services, &election).await?;
    let by = actor(&caller.require_in(&services, Scope::Manage, &found).await?.name);
    let Query(query) = query.map_err(invalid_query)?;
    let read = if is_csv(&headers) { units_sent::csv } else { units_sent::json };
    let mut parsed = body::parse_aside(body, IMPORT_MAX, read).await??;
    let reason = reason(parsed.reason.take().or(query.reason))?;
    if reason.is_none() && has_opened(&services, &found).await? {
        return Err(no_reason());
    }
    let added = import(&services, &found, parsed, &by, reason).await?;
    let units = services.reports.units(found.key, None).await?;
    let version = version(&services, &found).await?;
    let status = if added > 0 { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(AddedBody { added, units: count(&units), version })))
}

/// Adds what was read, if nothing is wrong with it. Others may add at the same time: what was decided for another tree is
/// decided again.
async fn import(
    services: &Services,
    found: &Registered,
    parsed: Parsed,
    by: &Text,
    reason: Option<Text>,
) -> Result<usize, Problem> {
    let Parsed { units, places, mut faults, .. } = parsed;
    let units: Arc<Vec<NewUnit>> = units.into();
    let mut places = places;
    for _ in 0..ATTEMPTS {
        let (state, found_now) = standing(services, found).await?;
        let (tree, new) = (services.reports.units(found.key, None).await?, Arc::clone(&units));
        let check = move || {
            match tree.prepare(&new) {
                Err(misplaced) => places.misplaced(&new, misplaced, &mut faults),
                Ok(_) => {
                    let on = Grounds { contests: &found_now.election.contests, state: &state, units: &tree };
                    places.signed(&new, on, &mut faults);
                }
            }
            (places, faults)
        };
        (places, faults) = tokio::task::spawn_blocking(check).await.map_err(stopping)?;
        faults = faults.check()?;
        if units.is_empty() {
            return Ok(0);
        }
        let kind = ActKind::AddUnits(Arc::clone(&units));
        let act = Act { contest: ContestNumber::NONE, kind, by: by.clone(), reason: reason.clone() };
        match services.ingest.submit(found.key, Submission::Act(act)).await? {
            Answer::Rejected(Rejection::UnitsMoved, _) => {}
            Answer::Rejected(rejection, _) => return Err(rejection.into()),
            Answer::Accepted(stored) => {
                reached(services, found, Some(stored.entry.seq)).await?;
                return Ok(match &stored.entry.event {
                    Event::UnitsAdded(added) => added.units.len(),
                    _ => 0,
                });
            }
            _ => return Ok(0),
        }
    }
    Err(Rejection::UnitsMoved.into())
}

/// A task of ours that did not end: only a stop of the server ends one.
pub(super) fn stopping(_: tokio::task::JoinError) -> Problem {
    Problem::unavailable("stopping", "the server is stopping; please try again")
}

/// The version of an election as its ledger stands.
async fn version(services: &Services, found: &Registered) -> Result<String, Problem> {
    let heads = services.ledger.heads(&[found.key]).await?;
    let gone = || Problem::not_found("unknown_election", "there is no such election");
    let (_, head) = heads.first().ok_or_else(gone)?;
    Ok(Version::Full(head.epoch, head.seq).to_string())
}

/// Whether a contest was ever opened: from then on a change of the units needs a reason.
async fn has_opened(services: &Services, found: &Registered) -> Result<bool, Problem> {
    services.feed.refresh(found.key).await?;
    let (state, _) = standing(services, found).await?;
    Ok(state.contests.iter().any(|contest| !matches!(contest, ContestState::Draft { .. })))
}

pub(super) fn reason(text: Option<String>) -> Result<Option<Text>, Problem> {
    text.as_deref().map(Text::parse).transpose().map_err(|error| Problem::text("/reason", error))
}

fn no_reason() -> Problem {
    Problem::invalid("missing_reason", "/reason", "say why in `reason`; it stands in the ledger for ever")
}

/// Which units.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitsQuery {
    /// Only this unit and those below it, by its code.
    under: Option<String>,
    /// Only units of this kind: nation, region, city, station or box.
    kind: Option<String>,
    /// Those added after this one: the `next` of the page before.
    after: Option<String>,
    /// At most so many, 1 to 1,000 (default 100).
    limit: Option<usize>,
}

/// A page of units, in the order in which they were added.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnitList {
    units: Vec<UnitShown>,
    /// The code to ask for those after this page with; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A unit as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnitShown {
    code: String,
    name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    /// Told of boxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registered: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boxes: Option<u32>,
    retired: bool,
}

/// Lists units, in the order in which they were added. While results are hidden, those that reports may have added are listed only
/// for who may see the results.
#[utoipa::path(get, path = "/api/v1/elections/{election}/units", tag = "elections",
    params(UnitsQuery, ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = UnitList), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security((), ("token" = [])))]
pub(super) async fn list(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    query: Result<Query<UnitsQuery>, QueryRejection>,
) -> Result<Json<UnitList>, Problem> {
    let found = find(&services, &election).await?;
    let Query(query) = query.map_err(invalid_query)?;
    let viewer = viewer(&services, &found, &headers).await?;
    let gone = || Problem::not_found("unknown_election", "there is no such election");
    let moment = services.feed.moment(found.key).await?.ok_or_else(gone)?;
    let audience = moment.audience(viewer);
    let units = services.reports.units(found.key, None).await?;
    let is_seen = |number: &UnitNumber| units.get(*number).is_some_and(|unit| !moment.hides(audience, unit.kind));
    let named = |pointer: &str, code: &Option<String>| {
        let unknown = || Problem::invalid("unknown_unit", pointer, "there is no unit with this code");
        code.as_deref().map(|code| units.find(code).filter(is_seen).ok_or_else(unknown)).transpose()
    };
    let (under, after) = (named("/under", &query.under)?, named("/after", &query.after)?);
    let unknown = |()| Problem::invalid("unknown_kind", "/kind", "use nation, region, city, station or box");
    let kind = query.kind.as_deref().map(str::parse::<UnitKind>).transpose().map_err(unknown)?;
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let is_wanted = |number: &UnitNumber| {
        let is_of_kind = |unit: &Unit| kind.is_none_or(|kind| unit.kind == kind);
        is_seen(number)
            && units.get(*number).is_some_and(is_of_kind)
            && under.is_none_or(|under| units.is_within(*number, under))
    };
    let first = after.map_or(0, |after| after.0 + 1);
    let page: Vec<_> = (first..units.next().0).map(UnitNumber).filter(is_wanted).take(limit).collect();
    let next = page.last().filter(|_| page.len() == limit).and_then(|last| units.get(*last));
    let next = next.map(|unit| unit.code.to_string());
    let units = page.into_iter().filter_map(|number| units.get(number).map(|unit| shown(&units, number, unit)));
    Ok(Json(UnitList { units: units.collect(), next }))
}

fn shown(units: &Units, number: UnitNumber, unit: &Unit) -> UnitShown {
    let parent = units.get(unit.parent).filter(|_| number != Unit::ROOT);
    UnitShown {
        code: unit.code.to_string(),
        name: unit.title().to_owned(),
        kind: unit.kind.name(),
        parent: parent.map(|parent| parent.code.to_string()),
        channel: (unit.kind == UnitKind::Box).then(|| unit.channel.name()),
        registered: unit.registered,
        boxes: unit.boxes,
        retired: unit.is_retired,
    }
}

/// Why, for the record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetireBody {
    /// A sentence for the record, 1 to 200 characters.
    reason: String,
}

/// What came of retiring a unit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RetiredBody {
    unit: UnitShown,
    units: UnitsCount,
    /// The version of the election without it.
    version: String,
}

/// Retires a unit without units and reports that count: no more reports are expected from it.
#[utoipa::path(post, path = "/api/v1/elections/{election}/units/{unit}/retire", tag = "elections",
    params(("election" = String, Path, description = "id, code or slug"), ("unit" = String, Path, description = "its code")),
    request_body = RetireBody,
    responses((status = 200, body = RetiredBody), Acted),
    security(("token" = [])))]
pub(super) async fn retire(
    State(services): State<Shared>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<RetiredBody>, Problem> {
    let Path((election, code)) = path.unwrap_or_else(|_| Path(Default::default()));
    let caller = Caller::of(&services, &headers).await?;
    let found = find(&services, &election).await?;
    let by = actor(&caller.require_in(&services, Scope::Manage, &found).await?.name);
    let asked: RetireBody = body::read(body, VOTE_MAX).await?;
    let reason = reason(Some(asked.reason))?;
    let unknown = || Problem::not_found("unknown_unit", "there is no unit with this code in this election");
    let number = services.reports.units(found.key, None).await?.find(&code).ok_or_else(unknown)?;
    let act = Act { contest: ContestNumber::NONE, kind: ActKind::RetireUnit(number), by, reason };
    match services.ingest.submit(found.key, Submission::Act(act)).await? {
        Answer::Rejected(rejection, _) => return Err(rejection.into()),
        Answer::Accepted(stored) => reached(&services, &found, Some(stored.entry.seq)).await?,
        _ => {}
    }
    let units = services.reports.units(found.key, None).await?;
    let unit = units.get(number).map(|unit| shown(&units, number, unit)).ok_or_else(unknown)?;
    Ok(Json(RetiredBody { unit, units: count(&units), version: version(&services, &found).await? }))
}
