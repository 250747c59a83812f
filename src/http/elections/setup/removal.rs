//! Removing an election of boxes, with all that was entered: a wrong number of a draft is entered anew, and a rehearsal is over.
//!
//! Invariant: an election that took reports is removed by nobody, unless it is a rehearsal. The registry decides that, under the lock of
//! the head.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use hustings_core::Kind;

use crate::http::api::{RemoveBody, RemovedBody, remove_whole, removed_shown};
use crate::http::auth::Caller;
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::{Services, Shared};
use crate::ledger::Registered;

/// Removes an election that was never opened, or a rehearsal, with its units, contests and reports. Its code and its slug are
/// free at once; what is answered is kept for the record.
#[utoipa::path(delete, path = "/api/v1/elections/{election}", tag = "elections", request_body = RemoveBody,
    params(("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = RemovedBody), Acted),
    security(("token" = [])))]
pub(super) async fn remove(
    State(services): State<Shared>,
    Name(election): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<RemovedBody>, Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let found = find_now(&services, &election).await?;
    let removed = remove_whole(&services, &caller, &found, body).await?;
    Ok(Json(removed_shown(&removed)))
}

/// Finds an election as the store has it now.
async fn find_now(services: &Services, name: &str) -> Result<Registered, Problem> {
    let unknown = || Problem::not_found("unknown_election", "there is no election with this id, code or slug");
    let found = services.elections.find_now(name).await?;
    found.filter(|found| found.election.kind == Kind::Election).ok_or_else(unknown)
}
