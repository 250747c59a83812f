//! `/{code}/roster`: the persons who may vote: who is listed, more of them, and one less.
//!
//! Invariant: a list is taken over whole or not at all, with all that is wrong said at its line, and nothing that was typed is
//! lost. It must not know: how persons are kept, what anybody voted.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hustings_core::Access;
use serde::Deserialize;

use super::codes::run_by;
use super::form::Form;
use super::page::{Page, render};
use super::screen::unreachable;
use super::sheet;
use super::texts::Language;
use super::visitor::Visitor;
use crate::http::api::{PersonShown, SOUGHT_MAX, list_persons, relist_person, replace_code, revoke_code, roster_page};
use crate::http::name::Name;
use crate::http::once::{Once, form_name};
use crate::http::{Problem, Services, Shared};
use crate::ledger::{CodeNumber, Registered};

/// The largest form: 50,000 persons with long names.
const ROSTER_MAX: usize = 16 * 1024 * 1024;
/// How many persons a page shows.
const PAGE: usize = 100;
/// The most faults that a page shows.
const FAULTS_SHOWN: usize = 200;
/// What a list begins with.
pub(super) const COLUMNS: &str = "name,email\n";

#[derive(Template)]
#[template(path = "roster.html")]
pub(super) struct RosterPage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: &'a str,
    pub(super) code: &'a str,
    /// How many are listed, and how many of their codes are revoked; nothing where nobody is.
    pub(super) counted: Option<(String, String)>,
    pub(super) rows: Vec<PersonRow>,
    /// What was searched for, and how many were found by it.
    pub(super) sought: String,
    pub(super) matches: Option<String>,
    /// Where this page begins, so that what is done on it comes back to it, and where the next one is.
    pub(super) after: String,
    pub(super) next: Option<String>,
    pub(super) unreachable: bool,
    /// The name of each form of this page that makes codes.
    pub(super) once: String,
    /// What was typed.
    pub(super) typed: String,
    pub(super) done: Option<String>,
    pub(super) error: Option<String>,
    /// Whether the error is one of the file that was chosen.
    pub(super) of_file: bool,
    /// The line, and what is wrong there.
    pub(super) faults: Vec<(String, String)>,
}

/// A person as the page shows it.
pub(super) struct PersonRow {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) email: String,
    /// Whether the person voted, and that the code is revoked.
    pub(super) state: String,
    /// What the form calls the code that is there.
    pub(super) mark: String,
    /// What can be done about it.
    pub(super) acts: PersonActs,
}

/// What the buttons do, for who hears the page.
pub(super) enum PersonActs {
    /// Of a code that is good: replace it, or revoke it.
    Good { replacement: String, revocation: String },
    /// Of one that is revoked: list the person again.
    Revoked { relisting: String },
}

#[derive(Default, Deserialize)]
pub(super) struct RosterQuery {
    after: Option<String>,
    q: Option<String>,
}

/// Which part of the roster a page shows.
#[derive(Default)]
struct Part {
    after: Option<CodeNumber>,
    sought: String,
}

impl Part {
    fn of(after: &str, sought: &str) -> Self {
        Self { after: after.parse().ok().map(CodeNumber), sought: sought.trim().chars().take(SOUGHT_MAX).collect() }
    }

    /// That of the page that the form stands on.
    fn of_form(form: &Form<ROSTER_MAX>) -> Self {
        Self::of(form.get("after"), form.get("q"))
    }

    /// Where the page is that begins after this number.
    fn next(&self, found: &Registered, after: u32) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", &after.to_string());
        if !self.sought.is_empty() {
            query.append_pair("q", &self.sought);
        }
        format!("{}?{}", place(found), query.finish())
    }
}

/// What became of what was sent.
struct Said {
    typed: String,
    done: Option<String>,
    error: Option<String>,
    of_file: bool,
    faults: Vec<(String, String)>,
}

impl Default for Said {
    fn default() -> Self {
        Self { typed: COLUMNS.to_owned(), done: None, error: None, of_file: false, faults: Vec::new() }
    }
}

