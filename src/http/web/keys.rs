//! `/account/tokens` and `/account/invitations`: what an administrator gives out. Each secret is shown once, in the answer
//! that made it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::{Text, Time};

use super::account::hash_of;
use super::form::Form;
use super::page::{Page, render};
use super::visitor::Visitor;
use crate::export::hex;
use crate::http::{Problem, Services, Shared};
use crate::keys::{new_secret, new_token, token_hash};
use crate::ledger::{Invitation, NewToken, Purpose, Scope, Scopes, TokenId};

const TOKENS: &str = "/account/tokens";
const INVITATIONS: &str = "/account/invitations";

/// An invitation is good for seven days.
const INVITATION_MS: u64 = 7 * 24 * 3_600_000;
/// The most invitations that wait for somebody.
const INVITATIONS_MAX: usize = 1_000;

#[derive(Template)]
#[template(path = "tokens.html")]
pub(super) struct TokensPage<'a> {
    pub(super) page: &'a Page,
    pub(super) tokens: Vec<TokenRow>,
    pub(super) scopes: [&'static str; 6],
    /// The token that was just made.
    pub(super) made: Option<String>,
    pub(super) error: Option<String>,
}

/// A token as the page shows it.
pub(super) struct TokenRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) scopes: String,
    pub(super) created: String,
    pub(super) used: Option<String>,
    pub(super) revoked: Option<String>,
}

#[derive(Template)]
#[template(path = "invitations.html")]
pub(super) struct InvitationsPage<'a> {
    pub(super) page: &'a Page,
    pub(super) invitations: Vec<InvitationRow>,
    /// The link that was just made.
    pub(super) made: Option<String>,
    pub(super) error: Option<String>,
}

/// An invitation that waits for somebody, as the page shows it.
pub(super) struct InvitationRow {
    pub(super) id: String,
    pub(super) by: String,
    pub(super) created: String,
    pub(super) expires: String,
}

/// Lists tokens, and offers to make one.
pub(super) async fn tokens(State(services): State<Shared>, visitor: Visitor) -> Response {
    if !visitor.signed_in.is_admin() {
        return visitor.refused();
    }
    answer(&visitor, show_tokens(&services, &visitor, None, None).await, TOKENS)
}

/// Makes a token, or revokes one.
pub(super) async fn change_tokens(State(services): State<Shared>, visitor: Visitor, form: Form) -> Response {
    if !visitor.signed_in.is_admin() {
        return visitor.refused();
    }
    let done = match form.get("do") {
        "make" => make_token(&services, &visitor, &form).await,
        _ => revoke_token(&services, form.get("token")).await,
    };
    answer(&visitor, done, TOKENS)
}

fn answer(visitor: &Visitor, done: Result<Response, Problem>, again: &str) -> Response {
    done.unwrap_or_else(|problem| visitor.problem(problem, again))
}

async fn make_token(services: &Services, visitor: &Visitor, form: &Form) -> Result<Response, Problem> {
    let page = &visitor.page;
    let Ok(name) = Text::parse(form.get("name")) else {
        return show_tokens(services, visitor, None, Some(page.say("token-unnamed"))).await;
    };
    let chosen: Vec<&str> = form.all("scope").collect();
    let Ok(scopes) = chosen.join(",").parse::<Scopes>() else {
        return show_tokens(services, visitor, None, Some(page.say("token-unscoped"))).await;
    };
    let token = new_token(services.random.as_ref());
    let new = NewToken {
        name: name.into(),
        hash: token_hash(&token),
        per_minute: NewToken::per_minute(&scopes, None),
        scopes,
        created: services.clock.now(),
        election: None,
        unit: None,
    };
    services.registry.create_token(new).await?;
    show_tokens(services, visitor, Some(token), None).await
}

async fn revoke_token(services: &Services, id: &str) -> Result<Response, Problem> {
    if let Ok(id) = id.parse() {
        // One that is revoked already is as it was wanted.
        services.registry.revoke_token(TokenId(id), services.clock.now()).await?;
        services.callers.forget_tokens();
    }
    Ok(Redirect::to(TOKENS).into_response())
}

async fn show_tokens(
    services: &Services,
    visitor: &Visitor,
    made: Option<String>,
    error: Option<String>,
) -> Result<Response, Problem> {
    let (page, language) = (&visitor.page, visitor.page.language);
    let mut tokens = services.registry.tokens().await?;
    tokens.reverse();
    let row = |token: crate::ledger::Token| TokenRow {
        id: token.id.0,
        scopes: token.scopes.0.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(", "),
        created: language.moment(token.created),
        used: token.used.map(|at| language.moment(at)),
        revoked: token.revoked.map(|at| language.say_with("revoked-at", &[("moment", &language.moment(at))])),
        name: token.name,
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let scopes = Scope::ALL.map(Scope::name);
    let tokens = tokens.into_iter().map(row).collect();
    Ok((status, render(&TokensPage { page, tokens, scopes, made, error })).into_response())
}

/// Lists invitations that wait for somebody, and offers to make one.
pub(super) async fn invitations(State(services): State<Shared>, visitor: Visitor) -> Response {
    if !visitor.signed_in.is_admin() {
        return visitor.refused();
    }
    answer(&visitor, show_invitations(&services, &visitor, None, None).await, INVITATIONS)
}

/// Makes an invitation, or takes one back.
pub(super) async fn change_invitations(State(services): State<Shared>, visitor: Visitor, form: Form) -> Response {
    if !visitor.signed_in.is_admin() {
        return visitor.refused();
    }
    let done = match form.get("do") {
        "make" => invite(&services, &visitor).await,
        _ => withdraw(&services, form.get("invitation")).await,
    };
    answer(&visitor, done, INVITATIONS)
}

async fn invite(services: &Services, visitor: &Visitor) -> Result<Response, Problem> {
    let now = services.clock.now();
    if services.people.invitations(now).await?.len() >= INVITATIONS_MAX {
        return show_invitations(services, visitor, None, Some(visitor.page.say("invitations-full"))).await;
    }
    let secret = new_secret(services.random.as_ref());
    let invitation = Invitation {
        hash: token_hash(&secret),
        purpose: Purpose::Join,
        by: visitor.signed_in.person(),
        created: now,
        expires: Time(now.0.saturating_add(INVITATION_MS)),
    };
    services.people.invite(invitation).await?;
    let link = format!("{}/join/{secret}", services.settings.base_url());
    show_invitations(services, visitor, Some(link), None).await
}

async fn withdraw(services: &Services, id: &str) -> Result<Response, Problem> {
    if let Some(hash) = hash_of(id) {
        services.people.withdraw(hash).await?;
    }
    Ok(Redirect::to(INVITATIONS).into_response())
}

async fn show_invitations(
    services: &Services,
    visitor: &Visitor,
    made: Option<String>,
    error: Option<String>,
) -> Result<Response, Problem> {
    let (page, language) = (&visitor.page, visitor.page.language);
    let mut invitations = Vec::new();
    for one in services.people.invitations(services.clock.now()).await? {
        if one.purpose != Purpose::Join {
            continue;
        }
        let by = match one.by {
            Some(person) => services.people.person(person).await?.map(|person| person.name.to_string()),
            None => None,
        };
        invitations.push(InvitationRow {
            id: hex(&one.hash),
            by: by.unwrap_or_else(|| page.say("operator")),
            created: language.moment(one.created),
            expires: language.moment(one.expires),
        });
    }
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, render(&InvitationsPage { page, invitations, made, error })).into_response())
}
