//! Live totals of an election, or of one unit with those just below.

use axum::extract::rejection::QueryRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Problem, Services, Shared, find, gone, read, see_with_token, unit_of};
use crate::feed::Watcher;
use crate::http::api::AskedAudience;
use crate::http::auth::same_site;
use crate::http::described::Looked;
use crate::http::live::{self, StreamQuery, Ticket};
use crate::http::name::Name;
use crate::http::server::Peer;

/// How a watcher comes in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct NightStreamQuery {
    /// The code of a unit: its figures, and those of the units just below.
    unit: Option<String>,
    /// A ticket for results that are hidden from others.
    ticket: Option<String>,
    /// The version last seen, for those who cannot send `Last-Event-ID`.
    last_event_id: Option<String>,
    /// `full` for results that are hidden from others, to whoever may see them by token or by being signed in.
    #[param(value_type = Option<String>)]
    audience: Option<AskedAudience>,
}

/// Gives a ticket that opens one full stream within 60 seconds.
#[utoipa::path(post, path = "/api/v1/elections/{election}/results/tickets", tag = "elections",
    operation_id = "issue_election_ticket", params(("election" = String, Path, description = "id, code or slug")),
    responses((status = 201, body = Ticket), Looked),
    security(("token" = [])))]
pub(super) async fn issue_ticket(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Ticket>), Problem> {
    let seen = see_with_token(&services, &election, &headers).await?;
    live::ticket(&services, &seen.found).await
}

/// Totals as server-sent events: `event: results`, `id:` the version, `data:` the same JSON as the results.
#[utoipa::path(get, path = "/api/v1/elections/{election}/results/stream", tag = "elections",
    operation_id = "election_stream", params(NightStreamQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 422, body = Problem),
        Looked),
    security((), ("token" = [])))]
pub(super) async fn stream(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    peer: Option<Extension<Peer>>,
    query: Result<Query<NightStreamQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let watcher = begin(&services, &election, &headers, read(query)?).await?;
    Ok(live::events(&services, watcher, peer))
}

/// Totals as WebSocket text frames: the same JSON.
#[utoipa::path(get, path = "/api/v1/elections/{election}/results/ws", tag = "elections",
    operation_id = "election_socket", params(NightStreamQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 101, description = "text frames follow"), (status = 422, body = Problem),
        (status = 426, body = Problem), Looked),
    security((), ("token" = [])))]
pub(super) async fn socket(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    peer: Option<Extension<Peer>>,
    query: Result<Query<NightStreamQuery>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    same_site(&services, &headers)?;
    let Ok(upgrade) = upgrade else { return Err(Problem::upgrade_required()) };
    let watcher = begin(&services, &election, &headers, read(query)?).await?;
    Ok(live::talk_to(&services, watcher, upgrade, peer))
}

async fn begin(
    services: &Services,
    election: &str,
    headers: &HeaderMap,
    query: NightStreamQuery,
) -> Result<Watcher, Problem> {
    let found = find(services, election).await?;
    let NightStreamQuery { unit, ticket, last_event_id, audience } = query;
    let query = StreamQuery { ticket, last_event_id, audience };
    let Some(code) = unit else { return live::begin(services, &found, headers, query).await };
    // Who is asking comes first: which units there are may be hidden from others.
    let asking = live::asking(services, &found, headers, &query).await?;
    let moment = services.feed.moment(found.key).await?.ok_or_else(gone)?;
    let unit = unit_of(&moment, moment.audience(asking), Some(&code))?;
    live::watch(services, &found, Some(unit), asking, headers, &query).await
}
