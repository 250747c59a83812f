//! `/welcome/{secret}`, `/join/{secret}`, `/reset/{secret}` and `/sign-up`: how a person comes to a name and a password.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hustings_core::{LoginName, Password, PasswordError, TextError};

use super::form::Form;
use super::notice::NoticePage;
use super::page::{Page, render};
use super::sign_in::{HOME, sent_on};
use super::{not_found_page, problem_page, without_token};
use crate::http::name::Name;
use crate::http::sessions::begin;
use crate::http::{Problem, Services, Shared};
use crate::keys::token_hash;
use crate::ledger::{Accepted, NewPerson, PersonId, Purpose, Seat};

#[derive(Template)]
#[template(path = "join.html")]
pub(super) struct JoinPage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: String,
    pub(super) text: String,
    /// The name that was typed; none where it is known already.
    pub(super) name: Option<&'a str>,
    /// Why the name was refused.
    pub(super) name_error: Option<String>,
    /// Why the password was refused.
    pub(super) password_error: Option<String>,
}

/// What a page is for, and what it needs.
enum Way {
    Welcome([u8; 32]),
    Join([u8; 32]),
    Reset([u8; 32], LoginName),
    SignUp,
}

impl Way {
    /// What stands behind an address; nothing where its link is spent, has run out, or never was.
    async fn at(services: &Services, address: &Uri, secret: &str) -> Result<Option<Self>, Problem> {
        let kind = address.path().split('/').nth(1).unwrap_or_default();
        let hash = token_hash(secret);
        let found = services.people.invitation(hash, services.clock.now()).await?;
        Ok(match (kind, found.map(|found| found.purpose)) {
            // Where somebody was faster, there is nothing to found.
            ("welcome", Some(Purpose::Found)) if !services.people.has_admin().await? => Some(Self::Welcome(hash)),
            ("join", Some(Purpose::Join)) => Some(Self::Join(hash)),
            ("reset", Some(Purpose::Reset(person))) => {
                services.people.person(person).await?.map(|person| Self::Reset(hash, person.name))
            }
            _ => None,
        })
    }

    fn shown<'a>(&self, page: &'a Page, name: &'a str, errors: Errors) -> JoinPage<'a> {
        let (title, text) = match self {
            Self::Welcome(_) => (page.say("welcome-title"), page.say("welcome-text")),
            Self::Join(_) => (page.say("join-title"), page.say("join-text")),
            Self::SignUp => (page.say("sign-up-title"), page.say("join-text")),
            Self::Reset(_, name) => {
                (page.say("reset-title"), page.language.say_with("reset-text", &[("name", name.as_str())]))
            }
        };
        let name = if let Self::Reset(..) = self { None } else { Some(name) };
        JoinPage { page, title, text, name, name_error: errors.name, password_error: errors.password }
    }
}

/// What is wrong with what was typed.
#[derive(Default)]
struct Errors {
    name: Option<String>,
    password: Option<String>,
}

/// The form behind a one-time link. To look at it spends nothing.
pub(super) async fn form(State(services): State<Shared>, page: Page, uri: Uri, Name(secret): Name) -> Response {
    match Way::at(&services, &uri, &secret).await {
        Ok(Some(way)) => render(&way.shown(&page, "", Errors::default())),
        Ok(None) => gone(&page),
        Err(problem) => problem_page(&page, &problem, "/login"),
    }
}

/// Spends the link.
pub(super) async fn accept(
    State(services): State<Shared>,
    page: Page,
    headers: HeaderMap,
    uri: Uri,
    Name(secret): Name,
    form: Form,
) -> Response {
    match Way::at(&services, &uri, &secret).await {
        Ok(Some(way)) => finish(&services, &page, &headers, way, &form).await,
        Ok(None) => gone(&page),
        Err(problem) => problem_page(&page, &problem, "/login"),
    }
}

/// The form of an open sign-up; without that there is nothing here.
pub(super) async fn sign_up_form(State(services): State<Shared>, page: Page) -> Response {
    if !services.settings.open_sign_up {
        return not_found_page(&page, "");
    }
    render(&Way::SignUp.shown(&page, "", Errors::default()))
}

