//! `/{code}/c/{access code}`, which a QR code holds, and the field for those who type it.
//!
//! Invariant: opening a link spends nothing and votes nothing; the browser only keeps the code, signed and for this poll.
//! It must not know: what is voted.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::AccessCode;

use super::device::with_device;
use super::form::Form;
use super::page::{Page, render};
use super::problem_page;
use crate::http::api::find;
use crate::http::name::Name;
use crate::http::voter::find_code;
use crate::http::{Services, Shared};
use crate::ledger::Registered;

/// The most of what was typed that is shown again.
const TYPED_MAX: usize = 40;

#[derive(Template)]
#[template(path = "access.html")]
pub(super) struct AccessPage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: &'a str,
    pub(super) code: &'a str,
    pub(super) typed: &'a str,
    /// Why what was typed or kept is not enough.
    pub(super) wrong: Option<String>,
}

impl<'a> AccessPage<'a> {
    pub(super) fn of(page: &'a Page, found: &'a Registered, typed: &'a str, wrong: Option<&str>) -> Self {
        let (title, code) = (found.election.title.as_str(), found.election.code.as_str());
        Self { page, title, code, typed, wrong: wrong.map(|code| page.say(why(code))) }
    }
}

/// The address of a QR code: keeps the code and goes on to the poll.
pub(super) async fn open(
    State(services): State<Shared>,
    page: Page,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    // Bytes that are no text name nothing.
    let Path((code, typed)) = path.unwrap_or_else(|_| Path(Default::default()));
    take(&services, page, &code, &headers, &typed, StatusCode::NOT_FOUND).await
}

/// The field, also for those who have a code already and want to use another.
pub(super) async fn form(State(services): State<Shared>, page: Page, Name(code): Name, headers: HeaderMap) -> Response {
    match find(&services.elections, &code).await {
        Ok(found) if found.election.access.is_device() => to_poll(&found, "").into_response(),
        Ok(found) => {
            let page = page.of(&found.election);
            with_device(&services, &headers, render(&AccessPage::of(&page, &found, "", None)))
        }
        Err(problem) => problem_page(&page, &problem, &format!("/{code}")),
    }
}

/// What was typed into the field.
pub(super) async fn enter(
    State(services): State<Shared>,
    page: Page,
    Name(code): Name,
    headers: HeaderMap,
    form: Form,
) -> Response {
    take(&services, page, &code, &headers, form.get("access"), StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn take(
    services: &Services,
    page: Page,
    code: &str,
    headers: &HeaderMap,
    typed: &str,
    wrong: StatusCode,
) -> Response {
    let again = format!("/{code}");
    let found = match find(&services.elections, code).await {
        Ok(found) => found,
        Err(problem) => return problem_page(&page, &problem, &again),
    };
    if found.election.access.is_device() {
        return to_poll(&found, "").into_response();
    }
    let problem = match find_code(services, &found, typed).await {
        Ok(_) => return kept(services, &found, typed),
        Err(problem) => problem,
    };
    let status = match problem.status() {
        StatusCode::UNAUTHORIZED => wrong,
        StatusCode::TOO_MANY_REQUESTS => StatusCode::TOO_MANY_REQUESTS,
        _ => return problem_page(&page, &problem, &again),
    };
    let page = page.of(&found.election);
    let typed: String = typed.chars().take(TYPED_MAX).collect();
    let shown = render(&AccessPage::of(&page, &found, &typed, Some(problem.code())));
    (status, with_device(services, headers, shown)).into_response()
}

fn to_poll(found: &Registered, query: &str) -> Redirect {
    Redirect::to(&format!("/{}{query}", found.election.code))
}

/// The way to the poll, with the code for the browser to keep.
fn kept(services: &Services, found: &Registered, typed: &str) -> Response {
    let mut response = to_poll(found, "?kept=1").into_response();
    // It was found, so it can be read.
    let Ok(code) = typed.parse::<AccessCode>() else { return response };
    let secure = if services.settings.is_secure() { "; Secure" } else { "" };
    let cookie = format!(
        "{}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
        services.settings.code_cookie_name(&found.election.code),
        services.keys.sign_code(found.election.id, &code)
    );
    let headers = response.headers_mut();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Why a code is not enough, as a text.
fn why(code: &str) -> &'static str {
    match code {
        "revoked_access_code" => "access-revoked",
        "replaced_access_code" => "access-replaced",
        "too_many_requests" => "problem-too-many",
        "not_kept" => "said-no-voter",
        _ => "access-unknown",
    }
}
