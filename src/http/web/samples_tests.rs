//! Every template, rendered with samples in every language.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use hustings_core::{
    Change, Choice, ChoiceId, Contest, ContestId, ContestNumber, ContestState, Label, Method, Schedule, Text, Time,
    Visibility,
};

use super::bars::{self, Bars};
use super::chart::{Chart, Moment};
use super::draft::{Draft, Wrong};
use super::embed::{EMBED_TEXTS, EmbedPage};
use super::page::Page;
use super::paper::Paper;
use super::results::{self, LIVE_TEXTS, RESULTS_TEXTS, ResultsPage, RoundRow, Waiting};
use super::screen::{Reveal, SCREEN_TEXTS, ScreenPage};
use super::styleguide::{StyleguidePage, results as sample};
use super::texts::Language;
use super::vote::{OwnVote, VOTE_TEXTS, VotePage};
use super::{
    access, account, codes, cohost, compose, home, host, join, keys, notice, people, qr, reference, roster, sheet,
    sign_in,
};
use crate::feed::{Columns, Results};

/// Text of a user that would break a page that forgets what it is.
const NASTY: &str = "<script>alert(1)</script> & \"'";

/// Each template's name, and it with each of its samples.
fn rendered(language: Language) -> Vec<(&'static str, String)> {
    let page = Page::sample(language);
    let mut all = Vec::new();
    let mut add = |name, template: &dyn askama::DynTemplate| all.push((name, template.dyn_render().expect(name)));
    for unknown in [None, Some(""), Some(NASTY)] {
        for removed in [false, unknown.is_some()] {
            add("home.html", &home::HomePage { page: &page, unknown, removed, mine: mine(unknown.is_some()) });
        }
    }
    for link in [None, Some(("/", NASTY.to_owned()))] {
        add("notice.html", &notice::NoticePage { page: &page, title: NASTY, text: NASTY, link });
    }
    for results in samples() {
        add("screen.html", &screen_page(&page, &results));
    }
    for vote in votes(&page) {
        add("vote.html", &vote);
    }
    let (base, operations) = (NASTY.to_owned(), crate::http::api::operations());
    add("reference.html", &reference::ReferencePage { page: &page, base, operations });
    let visibilities = [Visibility::AfterVote, Visibility::AfterClose, Visibility::OnReveal];
    for (results, visibility) in samples().iter().zip(visibilities.into_iter().cycle()) {
        add("results.html", &results_page(&page, results, visibility));
    }
    for (results, visibility) in samples().iter().zip(visibilities.into_iter().cycle()) {
        add("embed.html", &embed_page(&page, results, visibility));
    }
    let single = sample("single", &[(3, None), (3, None)]);
    add("styleguide.html", &StyleguidePage { page: &page, bars: Bars::of(&single, language) });
    people(&page, &mut add);
    hosts(&page, &mut add);
    who_may_vote(&page, &mut add);
    for (name, html) in crate::http::elections::samples(&page) {
        all.push((name, html));
    }
    all
}

/// Somebody's browser.
fn session(is_this: bool) -> account::SessionRow {
    let nasty = || NASTY.to_owned();
    let moment = || Moment { instant: nasty(), shown: nasty() };
    account::SessionRow { id: "c0ffee".to_owned(), agent: nasty(), since: moment(), seen: moment(), is_this }
}

fn mine(is_there: bool) -> Option<home::Mine> {
    let nasty = || NASTY.to_owned();
    let row = || home::MineRow { address: nasty(), title: nasty(), code: nasty(), status: Some(nasty()) };
    is_there.then(|| home::Mine { query: nasty(), rows: vec![row(), row()], next: Some(nasty()) })
}

