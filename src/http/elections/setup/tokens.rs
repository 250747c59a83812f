//! Tokens of those who report for one election: many at once, each for a unit and all below it.

use std::io::Read;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hustings_core::{Text, Units};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::find;
use super::units_sent::short;
use crate::clock::rfc3339;
use crate::http::auth::Caller;
use crate::http::body;
use crate::http::described::Looked;
use crate::http::error::Problem;
use crate::http::import::{Faults, Line, Place, Table, is_csv};
use crate::http::name::{Name, NoQuery};
use crate::http::{Services, Shared};
use crate::keys::{new_token, token_hash};
use crate::ledger::{NewToken, Registered, Scope, Scopes, Token};

/// The most tokens of one request.
const TOKENS_MAX: usize = 10_000;
/// The largest body that asks for them.
const BODY_MAX: usize = 4 * 1024 * 1024;

/// Tokens to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokensBody {
    /// At most 10,000.
    tokens: Vec<TokenBody>,
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ElectionTokenBody)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    /// What people call it.
    name: String,
    /// The code of the unit that it reports for, with all below (default: the whole election).
    unit: Option<String>,
}

/// Tokens, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeTokens {
    tokens: Vec<MadeToken>,
}

/// A token, shown once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MadeElectionToken)]
struct MadeToken {
    id: i64,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// Keep it: it cannot be shown again.
    token: String,
}

/// Tokens of an election.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenList {
    tokens: Vec<TokenShown>,
}

/// A token as lists show it.
#[derive(Debug, Serialize, ToSchema)]
struct TokenShown {
    id: i64,
    name: String,
    scopes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

struct Sent {
    tokens: Vec<(Place, TokenBody)>,
    faults: Faults,
    /// What stands between the columns of the table that they came in; a comma where they came otherwise.
    separator: u8,
}

/// Makes tokens with the scope report, for this election only, all or none. They are shown in this answer and never again.
#[utoipa::path(post, path = "/api/v1/elections/{election}/tokens", tag = "elections",
    params(("election" = String, Path, description = "id, code or slug")),
    request_body(content((TokensBody = "application/json"), (String = "text/csv")), description = "a CSV file has the \
        columns name,unit, and is answered as one"),
    responses((status = 201, content((MadeTokens = "application/json"), (String = "text/csv"))),
        (status = 408, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn create(
    State(services): State<Shared>,
    Name(election): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let found = find(&services, &election).await?;
    caller.require_in(&services, Scope::Manage, &found).await?;
    let read = if is_csv(&headers) { csv } else { json };
    let sent = body::parse_aside(body, BODY_MAX, read).await??;
    let units = services.reports.units(found.key, None).await?;
    let separator = sent.separator;
    let made = make(&services, &found, &units, sent).await?;
    let uncached = (header::CACHE_CONTROL, "no-store");
    if is_csv(&headers) {
        let table = table(&made, separator).map_err(|_| Problem::unavailable("stopping", "please try again"))?;
        return Ok(
            (StatusCode::CREATED, [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), uncached], table).into_response()
        );
    }
    Ok((StatusCode::CREATED, [uncached], Json(MadeTokens { tokens: made })).into_response())
}

/// Lists the tokens that are for this election only, revoked ones too; never the tokens themselves.
#[utoipa::path(get, path = "/api/v1/elections/{election}/tokens", tag = "elections",
    params(("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = TokenList), Looked),
    security(("token" = [])))]
pub(super) async fn list(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
) -> Result<Json<TokenList>, Problem> {
    let caller = Caller::of(&services, &headers).await?;
    let found = find(&services, &election).await?;
    caller.require_in(&services, Scope::Manage, &found).await?;
    let units = services.reports.units(found.key, None).await?;
    let tokens = services.registry.tokens().await?;
    let tokens = tokens.into_iter().filter(|token| token.election == Some(found.key));
    Ok(Json(TokenList { tokens: tokens.map(|token| shown(token, &units)).collect() }))
}

fn json(reader: &mut dyn Read) -> Result<Sent, Problem> {
    let TokensBody { tokens } = body::parse(&body::whole(reader)?)?;
    let place = |at| Place::Item("/tokens".to_owned(), at);
    let tokens = tokens.into_iter().enumerate().map(|(at, token)| (place(at), token)).collect();
    Ok(Sent { tokens, faults: Faults::new("invalid_tokens"), separator: b',' })
}

fn csv(reader: &mut dyn Read) -> Result<Sent, Problem> {
    let mut table = Table::open(reader, ["name", "unit"], 1)?;
    let separator = table.separator();
    let mut sent = Sent { tokens: Vec::new(), faults: Faults::new("invalid_tokens"), separator };
    while let Some(Line { number, fields: [name, unit] }) = table.next(&mut sent.faults)? {
        let unit = Some(unit.to_owned()).filter(|unit| !unit.is_empty());
        sent.tokens.push((Place::Line(number), TokenBody { name: name.to_owned(), unit }));
    }
    Ok(sent)
}

async fn make(services: &Services, found: &Registered, units: &Units, sent: Sent) -> Result<Vec<MadeToken>, Problem> {
    let Sent { tokens, mut faults, .. } = sent;
    if tokens.len() > TOKENS_MAX {
        let detail = format!("one request can make at most {TOKENS_MAX} tokens; send the others in another one");
        return Err(Problem::invalid("too_many_tokens", "/tokens", detail));
    }
    let created = services.clock.now();
    let (mut new, mut made) = (Vec::with_capacity(tokens.len()), Vec::with_capacity(tokens.len()));
    for (place, TokenBody { name, unit }) in tokens {
        let name = Text::parse(&name);
        let number = unit.as_deref().map(|unit| units.find(unit).ok_or(unit));
        if let Err(error) = &name {
            faults.push(place.clone(), "name", error.code(), format!("the name {error}"));
        }
        if let Some(Err(unit)) = number {
            faults.push(place, "unit", "unknown_unit", format!("there is no unit `{}`", short(unit)));
        }
        let (Ok(name), Ok(number)) = (name, number.transpose()) else { continue };
        let token = new_token(services.random.as_ref());
        new.push(NewToken {
            name: name.to_string(),
            hash: token_hash(&token),
            scopes: Scopes(vec![Scope::Report]),
            per_minute: None,
            created,
            election: Some(found.key),
            unit: number,
        });
        made.push(MadeToken { id: 0, name: name.into(), unit, token });
    }
    faults.check()?;
    let numbers = if new.is_empty() { Vec::new() } else { services.registry.create_tokens(new).await? };
    for (made, number) in made.iter_mut().zip(numbers) {
        made.id = number.0;
    }
    Ok(made)
}

fn table(made: &[MadeToken], separator: u8) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    writer.write_record(["id", "name", "unit", "token"])?;
    for MadeToken { id, name, unit, token } in made {
        writer.write_record([&id.to_string(), name, unit.as_deref().unwrap_or_default(), token])?;
    }
    Ok(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

fn shown(token: Token, units: &Units) -> TokenShown {
    let unit = token.unit.and_then(|unit| units.get(unit));
    TokenShown {
        id: token.id.0,
        name: token.name,
        scopes: token.scopes.0.iter().map(|scope| scope.name()).collect(),
        unit: unit.map(|unit| unit.code.to_string()),
        created: rfc3339(token.created),
        last_used: token.used.map(rfc3339),
        revoked: token.revoked.map(rfc3339),
    }
}
