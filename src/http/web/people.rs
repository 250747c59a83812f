//! `/{code}/people`: who takes part in an election, and the links that let co-hosts in.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::{LoginName, Role, Time};

use super::account::SessionRow;
use super::form::Form;
use super::page::{Page, render, uncached};
use super::qr::Qr;
use super::visitor::Visitor;
use crate::http::api::{self, MadeLink};
use crate::http::name::Name;
use crate::http::once::{Once, form_name};
use crate::http::{Problem, Services, Shared};
use crate::ledger::{Changed, LINKS_MAX, LinkId, MEMBERS_MAX, PersonId, Registered, Seat};

#[derive(Template)]
#[template(path = "people.html")]
pub(super) struct PeoplePage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: &'a str,
    pub(super) code: &'a str,
    pub(super) members: Vec<MemberRow>,
    pub(super) links: Vec<LinkRow>,
    /// All roles: stable name and label.
    pub(super) roles: Vec<(&'static str, String)>,
    /// Those that a link can have.
    pub(super) link_roles: Vec<(&'static str, String)>,
    /// The name of the form that makes a link.
    pub(super) once: String,
    /// The link that this form has made, and its picture.
    pub(super) made: Option<(String, Qr)>,
    pub(super) error: Option<String>,
    /// The name and the part that were asked for, where nobody has that name.
    pub(super) asked: Option<(String, &'static str)>,
}

impl PeoplePage<'_> {
    /// The name that was typed.
    fn typed(&self) -> &str {
        self.asked.as_ref().map_or("", |(name, _)| name.as_str())
    }

    /// The part that is offered first.
    fn part(&self) -> &str {
        self.asked.as_ref().map_or(Role::CoHost.name(), |(_, part)| part)
    }
}

/// A member as the page shows it.
pub(super) struct MemberRow {
    pub(super) person: i64,
    pub(super) name: String,
    pub(super) role: &'static str,
    /// What its fields are, for who hears the page.
    pub(super) role_of: String,
    pub(super) removal: String,
}

/// A co-host link as the page shows it.
pub(super) struct LinkRow {
    pub(super) id: i64,
    pub(super) label: String,
    pub(super) created: String,
    pub(super) revoked: Option<String>,
    /// How many are in by it.
    pub(super) state: String,
    pub(super) sessions: Vec<SessionRow>,
}

/// A role in the reader's words.
pub(super) fn label(page: &Page, role: Role) -> String {
    match role {
        Role::Owner => page.say("role-owner"),
        Role::CoHost => page.say("role-co-host"),
        Role::Viewer => page.say("role-viewer"),
    }
}

fn revoked(page: &Page, at: Time) -> String {
    page.language.say_with("revoked-at", &[("moment", &page.language.moment(at))])
}

/// What is wrong with what was sent.
struct Wrong {
    error: String,
    asked: Option<(String, &'static str)>,
}

/// Shows who takes part, to owners.
pub(super) async fn people(State(services): State<Shared>, visitor: Visitor, name: Name) -> Response {
    match visitor.election(&services, &name, Role::Owner).await {
        Ok(found) => answer(&visitor, &found, show(&services, &visitor, &found, None, None).await),
        Err(response) => response,
    }
}

/// Gives and takes parts, makes and revokes links.
pub(super) async fn change(State(services): State<Shared>, visitor: Visitor, name: Name, form: Form) -> Response {
    let found = match visitor.election(&services, &name, Role::Owner).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let done = match form.get("do") {
        "add" => add(&services, &visitor, &found, &form).await,
        "role" => set(&services, &visitor, &found, form.get("person"), form.get("role").parse().ok()).await,
        "remove" => set(&services, &visitor, &found, form.get("person"), None).await,
        "link" => make_link(&services, &visitor, &found, &form).await,
        "revoke" => revoke_link(&services, &found, form.get("link")).await,
        _ => show(&services, &visitor, &found, None, None).await,
    };
    answer(&visitor, &found, done)
}

fn answer(visitor: &Visitor, found: &Registered, done: Result<Response, Problem>) -> Response {
    done.unwrap_or_else(|problem| visitor.problem(problem, &place(found)))
}

fn place(found: &Registered) -> String {
    format!("/{}/people", found.election.code)
}

async fn add(services: &Services, visitor: &Visitor, found: &Registered, form: &Form) -> Result<Response, Problem> {
    let page = &visitor.page;
    let typed = form.get("name");
    let role = form.get("role").parse().unwrap_or(Role::Viewer);
    let person = match LoginName::parse(typed) {
        Ok(name) => services.people.person_named(&name).await?,
        Err(_) => None,
    };
    let Some(person) = person else {
        let error = page.language.say_with("person-unknown", &[("name", typed)]);
        let wrong = Wrong { error, asked: Some((typed.to_owned(), role.name())) };
        return show(services, visitor, found, None, Some(wrong)).await;
    };
    set_part(services, visitor, found, person.id, Some(role)).await
}

async fn set(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    person: &str,
    role: Option<Role>,
) -> Result<Response, Problem> {
    match person.parse() {
        Ok(person) => set_part(services, visitor, found, PersonId(person), role).await,
        Err(_) => show(services, visitor, found, None, None).await,
    }
}

async fn set_part(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    person: PersonId,
    role: Option<Role>,
) -> Result<Response, Problem> {
    let changed = services.people.set_member(found.key, person, role).await?;
    services.sessions.forget();
    let error = match changed {
        Changed::Done => return Ok(Redirect::to(&place(found)).into_response()),
        Changed::LastOwner => visitor.page.say("last-owner"),
        Changed::TooMany => visitor.page.language.count("members-full", MEMBERS_MAX as u64),
    };
    show(services, visitor, found, None, Some(Wrong { error, asked: None })).await
}

async fn make_link(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    form: &Form,
) -> Result<Response, Problem> {
    let role = if form.get("role").parse() == Ok(Role::Viewer) { Role::Viewer } else { Role::CoHost };
    let (by, asked) = (visitor.signed_in.session.seat, role.name().as_bytes());
    let once = Once::of_form(services, form.get("once"), by, &[b"link", asked]);
    let error = match api::make_link(services, found, &once, role, visitor.signed_in.person()).await? {
        MadeLink::New(link) | MadeLink::Again(_, link) => {
            return Ok(uncached(show(services, visitor, found, Some(link), None).await?));
        }
        MadeLink::Revoked => visitor.page.say("link-revoked"),
        MadeLink::Full => visitor.page.language.count("links-full", LINKS_MAX as u64),
    };
    show(services, visitor, found, None, Some(Wrong { error, asked: None })).await
}

async fn revoke_link(services: &Services, found: &Registered, id: &str) -> Result<Response, Problem> {
    if let Ok(id) = id.parse() {
        services.people.revoke_link(found.key, LinkId(id), services.clock.now()).await?;
        services.sessions.forget();
    }
    Ok(Redirect::to(&place(found)).into_response())
}

async fn show(
    services: &Services,
    visitor: &Visitor,
    found: &Registered,
    made: Option<String>,
    wrong: Option<Wrong>,
) -> Result<Response, Problem> {
    let page = visitor.page.clone().of(&found.election);
    let members = services.people.members(found.key).await?.into_iter().map(|member| MemberRow {
        person: member.person.0,
        name: member.name.to_string(),
        role: member.role.name(),
        role_of: page.language.say_with("role-of", &[("name", member.name.as_str())]),
        removal: page
            .language
            .say_with("remove-person", &[("name", member.name.as_str()), ("role", &label(&page, member.role))]),
    });
    let mut links = Vec::new();
    for link in services.people.links(found.key).await?.into_iter().rev() {
        let sessions = services.people.sessions(Seat::Link(link.id), services.clock.now()).await?;
        links.push(LinkRow {
            id: link.id.0,
            label: label(&page, link.role),
            created: page.language.moment(link.created),
            revoked: link.revoked.map(|at| revoked(&page, at)),
            state: page.language.count("link-sessions", sessions.len() as u64),
            sessions: sessions.iter().map(|one| SessionRow::of(&page, one, false)).collect(),
        });
    }
    let (error, asked) = wrong.map_or((None, None), |wrong| (Some(wrong.error), wrong.asked));
    let named = |role: Role| (role.name(), label(&page, role));
    let shown = PeoplePage {
        page: &page,
        title: found.election.title.as_str(),
        code: found.election.code.as_str(),
        members: members.collect(),
        links,
        roles: [Role::Owner, Role::CoHost, Role::Viewer].map(named).into(),
        link_roles: [Role::CoHost, Role::Viewer].map(named).into(),
        once: form_name(services),
        made: made.and_then(|link| Qr::of(&link).map(|qr| (link, qr))),
        error,
        asked,
    };
    let status = if shown.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, render(&shown)).into_response())
}
