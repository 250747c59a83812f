//! Completions and manual pages, made from the command line itself.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::output::Output;

/// Which shell.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    // It panics where it cannot write, and to memory it always can.
    let mut completions = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hustings", &mut completions);
    Output.write_all(&completions)?;
    Ok(ExitCode::SUCCESS)
}

/// Which page.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command, such as `serve` or `token create`; without one, the page of hustings itself.
    command: Vec<String>,
}

pub(super) fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let mut whole = without_help(Cli::command());
    whole.build();
    let mut command = &whole;
    for word in &args.command {
        let unknown = || format!("there is no command `{}`; see: hustings --help", args.command.join(" "));
        command = command.find_subcommand(word).with_context(unknown)?;
    }
    clap_mangen::Man::new(command.clone()).render(&mut Output)?;
    Ok(ExitCode::SUCCESS)
}

/// A page refers to those of its commands, and `help` has none.
fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}
