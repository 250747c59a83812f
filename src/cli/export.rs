//! `hustings export`: entries with their bytes, totals, or ballots that tell nothing about voters.
//!
//! Invariant: what is written out was recounted first, and is exactly what the head stood for then.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use hustings_core::election::Viewer;
use hustings_core::{Audience, Chain, ContestNumber, ContestState, Election, Event, Fold, Seq};
use serde_json::{Value, json};

use super::offline::{DataArgs, Offline};
use super::output::Output;
use crate::export::results::COLUMNS as RESULTS_COLUMNS;
use crate::export::{EXPORT_FORMAT, entry_line, selections, spreadsheet_cell, totals};
use crate::ledger::{Ledger, PAGE_MAX, Registered, Stored};
use crate::tally;

/// What to write out.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// What: entries can be recounted, totals can be read, ballots can be published.
    what: What,
    /// The poll or election, by id, code or slug.
    #[arg(long, visible_alias = "election")]
    poll: String,
    #[command(flatten)]
    data: DataArgs,
    /// As NDJSON or CSV.
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    /// Ballots of this round only, also while a later one is open.
    #[arg(long, value_name = "N")]
    round: Option<u32>,
    /// Into this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Every entry with its canonical bytes: for audits; holds voters as keyed hashes.
    Entries,
    /// The totals of every round.
    Totals,
    /// The ballots that count, without voter, time and place, sorted by content; after the close and the reveal only.
    Ballots,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON document a line.
    Ndjson,
    /// Comma-separated values.
    Csv,
}

pub(super) async fn export(args: ExportArgs) -> anyhow::Result<ExitCode> {
    let offline = Offline::read(&args.data).await?;
    ensure!(args.round.is_none() || args.what == What::Ballots, "--round is for ballots; the rest is always whole");
    let registered = offline.wanted(Some(&args.poll)).await?.pop().context("there is no such poll")?;
    let counted = tally::recount(offline.ledger.as_ref(), &offline.elections, registered.key).await?;
    let fold = counted.with_context(|| format!("{} has no ledger", registered.election.code))?.fold;
    let counted = Counted { ledger: offline.ledger.as_ref(), registered, fold };
    let Some(path) = &args.out else {
        return write(&args, &counted, &mut Output).await;
    };
    // Under another name until it is whole: a refusal must not cost the file that was there.
    let cannot = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(folder.is_dir(), "cannot write {}: there is no folder {}", path.display(), folder.display());
    // Its error would tell the passing name, which nobody gave it.
    let made = tempfile::NamedTempFile::new_in(folder).map_err(|error| io::Error::from(error.kind()));
    let mut unfinished = made.with_context(cannot)?;
    let done = write(&args, &counted, unfinished.as_file_mut()).await;
    let done = done.map_err(|error| if error.is::<io::Error>() { error.context(cannot()) } else { error })?;
    unfinished.persist(path).map_err(|error| error.error).with_context(cannot)?;
    Ok(done)
}

/// A ledger that was recounted, up to the head that it was held against.
struct Counted<'a> {
    ledger: &'a dyn Ledger,
    registered: Registered,
    fold: Fold,
}

impl Counted<'_> {
    fn election(&self) -> &Election {
        &self.registered.election
    }

    /// Reads page by page what was recounted, and shows each entry on the way. Later entries are left to the next export.
    async fn each(&self, mut each: impl FnMut(&Stored) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let (mut at, mut chain) = (Seq(0), Chain::EMPTY);
        while at < self.fold.seq {
            let left = usize::try_from(self.fold.seq.0 - at.0).unwrap_or(PAGE_MAX).min(PAGE_MAX);
            let page = self.ledger.read(self.registered.key, at, left).await?;
            at = page.last().context("entries that were just counted are gone")?.entry.seq;
            chain = page.iter().fold(chain, |chain, stored| chain.extend(&stored.bytes));
            page.iter().try_for_each(&mut each)?;
        }
        ensure!(chain == self.fold.chain, "the entries are no longer those that were just counted");
        Ok(())
    }
}

