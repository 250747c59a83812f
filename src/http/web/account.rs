//! `/account`: one's own password, and the browsers that one is signed in with.

use std::time::Instant;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::Time;

use super::chart::Moment;
use super::form::Form;
use super::join::new_password;
use super::page::{Page, render};
use super::sign_in::{HOME, Refused, check};
use super::visitor::Visitor;
use crate::export::hex;
use crate::http::{Problem, Services, Shared};
use crate::ledger::{Holder, Person, Session};

#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage<'a> {
    pub(super) page: &'a Page,
    /// Who is signed in.
    pub(super) lead: String,
    /// Whether it is a person, and not whoever holds a link.
    pub(super) is_person: bool,
    pub(super) is_admin: bool,
    pub(super) sessions: Vec<SessionRow>,
    /// Why the present password was refused.
    pub(super) present_error: Option<String>,
    /// Why the new password was refused.
    pub(super) password_error: Option<String>,
    /// What has just been done.
    pub(super) done: Option<String>,
}

/// A browser that is signed in, as the page shows it.
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) agent: String,
    pub(super) since: Moment,
    pub(super) seen: Moment,
    pub(super) is_this: bool,
}

impl SessionRow {
    pub(super) fn of(page: &Page, session: &Session, is_this: bool) -> Self {
        let agent = if session.agent.is_empty() { page.say("agent-unknown") } else { session.agent.clone() };
        let moment = |time: Time| Moment::of(time, page.language);
        Self { id: hex(&session.hash), agent, since: moment(session.created), seen: moment(session.seen), is_this }
    }
}

/// What the page says beside what is always there.
#[derive(Default)]
struct Said {
    present_error: Option<String>,
    password_error: Option<String>,
    done: Option<String>,
}

/// Shows the account.
pub(super) async fn account(State(services): State<Shared>, visitor: Visitor) -> Response {
    shown(&services, &visitor, Said::default()).await.unwrap_or_else(|problem| visitor.problem(problem, HOME))
}

async fn shown(services: &Services, visitor: &Visitor, said: Said) -> Result<Response, Problem> {
    let (page, own) = (&visitor.page, &visitor.signed_in.session);
    let sessions = match visitor.signed_in.person() {
        Some(_) => services.people.sessions(own.seat, services.clock.now()).await?,
        // Whoever else holds the link is the owner's business.
        None => vec![own.clone()],
    };
    let is_refused = said.present_error.is_some() || said.password_error.is_some();
    let shown = AccountPage {
        page,
        lead: page.language.say_with("account-name", &[("name", &visitor.signed_in.name())]),
        is_person: visitor.signed_in.person().is_some(),
        is_admin: visitor.signed_in.is_admin(),
        sessions: sessions.iter().map(|one| SessionRow::of(page, one, one.hash == own.hash)).collect(),
        present_error: said.present_error,
        password_error: said.password_error,
        done: said.done,
    };
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, render(&shown)).into_response())
}

/// Does what the form asks for: a new password, or the end of a session or of all others.
pub(super) async fn change(State(services): State<Shared>, visitor: Visitor, form: Form) -> Response {
    let done = match (&visitor.signed_in.holder, form.get("do")) {
        (Holder::Person(person), "password") => set_password(&services, &visitor, person, &form).await,
        (_, "end") => return end_one(&services, &visitor, form.get("session")).await,
        (Holder::Person(_), "end-others") => end_others(&services, &visitor).await,
        _ => Ok(Said::default()),
    };
    let answer = match done {
        Ok(said) => shown(&services, &visitor, said).await,
        Err(problem) => Err(problem),
    };
    answer.unwrap_or_else(|problem| visitor.problem(problem, HOME))
}

async fn set_password(services: &Services, visitor: &Visitor, person: &Person, form: &Form) -> Result<Said, Problem> {
    let page = &visitor.page;
    let present_error = match check(services, person.name.as_str(), form.get("present"), Instant::now()).await {
        Ok(Some(_)) => None,
        Ok(None) => Some(page.say("present-wrong")),
        Err(Refused::Wait(seconds)) => Some(page.language.count("login-wait", u64::from(seconds.div_ceil(60)))),
        Err(Refused::Problem(problem)) => return Err(*problem),
    };
    if present_error.is_some() {
        return Ok(Said { present_error, ..Said::default() });
    }
    let password = match new_password(page, &person.name, form) {
        Ok(password) => services.passwords.hash(password).await?,
        Err(error) => return Ok(Said { password_error: Some(error), ..Said::default() }),
    };
    services.people.set_password(person.id, password, Some(visitor.signed_in.session.hash)).await?;
    services.sessions.forget();
    Ok(Said { done: Some(page.say("password-changed")), ..Said::default() })
}

async fn end_others(services: &Services, visitor: &Visitor) -> Result<Said, Problem> {
    let own = &visitor.signed_in.session;
    let ended = services.people.end_sessions(own.seat, Some(own.hash)).await?;
    services.sessions.forget();
    Ok(Said { done: Some(visitor.page.language.count("sessions-ended", ended)), ..Said::default() })
}

async fn end_one(services: &Services, visitor: &Visitor, id: &str) -> Response {
    let own = &visitor.signed_in.session;
    let Some(hash) = hash_of(id) else { return Redirect::to(HOME).into_response() };
    if let Err(error) = services.people.end_session(own.seat, hash).await {
        return visitor.problem(error, HOME);
    }
    services.sessions.forget();
    Redirect::to(HOME).into_response()
}

/// A hash, from the way forms carry it.
pub(super) fn hash_of(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap_or(0);
    Some(std::array::from_fn(byte))
}
