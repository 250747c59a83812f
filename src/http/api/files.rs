//! Results as files to take away.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hustings_core::Election;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::export::results::{self, Row};
use crate::feed::Results;
use crate::http::error::Problem;

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum ResultsFormat {
    /// The JSON document.
    #[default]
    Json,
    /// Comma-separated values, a line for each choice.
    Csv,
    /// A book of Excel.
    Xlsx,
}

/// What a book of Excel is called.
pub(in crate::http) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Results that this reader may see, as a file. There are no hidden ones in it: without figures there is no table.
pub(super) fn results_file(election: &Election, found: &Results, format: ResultsFormat) -> Result<Response, Problem> {
    if found.hidden {
        let detail = "results are hidden for now; they can be taken away once they are shown";
        return Err(Problem::forbidden("results_hidden", detail));
    }
    let rows: Vec<Row<'_>> = rows(found);
    let name = format!("{}-round-{}", election.code, found.round);
    let written = match format {
        ResultsFormat::Xlsx => results::xlsx(&rows, &about(election, found)).map_err(|_| unwritable())?,
        _ => results::csv(&rows).map_err(|_| unwritable())?,
    };
    let (kind, end) = match format {
        ResultsFormat::Xlsx => (XLSX, "xlsx"),
        _ => ("text/csv; charset=utf-8", "csv"),
    };
    Ok(attached(kind, &format!("{name}.{end}"), written.into()))
}

fn rows(found: &Results) -> Vec<Row<'_>> {
    let choices = found.choices.iter();
    choices
        .map(|choice| Row {
            round: found.round,
            status: found.status,
            ballots: found.ballots.unwrap_or(0),
            // Where the method takes no blank ballot there is none.
            blank: found.blank.unwrap_or(0),
            choice: &choice.code,
            title: &choice.title,
            votes: choice.votes.unwrap_or(0),
            points: choice.points,
        })
        .collect()
}

/// What the figures are of, and how far they can be relied upon.
fn about(election: &Election, found: &Results) -> Vec<(&'static str, String)> {
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let lines = [
        ("title", Some(found.title.clone())),
        ("rehearsal", found.rehearsal.then(|| "yes: no vote here is real".to_owned())),
        ("code", Some(election.code.to_string())),
        ("round", Some(found.round.to_string())),
        ("status", Some(found.status.to_owned())),
        ("method", Some(found.method.to_owned())),
        ("identified_by", Some(found.identified_by.to_owned())),
        ("ballots", number(found.ballots)),
        ("blank", number(found.blank)),
        ("time", found.time.clone()),
        ("version", Some(found.version.clone())),
    ];
    lines.into_iter().filter_map(|(name, text)| text.map(|text| (name, text))).collect()
}

/// A file to be kept, not to be shown.
pub(in crate::http) fn attached(kind: &'static str, name: &str, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        // What one reader may see must never be given to another one by a cache.
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let disposition = format!("attachment; filename=\"{name}\"");
    (headers, [(header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

pub(super) fn unwritable() -> Problem {
    Problem::unavailable("export_failed", "the file could not be written; please try again")
}
