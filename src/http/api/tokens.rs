//! Tokens, for who holds the scope `admin`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hustings_core::{Kind, Text, UnitNumber, UnitsMark};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::http::auth::Caller;
use crate::http::body::{self, VOTE_MAX};
use crate::http::described::Looked;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::{Services, Shared};
use crate::keys::{new_token, token_hash};
use crate::ledger::{ElectionKey, NewToken, Scope, Scopes, Token, TokenId};

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTokenBody {
    /// What people call it.
    name: String,
    /// Some of admin, manage, vote, report, results, metrics.
    #[schema(example = json!(["vote"]))]
    scopes: Vec<String>,
    /// Requests a minute; 0 means no limit (default: 600, and no limit with the scope vote or report).
    per_minute: Option<u32>,
    /// The only election that it is for, by id, code or slug; with the scopes manage, report and results.
    election: Option<String>,
    /// The code of the unit of that election that it reports for, with all below; with the scope report only.
    unit: Option<String>,
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
    /// The id of the only election that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    election: Option<String>,
    /// The code of the unit that it is for, with all below.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
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
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    Caller::of(&services, &headers).await?.require(Scope::Admin)?;
    let asked: NewTokenBody = body::read(body, VOTE_MAX).await?;
    let name = Text::parse(&asked.name).map_err(|error| Problem::text("/name", error))?;
    let scopes: Scopes =
        asked.scopes.join(",").parse().map_err(|what: String| Problem::invalid("unknown_scope", "/scopes", what))?;
    let (election, unit) = bound(&services, &asked, &scopes).await?;
    let token = new_token(services.random.as_ref());
    let new = NewToken {
        name: name.into(),
        hash: token_hash(&token),
        per_minute: NewToken::per_minute(&scopes, asked.per_minute),
        scopes,
        created: services.clock.now(),
        election,
        unit,
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
    let mut tokens = Vec::new();
    for token in services.registry.tokens().await? {
        tokens.push(shown(&services, token).await?);
    }
    Ok(Json(tokens))
}

/// Revokes a token for ever.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "tokens",
    params(("token" = i64, Path, description = "the token's id")),
    responses((status = 204), (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn revoke(
    State(services): State<Shared>,
    Name(token): Name,
    _: NoQuery,
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

/// The election and the unit that a token is to be for.
async fn bound(
    services: &Services,
    asked: &NewTokenBody,
    scopes: &Scopes,
) -> Result<(Option<ElectionKey>, Option<UnitNumber>), Problem> {
    let Some(election) = &asked.election else {
        return match asked.unit {
            Some(_) => Err(Problem::invalid("missing_election", "/unit", "name the election that the unit is in")),
            None => Ok((None, None)),
        };
    };
    scopes.allow_bound(asked.unit.is_some()).map_err(|what| Problem::invalid("wrong_scope", "/scopes", what))?;
    let unknown = || Problem::invalid("unknown_election", "/election", "there is no such election of boxes");
    let found = services.elections.find(election).await?.filter(|found| found.election.kind == Kind::Election);
    let found = found.ok_or_else(unknown)?;
    let Some(unit) = &asked.unit else { return Ok((Some(found.key), None)) };
    let unknown = || Problem::invalid("unknown_unit", "/unit", "there is no unit with this code in that election");
    let unit = services.reports.units(found.key, None).await?.find(unit).ok_or_else(unknown)?;
    Ok((Some(found.key), Some(unit)))
}

async fn shown(services: &Services, token: Token) -> Result<TokenBody, Problem> {
    let election = match token.election {
        Some(key) => services.elections.with_contests(key, 0).await?,
        None => None,
    };
    let unit = match (&election, token.unit) {
        (Some(found), Some(unit)) => {
            // A tree that is kept is enough, if it has got so far.
            let kept = services.reports.units(found.key, Some(UnitsMark::default())).await?;
            let units = if kept.get(unit).is_some() { kept } else { services.reports.units(found.key, None).await? };
            units.get(unit).map(|unit| unit.code.to_string())
        }
        _ => None,
    };
    Ok(TokenBody {
        id: token.id.0,
        name: token.name,
        scopes: token.scopes.0.iter().map(|scope| scope.name()).collect(),
        per_minute: token.per_minute,
        election: election.map(|found| found.election.id.to_string()),
        unit,
        created: rfc3339(token.created),
        last_used: token.used.map(rfc3339),
        revoked: token.revoked.map(rfc3339),
    })
}
