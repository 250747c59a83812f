//! `hustings doctor`: what an operator wants to know before the doors open.

use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

use super::offline::DataArgs;
use crate::clock::{Clock, SystemClock, rfc3339};
use crate::ledger::{Folder, sqlite_facts};

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
        println!("{mark}  {what:<16}  {value}");
        if !good {
            println!("      {advice}");
            self.failed = true;
        }
    }
}

pub(super) fn doctor(args: &DataArgs) -> anyhow::Result<ExitCode> {
    let mut report = Report { failed: false };
    let data = &args.data;
    let shown = data.display().to_string();
    report.line(data.is_dir(), "data folder", &shown, "it is made by the first `hustings serve`; or check --data");
    secret(&mut report, args);
    let database = Folder::database(data);
    if database.exists() {
        match sqlite_facts(&database) {
            Ok(facts) => {
                for (what, value) in facts {
                    let good = match what {
                        "journal mode" => value == "wal",
                        "quick check" => value == "ok",
                        _ => true,
                    };
                    report.line(good, what, &value, "the database is damaged: restore a backup");
                }
            }
            Err(error) => report.line(false, "database", &error.to_string(), "restore a backup"),
        }
    }
    disk(&mut report, args);
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let many = files.is_none_or(|files| files >= FILES_MIN);
    let shown = files.map_or("unlimited".to_owned(), |files| files.to_string());
    report.line(many, "open files", &shown, "each phone is one: raise it with `ulimit -Hn`, or LimitNOFILE in systemd");
    let now = SystemClock.now();
    report.line(now.0 > YOUNGER_THAN, "clock", &rfc3339(now), "set the clock (NTP): entry times would be wrong");
    Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn secret(report: &mut Report, args: &DataArgs) {
    let path = args.data.join("secret.key");
    let shown = path.display().to_string();
    if std::env::var("HUSTINGS_SECRET").is_ok_and(|secret| !secret.is_empty()) {
        return report.line(true, "secret", "from HUSTINGS_SECRET", "");
    }
    match std::fs::metadata(&path) {
        Ok(found) => {
            let private = found.permissions().mode() & 0o077 == 0;
            report.line(private, "secret", &shown, "others can read it: chmod 600");
        }
        Err(_) => {
            let needed = Folder::database(&args.data).exists();
            report.line(!needed, "secret", "none yet", "the database needs its secret.key: put it back");
        }
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
