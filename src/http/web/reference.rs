//! `/api`: the interface, for people who write programs.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::page::{Page, render};
use crate::http::Shared;
use crate::http::api::{Operation, operations};

#[derive(Template)]
#[template(path = "reference.html")]
pub(super) struct ReferencePage<'a> {
    pub(super) page: &'a Page,
    /// Where this server is reached, so that examples work as they stand.
    pub(super) base: String,
    pub(super) operations: Vec<Operation>,
}

/// Every call of the interface.
pub(super) async fn reference(State(services): State<Shared>, page: Page) -> Response {
    render(&ReferencePage { page: &page, base: services.settings.base_url(), operations: operations() })
}
