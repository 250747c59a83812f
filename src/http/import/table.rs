//! Reading CSV: a header that names its columns in any order, and lines as they arrive.
//!
//! Invariant: a header that is not understood is refused as a whole, so that no column is taken for another one; a line that
//! is not understood is one fault, one without any text is none, and a line has the number that an editor shows. It must not
//! know: what the columns mean.

use std::io::{self, Chain, Cursor, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::faults::{Faults, Place};
use super::utf16;
use crate::http::error::Problem;
use crate::separator::{declared, separator};

/// The longest header that is looked at for what separates its columns.
const HEADER_MAX: usize = 64 * 1024;

/// What Excel calls its own file, which it does not write as a table unless it is told to: that of today, and the one before.
const EXCEL: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];

/// Other names that spreadsheets and address books give to the columns of a list of people.
const ALSO: [(&str, &str); 4] = [("e-mail", "email"), ("mail", "email"), ("courriel", "email"), ("nom", "name")];

/// A CSV document that is being read.
pub(in crate::http) struct Table<'a, const N: usize> {
    reader: Reader<Chain<Cursor<Vec<u8>>, Lines<'a>>>,
    /// The place of each known column in a line.
    columns: [Option<usize>; N],
    width: usize,
    record: ByteRecord,
    separator: u8,
}

/// One line, its fields in the order of the known columns; those that are not there are empty.
pub(in crate::http) struct Line<'a, const N: usize> {
    pub(in crate::http) number: u64,
    pub(in crate::http) fields: [&'a str; N],
}

