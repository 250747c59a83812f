//! Access codes of a poll: made, counted, revoked. Shown to who made them, and kept as keyed hashes only.
//!
//! Invariant: an answer that holds codes is cached nowhere and written into no log.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hustings_core::election::Viewer;
use hustings_core::{Access, AccessCode, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::making::{DRAWS_MAX, make, make_once};
use super::{find_now, unknown};
use crate::export::spreadsheet_cell;
use crate::http::auth::{Asker, Caller};
use crate::http::body::{self, VOTE_MAX};
use crate::http::described::{Acted, Looked};
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::once::Once;
use crate::http::{Services, Shared};
use crate::ledger::{CodeNumber, Elector, KeptCode, LedgerError, Registered, Scope};

/// The most access codes of one request.
pub(super) const CODES_AT_ONCE: usize = 50_000;

/// How many access codes are to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodesBody {
    /// 1 to 50,000.
    #[schema(example = 120)]
    count: usize,
    /// Your own name for this request (a random UUID); send the same again, with the same token or signed in as the same person,
    /// when you retry, and the answer has the same codes.
    id: Option<Uuid>,
}

/// Another access code for a place, also of a revoked one; the whole body may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaceBody {
    /// The `mark` of the code that is to be replaced, from where it was made or from the roster. Where another code has taken its
    /// place since, nothing is done (409 `code_replaced`). Without it, a retry that comes late takes that newer code away.
    pub(super) before: Option<String>,
    /// Your own name for this request (a random UUID); send the same again, with the same token or signed in as the same person,
    /// when you retry, and the answer has the same code.
    pub(super) id: Option<Uuid>,
}

/// Access codes, shown to who made them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeCodes<'a> {
    codes: &'a [MadeCode],
    /// How many codes of a repeated request were revoked or replaced since, and are left out; absent where none.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<usize>,
}

/// The codes of a request.
pub(in crate::http) struct Made {
    /// The name of the request, by which they are found once more.
    pub(in crate::http) name: String,
    /// The place where another code was put, if that is what it did.
    pub(in crate::http) replaced: Option<CodeNumber>,
    /// Those that are good.
    pub(in crate::http) codes: Vec<MadeCode>,
    /// How many of them were revoked or replaced since.
    pub(in crate::http) gone: usize,
    /// Whether the same request came before, so that nothing was made now.
    pub(in crate::http) is_again: bool,
}

/// An access code, shown to who made it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct MadeCode {
    /// Its number, to revoke it by.
    pub(in crate::http) number: u32,
    /// Whose it is, in a roster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) email: Option<String>,
    /// What the code is called where it is to be replaced; it tells nothing of the code.
    pub(in crate::http) mark: String,
    /// Keep it: nothing else shows it.
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

/// Makes access codes. They are shown in this answer and, with an `id`, in that to the same request (200); with `Accept: text/csv`
/// as a CSV file.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/codes", tag = "access", request_body = CodesBody,
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 201, content((MadeCodes = "application/json"), (String = "text/csv"))),
        (status = 200, content((MadeCodes = "application/json"), (String = "text/csv"))), Acted),
    security(("token" = [])))]
pub(super) async fn create(
    State(services): State<Shared>,
    Name(poll): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (found, by) = managed(&services, &poll, &headers).await?;
    require_access(&found, Access::Codes)?;
    let CodesBody { count, id } = body::read(body, VOTE_MAX).await?;
    answer(
        &make_codes(&services, &found, &Once::of_client(&services, id, by), count).await?,
        wants_csv(&headers, false),
    )
}

/// Makes so many access codes for whoever gets them.
pub(in crate::http) async fn make_codes(
    services: &Services,
    found: &Registered,
    once: &Once,
    count: usize,
) -> Result<Made, Problem> {
    require_access(found, Access::Codes)?;
    if !(1..=CODES_AT_ONCE).contains(&count) {
        return Err(Problem::invalid("invalid_count", "/count", format!("`count` goes from 1 to {CODES_AT_ONCE}")));
    }
    let persons = vec![None; count];
    if once.may_repeat() {
        return make_once(services, found, once, &persons, |_| Ok(())).await;
    }
    make(services, found, once, &persons, None).await?.ok_or_else(unknown)
}

/// How many access codes were made and revoked, and how many voted where that may be shown.
#[utoipa::path(get, path = "/api/v1/polls/{poll}/codes", tag = "access",
    params(("poll" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = CodesShown), Looked),
    security(("token" = [])))]
pub(super) async fn count(
    State(services): State<Shared>,
    Name(poll): Name,
    headers: HeaderMap,
) -> Result<Json<CodesShown>, Problem> {
    let (found, _) = managed(&services, &poll, &headers).await?;
    let counted = services.electorate.count_codes(found.election.id).await?;
    let frame = services.feed.latest(found.key, Viewer::Public).await?;
    let voted = frame.and_then(|frame| frame.poll().and_then(|results| results.ballots));
    Ok(Json(CodesShown { made: counted.made, revoked: counted.revoked, voted }))
}

