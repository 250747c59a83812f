//! `hustings export`: entries with their bytes, totals, or ballots that tell nothing about voters.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use hustings_core::election::Viewer;
use hustings_core::{Audience, ContestNumber, ContestState, Event, Fold, Seq};
use serde_json::{Value, json};

use super::offline::{DataArgs, Offline};
use crate::export::{EXPORT_FORMAT, entry_line, selections, spreadsheet_cell, totals};
use crate::ledger::{PAGE_MAX, Registered, Stored};

/// What to write out.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// What: entries can be recounted, totals can be read, ballots can be published.
    what: What,
    /// The poll, by id, code or slug.
    #[arg(long)]
    poll: String,
    #[command(flatten)]
    data: DataArgs,
    /// As NDJSON or CSV.
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
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
    let found = offline.wanted(Some(&args.poll)).await?.pop().context("there is no such poll")?;
    let Some(path) = &args.out else {
        return write(&args, &offline, &found, &mut std::io::stdout()).await;
    };
    // Under another name until it is whole: a refusal must not cost the file that was there.
    let cannot = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut unfinished = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    let done = write(&args, &offline, &found, unfinished.as_file_mut()).await?;
    unfinished.persist(path).with_context(cannot)?;
    Ok(done)
}

async fn write(
    args: &ExportArgs,
    offline: &Offline,
    found: &Registered,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(out);
    match args.what {
        What::Entries => entries(offline, found, args.format, &mut out).await?,
        What::Totals => {
            let fold = fold(offline, found, |_| Ok(())).await?;
            write_totals(&totals(&found.election, &fold), args.format, &mut out)?;
        }
        What::Ballots => ballots(offline, found, args.format, &mut out).await?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a whole ledger page by page up to its head, folds it, and shows each entry on the way. Entries that are not
/// those of the head are an error: no copy of them may look whole.
async fn fold(
    offline: &Offline,
    found: &Registered,
    mut each: impl FnMut(&Stored) -> anyhow::Result<()>,
) -> anyhow::Result<Fold> {
    let head = offline.ledger.heads(&[found.key]).await?.first().map(|(_, head)| *head).context("it has no ledger")?;
    let mut fold = Fold::new(&found.election);
    while fold.seq < head.seq {
        let left = usize::try_from(head.seq.0 - fold.seq.0).unwrap_or(PAGE_MAX);
        let page = offline.ledger.read(found.key, fold.seq, left.min(PAGE_MAX)).await?;
        if page.is_empty() {
            break;
        }
        for stored in &page {
            fold.apply(&stored.bytes)?;
            each(stored)?;
        }
    }
    ensure!(
        fold.seq == head.seq && fold.chain == head.chain,
        "the entries of {} are not those of its head: keep this database for study, and restore a backup",
        found.election.code
    );
    Ok(fold)
}

async fn entries(offline: &Offline, found: &Registered, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    if format == Format::Csv {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(["seq", "time", "kind", "contest", "voter", "id", "selections", "replaces", "bytes"])?;
        fold(offline, found, |stored| Ok(csv.write_record(csv_row(found, stored))?)).await?;
        return Ok(csv.flush()?);
    }
    let header = json!({ "export": EXPORT_FORMAT, "election": *found.election });
    writeln!(out, "{header}")?;
    let fold = fold(offline, found, |stored| Ok(writeln!(out, "{}", entry_line(&found.election, stored))?)).await?;
    writeln!(out, "{}", json!({ "totals": totals(&found.election, &fold) }))?;
    Ok(())
}

fn csv_row(found: &Registered, stored: &Stored) -> Vec<String> {
    let line: Value = serde_json::from_str(&entry_line(&found.election, stored)).unwrap_or_default();
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

fn write_totals(counted: &Value, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    if format == Format::Ndjson {
        return Ok(writeln!(out, "{counted}")?);
    }
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["round", "status", "ballots", "choice", "title", "votes", "points"])?;
    for round in counted["rounds"].as_array().into_iter().flatten() {
        for choice in round["choices"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), spreadsheet_cell);
            csv.write_record([
                round["round"].to_string(),
                text(&round["status"]),
                round["ballots"].to_string(),
                text(&choice["code"]),
                text(&choice["title"]),
                choice["votes"].to_string(),
                choice.get("points").map(ToString::to_string).unwrap_or_default(),
            ])?;
        }
    }
    Ok(csv.flush()?)
}

/// Ballots by content, with how many there are of each: nothing else is kept, so nothing else can leak.
async fn ballots(offline: &Offline, found: &Registered, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut contents: BTreeMap<(ContestNumber, String), u64> = BTreeMap::new();
    let content = |contest: ContestNumber, chosen: &hustings_core::Selections| {
        let (name, value) = selections(found.election.contests.get(contest.index()), chosen);
        (contest, json!({ "round": contest.0 + 1, name: value }).to_string())
    };
    let fold = fold(offline, found, |stored| {
        let Event::BallotCast(ballot) = &stored.entry.event else { return Ok(()) };
        if let Some(previous) = &ballot.previous
            && let Some(count) = contents.get_mut(&content(ballot.contest, &previous.selections))
        {
            *count -= 1;
        }
        *contents.entry(content(ballot.contest, &ballot.selections)).or_default() += 1;
        Ok(())
    })
    .await?;
    publishable(found, &fold)?;
    let lines = contents.into_iter().flat_map(|((_, line), count)| (0..count).map(move |_| line.clone()));
    if format == Format::Ndjson {
        for line in lines {
            writeln!(out, "{line}")?;
        }
        return Ok(());
    }
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["ballot"])?;
    for line in lines {
        csv.write_record([line])?;
    }
    Ok(csv.flush()?)
}

/// Two exports of an open contest could be subtracted from each other, and would tell who voted what in between.
fn publishable(found: &Registered, fold: &Fold) -> anyhow::Result<()> {
    ensure!(fold.seq > Seq(0), "nothing was counted yet");
    for state in &fold.state.contests {
        let closed = matches!(state, ContestState::Closed { .. } | ContestState::Archived { .. });
        ensure!(closed, "ballots can be published when the poll is closed; it is {} now", state.name());
        let shown = found.election.visibility.audience(state, Viewer::Public) == Audience::Full;
        ensure!(shown, "results are hidden; ballots can be published after the reveal");
    }
    Ok(())
}
