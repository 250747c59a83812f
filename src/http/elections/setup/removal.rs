//! Removing an election of boxes, with all that was entered: a wrong number of a draft is entered anew, and a rehearsal is over.
//!
//! Invariant: an election that took reports is removed by nobody, unless it is a rehearsal. The registry decides that, under the lock of
//! the head.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;

use super::super::find_now;
use crate::http::Shared;
use crate::http::api::{RemoveBody, RemovedBody, remove_whole, removed_shown};
use crate::http::auth::Caller;
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};

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
