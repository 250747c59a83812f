//! The results of one round as tables: comma-separated values, and a book of Excel.
//!
//! Invariant: a cell that people wrote is only text to a spreadsheet.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::sheets::about_sheet;
use super::spreadsheet_cell;

/// The columns of results, in order.
pub const COLUMNS: [&str; 8] = ["round", "status", "ballots", "blank", "choice", "title", "votes", "points"];

/// What one choice got.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The round, from 1.
    pub round: u32,
    /// Where it stands.
    pub status: &'a str,
    /// Voters whose ballot counts.
    pub ballots: u64,
    /// Those of them that chose nothing.
    pub blank: u64,
    /// The code of the choice.
    pub choice: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Ballots that chose or scored it.
    pub votes: u64,
    /// The sum of its scores, for the method score.
    pub points: Option<u64>,
}

/// The rows as comma-separated values.
pub fn csv(rows: &[Row<'_>]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.write_record([
            row.round.to_string(),
            row.status.to_owned(),
            row.ballots.to_string(),
            row.blank.to_string(),
            spreadsheet_cell(row.choice),
            spreadsheet_cell(row.title),
            row.votes.to_string(),
            row.points.map(|points| points.to_string()).unwrap_or_default(),
        ])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// The rows as a book with two sheets: the figures, and what they are of.
pub fn xlsx(rows: &[Row<'_>], about: &[(&str, String)]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let bold = Format::new().set_bold();
    let sheet = book.add_worksheet();
    sheet.set_name("results")?.set_freeze_panes(1, 0)?;
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, name, &bold)?;
    }
    for (line, row) in (1..).zip(rows) {
        sheet.write_number(line, 0, row.round)?;
        sheet.write_string(line, 1, row.status)?;
        // Exact: totals stay below 2^53.
        sheet.write_number(line, 2, row.ballots as f64)?;
        sheet.write_number(line, 3, row.blank as f64)?;
        sheet.write_string(line, 4, row.choice)?;
        sheet.write_string(line, 5, row.title)?;
        sheet.write_number(line, 6, row.votes as f64)?;
        if let Some(points) = row.points {
            sheet.write_number(line, 7, points as f64)?;
        }
    }
    sheet.set_column_width(5, 40)?;
    about_sheet(&mut book, about)?;
    book.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_people_stays_text_and_numbers_stay_numbers() {
        let row = Row {
            round: 2,
            status: "closed",
            ballots: 3,
            blank: 1,
            choice: "a",
            title: "=1+1,\"x\"",
            votes: 2,
            points: None,
        };
        let scored = Row { points: Some(7), title: "Tea", ..row.clone() };
        let text = String::from_utf8(csv(&[row.clone(), scored.clone()]).unwrap()).unwrap();
        let expected = "round,status,ballots,blank,choice,title,votes,points\n\
            2,closed,3,1,a,\"'=1+1,\"\"x\"\"\",2,\n2,closed,3,1,a,Tea,2,7\n";
        assert_eq!(text, expected);
        let book = xlsx(&[row, scored], &[("title", "=1+1".to_owned())]).unwrap();
        assert!(book.starts_with(b"PK"));
    }
}
