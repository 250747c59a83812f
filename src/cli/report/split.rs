//! A file of reports as requests: lines that the server takes at once, each with its id.
//!
//! Invariant: the same file always gives the same lines with the same ids, so a file that is split again after a crash
//! says nothing new. A file that cannot be split gives nothing at all.
//! It must not know: servers, spools.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::file::{Form, Header, form, texts};

/// One report as it will be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Line {
    /// Where it begins in its file; in a list, which report it is.
    pub(in crate::cli) line: u64,
    /// Its id.
    pub(in crate::cli) id: String,
    /// What is sent: a JSON object, or a record of a table.
    pub(in crate::cli) text: String,
}

/// What the server takes in one request: so many lines, a table's header among them, and so many bytes.
pub(in crate::cli) const LINES_MAX: usize = 10_000;
const BYTES_MAX: usize = 8 << 20;
/// The longest report that a server keeps.
const LINE_BYTES_MAX: usize = 1 << 20;
const ID: &str = "id";

/// The name of a file's content.
pub(super) fn digest(path: &Path) -> anyhow::Result<[u8; 32]> {
    let shown = path.display();
    let mut file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let (mut sha, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut buffer).with_context(|| format!("cannot read {shown}"))? {
            0 => return Ok(sha.finalize().into()),
            read => sha.update(&buffer[..read]),
        }
    }
}

/// The header of a table, with a column for ids, and with the line before it that says what separates columns; none where the file
/// holds JSON.
pub(super) fn header(path: &Path) -> anyhow::Result<Option<String>> {
    let Form::Table(Header { declaration, names, separator }) = form(path)? else { return Ok(None) };
    let has_ids = id_column(&names, separator)?.is_some();
    let names = if has_ids { names } else { format!("{ID}{}{names}", char::from(separator)) };
    Ok(Some(declaration.map_or(names.clone(), |declaration| format!("{declaration}\n{names}"))))
}

/// Whether the file is one JSON document, whose reports have no lines of their own.
pub(super) fn is_list(path: &Path) -> anyhow::Result<bool> {
    Ok(matches!(form(path)?, Form::Whole(_)))
}

/// Gives the lines of a file in parts that fit into a request each; how many lines there are, and never none.
pub(super) fn split(
    path: &Path,
    digest: &[u8; 32],
    each: impl FnMut(Vec<Line>) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let header = header(path)?;
    let mut cutter = Cutter { header: header.as_ref().map_or(0, |header| header.len() + 1), ..Cutter::new(each) };
    match form(path)? {
        Form::Lines => split_objects(path, digest, texts(path)?, &mut cutter)?,
        Form::Whole(reports) => split_objects(path, digest, (1..).zip(reports).map(Ok), &mut cutter)?,
        Form::Table(header) => split_table(path, digest, &header, &mut cutter)?,
    }
    let lines = cutter.finish()?;
    ensure!(lines > 0, "{}: there is no report in it, so nothing was sent", path.display());
    Ok(lines)
}

fn split_objects<E>(
    path: &Path,
    digest: &[u8; 32],
    texts: impl Iterator<Item = anyhow::Result<(u64, String)>>,
    cutter: &mut Cutter<E>,
) -> anyhow::Result<()>
where
    E: FnMut(Vec<Line>) -> anyhow::Result<()>,
{
    for line in texts {
        let (line, text) = line?;
        let (id, text) = with_id(text.trim(), || made(digest, line))?;
        cutter.add(path, Line { line, id, text })?;
    }
    Ok(())
}

/// The line with its id. What is no JSON object goes as it is: the server says what is wrong with it.
fn with_id(text: &str, made: impl FnOnce() -> String) -> anyhow::Result<(String, String)> {
    let Ok(mut object) = serde_json::from_str::<Map<String, Value>>(text) else {
        return Ok((made(), text.to_owned()));
    };
    match object.get(ID) {
        Some(Value::String(id)) => Ok((id.clone(), text.to_owned())),
        Some(Value::Null) => {
            let id = made();
            object.insert(ID.to_owned(), Value::String(id.clone()));
            Ok((id, serde_json::to_string(&object)?))
        }
        Some(other) => Ok((other.to_string(), text.to_owned())),
        None => {
            let id = made();
            let rest = text.trim_start_matches('{');
            let comma = if object.is_empty() { "" } else { "," };
            let text = format!("{{\"{ID}\":\"{id}\"{comma}{rest}");
            Ok((id, text))
        }
    }
}

