//! Pages that say one thing, and the way on from there.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::home::HomePage;
use super::page::{Page, render};
use super::texts::Language;
use crate::http::Problem;

#[derive(Template)]
#[template(path = "notice.html")]
pub(super) struct NoticePage<'a> {
    pub(super) page: &'a Page,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    pub(super) link: Option<(&'a str, String)>,
}

/// The page for an address where nothing is: the field for a code, with what was asked for in it.
pub(in crate::http) fn not_found_page(page: &Page, asked: &str) -> Response {
    nothing_here(page, asked, false)
}

fn nothing_here(page: &Page, asked: &str, removed: bool) -> Response {
    let unknown = Some(asked.trim_matches('/')).filter(|asked| !asked.contains('/'));
    let shown = HomePage { page, unknown: Some(unknown.unwrap_or_default()), removed, mine: None };
    (StatusCode::NOT_FOUND, render(&shown)).into_response()
}

/// The page for what cannot be shown now; a code that nobody has is one of its own, also where the poll was removed.
pub(in crate::http) fn problem_page(page: &Page, problem: &Problem, again: &str) -> Response {
    let (title, back) = match problem.code() {
        "cross_site" => ("forged-title", "forged-back"),
        "body_too_large" => ("too-large-title", "forged-back"),
        "no_voter" => ("no-cookies-title", "forged-back"),
        "unknown_unit" => ("place-unknown", "place-all"),
        "unknown_round" => ("round-unknown", "round-latest"),
        _ if problem.status() == StatusCode::NOT_FOUND => {
            let asked = again.trim_matches('/').split('/').next().unwrap_or_default();
            return nothing_here(page, asked, problem.code() == "removed_poll");
        }
        _ => ("moment-please", "try-again"),
    };
    // The address of each form is that of a page as well, but for the one that signs out.
    let again = if again == "/logout" { "/" } else { again };
    let text = explained(page.language, problem);
    let shown = NoticePage { page, title: &page.say(title), text: &text, link: Some((again, page.say(back))) };
    (problem.status(), render(&shown)).into_response()
}

/// What is wrong, in the reader's words where we have them.
pub(super) fn explained(language: Language, problem: &Problem) -> String {
    match problem.code() {
        "too_many_requests" => language.say("problem-too-many"),
        "cross_site" => language.say("forged-text"),
        "no_voter" => language.say("said-no-voter"),
        "unknown_unit" => language.say("place-unknown-text"),
        "unknown_round" => language.say("round-unknown-text"),
        "storage_full" => language.say("problem-full"),
        "body_too_large" => language.say("problem-too-large"),
        "incomplete_body" | "slow_body" => language.say("problem-broke-off"),
        _ if problem.status().is_server_error() => language.say("problem-unavailable"),
        _ => problem.detail().to_owned(),
    }
}