/// Shows who is listed.
pub(super) async fn roster(
    State(services): State<Shared>,
    visitor: Visitor,
    name: Name,
    query: Result<Query<RosterQuery>, QueryRejection>,
) -> Response {
    let found = match run_by(&services, &visitor, &name, Access::Roster).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let RosterQuery { after, q } = query.map_or_else(|_| RosterQuery::default(), |Query(query)| query);
    let part = Part::of(after.as_deref().unwrap_or_default(), q.as_deref().unwrap_or_default());
    answer(&visitor, &found, show(&services, &visitor, &found, part, Said::default()).await)
}

/// Lists persons, also again, revokes or replaces a code, or gives the file of those on a sheet.
pub(super) async fn change(
    State(services): State<Shared>,
    visitor: Visitor,
    name: Name,
    form: Form<ROSTER_MAX>,
) -> Response {
    let found = match run_by(&services, &visitor, &name, Access::Roster).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let done = match form.get("do") {
        "add" => add(&services, &visitor, &found, &form).await,
        "revoke" => revoke(&services, &visitor, &found, &form).await,
        "replace" | "relist" => renew(&services, &visitor, &found, &form).await,
        "file" => file(&services, &visitor, &found, &form).await,
        _ => show(&services, &visitor, &found, Part::default(), Said::default()).await,
    };
    answer(&visitor, &found, done)
}

fn answer(visitor: &Visitor, found: &Registered, done: Result<Response, Problem>) -> Response {
    done.unwrap_or_else(|problem| visitor.problem(problem, &place(found)))
}

fn place(found: &Registered) -> String {
    format!("/{}/roster", found.election.code)
}

async fn add(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    form: &Form<ROSTER_MAX>,
) -> Result<Response, Problem> {
    let page = visitor.page.clone().of(&found.election);
    let typed = form.get("persons").to_owned();
    let of_file = form.file().is_some();
    if of_file && typed.lines().skip(1).any(|line| !line.trim().is_empty()) {
        let error = Some(page.say("roster-both"));
        let said = Said { typed, error, of_file, ..Said::default() };
        return show(services, visitor, found, Part::default(), said).await;
    }
    let table = form.file().cloned().unwrap_or_else(|| typed.clone().into());
    let by = visitor.signed_in.session.seat;
    let once = Once::of_form(services, form.get("once"), by, &[b"roster", &table]);
    let problem = match list_persons(services, found, &once, table).await {
        Ok(made) => return Ok(sheet::answer(services, &page, found, "roster", &made, form.get("format") == "csv")),
        Err(problem) if problem.status().is_server_error() => return Err(problem),
        Err(problem) => problem,
    };
    let faults = problem.errors().iter().take(FAULTS_SHOWN).map(|fault| {
        let line = page.language.number(fault.line.unwrap_or_default());
        (page.language.say_with("roster-line", &[("number", &line)]), page.say(fault_key(fault.code)))
    });
    let error = Some(refused(page.language, &problem));
    let said = Said { typed, done: None, error, of_file, faults: faults.collect() };
    show(services, visitor, found, Part::default(), said).await
}

/// What is wrong with a line.
fn fault_key(code: &str) -> &'static str {
    match code {
        "empty_text" => "fault-empty",
        "text_too_long" => "fault-long",
        "repeated_person" => "fault-repeated",
        "already_listed" => "fault-listed",
        "wrong_length" => "fault-columns",
        "invalid_utf8" => "fault-encoding",
        _ => "fault-characters",
    }
}

/// What is wrong with the list as a whole.
fn refused(language: Language, problem: &Problem) -> String {
    language.say(match problem.code() {
        "invalid_roster" => "roster-wrong",
        "no_persons" => "roster-nobody",
        "too_many_persons" | "too_many_access_codes" => "roster-full",
        "roster_moved" => "roster-moved",
        "excel_file" => "roster-excel",
        _ => "roster-columns",
    })
}

