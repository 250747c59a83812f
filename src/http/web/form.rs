//! A form that a browser sent: from a page of ours, of a few small fields, and perhaps a file.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;

use super::page::Page;
use super::problem_page;
use crate::http::auth::same_site;
use crate::http::body::{VOTE_MAX, collect};
use crate::http::{Problem, Shared};

/// The most fields; further ones are not read. Each choice of a poll is one, and too many of them are to be noticed.
const FIELDS_MAX: usize = 1000;

/// The fields of a form of at most so many bytes. Whoever takes it knows that no other site made the browser send it.
#[derive(Default)]
pub(super) struct Form<const MAX: usize = VOTE_MAX> {
    fields: Vec<(String, String)>,
    file: Option<Bytes>,
}

impl<const MAX: usize> Form<MAX> {
    /// A field's value; nothing where it was not sent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// All values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The file that was chosen, byte for byte; nothing where none was.
    pub(super) fn file(&self) -> Option<&Bytes> {
        self.file.as_ref()
    }
}

impl<const MAX: usize> FromRequest<Shared> for Form<MAX> {
    type Rejection = Response;

    async fn from_request(request: Request, services: &Shared) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(page) = Page::from_request_parts(&mut parts, services).await;
        let again = parts.uri.path().to_owned();
        let read = async {
            same_site(services, &parts.headers)?;
            let bytes = collect(body, MAX).await?;
            if has_parts(&parts) { in_parts(parts, bytes).await } else { Ok(Self::of(&bytes)) }
        };
        read.await.map_err(|problem| problem_page(&page, &problem, &again))
    }
}

impl<const MAX: usize> Form<MAX> {
    fn of(bytes: &[u8]) -> Self {
        Self { fields: form_urlencoded::parse(bytes).into_owned().take(FIELDS_MAX).collect(), file: None }
    }
}

/// Whether it is a form with a file, which browsers send in parts.
fn has_parts(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    kind.get(..20).is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/form-data;"))
}

async fn in_parts<const MAX: usize>(parts: Parts, bytes: Bytes) -> Result<Form<MAX>, Problem> {
    let broken = || Problem::invalid("incomplete_body", "", "the form broke off; please send it again");
    let request = Request::from_parts(parts, Body::from(bytes));
    let mut sent = Multipart::from_request(request, &()).await.map_err(|_| broken())?;
    let mut form = Form::default();
    for _ in 0..FIELDS_MAX {
        let Some(field) = sent.next_field().await.map_err(|_| broken())? else { break };
        let (name, is_file) = (field.name().unwrap_or_default().to_owned(), field.file_name().is_some());
        let value = field.bytes().await.map_err(|_| broken())?;
        if !is_file {
            form.fields.push((name, String::from_utf8_lossy(&value).into_owned()));
        } else if !value.is_empty() {
            // Browsers send an empty one where none was chosen.
            form.file = Some(value);
        }
    }
    Ok(form)
}
