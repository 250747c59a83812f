//! `/`: where a code is typed. Any case, with spaces and hyphens, or a whole link: what was meant is what counts.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use hustings_core::Code;
use serde::Deserialize;

use super::page::{Page, render};
use super::problem_page;
use crate::http::Shared;

#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct HomePage<'a> {
    pub(super) page: &'a Page,
    /// What was typed and is not there.
    pub(super) unknown: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct HomeQuery {
    code: Option<String>,
}

/// The field for the code; with a code, the way to its poll.
pub(super) async fn home(
    State(services): State<Shared>,
    page: Page,
    query: Result<Query<HomeQuery>, QueryRejection>,
) -> Response {
    let typed = query.ok().and_then(|Query(query)| query.code).filter(|typed| !typed.trim().is_empty());
    let Some(typed) = typed else { return render(&HomePage { page: &page, unknown: None }) };
    let name = meant(&typed);
    match services.elections.find(&name).await {
        Ok(Some(found)) => {
            let name = found.election.slug.as_ref().filter(|slug| slug.as_str() == name);
            let address = name.map_or(found.election.code.as_str(), |slug| slug.as_str());
            Redirect::to(&format!("/{address}")).into_response()
        }
        Ok(None) => {
            let page = render(&HomePage { page: &page, unknown: Some(&typed) });
            (StatusCode::NOT_FOUND, page).into_response()
        }
        Err(error) => problem_page(&page, &error.into(), "/"),
    }
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
