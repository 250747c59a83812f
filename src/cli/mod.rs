//! The command line: each command says on stderr what went wrong and what to do, and exits 0 only if all went well.
#![deny(clippy::print_stdout, clippy::print_stderr, reason = "these panic where nobody reads; see output.rs")]

mod audit;
mod backup;
mod bench;
mod demo;
mod doctor;
mod election;
mod export;
mod history;
mod hours;
mod migrate;
mod numbers;
mod offline;
mod output;
mod recount;
mod report;
mod results;
mod serve;
mod session;
mod shell;
mod token;
mod user;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::output::Output;
use crate::clock::{SystemClock, SystemRandom};

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
    #[command(after_help = serve::ENVIRONMENT)]
    Serve(Box<crate::config::ServeArgs>),
    /// Cast a real election vote by vote on a real server, watch it, and prove the result.
    Demo(demo::DemoArgs),
    /// Measure a server: votes, no-ops, and the two side by side; every run is verified.
    Bench(bench::BenchArgs),
    /// Send the reports of ballot boxes so that each is counted once, and ask what has arrived.
    Report(Box<report::ReportArgs>),
    /// Print the totals of an election of boxes: now or as they were, of all of it or of any unit.
    Results(results::ResultsArgs),
    /// Print what came in between two times, by city, contest or box.
    History(history::HistoryArgs),
    /// Print who changed what, when and why, entry by entry.
    Audit(audit::AuditArgs),
    /// Count ledgers again from their first entry, from the data folder or from an exported file.
    Recount(recount::RecountArgs),
    /// Write out entries, totals, or ballots without their voters.
    Export(export::ExportArgs),
    /// Write a consistent copy of the database, also while the server runs.
    Backup(backup::BackupArgs),
    /// Put a backup in the place of an empty data folder, recount it, and give every ledger a new epoch.
    Restore(backup::RestoreArgs),
    /// Bring a database's tables up to date, raise its ledger format, or copy a whole installation into another store and
    /// count both again.
    Migrate(Box<migrate::MigrateArgs>),
    /// Create, list and revoke API tokens.
    Token(token::TokenArgs),
    /// Add, list, reset and remove persons who sign in.
    User(user::UserArgs),
    /// Check the database, the counters, the data folder, limits, disk and clock.
    Doctor(doctor::DoctorArgs),
    /// Print the completions for a shell.
    Completions(shell::CompletionsArgs),
    /// Print a manual page: `hustings man | man -l -`.
    Man(shell::ManArgs),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => wait(serve::serve(*args)),
        // The load generator brings its own runtime: it shares two cores with the server it measures.
        Command::Demo(args) => demo::run(&args, &SystemClock, &SystemRandom),
        Command::Bench(args) => bench::run(&args, &SystemClock, &SystemRandom),
        Command::Report(args) => report::run(&args, &SystemRandom),
        Command::Results(args) => wait(results::results(args)),
        Command::History(args) => wait(history::history(args)),
        Command::Audit(args) => wait(audit::audit(args)),
        Command::Recount(args) => wait(recount::recount(args)),
        Command::Export(args) => wait(export::export(args)),
        Command::Backup(args) => wait(backup::backup(args)),
        Command::Restore(args) => wait(backup::restore(&args)),
        Command::Migrate(args) => wait(migrate::migrate(*args)),
        Command::Token(args) => wait(token::token(args)),
        Command::User(args) => wait(user::user(args)),
        Command::Doctor(args) => wait(doctor::doctor(args)),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    };
    // What is still on its way to the output may be refused too.
    let done = done.and_then(|code| Ok(Output.flush().map(|()| code)?));
    done.unwrap_or_else(|error| output::failed(&error))
}

fn wait(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}
