//! Access codes of a poll: made, counted, revoked. Shown once, and kept as keyed hashes only.
//!
//! Invariant: an answer that holds codes is cached nowhere and written into no log.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hustings_core::election::Viewer;
use hustings_core::{Access, AccessCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{find_now, unknown};
use crate::export::spreadsheet_cell;
use crate::http::auth::Caller;
use crate::http::body::{self, VOTE_MAX};
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::http::{Services, Shared};
use crate::ledger::{CodeNumber, Elector, KeptCode, LedgerError, NewCode, Registered, Scope};

/// The most access codes of one request.
pub(super) const CODES_AT_ONCE: usize = 50_000;

/// How often codes are drawn. A second collision in a row means something else is wrong: of 31^10 codes 200,000 at most are taken.
const DRAWS_MAX: usize = 8;

/// How many access codes are to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodesBody {
    /// 1 to 50,000.
    #[schema(example = 120)]
    count: usize,
}

/// Access codes, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeCodes {
    pub(super) codes: Vec<MadeCode>,
}

/// An access code, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct MadeCode {
    /// Its number, to revoke it by.
    pub(in crate::http) number: u32,
    /// Whose it is, in a roster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) email: Option<String>,
    /// Keep it: it cannot be shown again.
    #[schema(example = "ABCDE-FGHJK")]
    pub(in crate::http) code: String,
    /// The voter's page with the code, for a QR code.
    pub(in crate::http) link: String,
}

/// How many access codes there are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CodesShown {
    /// All that were made.
    made: u32,
    /// Those of them that were revoked.
    revoked: u32,
    /// Voters whose ballot counts in the current round; absent while results are hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    voted: Option<u64>,
}

/// An access code that was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevokedCode {
    number: u32,
    status: &'static str,
    /// What that means.
    detail: &'static str,
}

/// Makes access codes. They are shown in this answer and never again; with `Accept: text/csv` as a CSV file.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/codes", tag = "access", request_body = CodesBody,
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, content((MadeCodes = "application/json"), (String = "text/csv"))),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn create(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let found = managed(&services, &poll, &headers).await?;
    require_access(&found, Access::Codes)?;
    let CodesBody { count } = body::read(body, VOTE_MAX).await?;
    answer(&make_codes(&services, &found, count).await?, wants_csv(&headers, false))
}

/// Makes so many access codes for whoever gets them.
pub(in crate::http) async fn make_codes(
    services: &Services,
    found: &Registered,
    count: usize,
) -> Result<Vec<MadeCode>, Problem> {
    require_access(found, Access::Codes)?;
    if !(1..=CODES_AT_ONCE).contains(&count) {
        return Err(Problem::invalid("invalid_count", "/count", format!("`count` goes from 1 to {CODES_AT_ONCE}")));
    }
    make(services, found, vec![None; count], None).await?.ok_or_else(unknown)
}

/// How many access codes were made and revoked, and how many voted where that may be shown.
#[utoipa::path(get, path = "/api/v1/polls/{poll}/codes", tag = "access",
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = CodesShown), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn count(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
) -> Result<Json<CodesShown>, Problem> {
    let found = managed(&services, &poll, &headers).await?;
    let counted = services.electorate.count_codes(found.election.id).await?;
    let frame = services.feed.latest(found.key, Viewer::Public).await?;
    let voted = frame.and_then(|frame| frame.poll().and_then(|results| results.ballots));
    Ok(Json(CodesShown { made: counted.made, revoked: counted.revoked, voted }))
}

/// Revokes an access code for ever. A vote that was counted with it stays.
#[utoipa::path(delete, path = "/api/v1/polls/{poll}/codes/{number}", tag = "access",
    params(("poll" = String, Path, description = "id, code or slug"), ("number" = u32, Path, description = "its number")),
    responses((status = 200, body = RevokedCode), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn revoke(
    State(services): State<Shared>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
) -> Result<Json<RevokedCode>, Problem> {
    let Path((poll, number)) = path.unwrap_or_else(|_| Path(Default::default()));
    let found = managed(&services, &poll, &headers).await?;
    let number = revoke_code(&services, &found, &number).await?;
    let detail = "nobody can vote with it any more; a vote that was counted with it stays";
    Ok(Json(RevokedCode { number: number.0, status: "revoked", detail }))
}

/// Revokes the access code of this number for ever; one that is revoked already is as it was wanted.
pub(in crate::http) async fn revoke_code(
    services: &Services,
    found: &Registered,
    number: &str,
) -> Result<CodeNumber, Problem> {
    let number = kept_code(services, found, number).await?.number;
    services.electorate.revoke_code(found.election.id, number, services.clock.now()).await?;
    Ok(number)
}

/// Puts another access code into the place of one that was lost. The new one is shown in this answer and never again, the old one
/// is good for nothing any more, and both are one voter: a vote that was counted with the old one stays, and counts once.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/codes/{number}/replace", tag = "access",
    params(("poll" = String, Path, description = "id, code or slug"), ("number" = u32, Path, description = "its number")),
    responses((status = 201, content((MadeCodes = "application/json"), (String = "text/csv"))),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    security(("token" = [])))]
pub(super) async fn replace(
    State(services): State<Shared>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path((poll, number)) = path.unwrap_or_else(|_| Path(Default::default()));
    let found = managed(&services, &poll, &headers).await?;
    answer(&[replace_code(&services, &found, &number).await?], wants_csv(&headers, false))
}

