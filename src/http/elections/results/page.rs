//! The plain page of an election's results.

use askama::Template;
use axum::http::HeaderMap;
use axum::response::Response;
use hustings_core::election::Viewer;
use hustings_core::{Audience, Unit};

use super::{Problem, Services, see, unit_of};
use crate::clock::parse_rfc3339;
use crate::feed::night::{Asked, ChildPage, ChildResult, ContestResult, Figures, NightResults, UnitName};
use crate::http::api::AskedAudience;
use crate::http::web::{self, Language, Page};
use crate::ledger::Registered;

#[derive(Template)]
#[template(path = "night.html")]
struct NightPage<'a> {
    page: &'a Page,
    id: String,
    title: &'a str,
    code: &'a str,
    /// Whether results were asked for that are hidden from others.
    full: bool,
    /// Whether they are hidden from others now.
    hides: bool,
    /// Its files, and which units stand in each.
    files: [(&'static str, &'static str); 3],
    results: &'a NightResults,
    status: String,
    as_of: Option<String>,
    is_whole: bool,
    parent: Option<String>,
    contests: Vec<Block<'a>>,
    children: Vec<Row<'a>>,
}

/// One contest.
struct Block<'a> {
    title: &'a str,
    status: String,
    boxes: String,
    ballots: String,
    rows: Vec<ChoiceRow<'a>>,
}

struct ChoiceRow<'a> {
    title: &'a str,
    votes: String,
    share: String,
    permille: u64,
}

/// One unit below.
struct Row<'a> {
    code: &'a str,
    name: &'a str,
    links: bool,
    boxes: String,
    leader: String,
    margin: String,
}

/// The most units below that the page lists.
const CHILDREN_MAX: usize = 1_000;

/// The page of an election, or of one unit of it, maybe with what is hidden from others.
pub(in crate::http) async fn page(
    services: &Services,
    page: &Page,
    found: &Registered,
    (unit, audience): (Option<&str>, Option<AskedAudience>),
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let id = found.election.id.to_string();
    let seen = see(services, &id, audience, &web::without_token(headers)).await?;
    let moment = &seen.moment;
    let unit = unit_of(moment, seen.audience, unit)?;
    let children = Some(ChildPage { limit: CHILDREN_MAX, ..ChildPage::FIRST });
    let asked = Asked { unit, children, ..Asked::ALL };
    let results = services.feed.answer(moment, &asked, seen.audience).await?;
    let parent =
        moment.units().get(unit).filter(|_| unit != Unit::ROOT).map(|found| moment.unit_name(found.parent).code);
    let language = page.language;
    let as_of = results.time.as_deref().and_then(parse_rfc3339).map(|time| {
        let moment = language.moment_in(time, &results.zone);
        language.say_with("night-as-of", &[("moment", &moment)])
    });
    Ok(web::render(&NightPage {
        page,
        id,
        title: found.election.title.as_str(),
        code: found.election.code.as_str(),
        full: audience.is_some(),
        hides: audience.is_some() && moment.audience(Viewer::Public) == Audience::Masked,
        files: files(&results.unit),
        status: stage(language, results.status),
        as_of,
        is_whole: unit == Unit::ROOT,
        parent,
        contests: results.contests.iter().map(|contest| block(language, contest)).collect(),
        children: results.children.iter().flatten().map(|child| row(language, child, &results)).collect(),
        results: &results,
    }))
}

/// Which files there are, and which units of those below stand in them: tables have all places, and where there are none,
/// what stands just below.
fn files(unit: &UnitName) -> [(&'static str, &'static str); 3] {
    let by = if ["nation", "region"].contains(&unit.kind) { "place" } else { "unit" };
    [("csv", by), ("xlsx", by), ("json", "unit")]
}

/// The word for where an election stands.
fn stage(language: Language, stage: &str) -> String {
    language.say(match stage {
        "rehearsal" => "night-status-rehearsal",
        "draft" => "night-status-draft",
        "certified" => "night-status-certified",
        "complete" => "night-status-complete",
        _ => "night-status-counting",
    })
}

fn block(language: Language, contest: &ContestResult) -> Block<'_> {
    let figures = contest.figures.as_ref();
    let rows = contest.choices.iter().map(|choice| {
        let permille = choice.share.map_or(0, permille);
        ChoiceRow {
            title: &choice.title,
            votes: choice.votes.map(|votes| language.number(votes)).unwrap_or_default(),
            share: choice.share.map(|_| language.percent(permille)).unwrap_or_default(),
            permille,
        }
    });
    Block {
        title: &contest.title,
        status: web::status(language, contest.status),
        boxes: figures.map(|figures| boxes(language, figures)).unwrap_or_default(),
        ballots: figures.map(|figures| ballots(language, figures)).unwrap_or_default(),
        rows: rows.collect(),
    }
}

