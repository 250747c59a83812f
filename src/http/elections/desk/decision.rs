//! What a person decides about a report in quarantine.
//!
//! Invariant: a case is filed at most once. Its report has an id that follows from the case, so that a decision that is
//! repeated, after a lost answer or a crash between the ledger and the quarantine, finds the entry and only notes it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use hustings_core::{Event, Report, Seq, Submission, Text};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{Outcome, outcome};
use super::cases::{CaseBody, find_case, judge, reported, show};
use super::conflict::id_of;
use super::{Desk, names};
use crate::http::body::{self, VOTE_MAX};
use crate::http::described::Acted;
use crate::http::error::Problem;
use crate::http::name::NoQuery;
use crate::http::{Services, Shared};
use crate::ledger::{Case, Registered, Settled};

/// What is to become of a case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionBody {
    /// file: it counts, with the next revision of the box. dismiss: what is there stands.
    decision: Decision,
    /// A sentence for the record, 1 to 200 characters.
    reason: String,
}

/// What a person can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// It counts, as a correction.
    File,
    /// It does not count.
    Dismiss,
}

/// Decides about a report that contradicts another one. Repeating a decision changes nothing; another one is refused.
#[utoipa::path(post, path = "/api/v1/elections/{election}/quarantine/{case}", tag = "reports", request_body = DecisionBody,
    params(("election" = String, Path, description = "id, code or slug"), ("case" = String, Path)),
    responses((status = 200, body = CaseBody), Acted),
    security(("token" = [])))]
pub(super) async fn decide(
    State(services): State<Shared>,
    Extension(desk): Extension<Arc<Desk>>,
    path: Result<Path<(String, String)>, PathRejection>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<CaseBody>, Problem> {
    let (election, named) = names(path);
    let (found, by) = judge(&services, &headers, &election).await?;
    let asked: DecisionBody = body::read(body, VOTE_MAX).await?;
    let reason = Text::parse(&asked.reason).map_err(|error| Problem::text("/reason", error))?;
    let _deciding = desk.deciding.lock().await;
    let case = find_case(&services, &found, &named).await?;
    let was_filed = match &case.settled {
        Some(settled) if settled.filed.is_none() => filed_before(&services, &found, &case).await?,
        _ => None,
    };
    if case.settled.is_none() || was_filed.is_some() {
        let filed = match asked.decision {
            // Another decision came in between; what is in the ledger counts.
            _ if was_filed.is_some() => was_filed,
            Decision::File => Some(file(&services, &desk, &found, &case, (&by, &reason)).await?),
            // A decision to file it may have got as far as the ledger, and no farther.
            Decision::Dismiss => filed_before(&services, &found, &case).await?,
        };
        let settled = Settled { filed, by, reason: Some(reason), time: services.clock.now() };
        // False where another node was faster: what it has noted is looked at below.
        services.reports.settle(found.key, case.digest, settled).await?;
    }
    let case = find_case(&services, &found, &named).await?;
    let filed = case.settled.as_ref().and_then(|settled| settled.filed);
    if filed.is_some() != (asked.decision == Decision::File) {
        let detail = match filed {
            Some(_) => "this case was filed; withdraw or correct the report where it does not hold",
            None => "this case was dismissed; report the box with a higher revision where it holds all the same",
        };
        return Err(Problem::conflict("case_settled", detail).pointing_to("/decision"));
    }
    if let Some(seq) = filed {
        services.feed.reached(found.key, seq).await;
    }
    Ok(Json(show(&services, &desk, &found, case).await?))
}

/// Files a case as the next report of its box, and says where it stands.
async fn file(
    services: &Services,
    desk: &Desk,
    found: &Registered,
    case: &Case,
    (by, reason): (&Text, &Text),
) -> Result<Seq, Problem> {
    let sent = reported(services, desk, found, case).await?;
    let report = Report {
        revision: None,
        id: Some(id_of(&case.digest)),
        definition: None,
        within: None,
        channel: None,
        by: by.clone(),
        reason: Some(reason.clone()),
        ..sent
    };
    let answer = services.ingest.submit(found.key, Submission::Report(Box::new(report))).await?;
    match outcome(&answer) {
        Ok((_, _, stored)) => Ok(stored.entry.seq),
        Err(Outcome::Refused(problem)) => Err(*problem),
        Err(Outcome::Contradicts(_)) => Err(Problem::unavailable("undecided", "please send the same decision again")),
    }
}

/// Where a case stands in the ledger, if a decision to file it got as far as that.
async fn filed_before(services: &Services, found: &Registered, case: &Case) -> Result<Option<Seq>, Problem> {
    let id = Some(id_of(&case.digest));
    let is_filed = |event: &Event| event.id() == id;
    let reports = services.reports.revisions(found.key, case.ballot_box).await?;
    Ok(reports.iter().find(|stored| is_filed(&stored.entry.event)).map(|stored| stored.entry.seq))
}
