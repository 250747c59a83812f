//! `/{code}/codes`: access codes of a poll: how many there are, more of them, and one less.
//!
//! Invariant: a code is shown only in the answer to the form that made it, also where that is sent again. It must not know: how codes are kept.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::{Access, Role};

use super::form::Form;
use super::page::{Page, render};
use super::screen::unreachable;
use super::sheet;
use super::visitor::Visitor;
use crate::http::api::{make_codes, revoke_code};
use crate::http::name::Name;
use crate::http::once::{Once, form_name};
use crate::http::{Problem, Services, Shared};
use crate::ledger::Registered;

#[derive(Template)]
#[template(path = "codes.html")]
pub(super) struct CodesPage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: &'a str,
    pub(super) code: &'a str,
    /// How many were made and revoked; nothing where there are none.
    pub(super) counted: Option<(String, String)>,
    pub(super) unreachable: bool,
    /// The name of the form that makes some.
    pub(super) once: String,
    /// What was typed for the number of new ones, and for the one to be revoked.
    pub(super) typed: String,
    pub(super) number: String,
    pub(super) done: Option<String>,
    pub(super) make_error: Option<String>,
    pub(super) revoke_error: Option<String>,
}

/// What became of what was asked.
#[derive(Default)]
struct Said {
    typed: String,
    number: String,
    done: Option<String>,
    make_error: Option<String>,
    revoke_error: Option<String>,
}

/// Shows how many there are.
pub(super) async fn codes(State(services): State<Shared>, visitor: Visitor, name: Name) -> Response {
    match run_by(&services, &visitor, &name, Access::Codes).await {
        Ok(found) => answer(&visitor, &found, show(&services, &visitor, &found, Said::default()).await),
        Err(response) => response,
    }
}

/// Makes codes, revokes one, or gives the file of those on a sheet.
pub(super) async fn change(State(services): State<Shared>, visitor: Visitor, name: Name, form: Form) -> Response {
    let found = match run_by(&services, &visitor, &name, Access::Codes).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let done = match form.get("do") {
        "make" => make(&services, &visitor, &found, &form).await,
        "revoke" => revoke(&services, &visitor, &found, form.get("number")).await,
        "file" => file(&services, &visitor, &found, form.get("made")).await,
        _ => show(&services, &visitor, &found, Said::default()).await,
    };
    answer(&visitor, &found, done)
}

/// A poll with this kind of access that the visitor helps to run; the console of one with another kind.
pub(super) async fn run_by(
    services: &Services,
    visitor: &Visitor,
    name: &Name,
    access: Access,
) -> Result<Registered, Response> {
    let found = visitor.election(services, name, Role::CoHost).await?;
    if found.election.access == access {
        return Ok(found);
    }
    Err(Redirect::to(&format!("/{}/host", found.election.code)).into_response())
}

fn answer(visitor: &Visitor, found: &Registered, done: Result<Response, Problem>) -> Response {
    done.unwrap_or_else(|problem| visitor.problem(problem, &format!("/{}/codes", found.election.code)))
}

async fn make(services: &Services, visitor: &Visitor, found: &Registered, form: &Form) -> Result<Response, Problem> {
    let page = visitor.page.clone().of(&found.election);
    let typed = form.get("count").trim();
    let count: usize = typed.parse().unwrap_or(0);
    let by = visitor.signed_in.session.seat;
    let once = Once::of_form(services, form.get("once"), by, &[b"codes", &count.to_be_bytes()]);
    let key = match make_codes(services, found, &once, count).await {
        Ok(made) => return Ok(sheet::answer(services, &page, found, "codes", &made, form.get("format") == "csv")),
        Err(problem) if problem.code() == "invalid_count" => "codes-count-wrong",
        Err(problem) if problem.code() == "too_many_access_codes" => "codes-full",
        Err(problem) => return Err(problem),
    };
    let said = Said { typed: typed.to_owned(), make_error: Some(page.say(key)), ..Said::default() };
    show(services, visitor, found, said).await
}

async fn file(services: &Services, visitor: &Visitor, found: &Registered, made: &str) -> Result<Response, Problem> {
    match sheet::file(services, found, "codes", made, "").await? {
        Some(file) => Ok(file),
        None => show(services, visitor, found, Said::default()).await,
    }
}

async fn revoke(services: &Services, visitor: &Visitor, found: &Registered, number: &str) -> Result<Response, Problem> {
    let said = match revoke_code(services, found, bare(number)).await {
        Ok(number) => {
            let number = number.0.to_string();
            let done = visitor.page.language.say_with("codes-revoke-done", &[("number", &number)]);
            Said { done: Some(done), ..Said::default() }
        }
        Err(problem) if problem.code() == "unknown_code_number" => {
            let revoke_error = Some(visitor.page.say("codes-revoke-unknown"));
            Said { number: number.to_owned(), revoke_error, ..Said::default() }
        }
        Err(problem) => return Err(problem),
    };
    show(services, visitor, found, said).await
}

/// A number without what a card prints before it, such as `No.` or `Nº`.
fn bare(number: &str) -> &str {
    let is_before = |sign: char| sign.is_alphabetic() || sign.is_whitespace() || ['.', '°', ':', '#'].contains(&sign);
    number.trim_start_matches(is_before).trim_end()
}

async fn show(services: &Services, visitor: &Visitor, found: &Registered, said: Said) -> Result<Response, Problem> {
    let page = visitor.page.clone().of(&found.election);
    let counted = services.electorate.count_codes(found.election.id).await?;
    let is_wrong = said.make_error.is_some() || said.revoke_error.is_some();
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let count = |key, number: u32| page.language.count(key, number.into());
    let shown = CodesPage {
        page: &page,
        title: found.election.title.as_str(),
        code: found.election.code.as_str(),
        counted: (counted.made > 0)
            .then(|| (count("codes-made", counted.made), count("codes-revoked", counted.revoked))),
        unreachable: unreachable(&services.settings).is_some(),
        once: form_name(services),
        typed: said.typed,
        number: said.number,
        done: said.done,
        make_error: said.make_error,
        revoke_error: said.revoke_error,
    };
    Ok((status, render(&shown)).into_response())
}
