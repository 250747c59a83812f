//! `/{code}/embed`: the results for the frame of any site, small, live, with a way to the poll.
//!
//! Invariant: it shows what anybody may see, whoever's browser it is, and keeps nothing there; the one thing to press
//! leads to the poll in a tab of its own. It must not know: who frames it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hustings_core::election::Viewer;

use super::bars::{Bars, identified, status};
use super::chart::Moment;
use super::page::{Page, framed, render};
use super::problem_page;
use super::results::{LIVE_TEXTS, Waiting, ranked};
use crate::feed::Results;
use crate::http::api::{find, unknown};
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

/// The results, to be framed; what went wrong is told in the frame as well.
pub(super) async fn embed(State(services): State<Shared>, page: Page, Name(code): Name) -> Response {
    let shown = match find(&services.elections, &code).await {
        Ok(found) => shown(&services, &page.clone().of(&found.election), &found).await,
        Err(problem) => Err(problem),
    };
    let shown = shown.unwrap_or_else(|problem| problem_page(&page, &problem, &format!("/{code}/embed")));
    framed(shown.into_response())
}

async fn shown(services: &Services, page: &Page, found: &Registered) -> Result<Response, Problem> {
    let frame = services.feed.latest(found.key, Viewer::Public).await?.ok_or_else(unknown)?;
    let state = services.feed.state(found.key).await?.ok_or_else(unknown)?;
    let results = ranked(frame.poll().ok_or_else(unknown)?);
    let contest = state.contests.last().ok_or_else(unknown)?;
    let (election, language) = (&found.election, page.language);
    Ok(render(&EmbedPage {
        page,
        code: election.code.as_str(),
        address: format!("{}/{}", services.settings.base_url(), election.code),
        status: status(language, results.status),
        identified: identified(language, results.identified_by),
        round: (results.round > 1).then(|| language.say_with("round", &[("number", &results.round.to_string())])),
        voters: results.ballots.map(|ballots| language.count("voters", ballots)).unwrap_or_default(),
        bars: Bars::of(&results, language),
        waiting: Waiting::of(election.visibility, contest, language),
        texts: page.texts(&[&LIVE_TEXTS[..], &EMBED_TEXTS[..]].concat(), &["voters"]),
        results: &results,
    }))
}
