//! `/new` and `/{code}/edit`: the form of a poll.
//!
//! Job: turn a form into the same definition that programs send, and what is wrong with it into words beside the field.
//! Invariant: nothing that was typed is lost. It must not know: what a poll may be.

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::Role;

use super::draft::{Draft, Wrong};
use super::form::Form;
use super::page::{Page, render};
use super::visitor::Visitor;
use super::without_token;
use crate::http::api::{create_poll, redefine_poll};
use crate::http::body::CREATE_MAX;
use crate::http::name::Name;
use crate::http::{Problem, Services, Shared};
use crate::ledger::Registered;

#[derive(Template)]
#[template(path = "compose.html")]
pub(super) struct ComposePage<'a> {
    pub(super) page: &'a Page,
    /// The poll that is edited; none where a new one is made.
    pub(super) code: Option<&'a str>,
    pub(super) draft: Draft,
    pub(super) wrong: Option<Wrong>,
    /// What the page's script says.
    pub(super) texts: String,
}

/// What the page's script says.
pub(super) const COMPOSE_TEXTS: [&str; 4] = ["choice-number", "choice-up", "choice-down", "choice-away"];

/// The fewest fields for choices that the form has.
const ROWS_MIN: usize = 3;

/// One field for a choice, and what it and its buttons are called.
pub(super) struct Row<'a> {
    id: String,
    value: &'a str,
    label: String,
    up: String,
    down: String,
    away: String,
}

impl ComposePage<'_> {
    /// The fields for choices: those that were filled in, and empty ones where they are few.
    fn rows(&self) -> Vec<Row<'_>> {
        let row = |at: usize| {
            let number = self.page.language.number(at as u64 + 1);
            let named = |key| self.page.language.say_with(key, &[("number", &number)]);
            let [label, up, down, away] = COMPOSE_TEXTS.map(named);
            let value = self.draft.choices.get(at).map_or("", String::as_str);
            Row { id: format!("choice-{}", at + 1), value, label, up, down, away }
        };
        (0..self.draft.choices.len().max(ROWS_MIN)).map(row).collect()
    }

    /// Whether the field of this id is wrong, and what describes it, as attributes: its hint, if any, and its error.
    fn described(&self, id: &str, hint: &'static str) -> String {
        let wrong = self.wrong.as_ref().filter(|wrong| wrong.place == id);
        match (hint, wrong) {
            ("", None) => String::new(),
            (hint, None) => format!(" aria-describedby=\"{hint}\""),
            (hint, Some(wrong)) => {
                let described = format!("{hint} {}-wrong", wrong.field);
                format!(" aria-invalid=\"true\" aria-describedby=\"{}\"", described.trim())
            }
        }
    }

    /// What is wrong with a field, in words.
    fn wrong_in(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|wrong| wrong.field == field).map(|wrong| wrong.text.as_str())
    }
}

/// An empty form.
pub(super) async fn new(visitor: Visitor) -> Response {
    if visitor.signed_in.person().is_none() {
        return visitor.refused();
    }
    shown(&visitor.page, None, Draft::default(), None)
}

/// Makes a poll of what the form says.
pub(super) async fn create(
    State(services): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form<CREATE_MAX>,
) -> Response {
    let draft = Draft::read(&form);
    let made = match draft.body() {
        Ok(body) => create_poll(&services, &without_token(&headers), Body::from(body.to_string())).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(found) => Redirect::to(&format!("/{}/host", found.election.code)).into_response(),
        Err(problem) => again(&visitor.page, None, draft, &problem),
    }
}

/// The form of a poll that nobody could vote in yet.
pub(super) async fn edit(State(services): State<Shared>, visitor: Visitor, name: Name) -> Response {
    let found = match visitor.election(&services, &name, Role::CoHost).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    match standing(&services, &found).await {
        Ok(Some(schedule)) => {
            let page = visitor.page.clone().of(&found.election);
            shown(&page, Some(found.election.code.as_str()), Draft::of(&found.election, schedule), None)
        }
        // It was opened since: what can still be changed is with the host.
        Ok(None) => Redirect::to(&format!("/{}/host", found.election.code)).into_response(),
        Err(problem) => visitor.problem(problem, &format!("/{}/edit", found.election.code)),
    }
}

/// Puts what the form says in the place of the definition.
pub(super) async fn redefine(
    State(services): State<Shared>,
    visitor: Visitor,
    name: Name,
    headers: HeaderMap,
    form: Form<CREATE_MAX>,
) -> Response {
    let found = match visitor.election(&services, &name, Role::CoHost).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let (code, draft) = (found.election.code.as_str(), Draft::read(&form));
    let made = match draft.body() {
        Ok(body) => redefine_poll(&services, code, &without_token(&headers), Body::from(body.to_string())).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(_) => Redirect::to(&format!("/{code}/host")).into_response(),
        Err(problem) => again(&visitor.page.clone().of(&found.election), Some(code), draft, &problem),
    }
}

/// What is still to happen by itself to a poll that was never opened; none where it was.
async fn standing(services: &Services, found: &Registered) -> Result<Option<hustings_core::Schedule>, Problem> {
    services.feed.refresh(found.key).await?;
    let state = services.feed.state(found.key).await?;
    let first = state.as_ref().and_then(|state| state.contests.first().filter(|_| state.contests.len() == 1));
    Ok(first.and_then(|contest| match contest {
        hustings_core::ContestState::Draft { schedule } => Some(*schedule),
        _ => None,
    }))
}

fn again(page: &Page, code: Option<&str>, draft: Draft, problem: &Problem) -> Response {
    let wrong = Wrong::of(problem, &draft, page.language);
    let status = if problem.status().is_server_error() { problem.status() } else { StatusCode::UNPROCESSABLE_ENTITY };
    (status, shown(page, code, draft, Some(wrong))).into_response()
}

fn shown(page: &Page, code: Option<&str>, draft: Draft, wrong: Option<Wrong>) -> Response {
    let texts = page.texts(&COMPOSE_TEXTS, &[]);
    let mut response = render(&ComposePage { page, code, draft, wrong, texts });
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, no-store"));
    response
}
