//! The end of the night: what each district published, what was counted, and what was recounted, side by side.
//!
//! Invariant: a check mark is printed only where all figures of a line are equal, candidate by candidate.
//! It must not know: how reports were sent.

use std::fmt;

use serde_json::Value;

use super::districts::Districts;
use crate::cli::demo::proof::mark;
use crate::cli::numbers::thousands;
use crate::cli::results::column;

/// All districts, and the whole.
#[derive(Debug)]
pub(super) struct Proof {
    candidates: Vec<String>,
    rows: Vec<Row>,
}

/// Votes by candidate, as three places have them.
#[derive(Debug)]
struct Row {
    name: String,
    published: Vec<Option<u64>>,
    counted: Vec<Option<u64>>,
    recounted: Vec<Option<u64>>,
}

impl Row {
    fn agrees(&self) -> bool {
        self.published.iter().all(Option::is_some) && self.published == self.counted && self.published == self.recounted
    }
}

impl Proof {
    /// The published figures, the results by unit, and what a recount told of the same election.
    pub(super) fn new(all: &Districts, counted: &Value, recounted: &Value) -> Self {
        let codes: Vec<String> = all.candidates.iter().map(|name| name.to_lowercase()).collect();
        let found = |figures: &Value| -> Vec<Option<u64>> { codes.iter().map(|code| figures[code].as_u64()).collect() };
        let children = counted["children"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut rows: Vec<Row> = Vec::new();
        for district in &all.districts {
            let child = children.iter().find(|child| child["code"] == *district.code);
            let counted = child.map_or(&Value::Null, |child| &child["contests"][0]["choices"]);
            rows.push(Row {
                name: district.name.clone(),
                published: district.votes.iter().map(|votes| Some(u64::from(*votes))).collect(),
                counted: found(counted),
                recounted: found(&recounted["units"][&district.code]["main"]["votes"]),
            });
        }
        let sum = |at: usize| rows.iter().map(|row| row.published[at]).sum();
        let choice = |list: &Value, code: &String| {
            list.as_array()?.iter().find(|choice| choice["code"] == **code)?["votes"].as_u64()
        };
        rows.push(Row {
            name: "Montréal".to_owned(),
            published: (0..codes.len()).map(sum).collect(),
            counted: codes.iter().map(|code| choice(&counted["choices"], code)).collect(),
            recounted: codes.iter().map(|code| choice(&recounted["contests"][0]["choices"], code)).collect(),
        });
        Self { candidates: all.candidates.clone(), rows }
    }

    /// Whether published, counted and recounted are the same everywhere.
    pub(super) fn agrees(&self) -> bool {
        self.rows.len() > 1 && self.rows.iter().all(Row::agrees)
    }
}

const NAME_WIDTH: usize = 34;

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, name: &str, figures: &[Option<u64>], end: &str| {
            write!(f, "  {}", column(name, NAME_WIDTH))?;
            for figure in figures {
                write!(f, " {:>11}", figure.map_or("none".to_owned(), thousands))?;
            }
            writeln!(f, "{end}")
        };
        write!(f, "  {}", column("published = counted = recounted", NAME_WIDTH))?;
        self.candidates.iter().try_for_each(|name| write!(f, " {name:>11}"))?;
        writeln!(f)?;
        for row in &self.rows {
            line(f, &row.name, &row.published, &format!("   {}", mark(row.agrees())))?;
            if !row.agrees() {
                line(f, "  counted", &row.counted, "")?;
                line(f, "  recounted", &row.recounted, "")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a server and a recount say that have everything, and one vote more for a candidate in a district.
    fn said(all: &Districts, more: u32) -> (Value, Value) {
        let (mut children, mut units, mut sums) = (Vec::new(), serde_json::Map::new(), vec![0; 3]);
        for (number, district) in all.districts.iter().enumerate() {
            let extra = if number == 7 { more } else { 0 };
            let votes = |extra: u32| json!({ "coderre": district.votes[0] + extra, "bergeron": district.votes[1], "joly": district.votes[2] });
            children.push(json!({ "code": district.code, "contests": [{ "choices": votes(extra) }] }));
            units.insert(district.code.clone(), json!({ "main": { "votes": votes(0) } }));
            sums.iter_mut().zip(&district.votes).for_each(|(sum, votes)| *sum += votes);
        }
        let choices = json!([{ "code": "coderre", "votes": sums[0] }, { "code": "bergeron", "votes": sums[1] },
            { "code": "joly", "votes": sums[2] }]);
        (
            json!({ "children": children, "choices": choices }),
            json!({ "units": units, "contests": [{ "choices": choices }] }),
        )
    }

    #[test]
    fn equal_figures_get_check_marks_and_others_do_not() {
        let all = Districts::montreal(Some(58), 1).unwrap();
        let proof = |more| {
            let (counted, recounted) = said(&all, more);
            let proof = Proof::new(&all, &counted, &recounted);
            (proof.agrees(), proof.to_string())
        };
        let (agrees, table) = proof(0);
        assert!(agrees && table.matches('✓').count() == 59 && !table.contains('✗'), "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        let (agrees, table) = proof(1);
        assert!(!agrees && table.matches('✓').count() == 58 && table.matches('✗').count() == 1, "{table}");
    }
}
