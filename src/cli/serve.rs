//! `hustings serve`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use super::output::note;
use crate::app::{self, Environment};
use crate::config::ServeArgs;

/// What `serve` reads from the environment alone, at the end of its help.
///
/// In sentences with empty lines between: a manual page knows no columns.
pub(super) const ENVIRONMENT: &str = "\
Variables that have no option, because a list of processes would show it:

HUSTINGS_ADMIN_TOKEN is a token that may do everything, of at least 16 characters; make one with: openssl rand -hex 24

HUSTINGS_SECRET is the master secret in place of the file secret.key in the data folder: the 64 hexadecimal digits that \
stand in such a file, or any other text of at least 32 characters, always the same one.

HUSTINGS_LOG says what is logged to stderr: error, warn, info (the default), debug (each request too), or a filter such \
as info,hustings=debug.

HUSTINGS_LOG_FORMAT=json logs one JSON document a line.";

pub(super) async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    log();
    let config = args.resolve()?;
    let environment =
        Environment { secret: variable("HUSTINGS_SECRET"), admin_token: variable("HUSTINGS_ADMIN_TOKEN") };
    let (stop, stopping) = watch::channel(false);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing what is under way");
        stop.send_replace(true);
    });
    let ready = |address, welcome: Option<String>| {
        // The one line on stdout: tests, benches and the demo read the port from it.
        let mut stdout = std::io::stdout();
        if let Some(link) = welcome {
            note(&format!("nobody can sign in yet; open this once, and become the administrator: {link}"));
        }
        let _closed = writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush());
    };
    app::run(config, environment, |ledger| ledger, stopping, ready).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// A variable that says something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Without refinery, which tells at every start which tables it did not have to make.
const LOG: &str = "info,refinery_core=warn";

/// Logs go to stderr, one structured line each; `HUSTINGS_LOG` filters them, `HUSTINGS_LOG_FORMAT=json` for machines.
fn log() {
    let filter = variable("HUSTINGS_LOG").and_then(|filter| EnvFilter::try_new(filter).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new(LOG));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Colours are for people; in a file or a journal they would stand between a search and its word.
    let lines = lines.with_ansi(std::io::stderr().is_terminal());
    if std::env::var("HUSTINGS_LOG_FORMAT").is_ok_and(|format| format == "json") {
        lines.json().init();
    } else {
        lines.init();
    }
}
