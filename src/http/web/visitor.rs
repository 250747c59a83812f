//! Who reads a page that is not for everybody; and the way to sign in and back.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::{Election, Kind, Role};

use super::notice::NoticePage;
use super::page::{Page, render};
use super::problem_page;
use crate::http::api::missing;
use crate::http::name::Name;
use crate::http::sessions::SignedIn;
use crate::http::{Problem, Services, Shared};
use crate::ledger::Registered;

/// Somebody who is signed in. Anybody else is sent to sign in first, and comes back to the same place.
pub(in crate::http) struct Visitor {
    /// The frame of the page.
    pub(in crate::http) page: Page,
    /// Who it is.
    pub(in crate::http) signed_in: Arc<SignedIn>,
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, services: &Shared) -> Result<Self, Response> {
        let Ok(page) = Page::from_request_parts(parts, services).await;
        let headers = super::without_token(&parts.headers);
        match services.sessions.of(services, &headers).await {
            Ok(Some(signed_in)) => Ok(Self { page, signed_in }),
            Ok(None) => {
                let there = parts.uri.path_and_query().map_or(parts.uri.path(), |path| path.as_str());
                // The address of each form is that of a page as well.
                Err(to_sign_in(if parts.method.is_safe() { there } else { parts.uri.path() }))
            }
            Err(error) => Err(problem_page(&page, &error.into(), parts.uri.path())),
        }
    }
}

/// The way to sign in, and then to this place.
pub(in crate::http) fn to_sign_in(then: &str) -> Response {
    let then: String = form_urlencoded::byte_serialize(then.as_bytes()).collect();
    let mut response = Redirect::to(&format!("/login?next={then}")).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// A place of ours, such as people come back to after signing in; nothing that leads to another site.
pub(super) fn local(place: &str) -> Option<&str> {
    let is_plain = place.len() <= 512 && place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_plain && place.starts_with('/') && !place.starts_with("//")).then_some(place)
}

/// Where somebody with this part goes on: to the console, and where there is none for them, to the results with what is hidden
/// from others.
pub(super) fn place_of(election: &Election, role: Role) -> String {
    let page = match (election.kind, role) {
        (Kind::Election, _) | (_, Role::Viewer) => "results?audience=full",
        (Kind::Poll | Kind::Competition, Role::CoHost | Role::Owner) => "host",
    };
    format!("/{}/{page}", election.code)
}

impl Visitor {
    /// The election of this name, if the visitor has at least this part in it.
    pub(in crate::http) async fn election(
        &self,
        services: &Services,
        name: &Name,
        least: Role,
    ) -> Result<Registered, Response> {
        let (found, role) = self.part(services, name).await?;
        if role >= least { Ok(found) } else { Err(self.beneath(&found.election, role, least)) }
    }

    /// The election of this name, and the visitor's part in it, if there is one.
    pub(in crate::http) async fn part(
        &self,
        services: &Services,
        Name(name): &Name,
    ) -> Result<(Registered, Role), Response> {
        let again = format!("/{name}");
        let problem = |problem: Problem| problem_page(&self.page, &problem, &again);
        let found = services.elections.find(name).await.map_err(|error| problem(error.into()))?;
        let Some(found) = found else { return Err(problem(missing(&services.elections, name).await)) };
        let role = self.signed_in.role_in(services, found.key).await.map_err(|error| problem(error.into()))?;
        role.map(|role| (found, role)).ok_or_else(|| self.refused())
    }

    /// The page for what another part is needed for than the visitor's, with the way to what this one is for.
    fn beneath(&self, election: &Election, role: Role, least: Role) -> Response {
        let page = &self.page;
        let key = if least == Role::Owner { "owners-only-text" } else { "hosts-only-text" };
        let text = page.language.say_with(key, &[("name", &self.signed_in.name())]);
        let place = place_of(election, role);
        let label = page.say(if place.ends_with("/host") { "host-title" } else { "results" });
        let shown = NoticePage { page, title: &page.say("no-part-title"), text: &text, link: Some((&place, label)) };
        (StatusCode::FORBIDDEN, render(&shown)).into_response()
    }

    /// The page for what the visitor has no part in.
    pub(in crate::http) fn refused(&self) -> Response {
        let (page, name) = (&self.page, self.signed_in.name());
        let text = page.language.say_with("no-part-text", &[("name", &name)]);
        let link = Some(("/account", page.say("account-title")));
        let shown = NoticePage { page, title: &page.say("no-part-title"), text: &text, link };
        (StatusCode::FORBIDDEN, render(&shown)).into_response()
    }

    /// The page for what went wrong on the way.
    pub(super) fn problem(&self, problem: impl Into<Problem>, again: &str) -> Response {
        problem_page(&self.page, &problem.into(), again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_of_ours_are_come_back_to() {
        for (place, expected) in [
            ("/", true),
            ("/A5KYQ5/host?round=2", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("evil", false),
            ("", false),
            ("/a b", false),
            ("/a\nb", false),
        ] {
            assert_eq!(local(place).is_some(), expected, "{place:?}");
        }
        assert!(local(&format!("/{}", "x".repeat(600))).is_none());
    }
}