/// What a host does with a poll.
fn hosts(page: &Page, add: &mut dyn FnMut(&'static str, &dyn askama::DynTemplate)) {
    let nasty = || NASTY.to_owned();
    let texts = || page.texts(&compose::COMPOSE_TEXTS, &[]);
    for field in ["", "all", "title", "choices", "method", "times", "slug", "accent"] {
        let draft = Draft {
            title: nasty(),
            choices: vec![nasty()],
            slug: nasty(),
            accent: Some(nasty()),
            opens: nasty(),
            ..Draft::default()
        };
        let wrong = (!field.is_empty()).then(|| Wrong { field, place: nasty(), text: nasty() });
        let code = wrong.is_some().then_some("A5KYQ5");
        add("compose.html", &compose::ComposePage { page, code, draft, wrong, texts: texts() });
    }
    for results in samples() {
        for (status, state) in host::sample_acts() {
            let results = Results { status, ..results.clone() };
            add("host.html", &host::sample(page, &results, &state, NASTY));
        }
    }
}

/// Who may vote, and with what.
/// A person whose code is good, and one whose code is revoked.
fn listed() -> Vec<roster::PersonRow> {
    let nasty = || NASTY.to_owned();
    let good = roster::PersonActs::Good { replacement: nasty(), revocation: nasty() };
    let revoked = roster::PersonActs::Revoked { relisting: nasty() };
    let row = |acts| {
        let [number, name, email, state, mark] = [(); 5].map(|()| nasty());
        roster::PersonRow { number, name, email, state, mark, acts }
    };
    vec![row(good), row(revoked)]
}

fn who_may_vote(page: &Page, add: &mut dyn FnMut(&'static str, &dyn askama::DynTemplate)) {
    let nasty = || NASTY.to_owned();
    for error in [None, Some(nasty())] {
        let (code, title, typed) = ("A5KYQ5", NASTY, NASTY);
        add("access.html", &access::AccessPage { page, title, code, typed, wrong: error.clone() });
        let counted = error.as_ref().map(|_| (nasty(), nasty()));
        let shown = codes::CodesPage {
            page,
            title,
            code,
            counted: counted.clone(),
            unreachable: error.is_some(),
            once: nasty(),
            typed: nasty(),
            number: nasty(),
            done: error.clone(),
            make_error: error.clone(),
            revoke_error: error.clone(),
        };
        add("codes.html", &shown);
        let shown = roster::RosterPage {
            page,
            title,
            code,
            rows: if counted.is_some() { listed() } else { Vec::new() },
            counted,
            sought: nasty(),
            matches: error.clone(),
            after: nasty(),
            next: error.clone(),
            unreachable: error.is_some(),
            once: nasty(),
            typed: nasty(),
            done: error.clone(),
            of_file: error.is_some(),
            faults: error.iter().map(|_| (nasty(), nasty())).collect(),
            error: error.clone(),
        };
        add("roster.html", &shown);
        let card = || sheet::Card { number: nasty(), name: error.clone(), code: nasty(), qr: qr::Qr::of(NASTY) };
        let shown = sheet::SheetPage {
            page,
            title,
            code,
            place: "codes",
            count: nasty(),
            notes: error.iter().cloned().collect(),
            address: nasty(),
            unreachable: error.is_some(),
            cards: if error.is_some() { vec![card(), card()] } else { Vec::new() },
            is_empty: error.is_none(),
            made: nasty(),
            replaced: error.is_some().then_some(7),
        };
        add("sheet.html", &shown);
    }
}

/// Who signs in, with what, and who takes part.
fn people(page: &Page, add: &mut dyn FnMut(&'static str, &dyn askama::DynTemplate)) {
    let nasty = || NASTY.to_owned();
    for error in [None, Some(nasty())] {
        let open_sign_up = error.is_some();
        add("login.html", &sign_in::LoginPage { page, name: NASTY, next: NASTY, error: error.clone(), open_sign_up });
        for name in [None, Some(NASTY)] {
            let (name_error, password_error) = (error.clone(), error.clone());
            add("join.html", &join::JoinPage { page, title: nasty(), text: nasty(), name, name_error, password_error });
        }
        for (is_person, is_admin) in [(false, false), (true, false), (true, true)] {
            let shown = account::AccountPage {
                page,
                lead: nasty(),
                is_person,
                is_admin,
                sessions: vec![session(true), session(false)],
                present_error: error.clone(),
                password_error: error.clone(),
                done: error.clone(),
            };
            add("account.html", &shown);
        }
        given_out(page, error.as_ref(), add);
        taking_part(page, error.as_ref(), add);
        add("cohost.html", &cohost::CohostPage { page, title: NASTY, code: "A5KYQ5", asks: nasty(), warning: error });
    }
}

fn given_out(page: &Page, error: Option<&String>, add: &mut dyn FnMut(&'static str, &dyn askama::DynTemplate)) {
    let nasty = || NASTY.to_owned();
    let token = |revoked: Option<String>| keys::TokenRow {
        id: 1,
        name: nasty(),
        scopes: nasty(),
        created: nasty(),
        used: revoked.clone(),
        revoked,
    };
    let scopes = crate::ledger::Scope::ALL.map(crate::ledger::Scope::name);
    for tokens in [Vec::new(), vec![token(None), token(Some(nasty()))]] {
        for field in [None, Some("name"), Some("scopes")] {
            let refused = error.cloned().map(|error| keys::Refused {
                error,
                field,
                name: nasty(),
                scopes: vec![nasty(), "vote".to_owned()],
            });
            let (tokens, made) = (tokens.clone(), error.cloned());
            add("tokens.html", &keys::TokensPage { page, tokens, scopes, once: nasty(), made, refused });
        }
    }
    let row = || keys::InvitationRow { id: "c0ffee".to_owned(), by: nasty(), created: nasty(), expires: nasty() };
    for invitations in [Vec::new(), vec![row()]] {
        let (made, error) = (error.cloned(), error.cloned());
        add("invitations.html", &keys::InvitationsPage { page, invitations, made, error });
    }
}

fn taking_part(page: &Page, error: Option<&String>, add: &mut dyn FnMut(&'static str, &dyn askama::DynTemplate)) {
    let nasty = || NASTY.to_owned();
    let member = || people::MemberRow { person: 1, name: nasty(), role: "owner", role_of: nasty(), removal: nasty() };
    let link = |revoked: Option<String>| people::LinkRow {
        id: 1,
        label: nasty(),
        created: nasty(),
        sessions: if revoked.is_some() { Vec::new() } else { vec![session(false)] },
        revoked,
        state: nasty(),
    };
    for (members, links) in [(Vec::new(), Vec::new()), (vec![member()], vec![link(None), link(Some(nasty()))])] {
        let shown = people::PeoplePage {
            page,
            title: NASTY,
            code: "A5KYQ5",
            members,
            links,
            roles: vec![("owner", nasty()), ("co_host", nasty())],
            link_roles: vec![("co_host", nasty())],
            once: nasty(),
            made: error.and_then(|link| qr::Qr::of(link).map(|qr| (link.clone(), qr))),
            error: error.cloned(),
            asked: error.map(|name| (name.clone(), "viewer")),
        };
        add("people.html", &shown);
    }
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
        for (status, by) in [
            ("draft", "device"),
            ("open", "device"),
            ("paused", "code"),
            ("closed", "roster"),
            ("archived", "code"),
            ("certified", "roster"),
        ] {
            let mut full = sample(method, figures);
            full.status = status;
            full.title = NASTY.to_owned();
            full.identified_by = by;
            full.rehearsal = by == "roster";
            full.choices[0].title = NASTY.to_owned();
            let mut hidden = Results { hidden: true, ballots: None, time: None, round: 2, ..full.clone() };
            for choice in &mut hidden.choices {
                (choice.votes, choice.points) = (None, None);
            }
            all.extend([full, hidden]);
        }
    }
    all
}

fn results_page<'a>(page: &'a Page, results: &'a Results, visibility: Visibility) -> ResultsPage<'a> {
    let language = page.language;
    let mut columns = Columns::default();
    [0, 2_000, 2_000, 90_000].into_iter().for_each(|time| columns.add(Time(time)));
    let chart = Chart::of(&columns, language).filter(|_| !results.hidden);
    let due = Schedule { opens_at: Some(Time(0)), closes_at: None };
    let state = match results.status {
        "draft" => ContestState::Draft { schedule: due },
        _ => ContestState::Open { closes_at: Some(Time(0)), revealed: false },
    };
    let round = |number| RoundRow { number, name: NASTY.to_owned(), status: NASTY.to_owned() };
    ResultsPage {
        page,
        code: "A5KYQ5",
        poll: "0193e2a0-1111-7222-8333-444455556666".to_owned(),
        results,
        status: bars::status(language, results.status),
        identified: bars::identified(language, results.identified_by),
        full: results.identified_by == "code",
        hides: (results.identified_by == "code").then_some("hides-after-vote"),
        latest: 2,
        rounds: if results.round > 1 { vec![round(1), round(2)] } else { Vec::new() },
        voters: results.ballots.map(|ballots| language.count("voters", ballots)).unwrap_or_default(),
        blank: results.ballots.map(|_| NASTY.to_owned()),
        method: "method-approval",
        bars: Bars::of(results, language),
        scored: results::scored(results, language),
        waiting: Waiting::of(visibility, &state, language),
        as_of: results.time.as_ref().map(|_| Moment::of(Time(0), language)),
        chart,
        is_late: results.hidden,
        public_ballots: results.identified_by == "roster",
        is_final: results.status == "closed",
        recount: NASTY.to_owned(),
        embed: NASTY.to_owned(),
        texts: page.texts(&[&LIVE_TEXTS[..], &RESULTS_TEXTS[..]].concat(), &["voters"]),
    }
}

fn embed_page<'a>(page: &'a Page, results: &'a Results, visibility: Visibility) -> EmbedPage<'a> {
    let shown = results_page(page, results, visibility);
    EmbedPage {
        page,
        code: shown.code,
        address: NASTY.to_owned(),
        results,
        status: shown.status,
        identified: shown.identified,
        round: (results.round > 1).then(|| NASTY.to_owned()),
        is_earlier: results.identified_by == "code",
        voters: shown.voters,
        bars: shown.bars,
        waiting: shown.waiting,
        texts: page.texts(&[&LIVE_TEXTS[..], &EMBED_TEXTS[..]].concat(), &["voters"]),
    }
}

fn screen_page<'a>(page: &'a Page, results: &'a Results) -> ScreenPage<'a> {
    ScreenPage {
        page,
        code: "A5KYQ5",
        host: NASTY.to_owned(),
        results,
        status: bars::status(page.language, results.status),
        identified: bars::identified(page.language, results.identified_by),
        round: (results.round > 1).then(|| "2".to_owned()),
        latest: results.round,
        voters: String::new(),
        joined: page.language.count("joined", u64::from(results.round)),
        reveals: results.hidden.then(|| Reveal::of(page.language, NASTY, results.round, results.round)),
        bars: Bars::of(results, page.language),
        unreachable: results.hidden.then(|| vec![[NASTY.to_owned(), NASTY.to_owned()]]),
        texts: page.texts(&[&LIVE_TEXTS[..], &SCREEN_TEXTS].concat(), &["voters", "joined"]),
    }
}

/// Each form of paper, in each state, with and without an own vote.
fn votes(page: &Page) -> Vec<VotePage<'_>> {
    static CONTESTS: LazyLock<Vec<Contest>> = LazyLock::new(contests);
    static RESULTS: LazyLock<Vec<Results>> = LazyLock::new(samples);
    let all = CONTESTS.iter().flat_map(|contest| RESULTS.iter().map(move |results| (contest, results)));
    let one = |((contest, results), has_voted): ((&'static Contest, &'static Results), bool)| VotePage {
        page,
        code: "A5KYQ5",
        poll: String::new(),
        contest: String::new(),
        keep: String::new(),
        coded: has_voted,
        unvoted: if has_voted { "closed-unvoted-code" } else { "closed-no-code" },
        results,
        status: bars::status(page.language, results.status),
        identified: bars::identified(page.language, results.identified_by),
        public_ballots: has_voted,
        round: has_voted.then(|| "2".to_owned()),
        due: has_voted.then(|| ("closes-at", "2026-11-22T18:00:00.000Z".to_owned(), NASTY.to_owned())),
        paper: Paper::of(contest, None, page.language),
        changeable: has_voted,
        changing: has_voted,
        own: has_voted.then(|| OwnVote { told: NASTY.to_owned(), counted: String::new(), receipt: String::new() }),
        said: has_voted.then(|| NASTY.to_owned()),
        id: String::new(),
        voters: String::new(),
        bars: Bars::of(results, page.language),
        texts: page.texts(&[&VOTE_TEXTS[..], &LIVE_TEXTS[..]].concat(), &["voters"]),
    };
    all.flat_map(|sample| [(sample, false), (sample, true)]).map(one).collect()
}

/// A contest of each method, and of each form of paper.
fn contests() -> Vec<Contest> {
    let id = uuid::Uuid::from_u128(7);
    let choice = |title: &str, code: &str| Choice {
        id: ChoiceId(id),
        code: Label::parse(code).expect("a code"),
        title: Text::parse(title).expect("a title"),
        party: None,
    };
    let of = |method| Contest {
        id: ContestId(id),
        number: ContestNumber(0),
        method,
        change: Change::Final,
        choices: vec![choice(NASTY, "a"), choice("B", "b")],
        race: None,
    };
    vec![
        of(Method::Single),
        of(Method::Approval { min: 0, max: 2 }),
        of(Method::Approval { min: 1, max: 2 }),
        of(Method::Approval { min: 2, max: 2 }),
        of(Method::Approval { min: 0, max: 1 }),
        of(Method::Score { min: 0, max: 1 }),
        of(Method::Score { min: 1, max: 5 }),
        of(Method::Score { min: 0, max: 100 }),
    ]
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
