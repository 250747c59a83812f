//! `/account/tokens` and `/account/invitations`: what an administrator gives out. Each secret is shown to who made it.
//!
//! Invariant: a page that is loaded again makes nothing. A token is made once for each form. An invitation that somebody used leaves
//! nothing behind, so its form cannot be known again: its answer leads to a page that shows the link as long as it is good.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::{Text, Time};
use serde::Deserialize;

use super::account::hash_of;
use super::form::Form;
use super::page::{Page, render, uncached};
use super::visitor::Visitor;
use crate::export::hex;
use crate::http::once::{Once, form_name};
use crate::http::{Problem, Services, Shared};
use crate::keys::token_hash;
use crate::ledger::{Invitation, LedgerError, NewToken, Purpose, Scope, Scopes, TokenId};

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
    /// The name of the form that makes one.
    pub(super) once: String,
    /// The token that this form has made.
    pub(super) made: Option<String>,
    /// What was typed and chosen in a form that was refused, and why.
    pub(super) refused: Option<Refused>,
}

/// A form for a token that made none.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) error: String,
    /// What is wrong, `name` or `scopes`; neither where the form has made a token before.
    pub(super) field: Option<&'static str>,
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
}

impl TokensPage<'_> {
    fn typed(&self) -> &str {
        self.refused.as_ref().map_or("", |refused| &refused.name)
    }

    fn is_chosen(&self, scope: &&str) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.scopes.iter().any(|chosen| chosen == scope))
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.field == Some(field))
    }
}

impl Refused {
    fn of(page: &Page, form: &Form, field: Option<&'static str>, why: &str) -> Self {
        let scopes = form.all("scope").map(str::to_owned).collect();
        Self { error: page.say(why), field, name: form.get("name").to_owned(), scopes }
    }
}

/// A token as the page shows it.
#[derive(Debug, Clone)]
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
    /// The link that the visitor has just made.
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
        let refused = Refused::of(page, form, Some("name"), "token-unnamed");
        return show_tokens(services, visitor, None, Some(refused)).await;
    };
    let chosen: Vec<&str> = form.all("scope").collect();
    let Ok(scopes) = chosen.join(",").parse::<Scopes>() else {
        let refused = Refused::of(page, form, Some("scopes"), "token-unscoped");
        return show_tokens(services, visitor, None, Some(refused)).await;
    };
    let (by, asked) = (visitor.signed_in.session.seat, scopes.to_string());
    let asked = [&b"token"[..], name.as_str().as_bytes(), asked.as_bytes()];
    let once = Once::of_form(services, form.get("once"), by, &asked);
    match keep_token(services, &once, name, scopes).await {
        Ok(token) => Ok(uncached(show_tokens(services, visitor, Some(token), None).await?)),
        Err(LedgerError::TokenTaken) => {
            show_tokens(services, visitor, None, Some(Refused::of(page, form, None, "token-revoked"))).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes the token of a form, unless it was made before; [`LedgerError::TokenTaken`] where it was and is revoked.
async fn keep_token(services: &Services, once: &Once, name: Text, scopes: Scopes) -> Result<String, LedgerError> {
    let token = once.token(services);
    let hash = token_hash(&token);
    let is_there = async || Ok::<_, LedgerError>(once.may_repeat() && services.registry.token(hash).await?.is_some());
    if is_there().await? {
        return Ok(token);
    }
    let new = NewToken {
        name: name.into(),
        hash,
        per_minute: NewToken::per_minute(&scopes, None),
        scopes,
        created: services.clock.now(),
        election: None,
        unit: None,
    };
    match services.registry.create_token(new).await {
        Err(error) if !is_there().await? => Err(error),
        // The same form was faster.
        _ => Ok(token),
    }
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
    refused: Option<Refused>,
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
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let scopes = Scope::ALL.map(Scope::name);
    let (tokens, once) = (tokens.into_iter().map(row).collect(), form_name(services));
    Ok((status, render(&TokensPage { page, tokens, scopes, once, made, refused })).into_response())
}

/// The name of the request that made an invitation.
#[derive(Default, Deserialize)]
pub(super) struct InvitationsQuery {
    made: Option<String>,
}

/// Lists invitations that wait for somebody, and offers to make one.
pub(super) async fn invitations(
    State(services): State<Shared>,
    visitor: Visitor,
    query: Result<Query<InvitationsQuery>, QueryRejection>,
) -> Response {
    if !visitor.signed_in.is_admin() {
        return visitor.refused();
    }
    let made = query.ok().and_then(|Query(query)| Once::of_shown(&query.made?));
    let shown = async {
        let link = match made {
            Some(once) => link_of(&services, &visitor, &once).await?,
            None => None,
        };
        Ok(uncached(show_invitations(&services, &visitor, link, None).await?))
    };
    answer(&visitor, shown.await, INVITATIONS)
}

/// The link of an invitation that the visitor has made and that waits for somebody.
async fn link_of(services: &Services, visitor: &Visitor, once: &Once) -> Result<Option<String>, Problem> {
    let secret = once.invitation(services);
    let found = services.people.invitation(token_hash(&secret), services.clock.now()).await?;
    let own = found.filter(|found| found.purpose == Purpose::Join && found.by == visitor.signed_in.person());
    Ok(own.map(|_| format!("{}/join/{secret}", services.settings.base_url())))
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
    let once = Once::new(services);
    let invitation = Invitation {
        hash: token_hash(&once.invitation(services)),
        purpose: Purpose::Join,
        by: visitor.signed_in.person(),
        created: now,
        expires: Time(now.0.saturating_add(INVITATION_MS)),
    };
    services.people.invite(invitation).await?;
    Ok(Redirect::to(&format!("{INVITATIONS}?made={}", once.shown())).into_response())
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