/// Makes a person of whoever comes.
pub(super) async fn sign_up(State(services): State<Shared>, page: Page, headers: HeaderMap, form: Form) -> Response {
    if !services.settings.open_sign_up {
        return not_found_page(&page, "");
    }
    finish(&services, &page, &headers, Way::SignUp, &form).await
}

async fn finish(services: &Services, page: &Page, headers: &HeaderMap, way: Way, form: &Form) -> Response {
    let done = match read(page, &way, form) {
        Ok((name, password)) => make(services, page, &way, name, password).await,
        Err(errors) => Ok(Made::Refused(errors)),
    };
    match done {
        Ok(Made::Person(person)) => {
            services.sessions.forget();
            match begin(services, &without_token(headers), Seat::Person(person)).await {
                Ok(cookie) => sent_on(HOME, cookie),
                Err(problem) => problem_page(page, &problem, "/login"),
            }
        }
        Ok(Made::Refused(errors)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, render(&way.shown(page, form.get("name"), errors))).into_response()
        }
        Ok(Made::Gone) => gone(page),
        Err(problem) => problem_page(page, &problem, "/login"),
    }
}

enum Made {
    Person(PersonId),
    Refused(Errors),
    Gone,
}

fn read(page: &Page, way: &Way, form: &Form) -> Result<(LoginName, Password), Errors> {
    let name = match way {
        Way::Reset(_, name) => Ok(name.clone()),
        _ => LoginName::parse(form.get("name")),
    };
    let name = name.map_err(|error| Errors { name: Some(name_error(page, error)), ..Errors::default() })?;
    match new_password(page, &name, form) {
        Ok(password) => Ok((name, password)),
        Err(error) => Err(Errors { password: Some(error), ..Errors::default() }),
    }
}

/// A new password that was typed twice, or why it cannot be.
pub(super) fn new_password(page: &Page, name: &LoginName, form: &Form) -> Result<Password, String> {
    let (once, again) = (form.get("password"), form.get("again"));
    let password = Password::parse(once, name).map_err(|error| match error {
        PasswordError::Short => page.language.count("password-short", Password::LENGTH_MIN as u64),
        PasswordError::Long => page.language.count("password-long", Password::LENGTH_MAX as u64),
        PasswordError::IsName => page.say("password-name"),
        PasswordError::Common => page.say("password-common"),
    })?;
    if once == again { Ok(password) } else { Err(page.say("password-differs")) }
}

fn name_error(page: &Page, error: TextError) -> String {
    match error {
        TextError::Empty => page.say("name-empty"),
        TextError::TooLong(most) => page.language.count("name-long", most as u64),
        _ => page.say("name-forbidden"),
    }
}

async fn make(
    services: &Services,
    page: &Page,
    way: &Way,
    name: LoginName,
    password: Password,
) -> Result<Made, Problem> {
    let password = services.passwords.hash(password).await?;
    let now = services.clock.now();
    let new = |name, password| NewPerson { name, password, is_admin: false, created: now };
    let taken = || Made::Refused(Errors { name: Some(page.say("name-taken")), ..Errors::default() });
    Ok(match way {
        Way::Welcome(hash) | Way::Join(hash) => match services.people.accept(*hash, new(name, password)).await? {
            Accepted::Person(person) => Made::Person(person),
            Accepted::NameTaken => taken(),
            Accepted::Gone => Made::Gone,
        },
        Way::SignUp => services.people.add_person(new(name, password)).await?.map_or_else(taken, Made::Person),
        Way::Reset(hash, _) => {
            services.people.reset_password(*hash, password, now).await?.map_or(Made::Gone, Made::Person)
        }
    })
}

/// The page for a link that opens nothing.
pub(super) fn gone(page: &Page) -> Response {
    let link = Some(("/login", page.say("login-title")));
    let shown = NoticePage { page, title: &page.say("link-gone-title"), text: &page.say("link-gone-text"), link };
    (StatusCode::NOT_FOUND, render(&shown)).into_response()
}
