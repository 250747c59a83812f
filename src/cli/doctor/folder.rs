//! The data folder, its secret and its database, as this user may use them.
//!
//! Invariant: nothing is changed, and a backup is advised for damage only, not for a permission or another secret.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;
use rustix::fs::{Access, access};

use super::Report;
use crate::cli::offline::secret;
use crate::clock::SystemRandom;
use crate::keys::Keys;
use crate::ledger::{Archive, Folder, FolderError, SqliteLedger, SqliteOptions, sqlite_facts};

const OTHER_USER: &str = "this user may not read and write it: run this as the user of `hustings serve`";
const RESTORE: &str = "the database is damaged: restore a backup, and keep this file for study";

/// Checks what belongs to a data folder; what is missing before the first start is no fault.
pub(super) async fn check(report: &mut Report, data: &Path) -> io::Result<()> {
    let shown = data.display().to_string();
    let line = match std::fs::metadata(data) {
        Ok(found) if !found.is_dir() => (false, format!("{shown} is a file"), "give a folder with --data".to_owned()),
        Ok(_) => {
            (access(data, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok(), shown, OTHER_USER.to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            (false, format!("none at {shown}"), "it is made by the first `hustings serve`; or check --data".to_owned())
        }
        Err(error) => (false, shown, format!("it cannot be looked at: {error}")),
    };
    let (usable, shown, advice) = line;
    report.line(usable, "data folder", &shown, &advice)?;
    if !usable {
        return Ok(());
    }
    let database = Folder::database(data);
    let keys = secret_key(report, data, database.exists())?;
    if !database.exists() {
        return report.line(true, "database", "none yet: the first `hustings serve` makes it", "");
    }
    if access(&database, Access::READ_OK | Access::WRITE_OK).is_err() {
        return report.line(false, "database", &database.display().to_string(), OTHER_USER);
    }
    match SqliteLedger::read_only(SqliteOptions::new(database.clone())) {
        Err(error) => report.line(false, "database", "cannot be used", &error.to_string()),
        Ok(ledger) => {
            if let Some(keys) = keys {
                belongs(report, data, &ledger, &keys).await?;
            }
            facts(report, &database)
        }
    }
}

/// The secret, where it can be read; `needed` says whether a database expects one.
pub(super) fn secret_key(report: &mut Report, data: &Path, needed: bool) -> io::Result<Option<Keys>> {
    let (variable, path) = (secret(), data.join("secret.key"));
    let shown = match &variable {
        Some(_) => "from HUSTINGS_SECRET".to_owned(),
        None if path.exists() => path.display().to_string(),
        None if needed => "none".to_owned(),
        None => {
            report.line(true, "secret", "none yet: the first `hustings serve` makes it", "")?;
            return Ok(None);
        }
    };
    if variable.is_none() && path.exists() && access(&path, Access::READ_OK).is_err() {
        report.line(false, "secret", &shown, OTHER_USER)?;
        return Ok(None);
    }
    match Keys::load(data, variable.as_deref(), false, &SystemRandom) {
        Ok(keys) => report.line(true, "secret", &shown, "").map(|()| Some(keys)),
        Err(error) => report.line(false, "secret", &shown, &error.to_string()).map(|()| None),
    }
}

async fn belongs(report: &mut Report, data: &Path, ledger: &SqliteLedger, keys: &Keys) -> io::Result<()> {
    let kept = ledger.installation().await.ok().and_then(|installation| installation.secret_check);
    let own = kept.is_none_or(|kept| kept == keys.check());
    let advice = FolderError::OtherSecret(data.display().to_string()).to_string();
    report.line(own, "secret fits", if own { "yes" } else { "no" }, &advice)
}

fn facts(report: &mut Report, database: &Path) -> io::Result<()> {
    let facts = match sqlite_facts(database) {
        Ok(facts) => facts,
        Err(error) => {
            let damaged = error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt);
            return report.line(false, "database", &error.to_string(), if damaged { RESTORE } else { OTHER_USER });
        }
    };
    report.store("database", Ok(facts), RESTORE)
}
