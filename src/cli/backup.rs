//! `hustings backup` and `hustings restore`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::offline::{DataArgs, Offline};
use crate::config::Database;
use crate::ledger::Folder;
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
    let secret = match data.database()? {
        Database::Sqlite(database) => {
            ensure!(database.exists(), "there is no database in {}: check --data", data.data.display());
            data.data.join("secret.key").display().to_string()
        }
        Database::Postgres(_) => "the secret of its nodes".to_owned(),
    };
    Offline::read(&data).await?.ledger.backup(&file).await?;
    say!(
        "{} is written and synced. Keep {secret} with it, in another place: without the secret, voters are strangers.",
        file.display(),
    );
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
    ensure!(
        !database.exists(),
        "{} has a database already: move it away first, or restore into another folder with --data",
        data.display()
    );
    for leftover in ["hustings.db-wal", "hustings.db-shm"] {
        // The log of another database would be replayed into this one.
        let leftover = data.join(leftover);
        ensure!(!leftover.exists(), "{} belongs to the database that was here: move it away too", leftover.display());
    }
    ensure!(args.file.exists(), "there is no file {}", args.file.display());
    let secret = data.join("secret.key");
    let has_secret = secret.exists() || std::env::var("HUSTINGS_SECRET").is_ok_and(|secret| !secret.is_empty());
    ensure!(
        has_secret,
        "put the secret.key of the backed-up installation into {} first (mode 600), or set HUSTINGS_SECRET",
        data.display()
    );
    let folder = Folder::lock(data)?;
    let staging = data.join("restoring");
    fs::create_dir_all(&staging)?;
    fs::copy(&args.file, Folder::database(&staging)).context("cannot copy the backup")?;
    if secret.exists() {
        fs::copy(&secret, staging.join("secret.key"))?;
    }
    let recounted = recount_staged(&staging).await;
    let placed = recounted.and_then(|lines| {
        fs::File::open(Folder::database(&staging))?.sync_all()?;
        fs::rename(Folder::database(&staging), &database)?;
        fs::File::open(data)?.sync_all()?;
        Ok(lines)
    });
    fs::remove_dir_all(&staging).context("cannot remove the staging folder")?;
    drop(folder);
    placed?.iter().for_each(|line| say!("{line}"));
    say!("restored; start it with: hustings serve --data {}", data.display());
    Ok(ExitCode::SUCCESS)
}

async fn recount_staged(staging: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let offline = Offline::write(&DataArgs { data: staging.to_owned(), database: None }).await?;
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