/// Draws another access code for the place of this number. What was revoked stays revoked.
pub(in crate::http) async fn replace_code(
    services: &Services,
    found: &Registered,
    number: &str,
) -> Result<MadeCode, Problem> {
    let kept = kept_code(services, found, number).await?;
    let revoked =
        || Problem::conflict("code_revoked", "this access code was revoked, for ever; nothing takes its place");
    let (id, now) = (found.election.id, services.clock.now());
    for _ in 0..DRAWS_MAX {
        let code = draw(services);
        let hash = services.keys.access_code(id, &code);
        match services.electorate.replace_code(id, kept.number, hash, now).await {
            Err(LedgerError::CodeTaken) => {}
            replaced => {
                let KeptCode { number, person, .. } = replaced?.ok_or_else(revoked)?;
                return Ok(MadeCode::of(services, found, number.0, &code, person.as_ref()));
            }
        }
    }
    Err(LedgerError::CodeTaken.into())
}

/// The place of this number.
async fn kept_code(services: &Services, found: &Registered, number: &str) -> Result<KeptCode, Problem> {
    let missing = || Problem::not_found("unknown_code_number", "this poll has no access code with this number");
    let number: u32 = number.parse().map_err(|_| missing())?;
    let before = number.checked_sub(1).map(CodeNumber).ok_or_else(missing)?;
    let kept = services.electorate.codes(found.election.id, Some(before), 1).await?;
    kept.into_iter().find(|kept| kept.number.0 == number).ok_or_else(missing)
}

/// A poll that the caller may run.
pub(super) async fn managed(services: &Services, poll: &str, headers: &HeaderMap) -> Result<Registered, Problem> {
    let caller = Caller::of(services, headers).await?;
    let found = find_now(services, poll).await?;
    caller.require_in(services, Scope::Manage, &found).await?;
    Ok(found)
}

pub(super) fn require_access(found: &Registered, access: Access) -> Result<(), Problem> {
    if found.election.access == access {
        return Ok(());
    }
    let detail = format!(
        "who may vote in this poll is `{}`; make it `{}` before it is opened",
        found.election.access.name(),
        access.name()
    );
    Err(Problem::conflict("other_access", detail))
}

/// Draws and keeps a code for each place; none where there are not just as many as expected, or where the poll is gone.
pub(super) async fn make(
    services: &Services,
    found: &Registered,
    persons: Vec<Option<Elector>>,
    expected: Option<u32>,
) -> Result<Option<Vec<MadeCode>>, Problem> {
    let (id, made) = (found.election.id, services.clock.now());
    for _ in 0..DRAWS_MAX {
        let drawn: Vec<AccessCode> = persons.iter().map(|_| draw(services)).collect();
        let new = drawn.iter().zip(&persons).map(|(code, person)| NewCode {
            hash: services.keys.access_code(id, code),
            person: person.clone(),
            made,
        });
        let first = match services.electorate.make_codes(id, new.collect(), expected).await {
            Err(LedgerError::CodeTaken) => continue,
            other => other?,
        };
        let Some(first) = first else { return Ok(None) };
        let shown = (first.0..).zip(drawn).zip(&persons);
        let shown = shown.map(|((number, code), person)| MadeCode::of(services, found, number, &code, person.as_ref()));
        return Ok(Some(shown.collect()));
    }
    Err(LedgerError::CodeTaken.into())
}

impl MadeCode {
    fn of(services: &Services, found: &Registered, number: u32, code: &AccessCode, person: Option<&Elector>) -> Self {
        Self {
            number,
            link: format!("{}/{}/c/{code}", services.settings.base_url(), found.election.code),
            code: code.to_string(),
            name: person.map(|person| person.name.to_string()),
            email: person.and_then(|person| Some(person.email.as_ref()?.to_string())),
        }
    }
}

fn draw(services: &Services) -> AccessCode {
    let mut bytes = [0; 4 * AccessCode::LENGTH];
    services.random.fill(&mut bytes);
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    AccessCode::from_random(std::array::from_fn(|at| number(4 * at)))
}

/// Whether who asks wants a CSV file.
pub(super) fn wants_csv(headers: &HeaderMap, otherwise: bool) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match (accept.contains("text/csv"), accept.contains("application/json")) {
        (true, _) => true,
        (false, true) => false,
        (false, false) => otherwise,
    }
}

/// Codes as JSON or as a CSV file, and never in a cache.
pub(super) fn answer(made: &[MadeCode], csv: bool) -> Result<Response, Problem> {
    let uncached = (header::CACHE_CONTROL, "no-store");
    if !csv {
        let codes = serde_json::json!({ "codes": made });
        return Ok((StatusCode::CREATED, [uncached], Json(codes)).into_response());
    }
    let table = codes_table(made)?;
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), uncached];
    Ok((StatusCode::CREATED, headers, table).into_response())
}

/// Codes as a CSV file whose cells are only text, also to a spreadsheet.
pub(in crate::http) fn codes_table(made: &[MadeCode]) -> Result<Vec<u8>, Problem> {
    table(made).map_err(|_| Problem::unavailable("stopping", "please try again"))
}

fn table(made: &[MadeCode]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let named = made.iter().any(|one| one.name.is_some());
    let heads: &[&str] = if named { &["name", "email", "code", "link"] } else { &["number", "code", "link"] };
    writer.write_record(heads)?;
    for MadeCode { number, name, email, code, link } in made {
        if named {
            let cell = |text: &Option<String>| spreadsheet_cell(text.as_deref().unwrap_or_default());
            writer.write_record([&cell(name), &cell(email), code, link])?;
        } else {
            writer.write_record([&number.to_string(), code, link])?;
        }
    }
    Ok(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
}
