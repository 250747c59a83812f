//! `/{code}/cohost/{secret}`: a link that lets whoever holds it help with one election. To open it does nothing yet.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::form::Form;
use super::join::gone;
use super::page::{Page, render};
use super::people::label;
use super::sign_in::sent_on;
use super::visitor::place_of;
use super::{problem_page, without_token};
use crate::http::sessions::begin;
use crate::http::{Problem, Services, Shared};
use crate::keys::token_hash;
use crate::ledger::{CohostLink, Registered, Seat};

#[derive(Template)]
#[template(path = "cohost.html")]
pub(super) struct CohostPage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: &'a str,
    pub(super) code: &'a str,
    /// What it asks for.
    pub(super) asks: String,
    /// Who is signed in, and will not be any more.
    pub(super) warning: Option<String>,
}

/// The link and its election; nothing where it was revoked, or is another election's.
async fn open(services: &Services, code: &str, secret: &str) -> Result<Option<(CohostLink, Registered)>, Problem> {
    let Some(link) = services.people.link(token_hash(secret)).await? else { return Ok(None) };
    let found = services.elections.find(code).await?.filter(|found| found.key == link.election);
    Ok(found.map(|found| (link, found)))
}

/// Says what the link is for, with one button.
pub(super) async fn form(
    State(services): State<Shared>,
    page: Page,
    headers: HeaderMap,
    Path((code, secret)): Path<(String, String)>,
) -> Response {
    let shown = async {
        let Some((link, found)) = open(&services, &code, &secret).await? else { return Ok(gone(&page)) };
        let signed_in = services.sessions.of(&services, &without_token(&headers)).await?;
        let page = page.clone().of(&found.election);
        let (title, code) = (found.election.title.as_str(), found.election.code.as_str());
        let asks = page.language.say_with("cohost-asks", &[("role", &label(&page, link.role))]);
        let warn = |name: String| page.language.say_with("cohost-signed-in", &[("name", &name)]);
        let warning = signed_in.map(|signed_in| warn(signed_in.name()));
        Ok(render(&CohostPage { page: &page, title, code, asks, warning }))
    };
    shown.await.unwrap_or_else(|problem: Problem| problem_page(&page, &problem, &format!("/{code}")))
}

/// Begins a session that stands for the link.
pub(super) async fn accept(
    State(services): State<Shared>,
    page: Page,
    headers: HeaderMap,
    Path((code, secret)): Path<(String, String)>,
    _form: Form,
) -> Response {
    let begun = async {
        let Some((link, found)) = open(&services, &code, &secret).await? else { return Ok(gone(&page)) };
        let cookie = begin(&services, &without_token(&headers), Seat::Link(link.id)).await?;
        Ok(sent_on(&place_of(&found.election, link.role), cookie))
    };
    begun.await.unwrap_or_else(|problem: Problem| problem_page(&page, &problem, &format!("/{code}")))
}
