//! Rows as tables: comma-separated values, and a sheet of Excel.
//!
//! Invariant: a cell that people wrote is only text to a spreadsheet; a sheet that is full says so and where all of it is.

mod audit;
mod night;

use std::io::{Seek, Write};

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::spreadsheet_cell;

pub use night::NightRow;

/// The most rows of a sheet: what Excel opens.
pub const ROWS_MAX: u32 = 1_048_576;
/// The most characters of a cell: what Excel opens.
const CELL_MAX: usize = 32_767;

/// One cell.
pub enum Cell {
    /// Nothing.
    Empty,
    /// A number that can be summed.
    Number(u64),
    /// By how much something moved.
    Move(i64),
    /// A text.
    Text(String),
}

impl Cell {
    fn text(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }

    fn maybe(text: Option<&str>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }

    fn number(number: Option<u64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }
}

/// A row of a table.
pub trait Row {
    /// What the sheet is called.
    const SHEET: &'static str;
    /// The columns, in order.
    const COLUMNS: &'static [&'static str];

    /// Its cells, one for each column.
    fn cells(&self) -> Vec<Cell>;
}

/// The first line of the table.
pub fn csv_header<R: Row>() -> Result<Vec<u8>, csv::Error> {
    csv_record(|writer| writer.write_record(R::COLUMNS))
}

/// A line of the table.
pub fn csv_line(row: &impl Row) -> Result<Vec<u8>, csv::Error> {
    let fields = row.cells().into_iter().map(|cell| match cell {
        Cell::Empty => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Move(number) => number.to_string(),
        Cell::Text(text) => spreadsheet_cell(&text),
    });
    csv_record(|writer| writer.write_record(fields.collect::<Vec<_>>()))
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
    pub fn new<R: Row>(rows_max: u32) -> Result<Self, XlsxError> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(R::SHEET)?;
        let bold = Format::new().set_bold();
        for (column, name) in (0..).zip(R::COLUMNS) {
            sheet.write_string_with_format(0, column, *name, &bold)?;
        }
        Ok(Self { book, row: 1, rows_max })
    }

    /// Writes a line; false where the sheet is full, and says in its last row where to find the rest.
    pub fn write(&mut self, line: &impl Row) -> Result<bool, XlsxError> {
        let (row, is_last) = (self.row, self.row + 1 >= self.rows_max);
        let sheet = self.book.worksheet_from_index(0)?;
        if is_last {
            let text = "This sheet is full, and there is more: ask for all of it with ?format=csv, which has no limit.";
            sheet.write_string(row, 0, text)?;
            return Ok(false);
        }
        for (column, cell) in (0..).zip(line.cells()) {
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

    /// Ends the file, with a second sheet where there is something to say about the first one.
    pub fn finish(mut self, about: &[(&str, String)], out: impl Write + Seek + Send) -> Result<(), XlsxError> {
        if !about.is_empty() {
            about_sheet(&mut self.book, about)?;
        }
        self.book.save_to_writer(out)
    }
}

/// A sheet that says what the figures of another one are of.
pub(super) fn about_sheet(book: &mut Workbook, about: &[(&str, String)]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let sheet = book.add_worksheet();
    sheet.set_name("about")?;
    for (line, (name, text)) in (0..).zip(about) {
        sheet.write_string_with_format(line, 0, *name, &bold)?;
        sheet.write_string(line, 1, text)?;
    }
    sheet.set_column_width(0, 16)?.set_column_width(1, 60)?;
    Ok(())
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
    use std::collections::BTreeMap;
    use std::io::Cursor;

    use super::*;
    use crate::export::changes::{AuditLine, Change, ReportedCounts};

    fn line(seq: u64) -> AuditLine {
        let change = Change { seq, kind: "first", by: "a desk".to_owned(), ..Change::default() };
        AuditLine { change, reported: None, id: None, receipt: "r".to_owned(), request: None }
    }

    #[test]
    fn what_is_a_number_can_be_summed() {
        let reported = ReportedCounts { votes: BTreeMap::new(), blank: 1, invalid: 2, cast: 3 };
        let change = Change { units: Some(4), revision: Some(5), cast: Some(-3), ..line(7).change };
        let line = AuditLine { change, reported: Some(reported), ..line(7) };
        let numbers = AuditLine::COLUMNS.iter().copied().zip(line.cells()).filter_map(|(column, cell)| match cell {
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
        let mut sheet = Sheet::new::<AuditLine>(4).unwrap();
        let written: Vec<bool> = (1..=3).map(|seq| sheet.write(&line(seq)).unwrap()).collect();
        assert_eq!(written, [true, true, false]);
        let mut out = Cursor::new(Vec::new());
        sheet.finish(&[], &mut out).unwrap();
        assert!(out.into_inner().starts_with(b"PK"));
    }

    #[test]
    fn cells_hold_no_more_than_excel_opens() {
        assert_eq!(fitting(&"x".repeat(CELL_MAX)).chars().count(), CELL_MAX);
        let cut = fitting(&"é".repeat(CELL_MAX + 1));
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (CELL_MAX, true));
    }
}