/// Revokes an access code for ever. A vote that was counted with it stays.
#[utoipa::path(delete, path = "/api/v1/polls/{poll}/codes/{number}", tag = "access",
    params(("poll" = String, Path, description = "id, code or slug"), ("number" = u32, Path, description = "its number")),
    responses((status = 200, body = RevokedCode), (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn revoke(
    State(services): State<Shared>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Json<RevokedCode>, Problem> {
    let Path((poll, number)) = path.unwrap_or_else(|_| Path(Default::default()));
    let (found, _) = managed(&services, &poll, &headers).await?;
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

/// Puts another access code into the place of one that was lost. The new one is shown in this answer and, with an `id`, in that to
/// the same request (200), as long as no other took its place; send `before` as well, or a retry that comes later than that takes
/// the newer code away. The old one is good for nothing any more, and both are one voter: a vote that was counted with the old one
/// stays, and counts once.
#[utoipa::path(post, path = "/api/v1/polls/{poll}/codes/{number}/replace", tag = "access",
    request_body(content = Option<ReplaceBody>),
    params(("poll" = String, Path, description = "id, code or slug"), ("number" = u32, Path, description = "its number")),
    responses((status = 201, content((MadeCodes = "application/json"), (String = "text/csv"))),
        (status = 200, content((MadeCodes = "application/json"), (String = "text/csv"))), Acted),
    security(("token" = [])))]
pub(super) async fn replace(
    State(services): State<Shared>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path((poll, number)) = path.unwrap_or_else(|_| Path(Default::default()));
    let (found, by) = managed(&services, &poll, &headers).await?;
    let ReplaceBody { before, id } = body::read_or_default(body, VOTE_MAX).await?;
    let once = Once::of_client(&services, id, by);
    answer(&replace_code(&services, &found, &once, &number, before.as_deref()).await?, wants_csv(&headers, false))
}

/// Puts another access code into the place of this number; with a mark, only of the code that has this mark. What was revoked stays
/// revoked, and what was replaced stays dead: a code is derived from its time as well, so a request that comes late makes another.
pub(in crate::http) async fn replace_code(
    services: &Services,
    found: &Registered,
    once: &Once,
    number: &str,
    mark: Option<&str>,
) -> Result<Made, Problem> {
    renew(services, found, once, number, mark, Renewal::Replaces).await
}

/// What another access code is put into a place for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Renewal {
    /// The one before was lost.
    Replaces,
    /// The one before was revoked, and the person may vote again. A request that comes late, when its own code was revoked as
    /// well, lists nobody again.
    Relists,
}

/// Puts another access code into a place; with a mark, only of the code that has this mark.
pub(super) async fn renew(
    services: &Services,
    found: &Registered,
    once: &Once,
    number: &str,
    mark: Option<&str>,
    renewal: Renewal,
) -> Result<Made, Problem> {
    let (id, electorate) = (found.election.id, &services.electorate);
    let refused = |code, detail| Err(Problem::conflict(code, detail));
    for draw in 0..DRAWS_MAX {
        let (kept, now) = (kept_code(services, found, number).await?, services.clock.now());
        let at = match (renewal, kept.revoked, code_of(services, found, once, &kept)) {
            (Renewal::Replaces, Some(_), _) => {
                let detail = "this access code was revoked, for ever; a person of a roster can be listed again";
                return refused("code_revoked", detail);
            }
            (_, None, Some(made)) => return Ok(made),
            (Renewal::Replaces, None, None) => now,
            (Renewal::Relists, None, None) => {
                let detail = "the access code of this person is good; put another one into its place if it was lost";
                return refused("not_revoked", detail);
            }
            (Renewal::Relists, Some(_), Some(_)) => {
                let detail =
                    "the access code of this request was revoked since; list the person again in a new request";
                return refused("code_revoked", detail);
            }
            // Later than all that has happened to this place, whatever the clock of another node said, so that copies know the order.
            (Renewal::Relists, Some(revoked), None) => Time(now.0.max(revoked.0 + 1).max(kept.made.0 + 1)),
        };
        if mark.is_some_and(|mark| mark != services.keys.code_mark(id, kept.hash)) {
            return refused("code_replaced", "another access code has taken the place of this one since");
        }
        let code = replacement(services, found, once, kept.number, draw, at);
        let hash = services.keys.access_code(id, &code);
        let put = match renewal {
            Renewal::Replaces => electorate.replace_code(id, kept.number, kept.hash, hash, at).await,
            Renewal::Relists => electorate.relist_code(id, kept.number, kept.hash, hash, at).await,
        };
        match put {
            // The code stands elsewhere, or somebody was faster: what is there now decides.
            Err(LedgerError::CodeTaken) | Ok(None) => {}
            Ok(Some(kept)) => return Ok(Made::alone(services, found, once, &kept, &code)),
            Err(error) => return Err(error.into()),
        }
    }
    Err(LedgerError::CodeTaken.into())
}

/// The code that a request of this name has put into a place, as long as it is there; none where it is gone, or never was.
pub(in crate::http) async fn replaced_by(
    services: &Services,
    found: &Registered,
    once: &Once,
    number: &str,
) -> Result<Option<Made>, Problem> {
    let kept = kept_code(services, found, number).await?;
    Ok(code_of(services, found, once, &kept).filter(|_| kept.revoked.is_none()))
}

/// The code of a place, if a request of this name has put it there.
fn code_of(services: &Services, found: &Registered, once: &Once, kept: &KeptCode) -> Option<Made> {
    let draws = if once.may_repeat() { 0..DRAWS_MAX } else { 0..0 };
    let mut ours = draws.map(|draw| replacement(services, found, once, kept.number, draw, kept.made));
    let code = ours.find(|code| services.keys.access_code(found.election.id, code) == kept.hash)?;
    Some(Made { is_again: true, ..Made::alone(services, found, once, kept, &code) })
}

/// The code that a request puts into a place at a time.
fn replacement(
    services: &Services,
    found: &Registered,
    once: &Once,
    number: CodeNumber,
    draw: u64,
    at: Time,
) -> AccessCode {
    once.code(services, found.election.id, "replacement", &[number.0.into(), draw, at.0])
}

/// The place of this number.
async fn kept_code(services: &Services, found: &Registered, number: &str) -> Result<KeptCode, Problem> {
    let missing = || Problem::not_found("unknown_code_number", "this poll has no access code with this number");
    let number: u32 = number.parse().map_err(|_| missing())?;
    let before = number.checked_sub(1).map(CodeNumber).ok_or_else(missing)?;
    let kept = services.electorate.codes(found.election.id, Some(before), 1).await?;
    kept.into_iter().find(|kept| kept.number.0 == number).ok_or_else(missing)
}

/// A poll that the caller may run, and who that is.
pub(super) async fn managed(
    services: &Services,
    poll: &str,
    headers: &HeaderMap,
) -> Result<(Registered, Asker), Problem> {
    let caller = Caller::of(services, headers).await?;
    let found = find_now(services, poll).await?;
    let by = caller.require_in(services, Scope::Manage, &found).await?.asker;
    Ok((found, by))
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

impl MadeCode {
    pub(super) fn of(
        services: &Services,
        found: &Registered,
        number: u32,
        code: &AccessCode,
        person: Option<&Elector>,
    ) -> Self {
        Self {
            number,
            mark: services.keys.code_mark(found.election.id, services.keys.access_code(found.election.id, code)),
            link: format!("{}/{}/c/{code}", services.settings.base_url(), found.election.code),
            code: code.to_string(),
            name: person.map(|person| person.name.to_string()),
            email: person.and_then(|person| Some(person.email.as_ref()?.to_string())),
        }
    }
}

impl Made {
    /// Nothing yet, by a request of this name.
    pub(super) fn of(once: &Once) -> Self {
        Self { name: once.shown(), replaced: None, codes: Vec::new(), gone: 0, is_again: false }
    }

    /// The code that a request has put into a place.
    fn alone(services: &Services, found: &Registered, once: &Once, kept: &KeptCode, code: &AccessCode) -> Self {
        let shown = MadeCode::of(services, found, kept.number.0, code, kept.person.as_ref());
        Self { replaced: Some(kept.number), codes: vec![shown], ..Self::of(once) }
    }
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
pub(super) fn answer(made: &Made, csv: bool) -> Result<Response, Problem> {
    let status = if made.is_again { StatusCode::OK } else { StatusCode::CREATED };
    let uncached = (header::CACHE_CONTROL, "no-store");
    if !csv {
        let gone = Some(made.gone).filter(|gone| *gone > 0);
        return Ok((status, [uncached], Json(MadeCodes { codes: &made.codes, gone })).into_response());
    }
    let table = codes_table(&made.codes)?;
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), uncached];
    Ok((status, headers, table).into_response())
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
    for MadeCode { number, name, email, code, link, .. } in made {
        if named {
            let cell = |text: &Option<String>| spreadsheet_cell(text.as_deref().unwrap_or_default());
            writer.write_record([&cell(name), &cell(email), code, link])?;
        } else {
            writer.write_record([&number.to_string(), code, link])?;
        }
    }
    Ok(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
}
