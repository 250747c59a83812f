//! `/api`: the interface, for people who write programs.

use askama::Template;
use axum::response::Response;

use super::page::{Page, render};
use crate::http::api::{Operation, operations};

#[derive(Template)]
#[template(path = "reference.html")]
pub(super) struct ReferencePage<'a> {
    pub(super) page: &'a Page,
    pub(super) operations: Vec<Operation>,
}

/// Every call of the interface.
pub(super) async fn reference(page: Page) -> Response {
    render(&ReferencePage { page: &page, operations: operations() })
}