async fn write(args: &ExportArgs, counted: &Counted<'_>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(out);
    match args.what {
        What::Entries => entries(counted, args.format, &mut out).await?,
        What::Totals => write_totals(&totals(counted.election(), &counted.fold), args.format, &mut out)?,
        What::Ballots => ballots(counted, args.round, args.format, &mut out).await?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

async fn entries(counted: &Counted<'_>, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    let election = counted.election();
    if format == Format::Csv {
        let mut csv = Csv::new(out);
        csv.row(["seq", "time", "kind", "contest", "voter", "id", "selections", "replaces", "bytes"])?;
        counted.each(|stored| csv.row(csv_row(election, stored))).await?;
        return csv.finish();
    }
    writeln!(out, "{}", json!({ "export": EXPORT_FORMAT, "election": election }))?;
    counted.each(|stored| Ok(writeln!(out, "{}", entry_line(election, stored))?)).await?;
    writeln!(out, "{}", json!({ "totals": totals(election, &counted.fold) }))?;
    Ok(())
}

fn csv_row(election: &Election, stored: &Stored) -> Vec<String> {
    let line: Value = serde_json::from_str(&entry_line(election, stored)).unwrap_or_default();
    let text = |name: &str| match &line[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let chosen = if line["scores"].is_object() { text("scores") } else { text("choices") };
    ["seq", "time", "kind", "contest", "voter", "id"]
        .map(text)
        .into_iter()
        .chain([chosen, text("replaces"), text("bytes")])
        .collect()
}

/// The columns of an election of boxes.
const CONTESTS_COLUMNS: [&str; 9] =
    ["contest", "status", "boxes", "cast", "blank", "invalid", "choice", "title", "votes"];

fn write_totals(counted: &Value, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    if format == Format::Ndjson {
        return Ok(writeln!(out, "{counted}")?);
    }
    let mut csv = Csv::new(out);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), spreadsheet_cell);
    if let Some(contests) = counted["contests"].as_array() {
        csv.row(CONTESTS_COLUMNS)?;
        for contest in contests {
            for choice in contest["choices"].as_array().into_iter().flatten() {
                csv.row([
                    text(&contest["code"]),
                    text(&contest["status"]),
                    contest["boxes"].to_string(),
                    contest["cast"].to_string(),
                    contest["blank"].to_string(),
                    contest["invalid"].to_string(),
                    text(&choice["code"]),
                    text(&choice["title"]),
                    choice["votes"].to_string(),
                ])?;
            }
        }
        return csv.finish();
    }
    csv.row(RESULTS_COLUMNS)?;
    for round in counted["rounds"].as_array().into_iter().flatten() {
        for choice in round["choices"].as_array().into_iter().flatten() {
            csv.row([
                round["round"].to_string(),
                text(&round["status"]),
                round["ballots"].to_string(),
                round["blank"].to_string(),
                text(&choice["code"]),
                text(&choice["title"]),
                choice["votes"].to_string(),
                choice.get("points").map(ToString::to_string).unwrap_or_default(),
            ])?;
        }
    }
    csv.finish()
}

/// Ballots by content, with how many there are of each: nothing else is kept, so nothing else can leak.
async fn ballots(counted: &Counted<'_>, round: Option<u32>, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    let published = publishable(counted, round)?;
    let mut contents: BTreeMap<(ContestNumber, String), u64> = BTreeMap::new();
    let content = |contest: ContestNumber, chosen: &hustings_core::Selections| {
        let (name, value) = selections(counted.election().contests.get(contest.index()), chosen);
        (contest, json!({ "round": contest.0 + 1, name: value }).to_string())
    };
    let each = |stored: &Stored| {
        let Event::BallotCast(ballot) = &stored.entry.event else { return Ok(()) };
        if let Some(previous) = &ballot.previous
            && let Some(count) = contents.get_mut(&content(ballot.contest, &previous.selections))
        {
            *count -= 1;
        }
        *contents.entry(content(ballot.contest, &ballot.selections)).or_default() += 1;
        Ok(())
    };
    counted.each(each).await?;
    let contents = contents.into_iter().filter(|((contest, _), _)| published.contains(contest));
    let mut lines = contents.flat_map(|((_, line), count)| (0..count).map(move |_| line.clone()));
    if format == Format::Ndjson {
        return lines.try_for_each(|line| Ok(writeln!(out, "{line}")?));
    }
    let mut csv = Csv::new(out);
    csv.row(["ballot"])?;
    lines.try_for_each(|line| csv.row([line]))?;
    csv.finish()
}

/// The rounds whose ballots are written out: the one asked for, or all. Two exports of an open contest could be
/// subtracted from each other, and would tell who voted what in between.
fn publishable(counted: &Counted<'_>, round: Option<u32>) -> anyhow::Result<Vec<ContestNumber>> {
    let Counted { registered, fold, .. } = counted;
    ensure!(
        registered.election.reporting.is_none(),
        "an election of boxes has no ballots: boxes report what was counted in them. Write out its totals or its entries"
    );
    ensure!(fold.seq > Seq(0), "nothing was counted yet");
    let rounds: Vec<_> = (1..).zip(&fold.state.contests).collect();
    let last = rounds.len();
    let wanted: Vec<_> = rounds.into_iter().filter(|(number, _)| round.is_none_or(|round| round == *number)).collect();
    ensure!(!wanted.is_empty(), "--round goes from 1 to {last}");
    for (number, state) in &wanted {
        let closed = matches!(state, ContestState::Closed { .. } | ContestState::Archived { .. });
        let earlier = if round.is_none() && *number > 1 { "; an earlier round can be, with --round" } else { "" };
        ensure!(closed, "ballots can be published when the poll is closed; it is {} now{earlier}", state.name());
        let shown = registered.election.visibility.audience(state, Viewer::Public) == Audience::Full;
        ensure!(shown, "results are hidden; ballots can be published after the reveal");
    }
    Ok(wanted.into_iter().map(|(number, _)| ContestNumber(number - 1)).collect())
}

/// Rows whose errors are those of what they are written to.
struct Csv<'a>(csv::Writer<&'a mut dyn Write>);

impl<'a> Csv<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self(csv::Writer::from_writer(out))
    }

    fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<[u8]>>) -> anyhow::Result<()> {
        self.0.write_record(cells).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error.into(),
            other => anyhow::anyhow!("{other:?}"),
        })
    }

    fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}
