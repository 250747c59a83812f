//! `/{code}/results`: the results, for reading.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use hustings_core::Kind;
use serde::Deserialize;

use super::bars::{Bars, identified, status};
use super::device::with_device;
use super::page::{Page, render};
use super::{not_found_page, problem_page, without_token};
use crate::feed::Results;
use crate::http::api::viewer;
use crate::http::name::Name;
use crate::http::{Problem, Services, Shared, elections};
use crate::ledger::Registered;

#[derive(Template)]
#[template(path = "results.html")]
pub(super) struct ResultsPage<'a> {
    pub(super) page: &'a Page,
    pub(super) code: &'a str,
    pub(super) poll: String,
    pub(super) results: &'a Results,
    pub(super) status: String,
    /// How voters are told apart.
    pub(super) identified: String,
    pub(super) round: Option<String>,
    pub(super) voters: String,
    pub(super) bars: Bars<'a>,
    pub(super) texts: String,
}

/// What scripts say that follow results.
pub(super) const LIVE_TEXTS: [&str; 15] = [
    "live",
    "line-lost",
    "mean",
    "leads",
    "tied",
    "unit-points",
    "unit-voters",
    "unit-votes",
    "status-draft",
    "status-open",
    "status-paused",
    "status-closed",
    "status-archived",
    "status-certified",
    "round",
];

/// Which part of an election of boxes the page shows; a poll has only one.
#[derive(Deserialize)]
pub(super) struct UnitQuery {
    unit: Option<String>,
}

/// The results of whatever is here.
pub(super) async fn results(
    State(services): State<Shared>,
    page: Page,
    Name(code): Name,
    headers: HeaderMap,
    query: Result<Query<UnitQuery>, QueryRejection>,
) -> Response {
    let unit = query.ok().and_then(|Query(query)| query.unit);
    let found = match services.elections.find(&code).await {
        Ok(Some(found)) => found,
        Ok(None) => return not_found_page(&page, &code),
        Err(error) => return problem_page(&page, &error.into(), &format!("/{code}/results")),
    };
    let own = page.clone().of(&found.election);
    let shown = match found.election.kind {
        Kind::Election => elections::page(&services, &own, &found, unit.as_deref(), &headers).await,
        Kind::Poll | Kind::Competition => of_poll(&services, &own, &found, &headers).await,
    };
    match shown {
        Ok(shown) => with_device(&services, &headers, shown),
        Err(problem) => problem_page(&page, &problem, &format!("/{code}/results")),
    }
}

async fn of_poll(
    services: &Services,
    page: &Page,
    found: &Registered,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let gone = || Problem::not_found("unknown_poll", "there is no such poll");
    let viewer = viewer(services, found, &without_token(headers)).await?;
    let frame = services.feed.latest(found.key, viewer).await?.ok_or_else(gone)?;
    let results = frame.poll().ok_or_else(gone)?;
    let (election, language) = (&found.election, page.language);
    Ok(render(&ResultsPage {
        page,
        code: election.code.as_str(),
        poll: election.id.to_string(),
        results,
        status: status(language, results.status),
        identified: identified(language, results.identified_by),
        round: (results.round > 1).then(|| language.say_with("round", &[("number", &results.round.to_string())])),
        voters: results.ballots.map(|ballots| language.count("voters", ballots)).unwrap_or_default(),
        bars: Bars::of(results, language),
        texts: page.texts(&LIVE_TEXTS, &["voters"]),
    }))
}
