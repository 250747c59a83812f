//! Setting an election up: units, contests, who may report, and its opening and closing.
//!
//! Job: turn definitions, as JSON or CSV, into acts, and show what has come of them. Invariant: an import is taken over whole
//! or not at all, and what is wrong with it is said at once. It must not know: reports, totals.

mod acts;
mod contests;
mod contests_sent;
mod create;
mod removal;
mod show;
mod tokens;
mod units;
mod units_sent;

use axum::Router;
use axum::routing::{get, post};
use hustings_core::{Contest, Party};
use utoipa::OpenApi;

use crate::http::Shared;

/// What the interface's document says of this.
#[derive(OpenApi)]
#[openapi(paths(
    create::create,
    show::list,
    show::get,
    removal::remove,
    units::add,
    units::list,
    units::retire,
    contests::add,
    contests::add_parties,
    contests::parties,
    acts::open,
    acts::pause,
    acts::close,
    acts::reopen,
    acts::reveal,
    acts::certify,
    tokens::create,
    tokens::list,
))]
pub(super) struct Document;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/elections", post(create::create).get(show::list))
        .route("/api/v1/elections/{election}", get(show::get).delete(removal::remove))
        .route("/api/v1/elections/{election}/units", post(units::add).get(units::list))
        .route("/api/v1/elections/{election}/units/{unit}/retire", post(units::retire))
        .route("/api/v1/elections/{election}/contests", post(contests::add))
        .route("/api/v1/elections/{election}/parties", post(contests::add_parties).get(contests::parties))
        .route("/api/v1/elections/{election}/tokens", post(tokens::create).get(tokens::list))
        .route("/api/v1/elections/{election}/open", post(acts::open))
        .route("/api/v1/elections/{election}/pause", post(acts::pause))
        .route("/api/v1/elections/{election}/close", post(acts::close))
        .route("/api/v1/elections/{election}/reopen", post(acts::reopen))
        .route("/api/v1/elections/{election}/reveal", post(acts::reveal))
        .route("/api/v1/elections/{election}/certify", post(acts::certify))
}

/// The parties that a contest carries.
fn parties_of(contest: &Contest) -> impl Iterator<Item = &Party> {
    contest.choices.iter().filter_map(|choice| choice.party.as_ref())
}
