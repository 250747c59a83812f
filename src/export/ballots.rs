//! Ballots that tell nothing about voters, one a line: for whoever counts them again.

use hustings_core::{Contest, Selections};
use serde_json::json;

use super::{selections, spreadsheet_cell};

/// One ballot as a JSON line: its round, and what was chosen by the codes of choices.
#[must_use]
pub fn ndjson(contest: &Contest, chosen: &Selections) -> Vec<u8> {
    let (name, value) = selections(Some(contest), chosen);
    let mut line = json!({ "round": contest.number.0 + 1, name: value }).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// The first line of the table: a column for each choice, by its code.
pub fn csv_header(contest: &Contest) -> Result<Vec<u8>, csv::Error> {
    record(contest.choices.iter().map(|choice| spreadsheet_cell(choice.code.as_str())))
}

/// One ballot as a line of the table: 1 under what was chosen, or the score; nothing elsewhere. A column's sum is the choice's
/// total.
pub fn csv(contest: &Contest, chosen: &Selections) -> Result<Vec<u8>, csv::Error> {
    let mut cells = vec![String::new(); contest.choices.len()];
    let mut put = |at: usize, text: String| {
        if let Some(cell) = cells.get_mut(at) {
            *cell = text;
        }
    };
    match chosen {
        Selections::Choices(chosen) => chosen.iter().for_each(|number| put(number.index(), "1".to_owned())),
        Selections::Scores(scores) => {
            scores.iter().for_each(|(number, score)| put(number.index(), score.to_string()));
        }
    }
    record(cells)
}

fn record(cells: impl IntoIterator<Item = String>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    writer.into_inner().map_err(|error| error.into_error().into())
}
