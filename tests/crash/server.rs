//! A server process that a test starts, freezes, kills or stops, and starts again on the same data folder.
//!
//! Invariant: only processes started here are ever signalled, and none outlives its test.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use hustings::load::Api;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::locks::Locks;
use crate::setting::{self, until};

/// How to start a server, again and again, on one data folder.
pub(crate) struct Program {
    path: PathBuf,
    data: PathBuf,
    log: PathBuf,
    /// Where it listens; port 0 takes a free one.
    listen: String,
}

/// A server process; dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    data: PathBuf,
    log: PathBuf,
    lines: Lines<BufReader<ChildStdout>>,
}

/// A server process that listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) api: Api,
}

const PATIENCE: Duration = Duration::from_secs(30);
/// The administrator's token of every server here.
pub(crate) const TOKEN: &str = "crash-test-token";

impl Program {
    /// The server of this build, with its data in `data` and its log beside it in `folder`.
    pub(crate) fn real(folder: &Path, data: &Path) -> Self {
        Self::new(setting::server(), folder, data)
    }

    /// Another program that takes the same arguments.
    pub(crate) fn new(path: PathBuf, folder: &Path, data: &Path) -> Self {
        let (data, log) = (data.to_owned(), folder.join("server.log"));
        Self { path, data, log, listen: "127.0.0.1:0".to_owned() }
    }

    /// The same at this address from now on, for whoever comes back to it.
    pub(crate) fn at(self, address: SocketAddr) -> Self {
        Self { listen: address.to_string(), ..self }
    }

    /// Starts it, and does not wait for anything.
    pub(crate) fn spawn(&self) -> Process {
        let log = File::options().create(true).append(true).open(&self.log).expect("a log file");
        let mut command = Command::new(&self.path);
        command.arg("serve").arg("--data").arg(&self.data).arg("--listen").arg(&self.listen);
        command.env("HUSTINGS_ADMIN_TOKEN", TOKEN).env_remove("HUSTINGS_SECRET");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(log)).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", self.path.display()));
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).expect("a process that runs");
        let lines = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        Process { child, pid, data: self.data.clone(), log: self.log.clone(), lines }
    }

    /// Starts it, and returns once it says that it is listening.
    pub(crate) async fn start(&self) -> Server {
        self.spawn().listening().await
    }
}

impl Process {
    /// The number of the process.
    pub(crate) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// What it is doing to its database right now.
    pub(crate) fn locks(&self) -> Locks {
        Locks::held_by(self.id(), &self.data)
    }

    /// Waits for the line that says where it listens.
    pub(crate) async fn listening(mut self) -> Server {
        let url = timeout(PATIENCE, self.url()).await.ok().flatten();
        let url = url.unwrap_or_else(|| panic!("the server did not come up; its log:\n{}", self.log_tail()));
        let api = Api::new(&url, TOKEN).await.expect("the address that the server printed");
        Server { process: self, api }
    }

    /// Where it listens, once it says so; `None` where it ends before. Nothing is lost when this is dropped.
    pub(crate) async fn url(&mut self) -> Option<String> {
        while let Ok(Some(line)) = self.lines.next_line().await {
            if let Some(url) = line.strip_prefix("listening on ") {
                return Some(url.to_owned());
            }
        }
        None
    }

    /// Whether it was seen at work on its database before it listened.
    pub(crate) async fn works_before_listening(&mut self) -> bool {
        let (id, data) = (self.id(), self.data.clone());
        let works = async {
            while !Locks::held_by(id, &data).any() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = works => true,
            _ = self.url() => false,
        }
    }

    /// When the log was last copied into the database: the only time that the database file is written.
    pub(crate) fn log_copied(&self) -> SystemTime {
        let database = std::fs::metadata(self.data.join("hustings.db"));
        database.and_then(|database| database.modified()).expect("a database file with a time")
    }

    /// Stops all its threads where they are (SIGSTOP), and returns once all stand still.
    pub(crate) async fn freeze(&self) {
        self.signal(Signal::STOP);
        until("all threads of the server stand still", || self.stands_still()).await;
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to end in order (SIGTERM).
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it at once (SIGKILL), and returns once it is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("a process of ours can be killed");
    }

    /// How it ended by itself, if it does so in time.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        timeout(within, self.child.wait()).await.ok().map(|status| status.expect("a child can be waited for"))
    }

    /// The last lines of its log.
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("a process of ours can be signalled");
    }

    fn stands_still(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.id())).expect("the threads of the server");
        threads.flatten().all(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The name stands in parentheses; the state is the letter after them. A thread that just ended has none.
            stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
        })
    }
}
