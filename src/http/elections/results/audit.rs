//! The audit: every entry in words, filtered, as pages of JSON or as a file.
//!
//! Invariant: a file that could not be written to its end breaks off, and is never taken for whole.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use hustings_core::{Audience, Event, Seq, UnitNumber};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::files::{self, Pages};
use super::{Problem, Seen, Services, Shared, read, see_with_token, short, times, unit_of, within};
use crate::export::changes::{AuditLine, KINDS, kind};
use crate::feed::night::Moment;
use crate::http::api::XLSX;
use crate::http::described::Looked;
use crate::http::name::Name;
use crate::ledger::Stored;

/// Which entries, and how they are written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// Kinds of entries, with commas between: first, correction, withdrawal, late, `unit_added` and so on.
    kind: Option<String>,
    /// The code of a box: its reports only.
    #[serde(rename = "box")]
    #[param(rename = "box")]
    ballot_box: Option<String>,
    /// The code of a unit: entries about it and all below.
    unit: Option<String>,
    /// Who sent it: the name of a token, with its number (`desk 4 #17`) or without.
    by: Option<String>,
    /// From this time on (RFC 3339, or local in the election's zone).
    from: Option<String>,
    /// Until just before this time.
    to: Option<String>,
    /// Entries after this place.
    after: Option<u64>,
    /// At most so many lines; up to 10,000 of JSON (default 1,000), as many as there are of the others (default all).
    limit: Option<usize>,
    /// json, csv, ndjson or xlsx; else `Accept` decides.
    #[param(inline)]
    format: Option<Form>,
}

/// How the audit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Form {
    Json,
    Csv,
    Ndjson,
    Xlsx,
}

/// A page of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditPage {
    version: String,
    lines: Vec<AuditLine>,
    /// Where the audit goes on: send it as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

const LIMIT_MAX: usize = 10_000;
/// So many entries are read at once.
const PAGE: usize = 2_000;

/// Every entry in words: who changed what, when and why. As JSON, or as a file of CSV, NDJSON or Excel.
#[utoipa::path(get, path = "/api/v1/elections/{election}/audit", tag = "elections", params(AuditQuery,
        ("election" = String, Path, description = "id, code or slug")),
    responses((status = 200, content((AuditPage = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 422, body = Problem), Looked),
    security(("token" = [])))]
pub(super) async fn audit(
    State(services): State<Shared>,
    Name(election): Name,
    headers: HeaderMap,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let query = read(query)?;
    let seen = see_with_token(&services, &election, &headers).await?;
    let form = query.format.unwrap_or_else(|| accepted(&headers));
    let reader = Reader::asked(services, &seen, &query).await?;
    let name = format!("audit-{}", seen.found.election.code);
    match form {
        Form::Json => page(reader, within("limit", query.limit, 1_000, 1..=LIMIT_MAX)?).await,
        Form::Csv => Ok(file("text/csv; charset=utf-8", &format!("{name}.csv"), files::csv(reader)?)),
        Form::Ndjson => {
            Ok(file("application/x-ndjson", &format!("{name}.ndjson"), files::lines(reader, Vec::new(), ndjson)))
        }
        Form::Xlsx => Ok(file(XLSX, &format!("{name}.xlsx"), files::xlsx(reader, &[]).await?)),
    }
}

fn accepted(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    [("text/csv", Form::Csv), ("application/x-ndjson", Form::Ndjson), (XLSX, Form::Xlsx)]
        .into_iter()
        .find_map(|(name, form)| accept.contains(name).then_some(form))
        .unwrap_or(Form::Json)
}

fn file(kind: &'static str, name: &str, body: Body) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, [(header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

async fn page(mut reader: Reader, limit: usize) -> Result<Response, Problem> {
    reader.left = limit;
    let mut lines = Vec::new();
    while let Some(more) = reader.next().await? {
        lines.extend(more);
    }
    let version = reader.moment.version(hustings_core::Audience::Full).to_string();
    let next = (lines.len() == limit).then(|| lines.last().map(|line| line.change.seq)).flatten();
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(AuditPage { version, lines, next })).into_response())
}

/// Which entries are told.
struct Filter {
    kinds: Vec<&'static str>,
    unit: Option<UnitNumber>,
    by: Option<String>,
}

impl Filter {
    fn asked(moment: &Moment, query: &AuditQuery) -> Result<Self, Problem> {
        let known = |name: &str| {
            let detail = || format!("there is no kind `{}`; send some of {}", short(name), KINDS.join(", "));
            let found = KINDS.into_iter().find(|kind| *kind == name.trim());
            found.ok_or_else(|| Problem::invalid("unknown_value", "/kind", detail()))
        };
        let kinds = query.kind.as_deref().map_or(Ok(Vec::new()), |text| text.split(',').map(known).collect())?;
        let unit = query.unit.as_deref().map(|code| unit_of(moment, Audience::Full, Some(code))).transpose()?;
        Ok(Self { kinds, unit, by: query.by.clone() })
    }

