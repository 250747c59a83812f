//! The end of the demo: recounts from the data folder alone and sets the figures side by side.
//!
//! Invariant: a check mark is printed only where all three figures of a line are equal.
//! It must not know: how votes were cast.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use tokio::process::Command;

use super::figures::Figures;
use crate::cli::numbers::thousands;
use crate::cli::output::Output;
use crate::load::{Poll, Totals, without_settings};

/// What `hustings recount --json` says of one election.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Recounted {
    id: String,
    code: String,
    pub(super) ballots: u64,
    choices: Vec<RecountedChoice>,
}

#[derive(Debug, Clone, Deserialize)]
struct RecountedChoice {
    code: String,
    votes: u64,
}

#[derive(Debug, Deserialize)]
struct Recount {
    elections: Vec<Recounted>,
}

/// Recounts the poll from the ledger in this folder, in a process of its own.
pub(super) async fn recount(data: &Path, poll: &Poll) -> anyhow::Result<Recounted> {
    read(&recounted(data, &[]).await?, poll)
}

/// What `hustings recount --json` prints of the ledgers in this folder.
pub(super) async fn recounted(data: &Path, further: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("recount").arg("--data").arg(data).arg("--json").args(further).kill_on_drop(true);
    without_settings(&mut command);
    let output = command.output().await.context("cannot run the recount")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the recount ended with {}: {errors}", output.status);
    Ok(output.stdout)
}

fn read(json: &[u8], poll: &Poll) -> anyhow::Result<Recounted> {
    let recount: Recount = serde_json::from_slice(json).context("cannot read what the recount printed")?;
    let found = recount.elections.into_iter().find(|election| election.id == poll.id || election.code == poll.code);
    found.context("the recount does not know the poll")
}

/// Prints one step of the proof with its mark.
pub(super) fn say(well: bool, text: &str) -> io::Result<()> {
    writeln!(Output, "  {} {text}", mark(well))
}

pub(super) fn mark(well: bool) -> &'static str {
    if well { "✓" } else { "✗" }
}

/// Three figures for each candidate.
#[derive(Debug)]
pub(super) struct Proof<'a> {
    pub(super) expected: &'a Figures,
    /// Whether the expected figures are the published ones scaled down.
    pub(super) scaled: bool,
    pub(super) poll: &'a Poll,
    pub(super) counted: &'a Totals,
    pub(super) recounted: &'a Recounted,
}

struct Row {
    name: String,
    figures: [Option<u64>; 3],
}

impl Row {
    fn agrees(&self) -> bool {
        self.figures[0].is_some() && self.figures.iter().all(|figure| *figure == self.figures[0])
    }
}

impl Proof<'_> {
    /// Whether published, counted and recounted are the same, for each candidate and in all.
    pub(super) fn agrees(&self) -> bool {
        self.counted.foreign == 0 && self.rows().iter().all(Row::agrees)
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (number, (choice, expected)) in self.poll.choices().iter().zip(self.expected.votes()).enumerate() {
            let recounted = self.recounted.choices.iter().find(|recounted| recounted.code == choice.code);
            let counted = self.counted.votes.get(number).copied();
            let figures = [Some(u64::from(expected)), counted, recounted.map(|recounted| recounted.votes)];
            rows.push(Row { name: choice.title.clone(), figures });
        }
        let ballots = [self.expected.ballots(), self.counted.ballots, self.recounted.ballots];
        rows.push(Row { name: "All ballots".to_owned(), figures: ballots.map(Some) });
        rows
    }
}

impl fmt::Display for Proof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = if self.scaled { "expected" } else { "published" };
        writeln!(f, "  {:<20} {first:>13} {:>13} {:>13}", "", "counted", "recounted")?;
        for row in self.rows() {
            let name: String = row.name.chars().take(20).collect();
            write!(f, "  {name:<20}")?;
            for figure in row.figures {
                write!(f, " {:>13}", figure.map_or("none".to_owned(), thousands))?;
            }
            writeln!(f, "   {}", mark(row.agrees()))?;
        }
        if self.scaled {
            writeln!(f, "\n  Expected: the published figures in proportion, by largest remainder.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll() -> Poll {
        let choices =
            ["Coderre", "Bergeron", "Joly"].map(|t| serde_json::json!({ "code": t.to_lowercase(), "title": t }));
        serde_json::from_value(serde_json::json!({ "id": "p", "code": "ABC234", "contest": { "choices": choices } }))
            .unwrap()
    }

    fn recounted(joly: u64) -> Recounted {
        let json = serde_json::json!({ "elections": [
            { "id": "other", "code": "XYZ789", "seq": 0, "ballots": 0, "choices": [], "chain": "00" },
            { "id": "p", "code": "ABC234", "seq": 11, "ballots": 7 + joly, "chain": "00", "choices": [
                { "code": "joly", "votes": joly }, { "code": "coderre", "votes": 4 }, { "code": "bergeron", "votes": 3 }] },
        ] });
        read(json.to_string().as_bytes(), &poll()).unwrap()
    }

    #[test]
    fn equal_figures_get_check_marks_and_others_do_not() {
        let (poll, expected) = (poll(), Figures::montreal().unwrap().scaled(10));
        assert_eq!(expected.votes().collect::<Vec<_>>(), [4, 3, 3]);
        let counted = Totals { ballots: 10, votes: vec![4, 3, 3], foreign: 0 };
        let proof = |recounted: &Recounted| {
            let proof = Proof { expected: &expected, scaled: true, poll: &poll, counted: &counted, recounted };
            (proof.agrees(), proof.to_string())
        };
        let (agrees, table) = proof(&recounted(3));
        assert!(agrees && table.matches('✓').count() == 4 && !table.contains('✗'), "{table}");
        assert!(table.contains("expected") && table.lines().all(|line| line.chars().count() <= 80), "{table}");
        let (agrees, table) = proof(&recounted(2));
        assert!(!agrees && table.matches('✓').count() == 2 && table.matches('✗').count() == 2, "{table}");
    }

    #[test]
    fn a_recount_without_the_poll_is_an_error() {
        assert!(read(br#"{"elections":[]}"#, &poll()).is_err());
        assert!(read(b"nonsense", &poll()).is_err());
    }
}
