//! The plain page of an election's results.

use askama::Template;
use axum::http::HeaderMap;
use axum::response::Response;
use hustings_core::Unit;

use super::{Problem, Services, see, unit_of};
use crate::export::thousands;
use crate::feed::night::{Asked, ChildPage, ChildResult, ContestResult, Figures, NightResults};
use crate::http::web;
use crate::ledger::Registered;

#[derive(Template)]
#[template(path = "night.html")]
struct NightPage<'a> {
    assets: &'a str,
    title: &'a str,
    code: &'a str,
    results: &'a NightResults,
    is_whole: bool,
    parent: Option<String>,
    contests: Vec<Block<'a>>,
    children: Vec<Row<'a>>,
}

/// One contest.
struct Block<'a> {
    title: &'a str,
    status: &'a str,
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

/// The page of an election, or of one unit of it.
pub(in crate::http) async fn page(
    services: &Services,
    found: &Registered,
    unit: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let seen = see(services, &found.election.id.to_string(), &web::without_token(headers)).await?;
    let moment = &seen.moment;
    let unit = unit_of(moment, unit)?;
    let children = Some(ChildPage { after: Unit::ROOT, limit: CHILDREN_MAX });
    let asked = Asked { unit, children, ..Asked::ALL };
    let results = services.feed.answer(moment, &asked, seen.audience).await?;
    let parent =
        moment.units().get(unit).filter(|_| unit != Unit::ROOT).map(|found| moment.unit_name(found.parent).code);
    Ok(web::render(&NightPage {
        assets: web::assets(),
        title: found.election.title.as_str(),
        code: found.election.code.as_str(),
        is_whole: unit == Unit::ROOT,
        parent,
        contests: results.contests.iter().map(block).collect(),
        children: results.children.iter().flatten().map(|child| row(child, &results)).collect(),
        results: &results,
    }))
}

fn block(contest: &ContestResult) -> Block<'_> {
    let figures = contest.figures.as_ref();
    let rows = contest.choices.iter().map(|choice| {
        let permille = choice.share.map_or(0, permille);
        ChoiceRow {
            title: &choice.title,
            votes: choice.votes.map(thousands).unwrap_or_default(),
            share: choice.share.map(|_| format!("{}.{} %", permille / 10, permille % 10)).unwrap_or_default(),
            permille,
        }
    });
    Block {
        title: &contest.title,
        status: contest.status,
        boxes: figures.map(boxes).unwrap_or_default(),
        ballots: figures.map(ballots).unwrap_or_default(),
        rows: rows.collect(),
    }
}

fn boxes(figures: &Figures) -> String {
    format!("{} of {} boxes", thousands(figures.boxes.reported), thousands(figures.boxes.expected))
}

fn ballots(figures: &Figures) -> String {
    let mut text = format!("{} ballots cast", thousands(figures.cast));
    for (number, name) in [(figures.blank, "blank"), (figures.invalid, "invalid")] {
        if number > 0 {
            text.push_str(&format!(", {} {name}", thousands(number)));
        }
    }
    if let Some(turnout) = figures.turnout {
        let permille = permille(turnout);
        text.push_str(&format!(", turnout {}.{} %", permille / 10, permille % 10));
    }
    text
}

/// A unit below is told by the first contest that is held in it.
fn row<'a>(child: &'a ChildResult, results: &NightResults) -> Row<'a> {
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
        boxes: contest.map(|contest| boxes(&contest.figures)).unwrap_or_default(),
        leader: leader
            .map(|leader| leader.choices.iter().map(title).collect::<Vec<_>>().join(" and "))
            .unwrap_or_default(),
        margin: leader.map(|leader| format!("+{}", thousands(leader.margin))).unwrap_or_default(),
    }
}

/// A part of a whole in thousandths.
fn permille(part: f64) -> u64 {
    // Exact: parts are told to four places, and rounding them to three says nothing new.
    format!("{:.0}", part * 1000.0).parse().unwrap_or(0)
}
