//! `hustings doctor`: what an operator wants to know before the doors open.

mod folder;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::offline::DataArgs;
use super::output::Output;
use crate::clock::{Clock, SystemClock, rfc3339};
use crate::config::{CountersStore, Database};
use crate::ledger::postgres_facts;
use crate::tally::redis_facts;

/// Free disk below this is a warning: about ten million votes.
const DISK_MIN: u64 = 2 << 30;
/// Fewer open files than this is a warning.
const FILES_MIN: u64 = 10_000;
/// 2025-01-01: a clock before it is wrong, because this program is younger.
const YOUNGER_THAN: u64 = 1_735_689_600_000;

/// Names and values.
type Facts = Vec<(&'static str, String)>;

struct Report {
    failed: bool,
}

impl Report {
    fn line(&mut self, good: bool, what: &str, value: &str, advice: &str) -> io::Result<()> {
        let mark = if good { "ok  " } else { "LOOK" };
        writeln!(Output, "{mark}  {what:<16}  {value}")?;
        if !good {
            writeln!(Output, "      {advice}")?;
            self.failed = true;
        }
        Ok(())
    }

    fn store(&mut self, name: &str, facts: Result<Facts, String>, advice: &str) -> io::Result<()> {
        match facts {
            Ok(facts) => {
                facts.iter().try_for_each(|(what, value)| self.line(is_good(what, value), what, value, advice))
            }
            Err(error) => self.line(false, name, "cannot be used", &error),
        }
    }
}

/// What to check.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The counters: memory:, redis://host:port, or redis-cluster://host:port,host:port [default: memory:].
    #[arg(long, env = "HUSTINGS_COUNTERS", value_name = "URL", hide_env_values = true)]
    counters: Option<String>,
}

pub(super) async fn doctor(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let mut report = Report { failed: false };
    let (database, counters) = (args.data.database()?, CountersStore::parse(args.counters.as_deref())?);
    match &database {
        Database::Sqlite(_) => folder::check(&mut report, &args.data.data).await?,
        Database::Postgres(options) => {
            folder::secret_key(&mut report, &args.data.data, true)?;
            let facts = postgres_facts(options).await.map_err(|error| error.to_string());
            report.store("database", facts, "votes are safe only with this setting: see docs/OPERATIONS.md")?;
        }
    }
    if let CountersStore::Redis(options) = &counters {
        let facts = redis_facts(options).await.map_err(|error| error.to_string());
        report.store("counters", facts, "see docs/OPERATIONS.md; votes are safe without it, results are slower")?;
    }
    disk(&mut report, &args.data.data)?;
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let many = files.is_none_or(|files| files >= FILES_MIN);
    let shown = files.map_or("unlimited".to_owned(), |files| files.to_string());
    report.line(
        many,
        "open files",
        &shown,
        "each phone is one: raise it with `ulimit -Hn`, or LimitNOFILE in systemd",
    )?;
    let now = SystemClock.now();
    report.line(now.0 > YOUNGER_THAN, "clock", &rfc3339(now), "set the clock (NTP): entry times would be wrong")?;
    writeln!(Output, "\nThis looked at the outside. hustings recount checks every entry that was counted.")?;
    Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether a fact about a store is as it must be; what is only told is good.
fn is_good(what: &str, value: &str) -> bool {
    match what {
        "journal mode" => value == "wal",
        "quick check" | "cluster state" => value == "ok",
        "fsync" | "full_page_writes" => value == "on",
        "synchronous_commit" => !["off", "local"].contains(&value),
        "eviction policy" => value == "noeviction",
        _ => true,
    }
}

fn disk(report: &mut Report, data: &Path) -> io::Result<()> {
    let free = |path: &Path| rustix::fs::statvfs(path).ok().map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    let Some(free) = free(data).or_else(|| free(Path::new("."))) else { return Ok(()) };
    let shown = format!("{} MiB free", free >> 20);
    report.line(free >= DISK_MIN, "disk", &shown, "a full disk refuses votes until there is space again")
}
