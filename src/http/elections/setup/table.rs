//! Reading CSV: a header that names its columns in any order, and lines as they arrive.
//!
//! Invariant: a header that is not understood is refused as a whole, so that no column is taken for another one; a line that
//! is not understood is one fault. It must not know: what the columns mean.

use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::super::SEMICOLONS;
use super::faults::{Faults, Place};
use crate::http::error::Problem;

/// A CSV document that is being read.
pub(in crate::http) struct Table<'a, const N: usize> {
    reader: Reader<&'a mut dyn Read>,
    /// The place of each known column in a line.
    columns: [Option<usize>; N],
    width: usize,
    record: ByteRecord,
}

/// One line, its fields in the order of the known columns; those that are not there are empty.
pub(in crate::http) struct Line<'a, const N: usize> {
    pub(in crate::http) number: u64,
    pub(in crate::http) fields: [&'a str; N],
}

impl<'a, const N: usize> Table<'a, N> {
    /// Reads the header. The first `needed` columns must be there.
    pub(in crate::http) fn open(body: &'a mut dyn Read, known: [&str; N], needed: usize) -> Result<Self, Problem> {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
        let mut record = ByteRecord::new();
        let told = || known.join(",");
        if !reader.read_byte_record(&mut record).map_err(|_| unreadable())? {
            let detail = format!("the file is empty; its first line names the columns: {}", told());
            return Err(Problem::invalid("invalid_csv", "", detail));
        }
        let mut columns = [None; N];
        for (at, name) in record.iter().enumerate() {
            let name = name.strip_prefix(b"\xef\xbb\xbf").filter(|_| at == 0).unwrap_or(name).trim_ascii();
            let name = String::from_utf8_lossy(name);
            let Some(column) = known.iter().position(|known| *known == name) else {
                if name.contains(';') {
                    return Err(Problem::invalid("invalid_csv", "", SEMICOLONS));
                }
                let name: String = name.chars().take(40).collect();
                let detail = format!("there is no column `{name}` here; the first line names some of: {}", told());
                return Err(Problem::invalid("unknown_column", "", detail));
            };
            if columns[column].replace(at).is_some() {
                return Err(Problem::invalid("repeated_column", "", format!("the column `{name}` stands twice")));
            }
        }
        if let Some(missing) = (0..needed).find(|column| columns[*column].is_none()) {
            let detail = format!("the column `{}` is missing in the first line", known[missing]);
            return Err(Problem::invalid("missing_column", "", detail));
        }
        Ok(Self { reader, columns, width: record.len(), record })
    }

    /// The next line that can be read; those before it that cannot are faults.
    pub(in crate::http) fn next(&mut self, faults: &mut Faults) -> Result<Option<Line<'_, N>>, Problem> {
        let (mut number, mut wrong);
        loop {
            if !self.reader.read_byte_record(&mut self.record).map_err(|_| unreadable())? {
                return Ok(None);
            }
            number = self.record.position().map_or(0, csv::Position::line);
            wrong = self.wrong();
            match wrong.take() {
                Some((code, detail)) => faults.push(Place::Line(number), "", code, detail),
                None => break,
            }
        }
        let field = |column: &Option<usize>| column.and_then(|at| self.record.get(at)).unwrap_or_default();
        let text = |column| std::str::from_utf8(field(column)).unwrap_or_default().trim();
        Ok(Some(Line { number, fields: self.columns.each_ref().map(text) }))
    }

    fn wrong(&self) -> Option<(&'static str, String)> {
        if self.record.len() != self.width {
            let detail = format!("this line has {} fields, and the first line {}", self.record.len(), self.width);
            return Some(("wrong_length", detail));
        }
        let is_text = self.record.iter().all(|field| std::str::from_utf8(field).is_ok());
        (!is_text).then(|| ("invalid_utf8", "this line is not UTF-8; save the file as UTF-8".to_owned()))
    }
}

fn unreadable() -> Problem {
    Problem::invalid("invalid_csv", "", "this is not a CSV file")
}
