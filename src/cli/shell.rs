//! Completions and the manual page, made from the command line itself.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::Cli;

/// Which shell.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    clap_complete::generate(args.shell, &mut Cli::command(), "hustings", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn man() -> anyhow::Result<ExitCode> {
    let mut command = Cli::command();
    command.build();
    pages(&command, &mut std::io::stdout())?;
    Ok(ExitCode::SUCCESS)
}

/// The page of a command, and those of all its own.
fn pages(command: &Command, out: &mut impl Write) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(out)?;
    command.get_subcommands().filter(|sub| sub.get_name() != "help").try_for_each(|sub| pages(sub, out))
}
