//! Tokens, for who holds the scope `admin`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hustings_core::Text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::http::Shared;
use crate::http::auth::Caller;
use crate::http::body::{self, VOTE_MAX};
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::keys::{new_token, token_hash};
use crate::ledger::{NewToken, Scope, Scopes, Token, TokenId};

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTokenBody {
    /// What people call it.
    name: String,
    /// Some of admin, manage, vote, results, metrics.
    #[schema(example = json!(["vote"]))]
    scopes: Vec<String>,
    /// Requests a minute; 0 means no limit (default: 600, and no limit with the scope vote).
    per_minute: Option<u32>,
}

/// A token, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeToken {
    id: i64,
    /// Keep it: it cannot be shown again.
    token: String,
}

/// A token as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenBody {
    id: i64,
    name: String,
    scopes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_minute: Option<u32>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

/// Makes a token. It is shown in this answer and never again.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewTokenBody,
    responses((status = 201, body = MadeToken), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 408, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn create(
    State(services): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    Caller::of(&services, &headers).await?.require(Scope::Admin)?;
    let asked: NewTokenBody = body::read(body, VOTE_MAX).await?;
    let name = Text::parse(&asked.name).map_err(|error| Problem::text("/name", error))?;
    let scopes: Scopes =
        asked.scopes.join(",").parse().map_err(|what: String| Problem::invalid("unknown_scope", "/scopes", what))?;
    let token = new_token(services.random.as_ref());
    let new = NewToken {
        name: name.into(),
        hash: token_hash(&token),
        per_minute: NewToken::per_minute(&scopes, asked.per_minute),
        scopes,
        created: services.clock.now(),
        election: None,
        unit: None,
    };
    let id = services.registry.create_token(new).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { id: id.0, token })))
}

/// Lists all tokens, revoked ones too; never the tokens themselves.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens",
    responses((status = 200, body = Vec<TokenBody>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn list(State(services): State<Shared>, headers: HeaderMap) -> Result<Json<Vec<TokenBody>>, Problem> {
    Caller::of(&services, &headers).await?.require(Scope::Admin)?;
    Ok(Json(services.registry.tokens().await?.into_iter().map(shown).collect()))
}

/// Revokes a token for ever.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "tokens",
    params(("token" = i64, Path, description = "the token's id")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn revoke(
    State(services): State<Shared>,
    Name(token): Name,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    Caller::of(&services, &headers).await?.require(Scope::Admin)?;
    let unknown = || Problem::not_found("unknown_token", "there is no such token, or it was revoked before");
    let id = token.parse().map(TokenId).map_err(|_| unknown())?;
    if !services.registry.revoke_token(id, services.clock.now()).await? {
        return Err(unknown());
    }
    services.callers.forget_tokens();
    Ok(StatusCode::NO_CONTENT)
}

fn shown(token: Token) -> TokenBody {
    TokenBody {
        id: token.id.0,
        name: token.name,
        scopes: token.scopes.0.iter().map(|scope| scope.name()).collect(),
        per_minute: token.per_minute,
        created: rfc3339(token.created),
        revoked: token.revoked.map(rfc3339),
    }
}
