//! Setting an election up: units, contests, who may report, and its opening and closing.

use axum::Router;
use utoipa::OpenApi;

use crate::http::Shared;

/// What the interface's document says of this.
#[derive(OpenApi)]
#[openapi(paths())]
pub(super) struct Document;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
}
