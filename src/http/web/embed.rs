//! `/{code}/embed`: the results for the frame of any site, small, live, with a way to the poll.
//!
//! Invariant: it shows what anybody may see, whoever's browser it is, and keeps nothing there; the one thing to press
//! leads to the poll in a tab of its own. It must not know: who frames it.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use hustings_core::ContestNumber;
use serde::Deserialize;

use super::bars::{Bars, identified, status};
use super::chart::Moment;
use super::page::{Page, framed, render};
use super::problem_page;
use super::results::{LIVE_TEXTS, Waiting, ranked};
use crate::feed::Results;
use crate::http::api::{self, Round, find, unknown};
use crate::http::name::Name;
use crate::http::{Problem, Services, Shared};
use crate::ledger::Registered;

#[derive(Template)]
#[template(path = "embed.html")]
pub(super) struct EmbedPage<'a> {
    pub(super) page: &'a Page,
    pub(super) code: &'a str,
    /// Where people vote.
    pub(super) address: String,
    pub(super) results: &'a Results,
    pub(super) status: String,
    /// How voters are told apart.
    pub(super) identified: String,
    pub(super) round: Option<String>,
    /// Whether a later round has begun: only the latest one is live.
    pub(super) is_earlier: bool,
    pub(super) voters: String,
    pub(super) bars: Bars<'a>,
    pub(super) waiting: Waiting,
    pub(super) texts: String,
}

/// What the page's script says besides what all do that follow results.
pub(super) const EMBED_TEXTS: [&str; 2] = ["opens-at", "closes-at"];

impl EmbedPage<'_> {
    fn due(&self) -> Option<&(&'static str, Moment)> {
        self.waiting.due.as_ref()
    }
}

/// Which round of a poll; the latest one without.
#[derive(Deserialize)]
pub(super) struct EmbedQuery {
    round: Option<String>,
}

/// The results, to be framed; what went wrong is told in the frame as well.
pub(super) async fn embed(
    State(services): State<Shared>,
    page: Page,
    Name(code): Name,
    query: Result<Query<EmbedQuery>, QueryRejection>,
) -> Response {
    // What is no number is no round either.
    let round = query.ok().and_then(|Query(query)| query.round).map(|round| round.parse().unwrap_or(0));
    let shown = match find(&services.elections, &code).await {
        Ok(found) => shown(&services, &page.clone().of(&found.election), found, round).await,
        Err(problem) => Err(problem),
    };
    let shown = shown.unwrap_or_else(|problem| problem_page(&page, &problem, &format!("/{code}/embed")));
    framed(shown.into_response())
}

async fn shown(services: &Services, page: &Page, found: Registered, round: Option<u32>) -> Result<Response, Problem> {
    let round = Round { number: round, min_version: None, audience: None };
    // As nobody: it may stand on a page that anybody looks at.
    let seen = api::of_round(services, found, round, &HeaderMap::new()).await?;
    let found = &seen.found;
    let state = services.feed.state(found.key).await?.ok_or_else(unknown)?;
    let results = ranked(seen.frame.poll().ok_or_else(unknown)?);
    let number = ContestNumber(results.round - 1);
    let contest = state.contest(number).map_err(|_| unknown())?;
    let is_earlier = number.index() + 1 < state.contests.len();
    let (election, language) = (&found.election, page.language);
    Ok(render(&EmbedPage {
        page,
        code: election.code.as_str(),
        address: format!("{}/{}", services.settings.base_url(), election.code),
        status: status(language, results.status),
        identified: identified(language, results.identified_by),
        is_earlier,
        round: (is_earlier || results.round > 1)
            .then(|| language.say_with("round", &[("number", &results.round.to_string())])),
        voters: results.ballots.map(|ballots| language.count("voters", ballots)).unwrap_or_default(),
        bars: Bars::of(&results, language),
        waiting: Waiting::of(election.visibility, contest, language),
        texts: page.texts(&[&LIVE_TEXTS[..], &EMBED_TEXTS[..]].concat(), &["voters"]),
        results: &results,
    }))
}
