//! The audit as tables: comma-separated values, and a sheet of Excel.
//!
//! Invariant: a cell that people wrote is only text to a spreadsheet; a sheet that is full says so and where all of it is.

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::changes::AuditLine;
use super::spreadsheet_cell;

/// The columns, in order.
pub const COLUMNS: [&str; 23] = [
    "seq",
    "time",
    "kind",
    "contest",
    "box",
    "city",
    "channel",
    "unit",
    "units",
    "revision",
    "status",
    "votes",
    "blank",
    "invalid",
    "cast",
    "votes_change",
    "cast_change",
    "by",
    "reason",
    "reported_at",
    "id",
    "receipt",
    "request",
];

/// The most rows of a sheet: what Excel opens.
pub const ROWS_MAX: u32 = 1_048_576;
/// The most characters of a cell: what Excel opens.
const CELL_MAX: usize = 32_767;

/// One cell.
enum Cell {
    Empty,
    Number(u64),
    /// By how much something moved.
    Move(i64),
    Text(String),
}

/// A line of the audit as cells.
fn cells(line: &AuditLine) -> [Cell; COLUMNS.len()] {
    let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) };
    let maybe = |value: Option<&str>| value.map_or(Cell::Empty, text);
    let number = |value: Option<u64>| value.map_or(Cell::Empty, Cell::Number);
    let (change, reported) = (&line.change, line.reported.as_ref());
    [
        Cell::Number(change.seq),
        text(&change.time),
        text(change.kind),
        maybe(change.contest.as_deref()),
        maybe(change.ballot_box.as_deref()),
        maybe(change.city.as_deref()),
        maybe(change.channel),
        maybe(change.unit.as_deref()),
        number(change.units.map(|units| units as u64)),
        number(change.revision.map(u64::from)),
        maybe(change.status),
        maybe(reported.map(|reported| pairs(&reported.votes, false)).as_deref()),
        number(reported.map(|reported| reported.blank.into())),
        number(reported.map(|reported| reported.invalid.into())),
        number(reported.map(|reported| reported.cast.into())),
        maybe(change.votes.as_ref().map(|votes| pairs(votes, true)).as_deref()),
        change.cast.map_or(Cell::Empty, Cell::Move),
        text(&change.by),
        maybe(change.reason.as_deref()),
        maybe(change.reported_at.as_deref()),
        maybe(line.id.as_deref()),
        text(&line.receipt),
        maybe(line.request.as_deref()),
    ]
}

fn pairs(votes: &BTreeMap<String, i64>, signed: bool) -> String {
    let pair = |(code, votes): (&String, &i64)| {
        if signed { format!("{code}={votes:+}") } else { format!("{code}={votes}") }
    };
    votes.iter().map(pair).collect::<Vec<_>>().join(" ")
}

/// The first line of the table.
pub fn csv_header() -> Result<Vec<u8>, csv::Error> {
    csv_record(|writer| writer.write_record(COLUMNS))
}

/// A line of the table.
pub fn csv_line(line: &AuditLine) -> Result<Vec<u8>, csv::Error> {
    let fields = cells(line).map(|cell| match cell {
        Cell::Empty => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Move(number) => number.to_string(),
        Cell::Text(text) => spreadsheet_cell(&text),
    });
    csv_record(|writer| writer.write_record(&fields))
}

fn csv_record(write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> Result<(), csv::Error>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    write(&mut writer)?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A sheet that is being written, row by row, without holding the rows in memory.
pub struct Sheet {
    book: Workbook,
    row: u32,
    rows_max: u32,
}

impl Sheet {
    /// A sheet with its first row. It holds at most so many rows, [`ROWS_MAX`] of them in Excel.
    pub fn new(rows_max: u32) -> Result<Self, XlsxError> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name("audit")?;
        let bold = Format::new().set_bold();
        for (column, name) in (0..).zip(COLUMNS) {
            sheet.write_string_with_format(0, column, name, &bold)?;
        }
        Ok(Self { book, row: 1, rows_max })
    }

    /// Writes a line; false where the sheet is full, and says in its last row where to find the rest.
    pub fn write(&mut self, line: &AuditLine) -> Result<bool, XlsxError> {
        let (row, is_last) = (self.row, self.row + 1 >= self.rows_max);
        let sheet = self.book.worksheet_from_index(0)?;
        if is_last {
            let text = "This sheet is full. The audit goes on: ask for it with ?format=csv, which has no limit.";
            sheet.write_string(row, 0, text)?;
            return Ok(false);
        }
        for (column, cell) in (0..).zip(cells(line)) {
            match cell {
                Cell::Empty => {}
                // Exact: places and numbers of ballots stay below 2^53.
                Cell::Number(number) => {
                    sheet.write_number(row, column, number as f64)?;
                }
                Cell::Move(number) => {
                    sheet.write_number(row, column, number as f64)?;
                }
                Cell::Text(text) => {
                    sheet.write_string(row, column, fitting(&text))?;
                }
            }
        }
        self.row += 1;
        Ok(true)
    }

    /// Ends the file.
    pub fn finish(mut self, out: impl Write + Seek + Send) -> Result<(), XlsxError> {
        self.book.save_to_writer(out)
    }
}

/// A text that fits a cell; what was cut off is marked.
fn fitting(text: &str) -> String {
    match text.char_indices().nth(CELL_MAX) {
        None => text.to_owned(),
        Some(_) => text.chars().take(CELL_MAX - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::export::changes::{Change, ReportedCounts};

    fn line(seq: u64) -> AuditLine {
        let change = Change { seq, kind: "first", by: "a desk".to_owned(), ..Change::default() };
        AuditLine { change, reported: None, id: None, receipt: "r".to_owned(), request: None }
    }

    #[test]
    fn what_is_a_number_can_be_summed() {
        let reported = ReportedCounts { votes: BTreeMap::new(), blank: 1, invalid: 2, cast: 3 };
        let change = Change { units: Some(4), revision: Some(5), cast: Some(-3), ..line(7).change };
        let line = AuditLine { change, reported: Some(reported), ..line(7) };
        let numbers = COLUMNS.into_iter().zip(cells(&line)).filter_map(|(column, cell)| match cell {
            Cell::Number(number) => Some((column, i64::try_from(number).unwrap())),
            Cell::Move(number) => Some((column, number)),
            Cell::Empty | Cell::Text(_) => None,
        });
        let numbers: Vec<_> = numbers.collect();
        let expected = [("seq", 7), ("units", 4), ("revision", 5), ("blank", 1), ("invalid", 2), ("cast", 3)];
        assert_eq!(numbers, [&expected[..], &[("cast_change", -3)]].concat());
        let csv = String::from_utf8(csv_line(&line).unwrap()).unwrap();
        assert!(csv.contains(",-3,a desk,"), "{csv}");
    }

    #[test]
    fn a_full_sheet_says_where_all_of_it_is() {
        let mut sheet = Sheet::new(4).unwrap();
        let written: Vec<bool> = (1..=3).map(|seq| sheet.write(&line(seq)).unwrap()).collect();
        assert_eq!(written, [true, true, false]);
        let mut out = Cursor::new(Vec::new());
        sheet.finish(&mut out).unwrap();
        assert!(out.into_inner().starts_with(b"PK"));
    }

    #[test]
    fn cells_hold_no_more_than_excel_opens() {
        assert_eq!(fitting(&"x".repeat(CELL_MAX)).chars().count(), CELL_MAX);
        let cut = fitting(&"é".repeat(CELL_MAX + 1));
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (CELL_MAX, true));
    }
}
