//! Real `redis-server` processes: one alone, or a cluster of three primaries with a replica each.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::guardian::{Guarded, Launch, program};
use super::{ports, until};
use redis::{Cmd, Connection, FromRedisValue, RedisResult, cmd};
use rustix::process::{Pid, Signal, kill_process};

/// How often another port is tried, where somebody else was faster.
const TRIES_MAX: usize = 10;

/// A server of its own, with nothing in it. Dropped, it has ended.
pub(crate) struct Redis {
    folder: PathBuf,
    port: u16,
    arguments: Vec<String>,
    server: Option<Guarded>,
}

impl Redis {
    /// Starts a server with these further arguments, such as `["--requirepass", "secret"]`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut redis = Self { folder, port: 0, arguments, server: None };
        let mut said = String::new();
        for _ in 0..TRIES_MAX {
            redis.port = ports::free();
            match redis.launch() {
                Ok(server) => {
                    redis.server = Some(server);
                    return redis;
                }
                Err(error) => said = error,
            }
        }
        panic!("redis-server does not start: {said}");
    }

    /// Ends the server, and removes what it had written.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// Starts an empty server at the same place.
    pub(crate) fn restart(&mut self) {
        self.server = None;
        self.server = Some(self.launch().unwrap_or_else(|said| panic!("redis-server does not start again: {said}")));
    }

    /// Whether it was not killed.
    pub(crate) fn is_running(&self) -> bool {
        self.server.is_some()
    }

    /// Whether it is a primary, and how many replicas follow it.
    pub(crate) fn replicas(&self) -> Option<usize> {
        let info: String = self.ask(cmd("INFO").arg("replication"));
        let replicas = info.lines().find_map(|line| line.strip_prefix("connected_slaves:"));
        info.contains("role:master").then(|| replicas.and_then(|count| count.trim().parse().ok()).unwrap_or(0))
    }

    /// Lets the server stand still: it takes connections and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal(self.pid(), Signal::STOP);
    }

    /// Lets a server go on that stands still.
    pub(crate) fn thaw(&self, pid: Pid) {
        self.signal(pid, Signal::CONT);
    }

    /// Its number; asked before it stands still.
    pub(crate) fn pid(&self) -> Pid {
        let info: String = self.ask(&cmd("INFO"));
        let pid =
            info.lines().find_map(|line| line.strip_prefix("process_id:")).and_then(|pid| pid.trim().parse().ok());
        pid.and_then(Pid::from_raw).expect("its number")
    }

    fn signal(&self, pid: Pid, signal: Signal) {
        assert!(self.server.is_some(), "a server that has ended is sent no signal");
        kill_process(pid, signal).expect("a running server");
    }

    /// `127.0.0.1:port`.
    pub(crate) fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where counters find it.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.place())
    }

    pub(crate) fn connection(&self) -> Connection {
        let password = self.arguments.iter().position(|argument| argument == "--requirepass");
        let password = password.and_then(|at| self.arguments.get(at + 1)).map(|password| format!(":{password}@"));
        let url = format!("redis://{}{}", password.unwrap_or_default(), self.place());
        let client = redis::Client::open(url).expect("a place");
        client.get_connection_with_timeout(Duration::from_secs(10)).expect("a server that takes connections")
    }

    /// Asks the server itself, beside all counters.
    pub(crate) fn ask<T: FromRedisValue>(&self, question: &Cmd) -> T {
        self.try_ask(question).expect("an answer")
    }

    fn try_ask<T: FromRedisValue>(&self, question: &Cmd) -> RedisResult<T> {
        question.query(&mut self.connection())
    }

    fn launch(&self) -> Result<Guarded, String> {
        std::fs::create_dir_all(&self.folder).expect("its folder");
        let folder = self.folder.to_string_lossy().into_owned();
        let port = self.port.to_string();
        let own = ["--port", &port, "--bind", "127.0.0.1", "--dir", &folder, "--save", "", "--logfile", ""];
        let arguments = own.iter().map(OsString::from).chain(self.arguments.iter().map(OsString::from));
        let command = [program("redis-server", "redis-server", &[PathBuf::from("/usr/bin")]).into()];
        Guarded::start(&Launch {
            command: command.into_iter().chain(arguments).collect(),
            ready: "Ready to accept connections",
            // Also where it stands still.
            stop: "KILL",
            remove: Some(self.folder.clone()),
            user: None,
        })
    }
}

/// A cluster: primaries 0, 1 and 2 hold a third of the slots each, and their replicas are 3, 4 and 5.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Redis>,
}

/// How many slots there are.
const SLOTS: usize = 16_384;

impl Cluster {
    /// Starts a whole cluster, whose replicas have what their primaries have.
    pub(crate) fn start() -> Self {
        Self::serving("yes")
    }

    /// A cluster that serves on where a part of its slots is served by nobody: `cluster-require-full-coverage no`.
    pub(crate) fn start_that_serves_in_part() -> Self {
        Self::serving("no")
    }

