//! `hustings serve`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::app::{self, Environment};
use crate::config::ServeArgs;

pub(super) async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    log();
    let config = args.resolve()?;
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
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
    let ready = |address| {
        // The one line on stdout: tests, benches and the demo read the port from it.
        let mut stdout = std::io::stdout();
        let _closed = writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush());
    };
    app::run(config, environment, |ledger| ledger, stopping, ready).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Logs go to stderr, one structured line each; `HUSTINGS_LOG` filters them, `HUSTINGS_LOG_FORMAT=json` for machines.
fn log() {
    let filter = EnvFilter::try_from_env("HUSTINGS_LOG").unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Colours are for people; in a file or a journal they would stand between a search and its word.
    let lines = lines.with_ansi(std::io::stderr().is_terminal());
    if std::env::var("HUSTINGS_LOG_FORMAT").is_ok_and(|format| format == "json") {
        lines.json().init();
    } else {
        lines.init();
    }
}
