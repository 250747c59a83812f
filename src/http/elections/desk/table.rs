//! Reports as CSV: the header names the columns, each line is one report.
//!
//! Invariant: a line ends at the end of the line, whatever stands in it, so that a stray quote spoils one report and not
//! those after it. No field of a report can hold a line break. It does not use `import::Table`, because each of its lines
//! has its own answer, and a record of CSV may go on over several.

use hustings_core::{Channel, Choice, Contest, ReportStatus};

use super::book::short;
use super::sent::Sent;
use crate::http::body::Pairs;
use crate::http::error::{Fault, Problem};
use crate::separator::{BOX_COLUMNS, declared, separator};

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Id,
    Box,
    Contest,
    Revision,
    Status,
    Channel,
    City,
    Blank,
    Invalid,
    Cast,
    ReportedAt,
    Definition,
    Withdrawn,
    Reason,
    /// `votes.` and a choice.
    Votes(String),
}

impl Column {
    /// Spreadsheets like capitals; but the code of a choice stays as it is written.
    fn of(name: &str) -> Option<Self> {
        if let Some((votes, choice)) = name.split_once('.')
            && votes.eq_ignore_ascii_case("votes")
            && !choice.is_empty()
        {
            return Some(Self::Votes(choice.to_owned()));
        }
        Some(match name.to_ascii_lowercase().as_str() {
            name if BOX_COLUMNS.contains(&name) => Self::Box,
            "id" => Self::Id,
            "contest" => Self::Contest,
            "revision" => Self::Revision,
            "status" => Self::Status,
            "channel" => Self::Channel,
            "city" => Self::City,
            "blank" => Self::Blank,
            "invalid" => Self::Invalid,
            "cast" => Self::Cast,
            "reported_at" => Self::ReportedAt,
            "definition" => Self::Definition,
            "withdrawn" => Self::Withdrawn,
            "reason" => Self::Reason,
            _ => return None,
        })
    }

    /// What a column of this name may stand under once.
    fn key(&self, name: &str) -> String {
        match self {
            Self::Votes(choice) => format!("votes.{choice}"),
            _ => name.to_ascii_lowercase(),
        }
    }
}

/// All columns, in the words of a refusal.
const COLUMNS: &str = "id, box, contest, revision, status, channel, city, blank, invalid, cast, reported_at, definition, \
    withdrawn, reason, and votes.<choice> for each choice";

/// The columns of a table, in their order, and what stands between them.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    separator: char,
}

impl Columns {
    /// The columns that a header names, which stands in this line, with what a line before it says to separate them; a name that
    /// is unknown or stands twice is refused, all of them at once. One that is a choice of these contests is advised to be its
    /// votes.
    pub(super) fn read(line: u64, header: &[u8], declared: Option<u8>, contests: &[Contest]) -> Result<Self, Problem> {
        let separator = char::from(declared.unwrap_or_else(|| separator(header)));
        let names = cells(header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header), separator)?;
        let mut columns: Vec<Column> = Vec::with_capacity(names.len());
        let mut seen = std::collections::HashSet::with_capacity(names.len());
        let mut faults = Vec::new();
        let mut is_listed = false;
        for name in &names {
            let fault = |code, detail| Fault { line: Some(line), pointer: None, code, detail };
            let column = Column::of(name.trim());
            match column {
                None => {
                    let advice = match meant(name.trim(), contests) {
                        Some(code) => format!("; did you mean `votes.{code}`?"),
                        None if std::mem::replace(&mut is_listed, true) => String::new(),
                        None => format!("; there are {COLUMNS}"),
                    };
                    faults.push(fault("unknown_column", format!("there is no column `{}`{advice}", short(name))));
                }
                Some(ref column) if !seen.insert(column.key(name.trim())) => {
                    faults.push(fault("repeated_column", format!("the column `{}` stands twice", short(name))));
                }
                Some(column) => columns.push(column),
            }
        }
        if faults.is_empty() && !columns.contains(&Column::Box) {
            let detail = "the header has no column `box`".to_owned();
            faults.push(Fault { line: Some(line), pointer: None, code: "missing_column", detail });
        }
        Problem::fields(faults).map_or(Ok(Self { columns, separator }), Err)
    }

    /// What a line says that is kept below its header; none where there is no header above it.
    pub(super) fn parse_kept(table: &[u8]) -> Option<Result<Sent, Problem>> {
        let (first, below) = split_line(table)?;
        let declared = declared(first);
        let (header, line) = match declared {
            Some(_) => split_line(below)?,
            None => (first, below),
        };
        Some(Self::read(1, header, declared, &[]).and_then(|columns| columns.parse(line)))
    }

    /// What one line says. An empty cell says nothing.
    pub(super) fn parse(&self, line: &[u8]) -> Result<Sent, Problem> {
        let cells = cells(line, self.separator)?;
        if cells.len() != self.columns.len() {
            let detail = format!("the line has {} cells, and the header {}", cells.len(), self.columns.len());
            return Err(Problem::invalid("wrong_cells", "", detail));
        }
        let mut sent = Sent::default();
        let mut votes = Vec::with_capacity(self.columns.len());
        for (column, cell) in self.columns.iter().zip(&cells) {
            let cell = cell.trim();
            if !cell.is_empty() {
                set(&mut sent, &mut votes, column, cell)?;
            }
        }
        // A line without any number is one that nobody has filled in, and no box without votes.
        if !votes.is_empty() || [sent.blank, sent.invalid, sent.cast].iter().any(Option::is_some) {
            sent.votes = Some(Pairs(votes));
        }
        Ok(sent)
    }
}

