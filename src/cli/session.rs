//! What commands that drive a server share: a server of their own in a folder of their own, and an orderly Ctrl-C.
//!
//! Invariant: however the command ends, its server ends with it and its folder is removed, unless it was asked to stay.
//! It must not know: what is cast.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::Random;
use crate::load::{Api, Launch, ServerProcess, raise_open_files};

/// A `hustings serve` process with its data in a temporary folder.
#[derive(Debug)]
pub(super) struct OwnServer {
    // Dropped in this order: first the process, then its folder.
    server: Option<ServerProcess>,
    launch: Launch,
    folder: TempDir,
}

impl OwnServer {
    /// Starts the server with further arguments of `serve` and a token nobody can guess.
    pub(super) async fn start(random: &dyn Random, arguments: &[&str]) -> anyhow::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("hustings-").tempdir().context("cannot make a temporary folder")?;
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        let mut token = String::new();
        for byte in bytes {
            write!(token, "{byte:02x}")?;
        }
        let mut launch = Launch::new(folder.path(), &token)?;
        launch.arguments = arguments.iter().map(ToString::to_string).collect();
        // A database that several nodes share belongs to a secret; which database it is, only the arguments say.
        launch.variables =
            super::offline::secret().map(|secret| ("HUSTINGS_SECRET".to_owned(), secret)).into_iter().collect();
        let server = ServerProcess::start(&launch).await?;
        Ok(Self { server: Some(server), launch, folder })
    }

    /// The running process.
    pub(super) fn process(&self) -> anyhow::Result<&ServerProcess> {
        self.server.as_ref().context("the server has been stopped")
    }

    /// Speaks to it as its administrator.
    pub(super) async fn api(&self) -> anyhow::Result<Api> {
        let process = self.process()?;
        Ok(Api::new(process.url(), process.token()).await?)
    }

    /// Where its data is.
    pub(super) fn data(&self) -> &PathBuf {
        &self.launch.data
    }

    /// Stops it in order.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(server) = self.server.take() {
            let url = server.url().to_owned();
            let status = server.stop().await?;
            anyhow::ensure!(status.success(), "the server ended with {status}; see {}", self.launch.log.display());
            // If it is started again, then where it was.
            url.trim_start_matches("http://").clone_into(&mut self.launch.listen);
        }
        Ok(())
    }

    /// Starts it again at the same address, with the same data.
    pub(super) async fn start_again(&mut self) -> anyhow::Result<()> {
        self.server = Some(ServerProcess::start(&self.launch).await?);
        Ok(())
    }

    /// Leaves the folder for somebody to look into.
    pub(super) fn keep_folder(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Whether all is well.
    pub(super) well: bool,
    /// A server that is to stay until Ctrl-C.
    pub(super) stays: Option<OwnServer>,
}

impl From<bool> for Ended {
    fn from(well: bool) -> Self {
        Self { well, stays: None }
    }
}

/// Runs a command to its end on one thread, which is cheapest beside a server on the same machine.
///
/// Ends with 0 if the command says that all is well, 1 if not, and 130 on Ctrl-C, after everything was cleaned up.
pub(super) fn run(command: impl Future<Output = anyhow::Result<Ended>>) -> anyhow::Result<ExitCode> {
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let ended = tokio::select! {
            ended = command => ended?,
            interrupted = interrupted() => {
                interrupted?;
                // A terminal has shown ^C; the prompt belongs on a line of its own.
                let _ = writeln!(io::stderr());
                return Ok(ExitCode::from(130));
            }
        };
        if let Some(mut server) = ended.stays {
            interrupted().await?;
            server.stop().await?;
        }
        Ok(if ended.well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// Ready when somebody wants this program to end.
async fn interrupted() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}