    fn passes(&self, moment: &Moment, stored: &Stored) -> bool {
        let event = &stored.entry.event;
        let within = |number| self.unit.is_none_or(|unit| moment.units().is_within(number, unit));
        let (by, is_within) = match event {
            Event::ReportFiled(filed) => (filed.by.as_str(), within(filed.ballot_box)),
            Event::UnitRetired(retired) => (retired.by.as_str(), within(retired.unit)),
            Event::UnitsAdded(added) => {
                let numbers = (added.first.0..).map(UnitNumber).take(added.units.len());
                (added.by.as_str(), self.unit.is_none() || numbers.into_iter().any(within))
            }
            Event::StateChanged(changed) => (changed.by.as_str(), self.unit.is_none()),
            Event::Retitled(retitled) => (retitled.by.as_str(), self.unit.is_none()),
            Event::BallotCast(_) => ("", self.unit.is_none()),
        };
        is_within
            && (self.kinds.is_empty() || self.kinds.contains(&kind(event)))
            && self
                .by
                .as_deref()
                .is_none_or(|wanted| wanted == by || by.rsplit_once(" #").is_some_and(|(name, _)| name == wanted))
    }
}

/// Reads the entries that are told, page by page.
struct Reader {
    services: Shared,
    moment: Moment,
    filter: Filter,
    /// All reports of one box, where only they are asked for.
    of_box: Option<Vec<Stored>>,
    place: Seq,
    end: Seq,
    left: usize,
}

impl Reader {
    async fn asked(services: Shared, seen: &Seen, query: &AuditQuery) -> Result<Self, Problem> {
        let moment = seen.moment.clone();
        let filter = Filter::asked(&moment, query)?;
        let (mut place, mut end) = (Seq(query.after.unwrap_or(0)), moment.seq());
        if let Some(from) = &query.from {
            let from = times::time(&moment, "from", from)?;
            place = place.max(times::place_before(&services, &moment, from).await?);
        }
        if let Some(to) = &query.to {
            let to = times::time(&moment, "to", to)?;
            end = end.min(times::place_before(&services, &moment, to).await?);
        }
        let of_box = match &query.ballot_box {
            Some(code) => Some(reports(&services, &moment, code).await?),
            None => None,
        };
        let left = query.limit.unwrap_or(usize::MAX);
        Ok(Self { services, moment, filter, of_box, place, end, left })
    }
}

impl Pages for Reader {
    type Row = AuditLine;

    async fn next(&mut self) -> Result<Option<Vec<AuditLine>>, Problem> {
        if self.place >= self.end || self.left == 0 {
            return Ok(None);
        }
        let page = match &mut self.of_box {
            Some(reports) => {
                let inside = |stored: &Stored| stored.entry.seq > self.place && stored.entry.seq <= self.end;
                let reports: Vec<Stored> = std::mem::take(reports).into_iter().filter(inside).collect();
                self.place = self.end;
                reports
            }
            None => {
                let left = usize::try_from(self.end.0 - self.place.0).unwrap_or(PAGE).min(PAGE);
                let page = self.services.ledger.read(self.moment.key(), self.place, left).await?;
                self.place = page.last().map_or(self.end, |last| last.entry.seq);
                page
            }
        };
        let election = &self.moment.found().election;
        let told = page.iter().filter(|stored| self.filter.passes(&self.moment, stored)).take(self.left);
        let lines: Vec<AuditLine> = told
            .map(|stored| {
                let receipt = self.services.keys.receipt(self.moment.key(), stored.entry.seq, &stored.bytes);
                AuditLine::of(election, self.moment.units(), &stored.entry, receipt)
            })
            .collect();
        self.left -= lines.len();
        Ok(Some(lines))
    }
}

/// All reports of a box, in the order of the ledger.
async fn reports(services: &Services, moment: &Moment, code: &str) -> Result<Vec<Stored>, Problem> {
    let unknown =
        || Problem::invalid("unknown_box", "/box", format!("there is no box with the code `{}` here", short(code)));
    let ballot_box = moment.unit(code).ok_or_else(unknown)?;
    let mut reports = services.reports.revisions(moment.key(), ballot_box).await?;
    reports.sort_by_key(|stored| stored.entry.seq);
    Ok(reports)
}

fn ndjson(line: &AuditLine, out: &mut Vec<u8>) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.push(b'\n');
    Ok(())
}
