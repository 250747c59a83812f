//! A real server process of our own: started, watched, stopped or killed.
//!
//! Invariant: the process ends with this value at the latest, and nothing else is ever signalled.
//! It must not know: what the server is used for.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How to start a server.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program, usually this one.
    pub program: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// Where it shall listen; port 0 takes a free one.
    pub listen: String,
    /// The administrator's token.
    pub token: String,
    /// Where its output goes.
    pub log: PathBuf,
    /// Further arguments of `serve`.
    pub arguments: Vec<String>,
    /// Variables of its environment, beside those it inherits.
    pub variables: Vec<(String, String)>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The program cannot be run.
    #[error("cannot start {program}: {source}")]
    Start {
        /// Which program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended, or said nothing for too long, before it was listening.
    #[error("the server did not come up; the end of its log:\n{0}")]
    NotListening(String),
    /// It does not end.
    #[error("the server did not stop within {} s and was killed", STOP_WITHIN.as_secs())]
    NotStopping,
    /// The system refused something.
    #[error("the server process: {0}")]
    System(#[from] io::Error),
}

/// What a process has used since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, in user and system mode.
    pub cpu: Duration,
    /// The most memory it held at any time.
    pub memory_peak_bytes: u64,
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    drain: JoinHandle<()>,
    url: String,
    token: String,
}

const START_WITHIN: Duration = Duration::from_secs(30);
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// The line by which a server says where it listens.
const LISTENING: &str = "listening on ";
/// Linux counts processor time for `/proc` in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);
const LOG_LINES_SHOWN: usize = 12;

impl Launch {
    /// This very program, on a free port of this machine, with everything it writes inside `folder`.
    pub fn new(folder: &Path, token: &str) -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            data: folder.join("data"),
            listen: "127.0.0.1:0".to_owned(),
            token: token.to_owned(),
            log: folder.join("server.log"),
            arguments: Vec::new(),
            variables: Vec::new(),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--data").arg(&self.data).arg("--listen").arg(&self.listen).args(&self.arguments);
        without_settings(&mut command).env("HUSTINGS_ADMIN_TOKEN", &self.token).envs(self.variables.iter().cloned());
        command
    }
}

/// Hides the settings of whoever runs this program from a child of it: no demo may ever reach a real database.
///
/// What concerns only logs stays.
pub fn without_settings(command: &mut Command) -> &mut Command {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_str().is_some_and(is_setting)) {
        command.env_remove(name);
    }
    command
}

fn is_setting(name: &str) -> bool {
    name.starts_with("HUSTINGS_") && !name.starts_with("HUSTINGS_LOG")
}

impl ServerProcess {
    /// Starts a server and returns once it says that it is listening.
    pub async fn start(launch: &Launch) -> Result<Self, ServerError> {
        Self::spawn(launch.command(), &launch.program, &launch.log, &launch.token).await
    }

    async fn spawn(mut command: Command, program: &Path, log: &Path, token: &str) -> Result<Self, ServerError> {
        let file = std::fs::File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(file.try_clone()?));
        // A group of its own: Ctrl-C in a terminal is for whoever started the server, who then stops it in order.
        command.process_group(0).kill_on_drop(true);
        let start_error = |source| ServerError::Start { program: program.to_owned(), source };
        let mut child = command.spawn().map_err(start_error)?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let mut lines = BufReader::new(stdout).lines();
        let mut file = File::from_std(file);
        let listening = timeout(START_WITHIN, address(&mut lines, &mut file)).await;
        let Ok(Ok(Some(url))) = listening else {
            child.kill().await?;
            file.flush().await?;
            return Err(ServerError::NotListening(tail(log)));
        };
        let drain = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // A log that cannot be written must not stop the server, which would wait for its reader.
                let _ = write_line(&mut file, &line).await;
            }
        });
        Ok(Self { child, drain, url, token: token.to_owned() })
    }

    /// Where it listens, as `http://127.0.0.1:41231`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The administrator's token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What it has used so far; Linux only.
    pub fn usage(&self) -> io::Result<Usage> {
        let id = self.child.id().ok_or_else(|| io::Error::other("the server has ended"))?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        parse_usage(&stat, &status).ok_or_else(|| io::Error::other("cannot read the processor time in /proc"))
    }

    /// The number of the process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to end in order (SIGTERM) and waits until it has.
    pub async fn stop(mut self) -> Result<ExitStatus, ServerError> {
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).map_err(io::Error::from)?;
        }
        let Ok(status) = timeout(STOP_WITHIN, self.child.wait()).await else {
            self.child.kill().await?;
            return Err(ServerError::NotStopping);
        };
        // What it wrote last belongs into the log; a child it left behind must not hold us.
        let _ = timeout(Duration::from_secs(1), &mut self.drain).await;
        Ok(status?)
    }

    /// Ends it at once, as a power cut would (SIGKILL).
    pub async fn kill(mut self) -> Result<(), ServerError> {
        Ok(self.child.kill().await?)
    }
}

async fn address(lines: &mut Lines<BufReader<ChildStdout>>, log: &mut File) -> io::Result<Option<String>> {
    while let Some(line) = lines.next_line().await? {
        write_line(log, &line).await?;
        if let Some(url) = line.strip_prefix(LISTENING) {
            return Ok(Some(url.trim().to_owned()));
        }
    }
    Ok(None)
}

async fn write_line(log: &mut File, line: &str) -> io::Result<()> {
    log.write_all(format!("{line}\n").as_bytes()).await?;
    log.flush().await
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

fn parse_usage(stat: &str, status: &str) -> Option<Usage> {
    // The name of the program stands in parentheses and may contain anything; after it come the fields from the third.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Usage { cpu: TICK * (user + system), memory_peak_bytes: kib * 1024 })
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
