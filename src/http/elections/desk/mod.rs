//! The desk where reports arrive, one by one or in bulk, and where boxes are looked up.

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
