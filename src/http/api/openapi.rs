//! The OpenAPI document, made from the handlers themselves.

use axum::Json;
use axum::response::IntoResponse;
use utoipa::openapi::RefOr;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::{Modify, OpenApi};

use super::{acts, ballots, codes, create, entries, life, links, polls, receipts, results, roster, tokens, votes};
use crate::http::{elections, live};

#[derive(OpenApi)]
#[openapi(
    info(title = "Hustings", description = "Counts every vote once, shows it at once, and proves it afterwards."),
    paths(
        create::create, polls::list, polls::get, life::redefine, life::remove, life::removed, life::retitle,
        life::duplicate, life::rehearse, links::create,
        codes::create, codes::count, codes::revoke, codes::replace, roster::add, roster::list, roster::relist,
        acts::open, acts::pause, acts::close, acts::reopen, acts::reveal, acts::start_round,
        votes::vote, receipts::receipt,
        results::results, live::stream, live::socket, live::issue_ticket, entries::entries, ballots::ballots,
        tokens::create, tokens::list, tokens::revoke,
    ),
    modifiers(&Security)
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("a token with the right scope"));
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
        let code = ApiKeyValue::with_description("Authorization", "`Code` and an access code of the poll");
        components.add_security_scheme("code", SecurityScheme::ApiKey(ApiKey::Header(code)));
        for (scheme, cookie, description) in [
            (DEVICE, "hustings-device", "the cookie that pages give; over HTTPS, its name begins with `__Host-`"),
            (
                SESSION,
                "hustings-session",
                "the cookie of whoever has signed in at /login, who may do what their part in an election allows; over \
                 HTTPS, its name begins with `__Host-`. What changes something must come from a page of this server",
            ),
        ] {
            let cookie = ApiKeyValue::with_description(cookie, description);
            components.add_security_scheme(scheme, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        }
    }
}

const DEVICE: &str = "device";
const SESSION: &str = "session";

fn scheme(name: &str) -> SecurityRequirement {
    SecurityRequirement::new(name, Vec::<String>::new())
}

/// Whoever is signed in may ask for all that a token may, but vote: with that, they are a device like everybody else. Said once
/// here instead of at each of them.
struct Sessions;

impl Modify for Sessions {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
                let Some(security) = &mut operation.security else { continue };
                if !security.contains(&scheme(DEVICE)) {
                    security.push(scheme(SESSION));
                }
            }
        }
    }
}

/// Every refusal is a problem document; said once here instead of at each of them.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
                for (status, response) in &mut operation.responses.responses {
                    if let RefOr::T(response) = response
                        && status.starts_with('4') | status.starts_with('5')
                        && let Some(content) = response.content.swap_remove("application/json")
                    {
                        response.content.insert("application/problem+json".to_owned(), content);
                    }
                }
            }
        }
    }
}

/// The whole document.
pub(in crate::http) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    elections::documents().into_iter().for_each(|more| document.merge(more));
    Problems.modify(&mut document);
    Sessions.modify(&mut document);
    document
}

/// One row of the reference page.
pub(in crate::http) struct Operation {
    pub(in crate::http) method: &'static str,
    pub(in crate::http) path: String,
    pub(in crate::http) summary: String,
    pub(in crate::http) needs_token: bool,
    pub(in crate::http) answers: String,
}

/// Every operation, for the reference page.
pub(in crate::http) fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document().paths.paths {
        let methods = [("GET", item.get), ("PUT", item.put), ("POST", item.post), ("DELETE", item.delete)];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            let codes: Vec<String> = operation.responses.responses.keys().cloned().collect();
            operations.push(Operation {
                method,
                path: path.clone(),
                summary: operation.summary.unwrap_or_default(),
                needs_token: operation.security.is_some_and(|security| {
                    !security.contains(&SecurityRequirement::default()) && !security.contains(&scheme(DEVICE))
                }),
                answers: codes.join(" "),
            });
        }
    }
    operations
}

/// The document as JSON.
pub(super) async fn json() -> impl IntoResponse {
    Json(document())
}
