//! A whole installation: PostgreSQL, counters, nodes, each behind a gate to the database, and nginx before them.

use std::net::SocketAddr;
use std::path::Path;

use hustings::load::Api;
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::node::{Node, TOKEN};
use crate::program;
use crate::services::gate::Gate;
use crate::services::nginx::Nginx;
use crate::services::postgres::PostgresServer;
use crate::services::redis::Cluster;

/// Everything that runs. Dropped, all of it has ended.
pub(crate) struct Installation {
    pub(crate) nodes: Vec<Node>,
    /// The gate between each node and the database.
    pub(crate) gates: Vec<Gate>,
    pub(crate) nginx: Nginx,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) database: PostgresServer,
    name: String,
    variables: Vec<(String, String)>,
    _folder: TempDir,
}

const SECRET: &str = "the secret that all nodes of a test share";

impl Installation {
    /// Starts so many nodes, with counters in a cluster or each in its own memory.
    pub(crate) async fn start(nodes: usize, with_cluster: bool) -> Self {
        Self::of(&program::new(), nodes, with_cluster).await
    }

    /// The same with all of it made by one program, the tables too.
    pub(crate) async fn of(program: &Path, nodes: usize, with_cluster: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = block_in_place(|| PostgresServer::start(&[("max_connections", "200")], ""));
        let name = database.empty().await;
        let cluster = with_cluster.then(|| block_in_place(Cluster::start));
        let counters = cluster.as_ref().map_or("memory:".to_owned(), Cluster::url);
        let variables = |url: String| {
            [
                ("HUSTINGS_DATABASE", url),
                ("HUSTINGS_COUNTERS", counters.clone()),
                ("HUSTINGS_SECRET", SECRET.to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec()
        };
        let own = variables(database.url(&name));
        succeed(program, &["migrate"], &own).await;
        let (mut gates, mut all) = (Vec::new(), Vec::new());
        for number in 0..nodes {
            let gate = Gate::before(SocketAddr::from(([127, 0, 0, 1], database.port()))).await;
            let url = format!("postgres://postgres@{}/{name}", gate.address);
            let mut node = Node::new(program, &folder.path().join(format!("node-{number}")), &variables(url));
            node.start().await;
            gates.push(gate);
            all.push(node);
        }
        let addresses: Vec<_> = all.iter().map(Node::address).collect();
        let nginx = block_in_place(|| Nginx::start(&addresses));
        Self { nodes: all, gates, nginx, cluster, database, name, variables: own, _folder: folder }
    }

    /// Runs a command of a program on the database, past the gates; it must go well.
    pub(crate) async fn command(&self, program: &Path, arguments: &[&str]) {
        succeed(program, arguments, &self.variables).await;
    }

    /// All nodes, as somebody outside sees them.
    pub(crate) async fn front(&self) -> Api {
        Api::new(&self.nginx.url(), TOKEN).await.expect("the proxy's address")
    }

    /// One node, past the proxy.
    pub(crate) async fn node(&self, number: usize) -> Api {
        Api::new(&self.nodes[number].url(), TOKEN).await.expect("a node's address")
    }

    /// A connection to the database, past the gates.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        self.database.client(&self.name).await
    }

    /// Stops all nodes in order, and looks through their logs.
    pub(crate) async fn finish(mut self) {
        for node in &mut self.nodes {
            if node.is_running() {
                node.stop().await;
            }
            let log = node.log();
            for word in ["panicked", "recount alarm", "is in the ledger already"] {
                assert!(!log.contains(word), "`{word}` in the log of a node:\n{log}");
            }
        }
    }
}

async fn succeed(program: &Path, arguments: &[&str], variables: &[(String, String)]) {
    let done = program::run(program, arguments, variables).await;
    let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(done.status.success(), "{arguments:?}: {said}");
    println!("{}: {}", arguments.join(" "), said.trim_end());
}
