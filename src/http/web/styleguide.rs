//! `/styleguide`, in debug builds only: every part of the stylesheet, to be looked at.

use askama::Template;
use axum::response::Response;

use super::bars::Bars;
use super::page::{Page, render};
use crate::feed::{ChoiceResult, Results};

#[derive(Template)]
#[template(path = "styleguide.html")]
pub(super) struct StyleguidePage<'a> {
    pub(super) page: &'a Page,
    pub(super) bars: Bars<'a>,
}

/// All parts.
pub(super) async fn styleguide(page: Page) -> Response {
    let results = results("single", &[(1234, None), (1234, None), (56, None)]);
    render(&StyleguidePage { page: &page, bars: Bars::of(&results, page.language) })
}

/// Results that look like real ones.
pub(super) fn results(method: &'static str, figures: &[(u64, Option<u64>)]) -> Results {
    let choice = |(at, (votes, points)): (usize, &(u64, Option<u64>))| ChoiceResult {
        id: format!("0193e2a0-1111-7222-8333-44445555666{at}"),
        code: format!("choice-{at}"),
        title: ["Tea", "Coffee", "A choice whose title is long enough to need a second line on a phone"][at % 3]
            .to_owned(),
        votes: Some(*votes),
        points: *points,
    };
    Results {
        status: "open",
        version: "0000000000000001.7".to_owned(),
        round: 1,
        title: "Tea or coffee?".to_owned(),
        rehearsal: false,
        identified_by: "device",
        method,
        hidden: false,
        stale: false,
        degraded: false,
        ballots: Some(figures.iter().map(|(votes, _)| votes).sum()),
        time: Some("2026-11-22T18:05:00.000Z".to_owned()),
        blank: None,
        choices: figures.iter().enumerate().map(choice).collect(),
    }
}
