//! A server of a test's own, held to an invariant when the test is done with it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use hustings::load::{Launch, ServerProcess};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::stores::Stores;
use super::{Answer, Ask, soon};

/// The administrator's token; long enough to be searched for in a log.
pub(crate) const ADMIN: &str = "admin-token-of-the-tests";

/// The program under test: the one that cargo built, or another one for a comparison.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("HUSTINGS_TEST_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_hustings").into(), PathBuf::from)
}

/// A running server: one process, or several nodes on the same stores.
pub(crate) struct TestServer {
    processes: Vec<ServerProcess>,
    /// How each node is started; the first one is asked unless a test says otherwise.
    launches: Vec<Launch>,
    stores: Stores,
    folder: TempDir,
}

/// A poll as it was created.
#[derive(Debug, Clone)]
pub(crate) struct Poll {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) body: Value,
}

impl Poll {
    /// Where this poll's requests go.
    pub(crate) fn path(&self, tail: &str) -> String {
        format!("/api/v1/polls/{}{tail}", self.id)
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts with further arguments.
    pub(crate) async fn with(arguments: &[&str]) -> Self {
        Self::launch(arguments, &[]).await
    }

    /// Starts with further arguments and variables. The log holds one line for each request, to be searched at the end.
    pub(crate) async fn launch(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let (folder, stores) = (tempfile::tempdir().expect("a folder"), Stores::chosen().await);
        let launch = |node: usize| {
            let place = if node == 0 { folder.path().to_owned() } else { folder.path().join(format!("node-{node}")) };
            std::fs::create_dir_all(&place).expect("a folder");
            let mut launch = Launch::new(&place, ADMIN).expect("a launch");
            launch.program = program();
            launch.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            launch.variables = vec![("HUSTINGS_LOG".to_owned(), "info,hustings=debug".to_owned())];
            launch.variables.extend(stores.variables());
            launch.variables.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            launch
        };
        let launches = (0..stores.nodes()).map(launch).collect();
        let mut server = Self { processes: Vec::new(), launches, stores, folder };
        server.start_again().await;
        server
    }

    /// Starts it after a stop, on other ports.
    pub(crate) async fn start_again(&mut self) {
        for launch in &self.launches {
            let started = ServerProcess::start(launch).await;
            self.processes.push(started.unwrap_or_else(|error| panic!("{error}")));
        }
    }

    /// A variable of the next start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        for launch in &mut self.launches {
            launch.variables.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Where the next start listens.
    pub(crate) fn listen(&mut self, listen: &str) {
        listen.clone_into(&mut self.launches[0].listen);
    }

    /// The folder that the next start serves.
    pub(crate) fn move_to(&mut self, data: PathBuf) {
        assert!(self.processes.is_empty(), "a stopped server");
        self.launches[0].data = data;
    }

    /// The stores of the next start, in place of those before.
    pub(crate) fn move_to_stores(&mut self, stores: Stores) {
        assert!(self.processes.is_empty(), "a stopped server");
        let (before, after) = (self.stores.variables(), stores.variables());
        for launch in &mut self.launches {
            launch.variables.retain(|(name, _)| !before.iter().any(|(old, _)| old == name));
            launch.variables.extend(after.iter().cloned());
        }
        self.stores = stores;
    }

    /// Stops it in order.
    pub(crate) async fn stop(&mut self) {
        assert!(!self.processes.is_empty(), "a running server");
        for process in std::mem::take(&mut self.processes) {
            let status = process.stop().await.expect("a stop in order");
            assert!(status.success(), "{status}: {}", self.log());
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let url = self.url();
        url.trim_start_matches("http://").parse().expect("an address")
    }

    pub(crate) fn url(&self) -> String {
        self.node_url(0)
    }

    fn node_url(&self, node: usize) -> String {
        self.processes[node % self.processes.len()].url().to_owned()
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.stores.nodes()
    }

    /// The variables that let commands find its stores.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        self.stores.variables()
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.launches[0].data
    }

    /// A folder for the test's own files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> String {
        self.launches.iter().map(|launch| std::fs::read_to_string(&launch.log).unwrap_or_default()).collect()
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.address(), method, path)
    }

    /// A request to one of the nodes, counted round and round; with one node it is always the same.
    pub(crate) fn ask_node(&self, node: usize, method: &str, path: &str) -> Ask {
        let address = self.node_url(node).trim_start_matches("http://").parse().expect("an address");
        Ask::new(address, method, path)
    }

    pub(crate) fn get(&self, path: &str) -> Ask {
        self.ask("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Ask {
        self.ask("POST", path).json(body)
    }

    /// Creates a poll: Tea or Coffee, open, with what `more` says otherwise.
    pub(crate) async fn create(&self, more: Value) -> Poll {
        let mut body = json!({ "title": "Tea or coffee?", "choices": ["Tea", "Coffee"], "open": true });
        let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
        fields.extend(more);
        fields.retain(|_, value| !value.is_null());
        let body = self.post("/api/v1/polls", &body).bearer(ADMIN).send().await.is(201).json();
        let text = |name: &str| body[name].as_str().expect(name).to_owned();
        Poll { id: text("id"), code: text("code"), body }
    }

    /// A new token with these scopes and no limit.
    pub(crate) async fn token(&self, scopes: &[&str]) -> String {
        let body = json!({ "name": scopes.join(" "), "scopes": scopes, "per_minute": 0 });
        let made = self.post("/api/v1/tokens", &body).bearer(ADMIN).send().await.is(201).json();
        made["token"].as_str().expect("a token").to_owned()
    }

    /// An act of who runs the poll.
    pub(crate) async fn act(&self, poll: &Poll, act: &str) -> Answer {
        self.ask("POST", &poll.path(&format!("/{act}"))).bearer(ADMIN).send().await
    }

    /// A vote of a named voter. Names begin with `vera`, so that the log can be searched for them.
    pub(crate) async fn vote(&self, poll: &Poll, voter: &str, more: Value) -> Answer {
        self.post(&poll.path("/votes"), &ballot(voter, more)).bearer(ADMIN).send().await
    }

    /// Results as the organiser sees them.
    pub(crate) async fn results(&self, poll: &Poll) -> Value {
        self.get(&poll.path("/results")).bearer(ADMIN).send().await.is(200).json()
    }

    /// All entries, as they are exported.
    pub(crate) async fn entries(&self, poll: &Poll) -> Vec<Value> {
        let mut entries: Vec<Value> = Vec::new();
        loop {
            let after = entries.len();
            let page = self.get(&poll.path(&format!("/entries?after={after}&limit=10000"))).bearer(ADMIN).send().await;
            let page = page.is(200).text();
            if page.is_empty() {
                return entries;
            }
            entries.extend(page.lines().map(|line| serde_json::from_str::<Value>(line).expect("an entry")));
        }
    }

    /// Opens a page as a new device and returns its cookie as it is sent back.
    pub(crate) async fn device(&self, poll: &Poll) -> String {
        let page = self.get(&format!("/{}/results", poll.code)).send().await.is(200);
        let cookie = page.header("set-cookie").expect("a cookie");
        cookie.split(';').next().expect("a pair").to_owned()
    }

    /// Runs a statement in the database, behind the server's back.
    pub(crate) async fn execute(&self, sql: &str) {
        self.stores.execute(self.data(), sql).await;
    }

    /// Asks the database a question, behind the server's back.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.stores.rows(self.data(), sql).await
    }

    /// Runs a command of the program to its end: whether it went well, its output, and what it said.
    pub(crate) async fn command(&self, arguments: &[&str]) -> (bool, String, String) {
        let variables = self.stores.variables();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        command(self.data(), arguments, &variables).await
    }

    /// Raises the ledger format: whether it went well, its output, and what it said.
    pub(crate) async fn raise_format(&self, format: &str) -> (bool, String, String) {
        let variables = self.stores.variables();
        let database = variables.iter().find(|(name, _)| name == "HUSTINGS_DATABASE");
        let database = database.map_or("sqlite:", |(_, url)| url);
        self.command(&["migrate", "--database", database, "--format", format]).await
    }

    /// Stops a server whose ledger a test has damaged: it can say nothing of itself at the end.
    pub(crate) async fn abandon(mut self) {
        self.stop().await;
    }

    /// Everything a server must be able to say of itself at the end, whatever happened to it: the ledger, counted again
    /// from its first entry, gives what was last shown; no alarm, no panic, no 500; nobody's name in the log.
    pub(crate) async fn finish(mut self) {
        if self.processes.is_empty() {
            self.start_again().await;
        }
        let mut shown = Vec::new();
        let mut path = "/api/v1/polls?limit=100".to_owned();
        loop {
            let page = self.get(&path).bearer(ADMIN).send().await.is(200).json();
            for poll in page["polls"].as_array().expect("polls") {
                let id = poll["id"].as_str().expect("an id").to_owned();
                let results =
                    self.get(&format!("/api/v1/polls/{id}/results")).bearer(ADMIN).send().await.is(200).json();
                shown.push((id, results));
            }
            let Some(next) = page["next"].as_u64() else { break };
            path = format!("/api/v1/polls?limit=100&cursor={next}");
        }
        let metrics = self.get("/metrics").bearer(ADMIN).send().await.is(200).text();
        assert!(metrics.lines().any(|line| line == "hustings_recount_alarms_total 0"), "{metrics}");
        self.stop().await;
        self.recounted(&shown).await;
        let log = self.log();
        for word in ["panicked", "status=500", "alarm", "vera", "hustings-device=", "hst_", ADMIN] {
            assert!(!log.contains(word), "`{word}` in the log:\n{log}");
        }
    }

    async fn recounted(&self, shown: &[(String, Value)]) {
        let (good, out, said) = self.command(&["recount", "--json"]).await;
        assert!(good, "{said}");
        let recounted: Value = serde_json::from_str(&out).expect("JSON");
        for (id, results) in shown {
            let found = recounted["elections"].as_array().expect("elections").iter().find(|found| found["id"] == **id);
            let found = found.expect("an election in the recount");
            assert_eq!(found["ballots"], results["ballots"], "{found:#}, {results:#}");
            let version = results["version"].as_str().expect("a version");
            assert!(version.ends_with(&format!(".{}", found["seq"])), "{version}: {found:#}");
            let (counted, shown) = (&found["choices"], results["choices"].as_array().expect("choices"));
            for (at, choice) in shown.iter().enumerate() {
                let same = ["code", "title", "votes", "points"].iter().all(|name| choice[name] == counted[at][name]);
                assert!(same, "{choice} is {} in the recount", counted[at]);
            }
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if !self.processes.is_empty() && !std::thread::panicking() {
            panic!("call `finish` on a server, which holds it to its invariant");
        }
        if std::thread::panicking() {
            let log = self.log();
            let last = log.lines().count().saturating_sub(20);
            eprintln!("the end of the log:\n{}", log.lines().skip(last).collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Runs a command on a data folder to its end: whether it went well, its output, and what it said.
pub(crate) async fn command(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String, String) {
    let mut command = on(data, arguments);
    command.envs(variables.iter().copied());
    let output = soon(&arguments.join(" "), command.output()).await.expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// The same with an output of the test's choice: how it ended, and what it said.
pub(crate) async fn run(data: &Path, arguments: &[&str], output: impl Into<Stdio>) -> Output {
    let mut command = on(data, arguments);
    let child = command.stdout(output).stderr(Stdio::piped()).spawn().expect("the program runs");
    // The command holds the other end of the output; it is read, or not, by the program alone.
    drop(command);
    soon(&arguments.join(" "), child.wait_with_output()).await.expect("an end")
}

fn on(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env("HUSTINGS_DATA", data).kill_on_drop(true);
    command
}

/// A named voter's vote.
pub(crate) fn ballot(voter: &str, more: Value) -> Value {
    let mut body = json!({ "voter": format!("vera {voter}") });
    let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
    fields.extend(more);
    body
}
