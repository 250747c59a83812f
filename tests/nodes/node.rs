//! One node: a server process that is started, killed, stopped, held still, and started again at the same address.

use std::net::SocketAddr;
use std::path::Path;

use hustings::load::{Launch, ServerProcess};
use rustix::process::{Pid, Signal, kill_process};

use crate::services::ports;

/// The administrator's token of all nodes.
pub(crate) const TOKEN: &str = "token-of-the-tests-of-nodes";

/// A node, running or not.
pub(crate) struct Node {
    launch: Launch,
    process: Option<ServerProcess>,
}

impl Node {
    /// A node that is not started yet; its address stays the same from now on.
    pub(crate) fn new(program: &Path, folder: &Path, variables: &[(String, String)]) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let mut launch = Launch::new(folder, TOKEN).expect("a launch");
        program.clone_into(&mut launch.program);
        launch.listen = format!("127.0.0.1:{}", ports::free());
        launch.variables = variables.to_vec();
        Self { launch, process: None }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.launch.listen.parse().expect("an address")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Takes another program for the next start.
    pub(crate) fn run(&mut self, program: &Path) {
        assert!(!self.is_running(), "a stopped node");
        program.clone_into(&mut self.launch.program);
    }

    /// Why it does not start.
    pub(crate) async fn refused(&self) -> String {
        ServerProcess::start(&self.launch).await.expect_err("it starts").to_string()
    }

    pub(crate) async fn start(&mut self) {
        let started = ServerProcess::start(&self.launch).await;
        self.process = Some(started.unwrap_or_else(|error| panic!("{error}\n{}", self.log())));
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Ends it at once (SIGKILL).
    pub(crate) async fn kill(&mut self) {
        self.process.take().expect("a running node").kill().await.expect("a process of ours can be killed");
    }

    /// Stops it in order (SIGTERM), with its drain.
    pub(crate) async fn stop(&mut self) {
        let status = self.process.take().expect("a running node").stop().await.expect("a stop in order");
        assert!(status.success(), "{status}\n{}", self.log());
    }

    /// Holds all of it still (SIGSTOP), or lets it go on (SIGCONT).
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.process.as_ref().and_then(ServerProcess::id).expect("a running node");
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).expect("the number of a process");
        kill_process(pid, signal).expect("a process of ours can be signalled");
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.launch.log).unwrap_or_default()
    }
}
