//! `hustings migrate`: a database brought up to date, its ledger format raised, or a whole installation moved into another
//! store.

mod store;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use hustings_core::{ContestNumber, Fold, Format, Measure};

use self::store::{Location, Store};
use super::numbers::thousands;
use super::offline::DataArgs;
use super::output::{Output, note};
use crate::ledger::{Copied, Progress, copy};
use crate::tally::{Verified, verify};

/// What to migrate.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// The installation to copy, whose servers are stopped: sqlite: and a data folder, or postgres:// and a database.
    #[arg(long, value_name = "URL", requires = "to")]
    from: Option<Location>,
    /// The empty store to copy it into; run again after an interruption, it goes on where it stopped.
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<Location>,
    /// Raise the ledger format instead, once no program runs that does not know it: from then on the kinds of entries and
    /// definitions that are new in it may be written. There is no way back.
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "to"])]
    format: Option<u16>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) async fn migrate(args: MigrateArgs) -> anyhow::Result<ExitCode> {
    let data = &args.data.data;
    match (args.from, args.to, &args.data.database) {
        (Some(from), Some(to), _) => transfer(&from.within(data), &to.within(data), data).await?,
        (_, _, Some(database)) => {
            let database: Location =
                database.parse().map_err(|error: String| anyhow::anyhow!("--database: {error}"))?;
            let database = database.within(data);
            let done = match args.format {
                Some(format) => database.raise(Format(format)).await?,
                None => database.migrate().await?,
            };
            writeln!(Output, "{done}")?;
        }
        (_, _, None) => anyhow::bail!("say which --database, or copy --from one --to another"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies, counts both again, and only then lets the target be served.
async fn transfer(from: &Location, to: &Location, data: &Path) -> anyhow::Result<()> {
    ensure!(!from.is_same_as(to), "{from} cannot be copied onto itself: choose another target");
    let (source, secret) = Store::source(from, data).await?;
    let target = Store::target(to, &secret).await?;
    let copied = copy(source.archive.as_ref(), target.archive.as_ref(), &mut show).await?;
    if copied == Copied::Before {
        note(&format!("{to} was complete before; both are counted again"));
    } else {
        note("everything is copied; both are counted again");
    }
    let verified = verify(&source.archive, &target.archive).await;
    let verified = match copied {
        Copied::Now => verified?,
        Copied::Before => verified.with_context(|| {
            format!(
                "{to} held a complete copy before. If it has been served since, it has moved on and there is nothing to do; \
                 else choose an empty store"
            )
        })?,
    };
    target.archive.complete().await?;
    verified.iter().try_for_each(print)?;
    writeln!(Output, "complete; elections copied: {}. {}", thousands(verified.len() as u64), secret.advice(to))?;
    Ok(())
}

fn show(progress: Progress<'_>) {
    let Progress { registered, copied, of } = progress;
    let (copied, of) = (thousands(copied.0), thousands(of.0));
    // Who started this in a terminal and closed it still wants the copy.
    note(&format!("{}  {copied} of {of} entries", registered.election.code));
}

fn print(verified: &Verified) -> io::Result<()> {
    let Verified { registered, published, counted, census } = verified;
    let election = &registered.election;
    writeln!(Output, "{}  {}", election.code, election.title)?;
    for (round, contest) in (1_u32..).zip(&election.contests) {
        let told = |fold| match &contest.race {
            None => format!("{} ballots", thousands(total(fold, contest.number, &[Measure::Ballots]))),
            Some(_) => {
                let boxes = total(fold, contest.number, &[Measure::BoxesProvisional, Measure::BoxesFinal]);
                let cast = total(fold, contest.number, &[Measure::Cast]);
                format!("{} ballots of {} boxes", thousands(cast), thousands(boxes))
            }
        };
        let which = contest.race.as_ref().map_or_else(|| format!("round {round}"), |race| race.code.to_string());
        writeln!(Output, "  {which}: {} published = {} counted in the copy", told(published), told(counted))?;
    }
    let (entries, ids) = (thousands(counted.seq.0), thousands(census.submissions));
    writeln!(Output, "  {entries} entries and {ids} submission ids, chain {}", counted.chain)
}

/// In all places and groups.
fn total(fold: &Fold, contest: ContestNumber, measures: &[Measure]) -> u64 {
    let cells = fold.tally.iter().filter(|(cell, _)| cell.contest == contest && measures.contains(&cell.measure));
    cells.map(|(_, total)| total.get()).sum()
}