/// A line, and what stands below it.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// The code of the choice that a column has the code or the title of.
fn meant<'a>(name: &str, contests: &'a [Contest]) -> Option<&'a str> {
    let mut choices = contests.iter().flat_map(|contest| &contest.choices);
    let is_meant = |choice: &&Choice| choice.code.as_str().eq_ignore_ascii_case(name) || choice.title.as_str() == name;
    choices.find(is_meant).map(|choice| choice.code.as_str())
}

fn set(sent: &mut Sent, votes: &mut Vec<(String, u64)>, column: &Column, cell: &str) -> Result<(), Problem> {
    let text = || Some(cell.to_owned());
    match column {
        Column::Id => {
            let id = cell.parse();
            sent.id = Some(id.map_err(|_| wrong("/id", cell, "a UUID, such as 018f6a52-7b1e-7c3a-9d41-6f0e2b8a1c77"))?);
        }
        Column::Box => sent.ballot_box = text(),
        Column::Contest => sent.contest = text(),
        Column::Revision => {
            let revision = u32::try_from(number("/revision", cell)?);
            sent.revision =
                Some(revision.map_err(|_| wrong("/revision", cell, "a whole number from 1 to 4294967295"))?);
        }
        Column::Status => {
            let all = [ReportStatus::Provisional, ReportStatus::Final];
            let status = all.into_iter().find(|status| status.name() == cell);
            sent.status = Some(status.ok_or_else(|| unknown("/status", cell, "`provisional` or `final`"))?);
        }
        Column::Channel => {
            let known = Channel::ALL.map(|channel| format!("`{}`", channel.name())).join(", ");
            sent.channel = Some(cell.parse().map_err(|()| unknown("/channel", cell, &known))?);
        }
        Column::City => sent.city = text(),
        Column::Blank => sent.blank = Some(number("/blank", cell)?),
        Column::Invalid => sent.invalid = Some(number("/invalid", cell)?),
        Column::Cast => sent.cast = Some(number("/cast", cell)?),
        Column::ReportedAt => sent.reported_at = text(),
        Column::Definition => sent.definition = text(),
        Column::Withdrawn => {
            sent.withdrawn = cell.parse().map_err(|_| wrong("/withdrawn", cell, "`true` or `false`"))?;
        }
        Column::Reason => sent.reason = text(),
        Column::Votes(choice) => {
            let field = || format!("/votes/{}", choice.replace('~', "~0").replace('/', "~1"));
            votes.push((choice.clone(), number(&field(), cell)?));
        }
    }
    Ok(())
}

/// Digits only: a sign, a point or an exponent is no number of votes.
fn number(field: &str, cell: &str) -> Result<u64, Problem> {
    let is_number = cell.bytes().all(|byte| byte.is_ascii_digit());
    let number = cell.parse().ok().filter(|_| is_number);
    number.ok_or_else(|| wrong(field, cell, "a whole number from 0"))
}

fn wrong(field: &str, cell: &str, send: &str) -> Problem {
    Problem::invalid("wrong_type", field, format!("send {send}, not `{}`", short(cell)))
}

fn unknown(field: &str, cell: &str, known: &str) -> Problem {
    Problem::invalid("unknown_value", field, format!("`{}` is not known here; send {known}", short(cell)))
}

/// The cells of one line (RFC 4180).
fn cells(line: &[u8], separator: char) -> Result<Vec<String>, Problem> {
    let not_text = |_| Problem::invalid("invalid_csv", "", "the line is not UTF-8; save the file as UTF-8");
    let line = std::str::from_utf8(line).map_err(not_text)?;
    if !line.contains('"') {
        return Ok(line.split(separator).map(str::to_owned).collect());
    }
    let (mut cells, mut rest) = (Vec::new(), line);
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted, separator)?,
            None => {
                let (cell, after) =
                    rest.split_once(separator).map_or((rest, None), |(cell, after)| (cell, Some(after)));
                if cell.contains('"') {
                    return Err(Problem::invalid("invalid_csv", "", "a quote stands inside a cell without quotes"));
                }
                (cell.to_owned(), after)
            }
        };
        cells.push(cell);
        match after {
            Some(after) => rest = after,
            None => return Ok(cells),
        }
    }
}

