//! The quarantine: reports that contradict one that is in the ledger, each kept until a person decides.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use hustings_core::{Content, Event, Report, Seq, Text};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::find;
use super::add::kept_units_of;
use super::boxes::{Figures, contest_code, figures};
use super::resolve::{Slip, resolve};
use super::sent::Sent;
use super::table::Columns;
use super::{Desk, names};
use crate::clock::rfc3339;
use crate::export::{hex, unhex};
use crate::http::api::{actor, invalid_query};
use crate::http::auth::Caller;
use crate::http::body;
use crate::http::described::Looked;
use crate::http::error::Problem;
use crate::http::name::Name;
use crate::http::receipt::Receipt;
use crate::http::{Services, Shared};
use crate::ledger::{Case, Digest, Registered, Scope, Stored};

/// The most cases of a page.
const PAGE_MAX: usize = 100;

/// Which cases.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct CasesQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// Only those that nobody has decided about (default: all).
    #[serde(default)]
    waiting: bool,
    /// At most so many, 1 to 100 (default 50).
    limit: Option<usize>,
}

/// A page of cases, in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CasesBody {
    cases: Vec<CaseBody>,
    /// The `after` of the next page, where there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A report that contradicts one that is in the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CaseBody {
    /// What it is known by: the same contradiction is one case, however often it was sent.
    case: String,
    #[serde(rename = "box")]
    ballot_box: String,
    contest: String,
    /// The number that both reports have.
    revision: u32,
    /// waiting, filed or dismissed.
    status: &'static str,
    /// What it says; nothing where it is a withdrawal.
    reported: Option<Figures>,
    /// The report that is in the ledger.
    existing: Option<ExistingBody>,
    /// Who sent it: the name of a token and its number.
    by: String,
    /// When it came (RFC 3339, UTC).
    time: String,
    /// The request, as it was sent.
    request: String,
    /// What a person has decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<DecidedBody>,
}

/// The report that a case contradicts.
#[derive(Debug, Serialize, ToSchema)]
struct ExistingBody {
    /// final, provisional or withdrawn.
    status: &'static str,
    #[serde(flatten)]
    figures: Option<Figures>,
    by: String,
    receipt: Receipt,
}

/// What a person has decided about a case.
#[derive(Debug, Serialize, ToSchema)]
struct DecidedBody {
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    time: String,
    /// The number that it was filed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    /// The receipt of what was filed.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

/// Reports that contradict others, page by page.
#[utoipa::path(get, path = "/api/v1/elections/{election}/quarantine", tag = "reports", params(CasesQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, body = CasesBody), (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn list(
    State(services): State<Shared>,
    Extension(desk): Extension<Arc<Desk>>,
    Name(election): Name,
    headers: HeaderMap,
    query: Result<Query<CasesQuery>, QueryRejection>,
) -> Result<Json<CasesBody>, Problem> {
    let (found, _) = judge(&services, &headers, &election).await?;
    let Query(query) = query.map_err(invalid_query)?;
    let wrong = || Problem::invalid("invalid_cursor", "/after", "`after` is the `next` of the page before");
    let after = query.after.map(|after| digest(&after).ok_or_else(wrong)).transpose()?;
    let limit = query.limit.unwrap_or(50).clamp(1, PAGE_MAX);
    let cases = services.reports.cases(found.key, after, query.waiting, limit).await?;
    let next = if cases.len() == limit { cases.last().map(|case| hex(&case.digest)) } else { None };
    let mut shown = Vec::with_capacity(cases.len());
    for case in cases {
        shown.push(show(&services, &desk, &found, case).await?);
    }
    Ok(Json(CasesBody { cases: shown, next }))
}

/// One case.
#[utoipa::path(get, path = "/api/v1/elections/{election}/quarantine/{case}", tag = "reports",
    params(("election" = String, Path, description = "id, code or slug"), ("case" = String, Path)),
    responses((status = 200, body = CaseBody), Looked),
    security(("token" = [])))]
