//! `hustings recount`: the fold of a ledger from its first entry, held against what is stored or exported.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use hustings_core::{Election, Fold, Recount, Units};
use serde_json::{Value, json};

use super::election::REHEARSAL;
use super::numbers::several;
use super::offline::{DataArgs, Offline};
use super::output::Output;
use super::results::by_code;
use crate::export::{EXPORT_FORMAT, entry_line, places, totals, unhex};
use crate::ledger::Stored;
use crate::tally;

/// What to recount.
#[derive(Debug, Args)]
pub(super) struct RecountArgs {
    /// A file written by `hustings export entries`; without it, the database.
    file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Only this poll or election, by id, code or slug.
    #[arg(long, visible_alias = "election", conflicts_with = "file")]
    poll: Option<String>,
    /// Also the totals of every place that boxes report to.
    #[arg(long)]
    by_unit: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn recount(args: RecountArgs) -> anyhow::Result<ExitCode> {
    let counted = match &args.file {
        Some(file) => vec![recount_file(file, args.by_unit)?],
        None => recount_database(&args).await?,
    };
    if args.json {
        writeln!(Output, "{}", json!({ "elections": counted }))?;
        return Ok(ExitCode::SUCCESS);
    }
    counted.iter().try_for_each(print)?;
    writeln!(Output, "{}", verdict(counted.len(), args.file.is_some()))?;
    Ok(ExitCode::SUCCESS)
}

async fn recount_database(args: &RecountArgs) -> anyhow::Result<Vec<Value>> {
    let offline = Offline::read(&args.data).await?;
    let mut counted = Vec::new();
    for found in offline.wanted(args.poll.as_deref()).await? {
        let recount = tally::recount_with_units(offline.ledger.as_ref(), &offline.elections, found.key).await?;
        let (snapshot, units) = recount.with_context(|| format!("{} has no ledger", found.election.code))?;
        // Contests that were added since are in the definition as it is now.
        let found =
            offline.elections.with_contests(found.key, snapshot.fold.state.contests.len()).await?.unwrap_or(found);
        counted.push(with_places(&found.election, &snapshot.fold, &units, args.by_unit));
    }
    Ok(counted)
}

/// The totals, and with them those of each place where that was asked for.
fn with_places(election: &Election, fold: &Fold, units: &Units, by_unit: bool) -> Value {
    let mut counted = totals(election, fold);
    if by_unit && election.reporting.is_some() {
        counted["units"] = places(election, fold, units);
    }
    if election.reporting.as_ref().is_some_and(|reporting| reporting.rehearsal) {
        counted["rehearsal"] = true.into();
    }
    counted
}

/// Recounts an export without any database: the header's definition, the entries' bytes, and the totals at the end.
fn recount_file(path: &Path, by_unit: bool) -> anyhow::Result<Value> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let mut file = BufReader::new(file);
    let unreadable = || format!("cannot read {shown}");
    ensure!(
        !file.fill_buf().with_context(unreadable)?.starts_with(DATABASE),
        "{shown} is a database and no export. A backup is counted when it is restored: \
         hustings restore {shown} --data and a new folder"
    );
    let mut lines = file.lines();
    let header = lines.next().with_context(|| format!("{shown} is empty"))?.with_context(unreadable)?;
    let header: Value = serde_json::from_str(&header)
        .with_context(|| format!("{shown} is not an export of entries: write one with: hustings export entries"))?;
    ensure!(header["export"] == EXPORT_FORMAT, "{shown} is not an export that this program knows");
    let election: Election = serde_json::from_value(header["election"].clone()).context("the header's definition")?;
    let mut recount = Recount::new(&election);
    for (line, number) in lines.zip(2_u64..) {
        let line: Value =
            serde_json::from_str(&line.with_context(unreadable)?).with_context(|| format!("{shown}, line {number}"))?;
        if line["totals"].is_object() {
            let counted = totals(&election, recount.fold());
            ensure!(counted == line["totals"], "{shown}: the totals at its end are not those of its entries");
            return Ok(with_places(&election, recount.fold(), recount.units(), by_unit));
        }
        let bytes = line["bytes"].as_str().and_then(unhex).with_context(|| format!("{shown}, line {number}: bytes"))?;
        let entry = recount.apply(&bytes).with_context(|| format!("{shown}, line {number}"))?;
        // What people read beside the bytes must be what the bytes say.
        let told: Value = serde_json::from_str(&entry_line(&election, &Stored::new(entry, bytes)))?;
        ensure!(line == told, "{shown}, line {number}: what can be read there is not what its bytes say");
    }
    bail!("{shown} breaks off before its totals: export it again")
}

/// The first bytes of every SQLite file.
const DATABASE: &[u8] = b"SQLite format 3\0";

/// What the recount has shown; it is said only where all of it is so.
fn verdict(ledgers: usize, is_file: bool) -> String {
    match (ledgers, is_file) {
        (_, true) => "1 ledger recounted: its entries give the totals and the chain at the end of the file".to_owned(),
        (0, _) => "there are no polls yet, so there is nothing to recount".to_owned(),
        (1, _) => "1 ledger recounted, and its chain is that of its head".to_owned(),
        (ledgers, _) => format!("{ledgers} ledgers recounted, and every chain is that of its head"),
    }
}

fn print(counted: &Value) -> io::Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    writeln!(Output, "{}  {}", text(&counted["code"]), text(&counted["title"]))?;
    if counted["rehearsal"] == true {
        writeln!(Output, "  {REHEARSAL}")?;
    }
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let ballots = |value: &Value| several(number(value), "ballot", "ballots");
    let boxes = |value: &Value| several(number(value), "box", "boxes");
    for contest in counted["contests"].as_array().into_iter().flatten() {
        let (code, status) = (text(&contest["code"]), text(&contest["status"]));
        let (ballots, boxes) = (ballots(&contest["cast"]), boxes(&contest["boxes"]));
        writeln!(Output, "  contest {code} ({status}): {ballots} in {boxes}")?;
        for choice in contest["choices"].as_array().into_iter().flatten() {
            writeln!(Output, "    {:>12}  {}", choice["votes"].to_string(), text(&choice["title"]))?;
        }
    }
    for round in counted["rounds"].as_array().into_iter().flatten() {
        let ballots = ballots(&round["ballots"]);
        writeln!(Output, "  round {} ({}): {ballots}", round["round"], text(&round["status"]))?;
        for choice in round["choices"].as_array().into_iter().flatten() {
            let points = choice.get("points").map(|points| format!("  {points} points")).unwrap_or_default();
            writeln!(Output, "    {:>12}  {}{points}", choice["votes"].to_string(), text(&choice["title"]))?;
        }
    }
    for (unit, contests) in counted["units"].as_object().into_iter().flatten() {
        for (contest, figures) in contests.as_object().into_iter().flatten() {
            let (ballots, boxes) = (ballots(&figures["cast"]), boxes(&figures["boxes"]));
            let votes = by_code(&figures["votes"]);
            writeln!(Output, "  {unit}, {contest}: {ballots} in {boxes}; {votes}")?;
        }
    }
    let entries = several(number(&counted["seq"]), "entry", "entries");
    writeln!(Output, "  {entries}, chain verified: {}", text(&counted["chain"]))
}