impl<'a, const N: usize> Table<'a, N> {
    /// Reads the header. The first `needed` columns must be there.
    pub(in crate::http) fn open(body: &'a mut dyn Read, known: [&str; N], needed: usize) -> Result<Self, Problem> {
        let mut lines =
            Lines { body: utf16::decoded(body).map_err(|_| unreadable())?, last: b'\n', is_after_return: false };
        let header = lines.header().map_err(|_| unreadable())?;
        if EXCEL.iter().any(|mark| header.starts_with(mark)) {
            let detail = "this is an Excel file; save it as CSV UTF-8, and send that";
            return Err(Problem::invalid("excel_file", "", detail));
        }
        let mut builder = ReaderBuilder::new();
        let declared = declared(first(&header));
        let separator = declared.unwrap_or_else(|| separator(first(&header)));
        builder.has_headers(false).flexible(true).delimiter(separator);
        let mut reader = builder.from_reader(Cursor::new(header).chain(lines));
        let mut record = ByteRecord::new();
        let told = || known.join(",");
        if declared.is_some() {
            reader.read_byte_record(&mut record).map_err(|_| unreadable())?;
        }
        if !reader.read_byte_record(&mut record).map_err(|_| unreadable())? {
            let detail = format!("the file is empty; its first line names the columns: {}", told());
            return Err(Problem::invalid("invalid_csv", "", detail));
        }
        let mut columns = [None; N];
        for (at, name) in record.iter().enumerate() {
            let name = name.strip_prefix(b"\xef\xbb\xbf").filter(|_| at == 0).unwrap_or(name).trim_ascii();
            let name = String::from_utf8_lossy(name);
            let Some(column) = known.iter().position(|known| is_called(known, &name)) else {
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
        Ok(Self { reader, columns, width: record.len(), record, separator })
    }

    /// What stands between its columns: who is answered with a table gets one of the same form.
    pub(in crate::http) fn separator(&self) -> u8 {
        self.separator
    }

    /// The next line that can be read; those before it that cannot are faults.
    pub(in crate::http) fn next(&mut self, faults: &mut Faults) -> Result<Option<Line<'_, N>>, Problem> {
        let (mut number, mut wrong);
        loop {
            if !self.reader.read_byte_record(&mut self.record).map_err(|_| unreadable())? {
                return Ok(None);
            }
            if self.is_blank() {
                continue;
            }
            number = self.number();
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

    /// Where the line begins. The reader says where a record was looked for, with empty lines before it, but it knows where it
    /// ended, and each one ends with its line.
    fn number(&self) -> u64 {
        let begun = self.record.position().map_or(0, csv::Position::line);
        let inside = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        self.reader.position().line().saturating_sub(1 + inside).max(begun)
    }

    /// Whether it holds nothing but spaces and what separates columns: spreadsheets leave such lines at the end of a table.
    fn is_blank(&self) -> bool {
        self.record.iter().all(|field| field.trim_ascii().is_empty())
    }

    fn wrong(&self) -> Option<(&'static str, String)> {
        if self.record.len() != self.width {
            let detail = format!("this line has {} fields, and the first line {}", self.record.len(), self.width);
            return Some(("wrong_length", detail));
        }
        let is_text = self.record.iter().all(|field| std::str::from_utf8(field).is_ok());
        (!is_text).then(|| ("invalid_utf8", "this line is not text in UTF-8; save the file as CSV in UTF-8".to_owned()))
    }
}

/// A text as it arrives, in which every line ends with one `\n`, also the last one.
struct Lines<'a> {
    body: Box<dyn Read + 'a>,
    last: u8,
    is_after_return: bool,
}

impl Lines<'_> {
    /// The text to the end of its first line, and what came with it; no more than a header can have.
    fn header(&mut self) -> io::Result<Vec<u8>> {
        let (mut text, mut piece) = (Vec::new(), [0; 4096]);
        while text.len() < HEADER_MAX && !text.contains(&b'\n') {
            match self.read(&mut piece)? {
                0 => break,
                read => text.extend_from_slice(&piece[..read]),
            }
        }
        Ok(text)
    }
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.body.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                let byte = buffer[at];
                let is_second = byte == b'\n' && self.is_after_return;
                self.is_after_return = byte == b'\r';
                if !is_second {
                    buffer[kept] = if self.is_after_return { b'\n' } else { byte };
                    kept += 1;
                }
            }
            if read == 0 && self.last != b'\n' && !buffer.is_empty() {
                buffer[0] = b'\n';
                kept = 1;
            }
            if kept > 0 {
                self.last = buffer[kept - 1];
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Whether a column of this name is the known one.
fn is_called(known: &str, name: &str) -> bool {
    let also = |(other, one): &(&str, &str)| *one == known && other.eq_ignore_ascii_case(name);
    known.eq_ignore_ascii_case(name) || ALSO.iter().any(also)
}

fn first(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

fn unreadable() -> Problem {
    Problem::invalid("invalid_csv", "", "this is not a CSV file")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that arrives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    /// The lines of a table with their numbers, and the numbers of those that are wrong.
    fn read(text: &str, at_once: usize) -> (Vec<(u64, String, String)>, Vec<u64>) {
        read_bytes(text.as_bytes(), at_once)
    }

    fn read_bytes(text: &[u8], at_once: usize) -> (Vec<(u64, String, String)>, Vec<u64>) {
        let mut body = Slow(text, at_once);
        let mut table = Table::open(&mut body, ["name", "email"], 1).expect("a header");
        let (mut lines, mut faults) = (Vec::new(), Faults::new("wrong"));
        while let Some(Line { number, fields: [name, email] }) = table.next(&mut faults).expect("a line") {
            lines.push((number, name.to_owned(), email.to_owned()));
        }
        let wrong = faults
            .check()
            .err()
            .map_or(Vec::new(), |problem| problem.errors().iter().filter_map(|fault| fault.line).collect());
        (lines, wrong)
    }

    #[test]
    fn lines_have_the_numbers_that_an_editor_shows() {
        let text = "name,email\nAnna,a@x\n\nBen\n\"Che\nGu\",c@x\nDora,d@x\nEva";
        let lines = |end: &str| {
            let line = |number, name: &str, email: &str| (number, name.replace('\n', end), email.to_owned());
            vec![line(2, "Anna", "a@x"), line(5, "Che\nGu", "c@x"), line(7, "Dora", "d@x")]
        };
        for end in ["\n", "\r\n", "\r"] {
            for last in ["", end] {
                for at_once in [1, 2, 7, 4096] {
                    let (found, wrong) = read(&format!("{}{last}", text.replace('\n', end)), at_once);
                    assert_eq!(found, lines("\n"), "{end:?} {last:?} {at_once}");
                    assert_eq!(wrong, [4, 8], "{end:?} {last:?} {at_once}");
                }
            }
        }
        assert_eq!(read("name\n\"Anna\nBen", 4096).0, [(2, "Anna\nBen".to_owned(), String::new())]);
    }

    #[test]
    fn lines_without_any_text_are_passed_over_and_counted() {
        for blank in ["", ",", " , ", "\"\",\t", ",,,,", "\t", " "] {
            let (found, wrong) =
                read(&format!("name,email\nAnna,a@x\n{blank}\nBen,b@x\n{blank}\n{blank}\nEva\n"), 4096);
            let expected = [(2, "Anna", "a@x"), (4, "Ben", "b@x")];
            assert_eq!(
                found,
                expected.map(|(line, name, email)| (line, name.to_owned(), email.to_owned())),
                "{blank:?}"
            );
            assert_eq!(wrong, [7], "{blank:?}");
        }
        assert_eq!(read("name,email\n,a@x\n", 4096).0, [(2, String::new(), "a@x".to_owned())], "this one has some");
    }

    #[test]
    fn a_mark_at_the_beginning_says_how_the_text_is_encoded() {
        let text = "name\temail\r\nÉva 𝄞\te@x\r\n\t\r\nBen\t\r\n";
        let expected = vec![(2, "Éva 𝄞".to_owned(), "e@x".to_owned()), (4, "Ben".to_owned(), String::new())];
        let units = || "\u{feff}".encode_utf16().chain(text.encode_utf16());
        let encodings: [Vec<u8>; 4] = [
            text.bytes().collect(),
            format!("\u{feff}{text}").into_bytes(),
            units().flat_map(u16::to_le_bytes).collect(),
            units().flat_map(u16::to_be_bytes).collect(),
        ];
        for (at, bytes) in encodings.iter().enumerate() {
            for at_once in [1, 2, 3, 7, 4096] {
                assert_eq!(read_bytes(bytes, at_once), (expected.clone(), Vec::new()), "{at} {at_once}");
            }
        }
        // A half of a character alone, and a half of a unit at the end, are no text; the line says so.
        let mut broken: Vec<u8> = "\u{feff}name\nA".encode_utf16().flat_map(u16::to_le_bytes).collect();
        broken.extend(0xd834_u16.to_le_bytes());
        assert_eq!(read_bytes(&broken, 4096).1, [2]);
        broken.truncate(broken.len() - 1);
        assert_eq!(read_bytes(&broken, 4096).1, [2]);
    }

    #[test]
    fn a_line_of_excel_before_the_header_says_what_separates_columns_and_is_counted() {
        for mark in ["", "\u{feff}"] {
            for (declared, at_once) in [(',', 1), (';', 2), ('\t', 7), ('|', 4096)] {
                let text = format!("{mark}sep={declared}\r\nname|courriel\r\nAnna|a@x\r\nBen\r\n");
                let found = read(&text.replace('|', &declared.to_string()), at_once);
                let expected = vec![(3, "Anna".to_owned(), "a@x".to_owned())];
                assert_eq!(found, (expected, vec![4]), "{declared:?}");
            }
        }
    }

    #[test]
    fn columns_are_told_apart_by_what_separates_the_names_in_the_header() {
        let expected = vec![(2, "Anna, M.".to_owned(), "a@x".to_owned()), (3, "B;b".to_owned(), String::new())];
        for text in [
            "name,email\n\"Anna, M.\",a@x\nB;b,",
            "\u{feff}name;email\r\nAnna, M.;a@x\r\n\"B;b\";",
            "EMAIL\tName\na@x\tAnna, M.\n\tB;b\n",
            " Nom ; E-Mail \nAnna, M.;a@x\n\"B;b\";",
        ] {
            assert_eq!(read(text, 4096), (expected.clone(), Vec::new()), "{text}");
        }
    }
}
