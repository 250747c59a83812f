//! Every template, rendered with samples in every language.

use std::collections::BTreeSet;

use super::bars::{self, Bars};
use super::page::Page;
use super::results::{LIVE_TEXTS, ResultsPage};
use super::styleguide::{StyleguidePage, results};
use super::texts::Language;
use super::{home, notice, reference};
use crate::feed::Results;

/// Text of a user that would break a page that forgets what it is.
const NASTY: &str = "<script>alert(1)</script> & \"'";

/// Each template's name, and it with each of its samples.
fn rendered(language: Language) -> Vec<(&'static str, String)> {
    let page = Page::sample(language);
    let mut all = Vec::new();
    let mut add = |name, template: &dyn askama::DynTemplate| all.push((name, template.dyn_render().expect(name)));
    for unknown in [None, Some(""), Some(NASTY)] {
        add("home.html", &home::HomePage { page: &page, unknown });
    }
    for link in [None, Some(("/", NASTY.to_owned()))] {
        add("notice.html", &notice::NoticePage { page: &page, title: NASTY, text: NASTY, link });
    }
    add("reference.html", &reference::ReferencePage { page: &page, operations: crate::http::api::operations() });
    for results in samples() {
        add("results.html", &results_page(&page, &results));
    }
    let single = results("single", &[(3, None), (3, None)]);
    add("styleguide.html", &StyleguidePage { page: &page, bars: Bars::of(&single, language) });
    for (name, html) in crate::http::elections::samples(&page) {
        all.push((name, html));
    }
    all
}

/// Results of each method, in each state, hidden and not.
pub(super) fn samples() -> Vec<Results> {
    let mut all = Vec::new();
    for (method, figures) in [
        ("single", &[(0, None), (0, None)][..]),
        ("single", &[(2, None), (1, None)]),
        ("approval", &[(2, None), (2, None)]),
        ("score", &[(2, Some(7)), (3, Some(7))]),
    ] {
        for status in ["draft", "open", "paused", "closed", "archived", "certified"] {
            let mut full = results(method, figures);
            full.status = status;
            full.choices[0].title = NASTY.to_owned();
            let mut hidden = Results { hidden: true, ballots: None, round: 2, ..full.clone() };
            for choice in &mut hidden.choices {
                (choice.votes, choice.points) = (None, None);
            }
            all.extend([full, hidden]);
        }
    }
    all
}

fn results_page<'a>(page: &'a Page, results: &'a Results) -> ResultsPage<'a> {
    ResultsPage {
        page,
        title: NASTY,
        code: "A5KYQ5",
        poll: "0193e2a0-1111-7222-8333-444455556666".to_owned(),
        results,
        status: bars::status(page.language, results.status),
        round: (results.round > 1).then(|| "2".to_owned()),
        voters: results.ballots.map(|ballots| page.language.count("voters", ballots)).unwrap_or_default(),
        bars: Bars::of(results, page.language),
        texts: page.texts(&LIVE_TEXTS, &["voters"]),
    }
}

/// Parts of other templates, which stand in no page alone.
const PARTS: [&str; 2] = ["base.html", "bars.html"];

#[test]
fn every_template_is_rendered_in_every_language() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).expect("templates");
    let there: BTreeSet<String> =
        folder.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    for language in Language::ALL {
        let rendered = rendered(language);
        let names: BTreeSet<String> = rendered.iter().map(|(name, _)| *name).chain(PARTS).map(str::to_owned).collect();
        assert_eq!(names, there, "each template has a sample");
        for (name, html) in &rendered {
            check(name, language, html);
        }
    }
}

/// What holds for every page, whatever it shows.
fn check(name: &str, language: Language, html: &str) {
    assert!(html.contains(&format!("<html lang=\"{}\"", language.tag())), "{name} names its language");
    assert_eq!(html.matches("<h1").count(), 1, "{name} has one title: {html}");
    assert!(html.contains("id=\"main\"") && html.contains("href=\"#main\""), "{name} can be skipped to");
    for never in ["<script>", " style=", " onclick=", "javascript:", "<style", "{{", "{%", "http://fonts", "//cdn"] {
        assert!(!html.contains(never), "{name} has {never}: {html}");
    }
    for (open, close) in
        [("<main", "</main>"), ("<ol", "</ol>"), ("<p", "</p>"), ("<div", "</div>"), ("<form", "</form>")]
    {
        let opened = html.match_indices(open).filter(|(at, _)| html[at + open.len()..].starts_with([' ', '>']));
        assert_eq!(opened.count(), html.matches(close).count(), "{name}: {open}> and {close}: {html}");
    }
}
