//! One report: who sends it, of which box, and the answer with its receipt.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use hustings_core::{Report, Submission};

use super::Desk;
use super::add::{Resolved, kept_units, mend, resolve_all};
use super::answer::{Outcome, ReportAnswer, outcome, revision};
use super::conflict;
use super::resolve::{Slip, Unresolved, resolve};
use super::sender::Sender;
use super::sent::Sent;
use super::voters::{Voters, needs_totals};
use crate::http::body;
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::{Name, NoQuery};
use crate::http::receipt::Receipt;
use crate::http::{Services, Shared};

/// Reports a box, or corrects or withdraws its report. Sending the same again is harmless and gives the same receipt.
#[utoipa::path(post, path = "/api/v1/elections/{election}/reports", tag = "reports", request_body = Sent,
    params(("election" = String, Path, description = "id, code or slug")),
    responses((status = 201, description = "counted, corrected or withdrawn", body = ReportAnswer),
        (status = 200, description = "recorded, repeated or superseded: nothing moved", body = ReportAnswer), Acted),
    security(("token" = [])))]
pub(super) async fn report(
    State(services): State<Shared>,
    Extension(desk): Extension<Arc<Desk>>,
    Name(election): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ReportAnswer>), Problem> {
    let sender = Sender::of(&services, &headers, &election).await?;
    let request = body::collect(body, Report::REQUEST_MAX).await?;
    let sent: Sent = body::parse(&request)?;
    timed(&services, &desk, &sender, sent, request).await
}

/// Withdraws what a box has reported, with a reason; a withdrawal has a number like a report. With a `revision` or an `id`, a
/// retry gives the same receipt for ever; without either, while the withdrawal counts.
#[utoipa::path(post, path = "/api/v1/elections/{election}/reports/withdraw", tag = "reports", request_body = Sent,
    params(("election" = String, Path, description = "id, code or slug")),
    responses((status = 201, description = "withdrawn", body = ReportAnswer),
        (status = 200, description = "recorded, repeated or superseded: nothing moved", body = ReportAnswer), Acted),
    security(("token" = [])))]
pub(super) async fn withdraw(
    State(services): State<Shared>,
    Extension(desk): Extension<Arc<Desk>>,
    Name(election): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ReportAnswer>), Problem> {
    let sender = Sender::of(&services, &headers, &election).await?;
    let request = body::collect(body, Report::REQUEST_MAX).await?;
    let sent = Sent { withdrawn: true, ..body::parse(&request)? };
    timed(&services, &desk, &sender, sent, request).await
}

async fn timed(
    services: &Services,
    desk: &Desk,
    sender: &Sender,
    sent: Sent,
    request: Bytes,
) -> Result<(StatusCode, Json<ReportAnswer>), Problem> {
    let started = Instant::now();
    let answer = file(services, desk, sender, [Slip { sent, request }]).await;
    let word = match &answer {
        Ok((_, Json(answer))) => answer.status,
        Err(problem) => problem.code(),
    };
    desk.meters.record(word, started.elapsed());
    answer
}

async fn file(
    services: &Services,
    desk: &Desk,
    sender: &Sender,
    slip: [Slip; 1],
) -> Result<(StatusCode, Json<ReportAnswer>), Problem> {
    let book = desk.books.of(&sender.found);
    let units = kept_units(services, sender).await?;
    let mut resolved = resolve_all(&book, &units, sender, &slip);
    drop(units);
    mend(services, desk, sender, &slip, &mut resolved).await?;
    let report = resolved.pop().unwrap_or_else(|| Err(Unresolved::Wrong(Problem::unavailable("undecided", "again"))));
    let report = report.map_err(Unresolved::into_problem)?;
    let (contest, ballot_box) = (report.contest, report.ballot_box);
    let answer = services.ingest.submit(sender.found.key, Submission::Report(Box::new(report))).await?;
    let (code, status, stored) = match outcome(&answer) {
        Ok(decided) => decided,
        Err(Outcome::Refused(problem)) => return Err(*problem),
        Err(Outcome::Contradicts(existing)) => {
            return Err(contradiction(services, desk, sender, &slip[0], existing).await);
        }
    };
    let units = kept_units(services, sender).await?;
    let warning = Voters::of(services, sender, &units, needs_totals(&units, stored)).await.warning(stored);
    let book = desk.books.of(&sender.found);
    let contest = book.found.election.contests.get(contest.index()).and_then(|contest| contest.race.as_ref());
    let shown = ReportAnswer {
        status,
        receipt: Receipt::new(&services.keys, &sender.found, stored),
        ballot_box: units.get(ballot_box).map_or_else(String::new, |unit| unit.code.to_string()),
        contest: contest.map_or_else(String::new, |race| race.code.to_string()),
        revision: revision(stored).0,
        warning,
    };
    Ok((code, Json(shown)))
}

/// Puts a report that contradicts another one into the quarantine. It is read from its slip again: so no report is copied for
/// the rare one that needs this.
pub(super) async fn contradiction(
    services: &Services,
    desk: &Desk,
    sender: &Sender,
    slip: &Slip,
    existing: &crate::ledger::Stored,
) -> Problem {
    let units = match kept_units(services, sender).await {
        Ok(units) => units,
        Err(error) => return error.into(),
    };
    let resolved: Resolved = resolve(&desk.books.of(&sender.found), &units, slip, &sender.by);
    drop(units);
    match resolved {
        Ok(report) => conflict::keep(services, &sender.found, report, existing).await,
        Err(unresolved) => unresolved.into_problem(),
    }
}