/// A cell after its first quote, and what follows the separator behind it.
fn quoted_cell(mut rest: &str, separator: char) -> Result<(String, Option<&str>), Problem> {
    let mut cell = String::new();
    loop {
        let Some((inside, after)) = rest.split_once('"') else {
            return Err(Problem::invalid("invalid_csv", "", "a quote is not closed in its line"));
        };
        cell.push_str(inside);
        if let Some(after) = after.strip_prefix('"') {
            cell.push('"');
            rest = after;
        } else if after.is_empty() {
            return Ok((cell, None));
        } else if let Some(after) = after.strip_prefix(separator) {
            return Ok((cell, Some(after)));
        } else {
            return Err(Problem::invalid("invalid_csv", "", "text stands behind a closing quote"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &[u8]) -> Result<Columns, Problem> {
        Columns::read(1, header, None, &[])
    }

    #[test]
    fn a_line_says_what_its_cells_say() {
        let columns = of(b"\xef\xbb\xbfbox,votes.tories, votes.labour,blank,status,city").expect("columns");
        let sent = columns.parse(b"b-1,120,\"80\",,provisional,\"London, \"\"Ont.\"\"\"").expect("a report");
        let votes = vec![("tories".to_owned(), 120), ("labour".to_owned(), 80)];
        assert_eq!(sent.votes, Some(Pairs(votes)));
        assert_eq!((sent.ballot_box.as_deref(), sent.city.as_deref()), (Some("b-1"), Some("London, \"Ont.\"")));
        assert_eq!((sent.blank, sent.status), (None, Some(ReportStatus::Provisional)));
        let only_blank = columns.parse(b"b-1,,,0,,").expect("a report");
        assert_eq!(only_blank.votes, Some(Pairs(Vec::new())), "a box without votes is a report");
        let nothing = columns.parse(b"b-1,,,,,").expect("a line");
        assert_eq!(nothing.votes, None, "a line that nobody has filled in is none");
        let columns = of(b"Box,WITHDRAWN,Reason,Votes.tories,votes.Tories").expect("columns in any case");
        let withdrawn = columns.parse(b"b-1,true,counted twice,,").expect("a withdrawal");
        assert!(withdrawn.withdrawn && withdrawn.votes.is_none());
    }

    #[test]
    fn what_is_no_report_is_refused_with_its_field() {
        let columns = of(b"box,votes.a/b,status,id,revision,withdrawn,channel").expect("columns");
        for (line, code, pointer) in [
            ("b,1", "wrong_cells", ""),
            ("b,-1,,,,,", "wrong_type", "/votes/a~1b"),
            ("b,+1,,,,,", "wrong_type", "/votes/a~1b"),
            ("b,1.0,,,,,", "wrong_type", "/votes/a~1b"),
            ("b,1e3,,,,,", "wrong_type", "/votes/a~1b"),
            ("b,99999999999999999999,,,,,", "wrong_type", "/votes/a~1b"),
            ("b,1,done,,,,", "unknown_value", "/status"),
            ("b,1,,7,,,", "wrong_type", "/id"),
            ("b,1,,,4294967296,,", "wrong_type", "/revision"),
            ("b,1,,,,yes,", "wrong_type", "/withdrawn"),
            ("b,1,,,,,pigeon", "unknown_value", "/channel"),
            ("\"b,1,,,,,", "invalid_csv", ""),
            ("b\",1,,,,,", "invalid_csv", ""),
            ("\"b\"x,1,,,,,", "invalid_csv", ""),
        ] {
            let problem = serde_json::to_value(columns.parse(line.as_bytes()).expect_err(line)).expect("JSON");
            assert_eq!((problem["code"].as_str(), problem["pointer"].as_str()), (Some(code), Some(pointer)), "{line}");
            if code == "wrong_type" {
                let value = line.split(',').skip(1).find(|cell| !["", "1"].contains(cell)).expect("what is wrong");
                let detail = problem["detail"].as_str().expect("a sentence");
                assert!(detail.ends_with(&format!("not `{value}`")), "{detail}");
            }
        }
        let refused = |header: &[u8]| serde_json::to_value(of(header).expect_err("no columns")).expect("JSON");
        assert_eq!(refused(b"box,vote.a,Box,votes.,Cast,cast")["errors_total"], 4);
        assert_eq!(refused(b"id,votes.a")["code"], "missing_column");
        assert_eq!(refused(b"\xff")["code"], "invalid_csv");
    }

    #[test]
    fn semicolons_and_tabs_separate_cells_where_they_separate_the_names() {
        let expected = vec![("a".to_owned(), 120), ("b".to_owned(), 80)];
        for (header, line) in [
            ("box;votes.a;votes.b;city", "b-1;120;\"80\";London, Ont."),
            ("box\tvotes.a\tvotes.b\tcity", "b-1\t120\t80\tLondon, Ont."),
        ] {
            let sent = of(header.as_bytes()).expect("columns").parse(line.as_bytes()).expect("a report");
            assert_eq!(sent.votes, Some(Pairs(expected.clone())), "{line}");
            assert_eq!(sent.city.as_deref(), Some("London, Ont."), "{line}");
        }
    }
}
