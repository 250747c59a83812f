//! `hustings doctor`: what an operator wants to know before the doors open.

use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

use clap::Args;

use super::offline::DataArgs;
use crate::clock::{Clock, SystemClock, rfc3339};
use crate::config::{CountersStore, Database};
use crate::ledger::{postgres_facts, sqlite_facts};
use crate::tally::redis_facts;

/// Free disk below this is a warning: about ten million votes.
const DISK_MIN: u64 = 2 << 30;
/// Fewer open files than this is a warning.
const FILES_MIN: u64 = 10_000;
/// 2025-01-01: a clock before it is wrong, because this program is younger.
const YOUNGER_THAN: u64 = 1_735_689_600_000;

struct Report {
    failed: bool,
}

impl Report {
    fn line(&mut self, good: bool, what: &str, value: &str, advice: &str) {
        let mark = if good { "ok  " } else { "LOOK" };
        say!("{mark}  {what:<16}  {value}");
        if !good {
            say!("      {advice}");
            self.failed = true;
        }
    }

    fn store(&mut self, name: &str, facts: Result<Vec<(&'static str, String)>, String>, advice: &str) {
        match facts {
            Ok(facts) => facts.iter().for_each(|(what, value)| self.line(is_good(what, value), what, value, advice)),
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
        Database::Sqlite(file) => {
            let data = &args.data.data;
            let shown = data.display().to_string();
            report.line(
                data.is_dir(),
                "data folder",
                &shown,
                "it is made by the first `hustings serve`; or check --data",
            );
            secret(&mut report, &args.data, file.exists());
            if file.exists() {
                let facts = sqlite_facts(file).map_err(|error| error.to_string());
                report.store("database", facts, "the database is damaged: restore a backup");
            }
        }
        Database::Postgres(options) => {
            secret(&mut report, &args.data, true);
            let facts = postgres_facts(options).await.map_err(|error| error.to_string());
            report.store("database", facts, "votes are safe only with this setting: see docs/OPERATIONS.md");
        }
    }
    if let CountersStore::Redis(options) = &counters {
        let facts = redis_facts(options).await.map_err(|error| error.to_string());
        report.store("counters", facts, "see docs/OPERATIONS.md; votes are safe without it, results are slower");
    }
    disk(&mut report, &args.data);
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let many = files.is_none_or(|files| files >= FILES_MIN);
    let shown = files.map_or("unlimited".to_owned(), |files| files.to_string());
    report.line(many, "open files", &shown, "each phone is one: raise it with `ulimit -Hn`, or LimitNOFILE in systemd");
    let now = SystemClock.now();
    report.line(now.0 > YOUNGER_THAN, "clock", &rfc3339(now), "set the clock (NTP): entry times would be wrong");
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

fn secret(report: &mut Report, args: &DataArgs, needed: bool) {
    let path = args.data.join("secret.key");
    let shown = path.display().to_string();
    if super::offline::secret().is_some() {
        return report.line(true, "secret", "from HUSTINGS_SECRET", "");
    }
    match std::fs::metadata(&path) {
        Ok(found) => {
            let private = found.permissions().mode() & 0o077 == 0;
            report.line(private, "secret", &shown, "others can read it: chmod 600");
        }
        Err(_) => report.line(!needed, "secret", "none yet", "the database needs its secret.key: put it back"),
    }
}

fn disk(report: &mut Report, args: &DataArgs) {
    let free =
        |path: &std::path::Path| rustix::fs::statvfs(path).ok().map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    if let Some(free) = free(&args.data).or_else(|| free(std::path::Path::new("."))) {
        let shown = format!("{} MiB free", free >> 20);
        report.line(free >= DISK_MIN, "disk", &shown, "a full disk refuses votes until there is space again");
    }
}