async fn revoke(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    form: &Form<ROSTER_MAX>,
) -> Result<Response, Problem> {
    let said = match revoke_code(services, found, form.get("number")).await {
        Ok(number) => {
            let number = number.0.to_string();
            let done = visitor.page.language.say_with("codes-revoke-done", &[("number", &number)]);
            Said { done: Some(done), ..Said::default() }
        }
        // A number that is nobody's revokes nothing: the list shows who there is.
        Err(problem) if problem.code() == "unknown_code_number" => Said::default(),
        Err(problem) => return Err(problem),
    };
    show(services, visitor, found, Part::of_form(form), said).await
}

/// Puts another code into the place of one that was lost, or of one that was revoked.
async fn renew(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    form: &Form<ROSTER_MAX>,
) -> Result<Response, Problem> {
    let page = visitor.page.clone().of(&found.election);
    let (act, number, mark) = (form.get("do"), form.get("number"), form.get("mark"));
    let by = visitor.signed_in.session.seat;
    let once = Once::of_form(services, form.get("once"), by, &[act, number, mark].map(str::as_bytes));
    let mark = Some(mark).filter(|mark| !mark.is_empty());
    let made = match act {
        "relist" => relist_person(services, found, &once, number, mark).await,
        _ => replace_code(services, found, &once, number, mark).await,
    };
    match made {
        Ok(made) => Ok(sheet::answer(services, &page, found, "roster", &made, false)),
        Err(problem) if problem.code() == "code_replaced" => {
            let error = Some(page.say("roster-replaced"));
            show(services, visitor, found, Part::of_form(form), Said { error, ..Said::default() }).await
        }
        // Somebody else revoked it or listed the person again meanwhile, or it never was: the list shows who there is.
        Err(problem) if ["unknown_code_number", "code_revoked", "not_revoked"].contains(&problem.code()) => {
            show(services, visitor, found, Part::of_form(form), Said::default()).await
        }
        Err(problem) => Err(problem),
    }
}

async fn file(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    form: &Form<ROSTER_MAX>,
) -> Result<Response, Problem> {
    match sheet::file(services, found, "roster", form.get("made"), form.get("number")).await? {
        Some(file) => Ok(file),
        None => show(services, visitor, found, Part::default(), Said::default()).await,
    }
}

async fn show(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    part: Part,
    said: Said,
) -> Result<Response, Problem> {
    let page = visitor.page.clone().of(&found.election);
    let counted = services.electorate.count_codes(found.election.id).await?;
    let listed = roster_page(services, found, part.after, PAGE, &part.sought).await?;
    let count = |key, number: u32| page.language.count(key, number.into());
    let status = if said.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = RosterPage {
        page: &page,
        title: found.election.title.as_str(),
        code: found.election.code.as_str(),
        counted: (counted.made > 0)
            .then(|| (count("roster-listed", counted.made), count("codes-revoked", counted.revoked))),
        rows: listed.persons.into_iter().map(|person| PersonRow::of(&page, person)).collect(),
        matches: listed.matches.map(|matches| page.language.count("roster-found", matches as u64)),
        after: part.after.map(|after| after.0.to_string()).unwrap_or_default(),
        next: listed.next.map(|after| part.next(found, after)),
        sought: part.sought,
        unreachable: unreachable(&services.settings).is_some(),
        once: form_name(services),
        typed: said.typed,
        done: said.done,
        error: said.error,
        of_file: said.of_file,
        faults: said.faults,
    };
    Ok((status, render(&shown)).into_response())
}

impl PersonRow {
    fn of(page: &Page, person: PersonShown) -> Self {
        let state = match (&person.revoked, person.voted) {
            (Some(_), Some(true)) => page.say("person-revoked-voted"),
            (Some(_), _) => page.say("person-revoked"),
            (None, Some(true)) => page.say("person-voted"),
            (None, _) => String::new(),
        };
        let say = |key| page.language.say_with(key, &[("name", &person.name)]);
        Self {
            acts: match person.revoked {
                None => PersonActs::Good { replacement: say("roster-replace-of"), revocation: say("roster-revoke-of") },
                Some(_) => PersonActs::Revoked { relisting: say("roster-relist-of") },
            },
            mark: person.mark,
            number: person.number.to_string(),
            email: person.email.unwrap_or_default(),
            name: person.name,
            state,
        }
    }
}