    fn serving(full_coverage: &str) -> Self {
        let nodes: Vec<Redis> = (0..6)
            .map(|_| {
                let bus = ports::free().to_string();
                Redis::start(&[
                    "--cluster-enabled",
                    "yes",
                    "--cluster-port",
                    &bus,
                    "--cluster-node-timeout",
                    "1000",
                    // A replica may take over however old it is: that is what counters must bear.
                    "--cluster-replica-validity-factor",
                    "0",
                    "--cluster-require-full-coverage",
                    full_coverage,
                    "--repl-diskless-sync-delay",
                    "0",
                ])
            })
            .collect();
        let cluster = Self { nodes };
        for (number, node) in cluster.nodes.iter().enumerate() {
            node.ask::<()>(cluster_cmd("SET-CONFIG-EPOCH").arg(number + 1));
            if number < 3 {
                node.ask::<()>(cluster_cmd("ADDSLOTSRANGE").arg(number * SLOTS / 3).arg((number + 1) * SLOTS / 3 - 1));
            }
            cluster.nodes[0].ask::<()>(cluster_cmd("MEET").arg("127.0.0.1").arg(node.port).arg(&node.arguments[3]));
        }
        cluster.until("all know each other", |node| {
            let known = node.ask::<String>(&cluster_cmd("NODES"));
            known.lines().count() == 6 && !known.contains("handshake")
        });
        for number in 3..6 {
            let primary = cluster.nodes[number - 3].ask::<String>(&cluster_cmd("MYID"));
            cluster.nodes[number].ask::<()>(cluster_cmd("REPLICATE").arg(primary));
        }
        cluster.until("all slots are served", |node| {
            node.ask::<String>(&cluster_cmd("INFO")).contains("cluster_state:ok")
                && node.ask::<String>(&cluster_cmd("NODES")).matches("slave").count() == 3
        });
        cluster.until("replicas have what their primaries have", |node| {
            let info = node.ask::<String>(cmd("INFO").arg("replication"));
            info.contains("role:master") || info.contains("master_link_status:up")
        });
        cluster
    }

    /// Where counters find it.
    pub(crate) fn url(&self) -> String {
        let places: Vec<_> = self.nodes.iter().map(Redis::place).collect();
        format!("redis-cluster://{}", places.join(","))
    }

    /// The slot of a key.
    pub(crate) fn slot(&self, key: &str) -> u16 {
        self.nodes[0].ask(cluster_cmd("KEYSLOT").arg(key))
    }

    /// Waits until each running node says so. A cluster tells nobody what it has agreed on, so it is asked again.
    pub(crate) fn until(&self, what: &str, says: impl Fn(&Redis) -> bool) {
        let nodes = self.nodes.iter().filter(|node| node.server.is_some());
        nodes.for_each(|node| until(what, || says(node)));
    }

    /// Kills a primary that has a replica, waits until that one has taken over, and lets a fresh server follow it.
    pub(crate) fn fail_over(&mut self) {
        let killed = self.nodes.iter().position(|node| node.is_running() && node.replicas() == Some(1));
        let killed = killed.expect("a primary with a replica");
        let id: String = self.nodes[killed].ask(&cluster_cmd("MYID"));
        self.nodes[killed].kill();
        let lonely = || self.nodes.iter().position(|node| node.is_running() && node.replicas() == Some(0));
        until("a replica takes over", || lonely().is_some());
        self.until("all slots are served", |node| {
            let info = node.ask::<String>(&cluster_cmd("INFO"));
            info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
        });
        for node in self.nodes.iter().filter(|node| node.is_running()) {
            // Some may not know it any more.
            let _forgotten = node.try_ask::<()>(cluster_cmd("FORGET").arg(&id));
        }
        let promoted = lonely().expect("a primary without a replica");
        let primary: String = self.nodes[promoted].ask(&cluster_cmd("MYID"));
        self.nodes[killed].restart();
        let (port, bus) = (self.nodes[killed].port, self.nodes[killed].arguments[3].clone());
        let other = &self.nodes[promoted];
        other.ask::<()>(cluster_cmd("MEET").arg("127.0.0.1").arg(port).arg(bus));
        let fresh = &self.nodes[killed];
        until("the fresh one knows the others", || fresh.ask::<String>(&cluster_cmd("NODES")).contains(&primary));
        until("it follows", || fresh.try_ask::<()>(cluster_cmd("REPLICATE").arg(&primary)).is_ok());
        until("it has all", || fresh.ask::<String>(cmd("INFO").arg("replication")).contains("master_link_status:up"));
    }

    /// Moves the slot of a key, with all its keys, from one primary to another while it is used, and waits until all
    /// nodes know.
    pub(crate) fn move_slot_of(&self, key: &str, from: usize, to: usize) {
        let slot = self.slot(key);
        let id = |number: usize| self.nodes[number].ask::<String>(&cluster_cmd("MYID"));
        let setslot = |number: usize, how: &str, id: &str| {
            self.nodes[number].ask::<()>(cluster_cmd("SETSLOT").arg(slot).arg(how).arg(id));
        };
        setslot(to, "IMPORTING", &id(from));
        setslot(from, "MIGRATING", &id(to));
        loop {
            let keys: Vec<String> = self.nodes[from].ask(cluster_cmd("GETKEYSINSLOT").arg(slot).arg(10));
            if keys.is_empty() {
                break;
            }
            let port = self.nodes[to].port;
            let mut migrate = cmd("MIGRATE");
            migrate.arg("127.0.0.1").arg(port).arg("").arg(0).arg(5000).arg("KEYS").arg(&keys);
            let _moved_or_gone: String = self.nodes[from].ask(&migrate);
        }
        for number in [to, from] {
            setslot(number, "NODE", &id(to));
        }
        self.until("all know the new place", |node| match node.try_ask::<i64>(cmd("EXISTS").arg(key)) {
            Ok(_) => node.port == self.nodes[to].port,
            Err(error) => error.redirect_node().is_some_and(|(place, _)| place == self.nodes[to].place()),
        });
    }
}

/// `CLUSTER ..`
pub(crate) fn cluster_cmd(what: &str) -> Cmd {
    let mut command = cmd("CLUSTER");
    command.arg(what);
    command
}
