//! The command line: each command says on stderr what went wrong and what to do, and exits 0 only if all went well.

mod backup;
mod demo;
mod doctor;
mod export;
mod numbers;
mod offline;
mod recount;
mod serve;
mod session;
mod shell;
mod token;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Hustings counts every vote once, shows it at once, and proves it afterwards.
#[derive(Debug, Parser)]
#[command(name = "hustings", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(Box<crate::config::ServeArgs>),
    /// Cast a real election vote by vote on a real server, watch it, and prove the result.
    Demo(demo::DemoArgs),
    /// Count ledgers again from their first entry, from the data folder or from an exported file.
    Recount(recount::RecountArgs),
    /// Write out entries, totals, or ballots without their voters.
    Export(export::ExportArgs),
    /// Write a consistent copy of the database, also while the server runs.
    Backup(backup::BackupArgs),
    /// Put a backup in the place of an empty data folder, recount it, and give every ledger a new epoch.
    Restore(backup::RestoreArgs),
    /// Create, list and revoke API tokens.
    Token(token::TokenArgs),
    /// Check the data folder, SQLite, limits, disk and clock.
    Doctor(offline::DataArgs),
    /// Print the completions for a shell.
    Completions(shell::CompletionsArgs),
    /// Print the manual page.
    Man,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = runtime().and_then(|runtime| runtime.block_on(run(cli.command)));
    match done {
        Ok(code) => code,
        Err(error) => {
            let _closed = writeln!(std::io::stderr(), "hustings: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::serve(*args).await,
        Command::Demo(args) => demo::demo(args).await,
        Command::Recount(args) => recount::recount(args).await,
        Command::Export(args) => export::export(args).await,
        Command::Backup(args) => backup::backup(&args),
        Command::Restore(args) => backup::restore(&args).await,
        Command::Token(args) => token::token(args).await,
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man => shell::man(),
    }
}
