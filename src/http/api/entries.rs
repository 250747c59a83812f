//! The ledger itself, for who runs the election: NDJSON, page by page.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use hustings_core::Seq;
use serde::Deserialize;
use utoipa::IntoParams;

use super::find;
use super::polls::invalid_query;
use crate::export::entry_line;
use crate::http::Shared;
use crate::http::auth::Caller;
use crate::http::described::Looked;
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::ledger::Scope;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct EntriesQuery {
    /// Entries after this place (default 0: from the first).
    after: Option<u64>,
    /// At most so many, up to 10,000 (default 1,000).
    limit: Option<usize>,
}

const LIMIT_MAX: usize = 10_000;

/// The next entries of the ledger as NDJSON; an empty answer means that there are no more.
#[utoipa::path(get, path = "/api/v1/polls/{poll}/entries", tag = "results", params(EntriesQuery,
        ("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, description = "one entry a line", body = String, content_type = "application/x-ndjson"),
        (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn entries(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
    query: Result<Query<EntriesQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let caller = Caller::of(&services, &headers).await?;
    caller.require_known(Scope::Results)?;
    let Query(query) = query.map_err(invalid_query)?;
    let found = find(&services.elections, &poll).await?;
    caller.require_in(&services, Scope::Results, &found).await?;
    let limit = query.limit.unwrap_or(1_000).clamp(1, LIMIT_MAX);
    let page = services.ledger.read(found.key, Seq(query.after.unwrap_or(0)), limit).await?;
    let rounds = services.feed.rounds(found.key).await?;
    let found = services.elections.with_contests(found.key, rounds).await?.unwrap_or(found);
    let mut lines = String::new();
    for stored in &page {
        lines.push_str(&entry_line(&found.election, stored));
        lines.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")], lines).into_response())
}
