//! `hustings recount`: the fold of a ledger from its first entry, held against what is stored or exported.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use hustings_core::{Election, Recount};
use serde_json::{Value, json};

use super::offline::{DataArgs, Offline};
use crate::export::{EXPORT_FORMAT, entry_line, totals, unhex};
use crate::ledger::Stored;
use crate::tally;

/// What to recount.
#[derive(Debug, Args)]
pub(super) struct RecountArgs {
    /// A file written by `hustings export entries`; without it, the database.
    file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Only this poll, by id, code or slug.
    #[arg(long, conflicts_with = "file")]
    poll: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn recount(args: RecountArgs) -> anyhow::Result<ExitCode> {
    let counted = match &args.file {
        Some(file) => vec![recount_file(file)?],
        None => recount_database(&args).await?,
    };
    if args.json {
        say!("{}", json!({ "elections": counted }));
    } else {
        counted.iter().for_each(print);
    }
    Ok(ExitCode::SUCCESS)
}

async fn recount_database(args: &RecountArgs) -> anyhow::Result<Vec<Value>> {
    let offline = Offline::read(&args.data).await?;
    let mut counted = Vec::new();
    for found in offline.wanted(args.poll.as_deref()).await? {
        let snapshot = tally::recount(offline.ledger.as_ref(), &offline.elections, found.key).await?;
        let snapshot = snapshot.with_context(|| format!("{} has no ledger", found.election.code))?;
        counted.push(totals(&found.election, &snapshot.fold));
    }
    Ok(counted)
}

/// Recounts an export without any database: the header's definition, the entries' bytes, and the totals at the end.
fn recount_file(path: &Path) -> anyhow::Result<Value> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let mut lines = BufReader::new(file).lines();
    let header: Value = serde_json::from_str(&lines.next().context("the file is empty")??)
        .with_context(|| format!("{shown} is not an export of entries: write one with: hustings export entries"))?;
    ensure!(header["export"] == EXPORT_FORMAT, "{shown} is not an export that this program knows");
    let election: Election = serde_json::from_value(header["election"].clone()).context("the header's definition")?;
    let mut recount = Recount::new(&election);
    for (line, number) in lines.zip(2_u64..) {
        let line: Value = serde_json::from_str(&line?).with_context(|| format!("{shown}, line {number}"))?;
        if line["totals"].is_object() {
            let counted = totals(&election, recount.fold());
            ensure!(counted == line["totals"], "{shown}: the totals at its end are not those of its entries");
            return Ok(counted);
        }
        let bytes = line["bytes"].as_str().and_then(unhex).with_context(|| format!("{shown}, line {number}: bytes"))?;
        let entry = recount.apply(&bytes).with_context(|| format!("{shown}, line {number}"))?;
        // What people read beside the bytes must be what the bytes say.
        let told: Value = serde_json::from_str(&entry_line(&election, &Stored { entry, bytes }))?;
        ensure!(line == told, "{shown}, line {number}: what can be read there is not what its bytes say");
    }
    bail!("{shown} breaks off before its totals: export it again")
}

fn print(counted: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    say!("{}  {}", text(&counted["code"]), text(&counted["title"]));
    for round in counted["rounds"].as_array().into_iter().flatten() {
        say!("  round {} ({}): {} ballots", round["round"], text(&round["status"]), round["ballots"]);
        for choice in round["choices"].as_array().into_iter().flatten() {
            let points = choice.get("points").map(|points| format!("  {points} points")).unwrap_or_default();
            say!("    {:>12}  {}{points}", choice["votes"].to_string(), text(&choice["title"]));
        }
    }
    say!("  {} entries, chain {}", counted["seq"], text(&counted["chain"]));
}