fn boxes(language: Language, figures: &Figures) -> String {
    let Some(expected) = figures.boxes.expected else {
        return language.count("night-boxes-so-far", figures.boxes.reported);
    };
    let (reported, expected) = (language.number(figures.boxes.reported), language.number(expected));
    language.say_with("night-boxes-of", &[("reported", &reported), ("expected", &expected)])
}

fn ballots(language: Language, figures: &Figures) -> String {
    let mut parts = vec![language.count("night-cast", figures.cast)];
    for (number, key) in [(figures.blank, "night-blank"), (figures.invalid, "night-invalid")] {
        if number > 0 {
            parts.push(language.count(key, number));
        }
    }
    if let Some(turnout) = figures.turnout {
        let key = if turnout > 1.0 { "night-turnout-over" } else { "night-turnout" };
        parts.push(language.say_with(key, &[("number", &language.percent(permille(turnout)))]));
    } else if figures.registered_in_part.is_some() {
        parts.push(language.say("night-turnout-unknown"));
    }
    parts.join(", ")
}

/// A unit below is told by the first contest that is held in it.
fn row<'a>(language: Language, child: &'a ChildResult, results: &NightResults) -> Row<'a> {
    let contest = child.contests.first();
    let leader = contest.and_then(|contest| contest.figures.leader.as_ref());
    let title = |code: &String| {
        let of_contest = contest.and_then(|contest| results.contests.iter().find(|found| found.code == contest.code));
        let choice = of_contest.and_then(|found| found.choices.iter().find(|choice| choice.code == *code));
        choice.map_or_else(|| code.clone(), |choice| choice.title.clone())
    };
    Row {
        code: &child.unit.code,
        name: &child.unit.name,
        links: child.unit.kind != "box",
        boxes: contest.map(|contest| boxes(language, &contest.figures)).unwrap_or_default(),
        leader: leader
            .map(|leader| language.list(&leader.choices.iter().map(title).collect::<Vec<_>>()))
            .unwrap_or_default(),
        margin: leader.map(|leader| format!("+{}", language.number(leader.margin))).unwrap_or_default(),
    }
}

/// A part of a whole in thousandths.
fn permille(part: f64) -> u64 {
    // Exact: parts are told to four places, and rounding them to three says nothing new.
    format!("{:.0}", part * 1000.0).parse().unwrap_or(0)
}

/// The page with samples, for the test of all templates.
#[cfg(test)]
pub(in crate::http) fn samples(page: &Page) -> Vec<(&'static str, String)> {
    use crate::feed::night::ElectionName;
    let nasty = "<script>alert(1)</script> & \"'";
    let one = |(stage_name, hidden): (&'static str, bool)| {
        let results = NightResults {
            schema_version: 1,
            election: ElectionName { id: String::new(), code: "A5KYQ5".to_owned(), title: nasty.to_owned() },
            status: stage_name,
            version: "0000000000000001.7".to_owned(),
            time: None,
            zone: "UTC".to_owned(),
            hidden,
            stale: hidden,
            degraded: false,
            unit: UnitName { code: "york".to_owned(), name: nasty.to_owned(), kind: "city" },
            contests: Vec::new(),
            parties: None,
            children: None,
            next: None,
            choices: Vec::new(),
            boxes: None,
        };
        let row = ChoiceRow { title: nasty, votes: "1".to_owned(), share: nasty.to_owned(), permille: 1000 };
        let (boxes, ballots) = (String::new(), String::new());
        let contest = Block { title: nasty, status: nasty.to_owned(), boxes, ballots, rows: vec![row] };
        let (boxes, leader, margin) = (String::new(), nasty.to_owned(), "+1".to_owned());
        let child = Row { code: "a&b", name: nasty, links: hidden, boxes, leader, margin };
        let night = NightPage {
            page,
            id: String::new(),
            title: nasty,
            code: "A5KYQ5",
            full: hidden,
            hides: hidden,
            files: files(&results.unit),
            status: stage(page.language, stage_name),
            as_of: Some(page.language.moment(hustings_core::Time(0))),
            is_whole: hidden,
            parent: Some("a&b".to_owned()),
            contests: vec![contest],
            children: vec![child],
            results: &results,
        };
        ("night.html", night.render().unwrap_or_default())
    };
    ["rehearsal", "draft", "counting", "complete", "certified"]
        .map(|stage| [(stage, true), (stage, false)])
        .concat()
        .into_iter()
        .map(one)
        .collect()
}
