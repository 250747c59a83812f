//! A file of reports as text: what form it has, and its lines.
//!
//! Invariant: a line ends where the server ends one. What is no file of reports is refused by a sentence that says what to do.
//! It must not know: ids, requests.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::split::fields;
use crate::separator::{BOX_COLUMNS, declared, separator};

/// How a file holds reports.
pub(super) enum Form {
    /// JSON, one report a line.
    Lines,
    /// One JSON document: a list of reports, or one report over several lines.
    Whole(Vec<String>),
    /// A table.
    Table(Header),
}

/// What stands above the reports of a table.
pub(super) struct Header {
    /// The line that says what separates columns, where there is one.
    pub(super) declaration: Option<String>,
    /// The line that names the columns.
    pub(super) names: String,
    pub(super) separator: u8,
}

impl Header {
    /// How many lines it has.
    pub(super) fn lines(&self) -> usize {
        1 + usize::from(self.declaration.is_some())
    }
}

/// What some programs write before UTF-8.
const BOM: char = '\u{feff}';

/// The form of a file, told by its first line that has something in it.
pub(super) fn form(path: &Path) -> anyhow::Result<Form> {
    let shown = path.display();
    let mut lines = texts(path)?;
    let Some(first) = lines.next() else { bail!("{shown} is empty, so nothing was sent") };
    let (mut line, first) = first?;
    match first.trim_start().chars().next() {
        Some('[') => Ok(Form::Whole(document(path)?)),
        Some('{') => {
            // An object that does not end in its line may be the only one, written for people.
            let is_cut = serde_json::from_str::<IgnoredAny>(&first).is_err_and(|error| error.is_eof());
            let whole = if is_cut { document(path).ok() } else { None };
            Ok(whole.map_or(Form::Lines, Form::Whole))
        }
        _ => {
            let (mut names, mut declaration) = (first, None);
            let declared = declared(names.as_bytes());
            if declared.is_some()
                && let Some(second) = lines.next()
            {
                declaration = Some(names);
                (line, names) = second?;
            }
            let separator = declared.unwrap_or_else(|| separator(names.as_bytes()));
            let is_box = |name: &String| BOX_COLUMNS.iter().any(|known| name.trim().eq_ignore_ascii_case(known));
            if !fields(&names, separator)?.iter().any(is_box) {
                bail!(
                    "{shown}, line {line}: the first line of a table names its columns, `box` among them, such as \
                     box,city,votes.<choice>; this one does not, so nothing was sent. Reports may also be JSON, one a line \
                     or all in a list"
                );
            }
            Ok(Form::Table(Header { declaration, names, separator }))
        }
    }
}

/// The reports of a JSON document, each on one line and otherwise as it was written.
fn document(path: &Path) -> anyhow::Result<Vec<String>> {
    let lines = all(path)?.map(|line| Ok(line?.1)).collect::<anyhow::Result<Vec<_>>>()?;
    let text = lines.join("\n");
    let parsed: serde_json::Result<Vec<&RawValue>> = if text.trim_start().starts_with('[') {
        serde_json::from_str(&text)
    } else {
        serde_json::from_str(&text).map(|one| vec![one])
    };
    let reports = parsed.with_context(|| {
        format!("{} is no list of reports in JSON, such as [{{\"box\": ..}}, ..], so nothing was sent", path.display())
    })?;
    // Between the signs of JSON the end of a line is a space, and inside a text there can be none.
    Ok(reports.iter().map(|report| report.get().replace('\n', " ")).collect())
}

/// The lines that have something in them, with their numbers.
pub(super) fn texts(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<(u64, String)>>> {
    Ok(all(path)?.filter(|line| line.as_ref().map_or(true, |(_, text)| !text.trim().is_empty())))
}

fn all(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<(u64, String)>>> {
    let shown = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let lines = Lines { file: BufReader::new(file), is_after_return: false };
    Ok(lines.zip(1..).map(move |(bytes, line)| {
        let bytes = bytes.with_context(|| format!("cannot read {shown}"))?;
        let text = text(bytes).with_context(|| format!("{shown}, line {line}"))?;
        // A tab at an end may stand between two columns.
        let text = text.trim_start_matches(BOM).trim_matches(|c: char| c.is_whitespace() && c != '\t');
        Ok((line, text.to_owned()))
    }))
}

/// A line as text; what is none is not guessed at, because a name that is read wrongly is another name.
fn text(bytes: Vec<u8>) -> anyhow::Result<String> {
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    // Without a mark, every other byte of Latin letters is zero.
    let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || zeros * 3 > bytes.len();
    match String::from_utf8(bytes) {
        Ok(text) if !is_utf16 && zeros == 0 => Ok(text),
        _ if is_utf16 => bail!("this is UTF-16 (\"Unicode text\"): save the file as UTF-8; nothing of it was sent"),
        _ if zeros > 0 => bail!("this is no text: reports are a table or JSON, in UTF-8; nothing of it was sent"),
        _ => bail!("this is not UTF-8: save the file as UTF-8; nothing of it was sent"),
    }
}

/// A file cut into lines, whichever of the three ends they have.
struct Lines {
    file: BufReader<File>,
    is_after_return: bool,
}

impl Iterator for Lines {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line().transpose()
    }
}

impl Lines {
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let piece = self.file.fill_buf()?;
            let Some(first) = piece.first() else { return Ok(Some(line).filter(|line| !line.is_empty())) };
            if std::mem::take(&mut self.is_after_return) && *first == b'\n' {
                self.file.consume(1);
                continue;
            }
            let end = piece.iter().position(|byte| b"\r\n".contains(byte));
            line.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
            self.is_after_return = end.is_some_and(|end| piece[end] == b'\r');
            let used = end.map_or(piece.len(), |end| end + 1);
            self.file.consume(used);
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}
