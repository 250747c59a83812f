//! A node of a test: a real server with the poll `hall`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hustings::load::{Api, Launch, ServerProcess};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::hustings;

/// The administrator's token of every node.
pub(crate) const ADMIN: &str = "admin-token-of-the-tests";

/// A running server and its folder.
pub(crate) struct Node {
    process: Option<ServerProcess>,
    launch: Launch,
    api: Api,
    _folder: TempDir,
}

impl Node {
    /// Where votes for the poll go.
    pub(crate) const VOTES: &str = "/api/v1/polls/hall/votes";
    /// Where its results are.
    pub(crate) const RESULTS: &str = "/api/v1/polls/hall/results";

    /// Starts one with further arguments, and makes the poll.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut launch = Launch::new(folder.path(), ADMIN).expect("a launch");
        launch.program = hustings();
        launch.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        launch.variables = vec![("HUSTINGS_LOG".to_owned(), "info,hustings=debug".to_owned())];
        let process = ServerProcess::start(&launch).await.unwrap_or_else(|error| panic!("{error}"));
        let api = Api::new(process.url(), ADMIN).await.expect("an address");
        let poll = json!({ "title": "Tea or coffee?", "choices": ["Tea", "Coffee"], "slug": "hall", "open": true });
        api.json("POST", "/api/v1/polls", Some(&poll)).await.expect("a poll");
        Self { process: Some(process), launch, api, _folder: folder }
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.launch.data
    }

    /// How a server like this one is started on another folder.
    pub(crate) fn launch_on(&self, data: PathBuf) -> Launch {
        Launch { data, ..self.launch.clone() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.api.authority().parse().expect("an address")
    }

    /// Votes here, not through a proxy.
    pub(crate) async fn vote(&self, voter: &str) {
        self.api.json("POST", Self::VOTES, Some(&ballot(voter))).await.expect("a vote that counts");
    }

    /// What its own counters say.
    pub(crate) async fn results(&self) -> Value {
        self.api.json("GET", Self::RESULTS, None).await.expect("results")
    }

    /// How many ballots it counted.
    pub(crate) async fn ballots(&self) -> u64 {
        self.results().await["ballots"].as_u64().expect("a number")
    }

    /// What it wrote into its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.launch.log).expect("a log")
    }

    /// Stops it in order (SIGTERM), and returns when it is gone.
    pub(crate) async fn stop(&mut self) {
        let status = self.process.take().expect("a running node").stop().await.expect("a stop in order");
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Ends it at once (SIGKILL), and returns when it is gone.
    pub(crate) async fn kill(&mut self) {
        self.process.take().expect("a running node").kill().await.expect("a process of ours can be killed");
    }

    /// Starts it again on the same folder and port.
    pub(crate) async fn start_again(&mut self) {
        self.launch.listen = self.address().to_string();
        self.process = Some(ServerProcess::start(&self.launch).await.unwrap_or_else(|error| panic!("{error}")));
    }
}

/// A vote of a named voter, with an id as a client sends it.
pub(crate) fn ballot(voter: &str) -> Value {
    json!({ "choices": ["tea"], "voter": voter })
}
