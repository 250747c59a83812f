//! `/login` and `/logout`.
//!
//! Invariant: a name that nobody has and a wrong password get the same answer, after the same work.

use std::time::Instant;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::{LoginName, Password};
use serde::Deserialize;

use super::form::Form;
use super::page::{Page, render};
use super::visitor::local;
use super::{problem_page, without_token};
use crate::http::sessions::{begin, end};
use crate::http::{Problem, Services, Shared};
use crate::ledger::{Person, Seat};

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage<'a> {
    pub(super) page: &'a Page,
    /// What was typed as the name.
    pub(super) name: &'a str,
    /// Where to go then.
    pub(super) next: &'a str,
    /// Why not.
    pub(super) error: Option<String>,
    pub(super) open_sign_up: bool,
}

#[derive(Deserialize)]
pub(super) struct LoginQuery {
    next: Option<String>,
}

/// Where people are who just signed in, unless they were on their way to somewhere.
pub(super) const HOME: &str = "/";

/// The form; whoever is signed in already goes on.
pub(super) async fn form(
    State(services): State<Shared>,
    page: Page,
    headers: HeaderMap,
    query: Result<Query<LoginQuery>, QueryRejection>,
) -> Response {
    let next = query.ok().and_then(|Query(query)| query.next);
    let next = next.as_deref().and_then(local).unwrap_or(HOME);
    match services.sessions.of(&services, &without_token(&headers)).await {
        Ok(Some(_)) => Redirect::to(next).into_response(),
        Ok(None) => shown(&services, &page, "", next, None),
        Err(error) => problem_page(&page, &error.into(), "/login"),
    }
}

fn shown(services: &Services, page: &Page, name: &str, next: &str, error: Option<String>) -> Response {
    let open_sign_up = services.settings.open_sign_up;
    render(&LoginPage { page, name, next, error, open_sign_up })
}

/// Signs in, and goes where the person was on the way to.
pub(super) async fn sign_in(State(services): State<Shared>, page: Page, headers: HeaderMap, form: Form) -> Response {
    let next = local(form.get("next")).unwrap_or(HOME);
    let name = form.get("name");
    let checked = check(&services, name, form.get("password"), Instant::now()).await;
    let error = match checked {
        Ok(Some(person)) => {
            return match begin(&services, &without_token(&headers), Seat::Person(person.id)).await {
                Ok(cookie) => sent_on(next, cookie),
                Err(problem) => problem_page(&page, &problem, "/login"),
            };
        }
        Ok(None) => (StatusCode::UNPROCESSABLE_ENTITY, page.say("login-wrong")),
        Err(Refused::Wait(seconds)) => {
            let minutes = u64::from(seconds.div_ceil(60));
            (StatusCode::TOO_MANY_REQUESTS, page.language.count("login-wait", minutes))
        }
        Err(Refused::Problem(problem)) => return problem_page(&page, &problem, "/login"),
    };
    (error.0, shown(&services, &page, name, next, Some(error.1))).into_response()
}

/// Why a password was not looked at.
pub(super) enum Refused {
    /// Too many wrong ones before; one more may be tried after so many seconds.
    Wait(u32),
    /// Something else.
    Problem(Box<Problem>),
}

impl<P: Into<Problem>> From<P> for Refused {
    fn from(problem: P) -> Self {
        Self::Problem(Box::new(problem.into()))
    }
}

/// The person with this name and this password. Each try counts for the name until one is right.
pub(super) async fn check(
    services: &Services,
    name: &str,
    password: &str,
    now: Instant,
) -> Result<Option<Person>, Refused> {
    let name = LoginName::parse(name).ok();
    // What cannot be a name is nobody's, and costs the same.
    let folded = name.as_ref().map(LoginName::folded).unwrap_or_default();
    services.sessions.take_try(&folded, now).map_err(Refused::Wait)?;
    let person = match &name {
        Some(name) => services.people.person_named(name).await?,
        None => None,
    };
    let stored = person.as_ref().map(|person| person.password.clone());
    let (typed, stored) = match Password::typed(password) {
        Some(typed) => (typed, stored),
        None => (Password::nobodys(), None),
    };
    if !services.passwords.matches(typed, stored).await? {
        return Ok(None);
    }
    services.sessions.give_tries_back(&folded);
    Ok(person)
}

/// Signs out, here only.
pub(super) async fn sign_out(State(services): State<Shared>, page: Page, headers: HeaderMap, _form: Form) -> Response {
    match end(&services, &without_token(&headers)).await {
        Ok(cookie) => sent_on("/login", cookie),
        Err(problem) => problem_page(&page, &problem, HOME),
    }
}

/// Goes on to a place of ours, with a cookie to keep.
pub(super) fn sent_on(place: &str, cookie: HeaderValue) -> Response {
    let mut response = Redirect::to(place).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
