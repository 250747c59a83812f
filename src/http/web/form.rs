//! A form that a browser sent: from a page of ours, of a few small fields.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;

use super::page::Page;
use super::problem_page;
use crate::http::Shared;
use crate::http::auth::same_site;
use crate::http::body::{VOTE_MAX, collect};

/// The most fields; further ones are not read.
const FIELDS_MAX: usize = 64;

/// The fields of a form of at most so many bytes. Whoever takes it knows that no other site made the browser send it.
pub(super) struct Form<const MAX: usize = VOTE_MAX>(Vec<(String, String)>);

impl<const MAX: usize> Form<MAX> {
    /// A field's value; nothing where it was not sent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// All values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl<const MAX: usize> FromRequest<Shared> for Form<MAX> {
    type Rejection = Response;

    async fn from_request(request: Request, services: &Shared) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(page) = Page::from_request_parts(&mut parts, services).await;
        let read = async {
            same_site(services, &parts.headers)?;
            collect(body, MAX).await
        };
        match read.await {
            Ok(bytes) => Ok(Self(form_urlencoded::parse(&bytes).into_owned().take(FIELDS_MAX).collect())),
            Err(problem) => Err(problem_page(&page, &problem, parts.uri.path())),
        }
    }
}
