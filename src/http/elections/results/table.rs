//! Results as a table: what each choice got in each contest, in a unit and in those below it.
//!
//! Invariant: all rows are of one version, and there is no table of hidden results.

use axum::response::Response;
use hustings_core::{Audience, Unit};

use super::files::{self, Pages};
use super::{Problem, Shared};
use crate::export::sheets::NightRow;
use crate::feed::night::{Asked, ChildPage, ContestResult, Figures, Moment, NightResults, UnitName};
use crate::http::api::{ResultsFormat, XLSX, attached};

/// So many rows are in memory, or those of one unit.
const ROWS: usize = 5_000;

/// The file of what is asked for: its units page by page, from the first one on.
pub(super) async fn file(
    services: Shared,
    moment: Moment,
    asked: Asked,
    format: ResultsFormat,
) -> Result<Response, Problem> {
    let of_unit = moment.contests().iter().map(|contest| contest.choices.len()).sum::<usize>();
    let limit = (ROWS / of_unit.max(1)).clamp(1, ChildPage::LIMIT_MAX);
    let asked = Asked { children: asked.children.map(|page| ChildPage { limit, ..page }), ..asked };
    let election = &moment.found().election;
    let (name, about) = (format!("{}-results", election.code), about(&moment, &asked));
    let table = Table { services, moment, asked: Some(asked), is_begun: false };
    Ok(match format {
        ResultsFormat::Xlsx => attached(XLSX, &format!("{name}.xlsx"), files::xlsx(table, &about).await?),
        _ => attached("text/csv; charset=utf-8", &format!("{name}.csv"), files::csv(table)?),
    })
}

/// What the figures are of, and how far they can be relied upon.
fn about(moment: &Moment, asked: &Asked) -> Vec<(&'static str, String)> {
    let election = &moment.found().election;
    let status = moment.stage(Audience::Full);
    let lines = [
        ("title", Some(election.title.to_string())),
        ("rehearsal", (status == "rehearsal").then(|| "yes: no vote here is real".to_owned())),
        ("code", Some(election.code.to_string())),
        ("unit", Some(moment.unit_name(asked.unit).code)),
        ("status", Some(status.to_owned())),
        ("time", moment.shown_time()),
        ("zone", Some(moment.zone().to_owned())),
        ("version", Some(moment.version(Audience::Full).to_string())),
    ];
    lines.into_iter().filter_map(|(name, text)| text.map(|text| (name, text))).collect()
}

/// Rows as they are made, a page of units at a time.
struct Table {
    services: Shared,
    moment: Moment,
    /// What comes next; nothing at the end.
    asked: Option<Asked>,
    is_begun: bool,
}

impl Pages for Table {
    type Row = NightRow;

    async fn next(&mut self) -> Result<Option<Vec<NightRow>>, Problem> {
        let Some(asked) = self.asked.take() else { return Ok(None) };
        let results = self.services.feed.answer(&self.moment, &asked, Audience::Full).await?;
        let next = results.next.as_deref().and_then(|code| self.moment.unit(code));
        self.asked =
            next.map(|after| Asked { children: asked.children.map(|page| ChildPage { after, ..page }), ..asked });
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        Ok(Some(rows(&self.moment, &results, is_first)))
    }
}

/// The rows of a page: of the unit itself where it is the first one, and of those below it.
fn rows(moment: &Moment, results: &NightResults, is_first: bool) -> Vec<NightRow> {
    let mut rows = Vec::new();
    for contest in results.contests.iter().filter(|_| is_first) {
        let Some(figures) = &contest.figures else { continue };
        let votes = contest.choices.iter().map(|choice| choice.votes.unwrap_or(0));
        add(&mut rows, row(moment, &results.unit, contest, figures), contest, votes);
    }
    for child in results.children.iter().flatten() {
        for found in &child.contests {
            let Some(contest) = results.contests.iter().find(|contest| contest.code == found.code) else { continue };
            let votes = found.choices.iter().map(|(_, votes)| votes);
            add(&mut rows, row(moment, &child.unit, contest, &found.figures), contest, votes);
        }
    }
    rows
}

/// What a contest's rows of a unit have in common.
fn row(moment: &Moment, unit: &UnitName, contest: &ContestResult, figures: &Figures) -> NightRow {
    let found = moment.unit(&unit.code).filter(|number| *number != Unit::ROOT);
    let parent = found.and_then(|number| moment.units().get(number)).map(|found| moment.unit_name(found.parent).code);
    NightRow {
        contest: contest.code.clone(),
        contest_title: contest.title.clone(),
        status: contest.status,
        unit: unit.code.clone(),
        name: unit.name.clone(),
        kind: unit.kind,
        parent,
        cast: figures.cast,
        blank: figures.blank,
        invalid: figures.invalid,
        registered: figures.registered,
        reported: figures.boxes.reported,
        last: figures.boxes.last,
        expected: figures.boxes.expected,
        ..NightRow::default()
    }
}

fn add(rows: &mut Vec<NightRow>, common: NightRow, contest: &ContestResult, votes: impl Iterator<Item = u64>) {
    rows.extend(contest.choices.iter().zip(votes).map(|(choice, votes)| NightRow {
        choice: choice.code.clone(),
        title: choice.title.clone(),
        party: choice.party.clone(),
        votes,
        ..common.clone()
    }));
}