/// A record ends at the end of its line, as the server reads it: a stray quote spoils one report, and not those after it.
fn split_table<E>(path: &Path, digest: &[u8; 32], header: &Header, cutter: &mut Cutter<E>) -> anyhow::Result<()>
where
    E: FnMut(Vec<Line>) -> anyhow::Result<()>,
{
    let separator = header.separator;
    let column = id_column(&header.names, separator)?;
    for line in texts(path)?.skip(header.lines()) {
        let (line, text) = line?;
        let (id, text) = match column {
            Some(column) => with_id_in(column, separator, text, || made(digest, line))?,
            None => {
                let id = made(digest, line);
                let text = format!("{id}{}{text}", char::from(separator));
                (id, text)
            }
        };
        cutter.add(path, Line { line, id, text })?;
    }
    Ok(())
}

/// The record with its id in this column.
fn with_id_in(
    column: usize,
    separator: u8,
    text: String,
    made: impl FnOnce() -> String,
) -> anyhow::Result<(String, String)> {
    let mut fields = fields(&text, separator)?;
    match fields.get(column).map(String::as_str) {
        Some("") => {
            let id = made();
            fields[column].clone_from(&id);
            Ok((id, record(&fields, separator)?))
        }
        Some(id) => Ok((id.to_owned(), text)),
        // Too few fields: the server says so.
        None => Ok((made(), text)),
    }
}

fn id_column(header: &str, separator: u8) -> anyhow::Result<Option<usize>> {
    Ok(fields(header, separator)?.iter().position(|name| name.trim().eq_ignore_ascii_case(ID)))
}

pub(super) fn fields(line: &str, separator: u8) -> anyhow::Result<Vec<String>> {
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder.has_headers(false).flexible(true).delimiter(separator).from_reader(line.as_bytes());
    let record = reader.records().next().transpose()?.unwrap_or_default();
    Ok(record.iter().map(str::to_owned).collect())
}

fn record(fields: &[String], separator: u8) -> anyhow::Result<String> {
    let mut writer = csv::WriterBuilder::new().flexible(true).delimiter(separator).from_writer(Vec::new());
    writer.write_record(fields)?;
    let mut bytes = writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?;
    bytes.pop_if(|byte| *byte == b'\n');
    Ok(String::from_utf8(bytes)?)
}

/// The id of a line that has none: the file's content and the line's number (RFC 9562, version 8). Ids of a file come in
/// order, so that the store finds neighbours where it found the line before.
fn made(digest: &[u8; 32], line: u64) -> String {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&digest[..8]);
    bytes[8..].copy_from_slice(&line.to_be_bytes());
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Gathers lines into parts.
struct Cutter<E> {
    each: E,
    part: Vec<Line>,
    bytes: usize,
    /// What a header takes of each request.
    header: usize,
    lines: u64,
}

impl<E: FnMut(Vec<Line>) -> anyhow::Result<()>> Cutter<E> {
    fn new(each: E) -> Self {
        Self { each, part: Vec::new(), bytes: 0, header: 0, lines: 0 }
    }

    fn add(&mut self, path: &Path, line: Line) -> anyhow::Result<()> {
        let (bytes, shown) = (line.text.len() + 1, path.display());
        ensure!(bytes <= LINE_BYTES_MAX, "{shown}, line {}: longer than a report may be, 1 MiB", line.line);
        let lines_max = LINES_MAX - usize::from(self.header > 0);
        if self.part.len() == lines_max || self.header + self.bytes + bytes > BYTES_MAX {
            self.cut()?;
        }
        self.bytes += bytes;
        self.lines += 1;
        self.part.push(line);
        Ok(())
    }

    fn cut(&mut self) -> anyhow::Result<()> {
        self.bytes = 0;
        (self.each)(std::mem::take(&mut self.part))
    }

    fn finish(mut self) -> anyhow::Result<u64> {
        if !self.part.is_empty() {
            self.cut()?;
        }
        Ok(self.lines)
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
