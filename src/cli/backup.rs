//! `hustings backup` and `hustings restore`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::offline::{DataArgs, Offline, secret};
use super::output::Output;
use crate::app::Stores;
use crate::clock::{SystemClock, SystemRandom};
use crate::config::Database;
use crate::keys::Keys;
use crate::ledger::{Folder, FolderError, SqliteLedger, SqliteOptions};
use crate::tally;

/// Where from and where to.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write; it appears when it is whole.
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

/// Where from and where to.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// A file written by `hustings backup`.
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) async fn backup(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let BackupArgs { file, data } = args;
    ensure!(!file.exists(), "{} exists already: choose another name", file.display());
    Offline::read(&data).await?.ledger.backup(&file).await?;
    let key = match (secret(), data.database()?) {
        (Some(_), _) => "HUSTINGS_SECRET".to_owned(),
        (None, Database::Sqlite(_)) => data.data.join("secret.key").display().to_string(),
        (None, Database::Postgres(_)) => "the secret of its nodes".to_owned(),
    };
    writeln!(
        Output,
        "{} is written and synced. Keep {key} with it, in another place: without the secret, voters are strangers.",
        file.display(),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Copies the backup beside its place, recounts every ledger, and only then gives it the name that `serve` opens.
pub(super) async fn restore(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let data = &args.data.data;
    let Database::Sqlite(database) = args.data.database()? else {
        bail!(
            "a backup is restored into a data folder: leave --database out, then copy it with: hustings migrate --from \
             sqlite:{} --to and the address of an empty database",
            data.display()
        );
    };
    is_free(data)?;
    ensure!(args.file.exists(), "there is no file {}", args.file.display());
    let secret = secret();
    ensure!(
        secret.is_some() || data.join("secret.key").exists(),
        "put the secret.key of the backed-up installation into {} first (mode 600), or set HUSTINGS_SECRET",
        data.display()
    );
    let keys = Keys::load(data, secret.as_deref(), false, &SystemRandom)?;
    let folder = Folder::lock(data)?;
    let staging = data.join("restoring");
    if staging.exists() {
        // Of a restore that was interrupted.
        fs::remove_dir_all(&staging).context("cannot remove what an earlier restore left behind")?;
    }
    fs::create_dir_all(&staging)?;
    let staged = stage(args, &Folder::database(&staging), &keys).await;
    let placed = staged.and_then(|lines| {
        fs::rename(Folder::database(&staging), &database)?;
        fs::File::open(data)?.sync_all()?;
        Ok(lines)
    });
    fs::remove_dir_all(&staging).context("cannot remove the staging folder")?;
    drop(folder);
    placed?.iter().try_for_each(|line| writeln!(Output, "{line}"))?;
    writeln!(Output, "restored; start it with: hustings serve --data {}", data.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a copy that was recounted and is on the disk; gives a line for each ledger.
async fn stage(args: &RestoreArgs, staged: &Path, keys: &Keys) -> anyhow::Result<Vec<String>> {
    fs::copy(&args.file, staged).with_context(|| format!("cannot copy {}", args.file.display()))?;
    let ledger = open(staged, keys).map_err(|error| as_given(error, args))?;
    let lines = recount(Offline::over(Stores::over(Arc::new(ledger), None))).await?;
    fs::File::open(staged)?.sync_all()?;
    Ok(lines)
}

/// Nothing is overwritten, and nothing that was there is mixed with what comes.
fn is_free(data: &Path) -> anyhow::Result<()> {
    if data.is_file() {
        return Err(FolderError::NotAFolder(data.display().to_string()).into());
    }
    ensure!(
        !Folder::database(data).exists(),
        "{} has a database already: move it away first, or restore into another folder with --data",
        data.display()
    );
    for leftover in ["hustings.db-wal", "hustings.db-shm"].map(|name| data.join(name)) {
        // The log of another database would be replayed into this one.
        ensure!(!leftover.exists(), "{} belongs to the database that was here: move it away too", leftover.display());
    }
    Ok(())
}

/// Opens the staged copy. A file of ours is asked for first: in an empty one SQLite would make tables.
fn open(staged: &Path, keys: &Keys) -> Result<SqliteLedger, FolderError> {
    let options = SqliteOptions::new(staged.to_owned());
    drop(SqliteLedger::read_only(options.clone())?);
    SqliteLedger::open(options, keys.check(), Arc::new(SystemClock), Arc::new(SystemRandom))
}

/// The same error about the file and the folder that were given, not about the staged copy.
fn as_given(error: FolderError, args: &RestoreArgs) -> FolderError {
    let path = args.file.display().to_string();
    match error {
        FolderError::OtherSecret(_) => FolderError::OtherSecret(args.data.data.display().to_string()),
        FolderError::NotOurs(_) => FolderError::NotOurs(path),
        FolderError::Unfinished(_) => FolderError::Unfinished(path),
        FolderError::NewerSchema { found, known, .. } => FolderError::NewerSchema { path, found, known },
        FolderError::Database { what, .. } => FolderError::Database { path, what },
        other => other,
    }
}

async fn recount(offline: Offline) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for found in offline.wanted(None).await? {
        let counted = tally::recount(offline.ledger.as_ref(), &offline.elections, found.key).await?;
        let counted = counted.with_context(|| format!("{} has no ledger", found.election.code))?;
        lines.push(format!(
            "{}  {}: {} entries recounted, chain verified",
            found.election.code, found.election.title, counted.fold.seq
        ));
    }
    offline.ledger.renew_epochs(None).await?;
    Ok(lines)
}