pub(super) async fn get(
    State(services): State<Shared>,
    Extension(desk): Extension<Arc<Desk>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<CaseBody>, Problem> {
    let (election, named) = names(path);
    let (found, _) = judge(&services, &headers, &election).await?;
    let case = find_case(&services, &found, &named).await?;
    Ok(Json(show(&services, &desk, &found, case).await?))
}

/// Who may decide in an election, and what the record calls them.
pub(super) async fn judge(
    services: &Services,
    headers: &HeaderMap,
    election: &str,
) -> Result<(Registered, Text), Problem> {
    let caller = Caller::of(services, headers).await?;
    caller.require_known(Scope::Manage)?;
    let found = find(services, election).await?;
    let by = actor(&caller.require_in(services, Scope::Manage, &found).await?.name);
    Ok((found, by))
}

/// The case that an address names.
pub(super) async fn find_case(services: &Services, found: &Registered, named: &str) -> Result<Case, Problem> {
    let unknown = || Problem::not_found("unknown_case", "there is no such case in the quarantine of this election");
    let digest = digest(named).ok_or_else(unknown)?;
    services.reports.case(found.key, digest).await?.ok_or_else(unknown)
}

fn digest(named: &str) -> Option<Digest> {
    unhex(named)?.try_into().ok()
}

/// The report of a case, read again from its request.
pub(super) async fn reported(
    services: &Services,
    desk: &Desk,
    found: &Registered,
    case: &Case,
) -> Result<Report, Problem> {
    let book = desk.books.newest(services, found).await?;
    let mut sent = read(&case.request)?;
    // There may be more contests by now than the one that the sender did not have to name.
    let race = book.found.election.contests.get(case.contest.index()).and_then(|contest| contest.race.as_ref());
    sent.contest = sent.contest.or_else(|| race.map(|race| race.code.to_string()));
    let slip = Slip { sent, request: case.request.clone().into() };
    let units = kept_units_of(services, found).await?;
    resolve(&book, &units, &slip, &case.by).map_err(super::resolve::Unresolved::into_problem)
}

/// What a kept request says: JSON, or a line of a table below its header. Without votes it is a withdrawal.
fn read(request: &[u8]) -> Result<Sent, Problem> {
    let request = request.strip_prefix("\u{feff}".as_bytes()).unwrap_or(request);
    let is_json = request.trim_ascii_start().starts_with(b"{");
    let of_table = if is_json { None } else { Columns::parse_kept(request) };
    let mut sent: Sent = of_table.unwrap_or_else(|| body::parse(request))?;
    sent.withdrawn |= sent.votes.is_none();
    Ok(sent)
}

/// A case as it is shown.
pub(super) async fn show(
    services: &Services,
    desk: &Desk,
    found: &Registered,
    case: Case,
) -> Result<CaseBody, Problem> {
    let reported = reported(services, desk, found, &case).await.ok().map(|report| report.content);
    let existing = entry(services, found, case.existing).await?;
    let filed = match case.settled.as_ref().and_then(|settled| settled.filed) {
        Some(seq) => entry(services, found, seq).await?,
        None => None,
    };
    let book = desk.books.of(found);
    let units = kept_units_of(services, found).await?;
    let contest = book.found.election.contests.get(case.contest.index());
    let numbers = |content: &Content| contest.zip(content.counts()).map(|(contest, counts)| figures(contest, counts));
    let existing = existing.and_then(|stored| match &stored.entry.event {
        Event::ReportFiled(report) => Some(ExistingBody {
            status: report.content.name(),
            figures: numbers(&report.content),
            by: report.by.to_string(),
            receipt: Receipt::new(&services.keys, found, &stored),
        }),
        _ => None,
    });
    let status = match &case.settled {
        None => "waiting",
        Some(settled) if settled.filed.is_some() => "filed",
        Some(_) => "dismissed",
    };
    Ok(CaseBody {
        case: hex(&case.digest),
        ballot_box: units.get(case.ballot_box).map_or_else(String::new, |unit| unit.code.to_string()),
        contest: contest.map_or_else(String::new, contest_code),
        revision: case.revision.0,
        status,
        reported: reported.as_ref().and_then(numbers),
        existing,
        by: case.by.to_string(),
        time: rfc3339(case.time),
        request: String::from_utf8_lossy(&case.request).into_owned(),
        decided: case.settled.map(|settled| DecidedBody {
            by: settled.by.to_string(),
            reason: settled.reason.map(|reason| reason.to_string()),
            time: rfc3339(settled.time),
            revision: filed.as_ref().map(|stored| super::answer::revision(stored).0),
            receipt: filed.as_ref().map(|stored| Receipt::new(&services.keys, found, stored)),
        }),
    })
}

/// One entry of the ledger.
async fn entry(services: &Services, found: &Registered, seq: Seq) -> Result<Option<Stored>, Problem> {
    let before = Seq(seq.0.saturating_sub(1));
    Ok(services.ledger.read(found.key, before, 1).await?.pop().filter(|stored| stored.entry.seq == seq))
}
