//! `/`: where a code is typed. Any case, with spaces and hyphens, or a whole link: what was meant is what counts. Whoever is
//! signed in finds the own polls here.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::{Code, Role};
use serde::Deserialize;

use super::bars::status;
use super::page::{Page, render};
use super::visitor::place_of;
use super::{problem_page, without_token};
use crate::http::api::missing;
use crate::http::{Problem, Services, Shared};
use crate::ledger::{ElectionKey, Owned};

#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct HomePage<'a> {
    pub(super) page: &'a Page,
    /// What was typed and is not there.
    pub(super) unknown: Option<&'a str>,
    /// Whether that was a poll once, which was removed.
    pub(super) removed: bool,
    /// For whoever is signed in: the own polls.
    pub(super) mine: Option<Mine>,
}

/// The polls that somebody has a part in, newest first.
pub(super) struct Mine {
    /// What was searched for.
    pub(super) query: String,
    pub(super) rows: Vec<MineRow>,
    /// Where older ones are.
    pub(super) next: Option<String>,
}

/// One poll.
pub(super) struct MineRow {
    pub(super) address: String,
    pub(super) title: String,
    pub(super) code: String,
    pub(super) status: Option<String>,
}

/// The most polls of a page.
const PAGE: usize = 20;

#[derive(Default, Deserialize)]
pub(super) struct HomeQuery {
    code: Option<String>,
    q: Option<String>,
    before: Option<u32>,
}

/// The field for the code; with a code, the way to its poll.
pub(super) async fn home(
    State(services): State<Shared>,
    page: Page,
    headers: HeaderMap,
    query: Result<Query<HomeQuery>, QueryRejection>,
) -> Response {
    let query = query.map_or_else(|_| HomeQuery::default(), |Query(query)| query);
    let typed = query.code.clone().filter(|typed| !typed.trim().is_empty());
    let mine = match mine(&services, &page, &headers, &query).await {
        Ok(mine) => mine,
        Err(problem) => return problem_page(&page, &problem, "/"),
    };
    let Some(typed) = typed else { return render(&HomePage { page: &page, unknown: None, removed: false, mine }) };
    let name = meant(&typed);
    match services.elections.find(&name).await {
        Ok(Some(found)) => {
            let name = found.election.slug.as_ref().filter(|slug| slug.as_str() == name);
            let address = name.map_or(found.election.code.as_str(), |slug| slug.as_str());
            Redirect::to(&format!("/{address}")).into_response()
        }
        Ok(None) => {
            let problem = missing(&services.elections, &name).await;
            if problem.status() != StatusCode::NOT_FOUND {
                return problem_page(&page, &problem, "/");
            }
            let removed = problem.code() == "removed_poll";
            let page = render(&HomePage { page: &page, unknown: Some(&typed), removed, mine });
            (StatusCode::NOT_FOUND, page).into_response()
        }
        Err(error) => problem_page(&page, &error.into(), "/"),
    }
}

/// The polls of whoever is signed in.
async fn mine(
    services: &Services,
    page: &Page,
    headers: &HeaderMap,
    query: &HomeQuery,
) -> Result<Option<Mine>, Problem> {
    let Some(signed_in) = services.sessions.of(services, &without_token(headers)).await? else { return Ok(None) };
    let Some(person) = signed_in.person() else { return Ok(None) };
    let wanted: String = query.q.as_deref().unwrap_or_default().trim().chars().take(200).collect();
    // An administrator sees all.
    let whose = if signed_in.is_admin() { None } else { Some(person) };
    let before = query.before.map(ElectionKey);
    let mut found = services.people.elections_of(whose, before, &wanted, PAGE + 1).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().filter(|_| more).map(|owned| owned.registered.key.0);
    let mut rows = Vec::with_capacity(found.len());
    for Owned { registered, role } in found {
        let election = &registered.election;
        let state = services.feed.state(registered.key).await?;
        rows.push(MineRow {
            address: place_of(election, role.unwrap_or(Role::Owner)),
            title: state.as_ref().map_or(&election.title, |state| state.title(election)).to_string(),
            code: election.code.to_string(),
            status: state.as_ref().and_then(|state| state.contests.last()).map(|one| status(page.language, one.name())),
        });
    }
    let next = |before: u32| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("before", &before.to_string());
        if !wanted.is_empty() {
            query.append_pair("q", &wanted);
        }
        format!("/?{}", query.finish())
    };
    Ok(Some(Mine { next: last.map(next), query: wanted, rows }))
}

/// The name that was meant: the last part of a link, a code in any case and grouping, or a slug.
fn meant(typed: &str) -> String {
    let typed = typed.trim();
    let last = match typed.split_once("://") {
        Some((_, rest)) => rest.split(['?', '#']).next().unwrap_or_default().split('/').nth(1).unwrap_or_default(),
        None => typed.trim_matches('/').rsplit('/').next().unwrap_or_default(),
    };
    let code: String = last.chars().filter(|c| !c.is_whitespace() && !"-_.".contains(*c)).collect();
    if code.parse::<Code>().is_ok() { code.to_uppercase() } else { last.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_forgiven() {
        for (typed, expected) in [
            ("A5KYQ5", "A5KYQ5"),
            (" a5k yq5 ", "A5KYQ5"),
            ("a5k-yq5", "A5KYQ5"),
            ("https://vote.example/A5KYQ5/screen?x=1", "A5KYQ5"),
            ("vote.example/a5kyq5", "A5KYQ5"),
            ("/a5kyq5/", "A5KYQ5"),
            ("Town-Hall", "town-hall"),
            ("https://vote.example", ""),
            ("", ""),
        ] {
            assert_eq!(meant(typed), expected, "{typed}");
        }
    }
}
