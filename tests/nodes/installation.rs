//! A whole installation: PostgreSQL, counters, nodes, each behind a gate to the database, and nginx before them.

use std::net::SocketAddr;

use hustings::load::Api;
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::node::{Node, TOKEN};
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
    _folder: TempDir,
}

const SECRET: &str = "the secret that all nodes of a test share";

impl Installation {
    /// Starts so many nodes, with counters in a cluster or each in its own memory.
    pub(crate) async fn start(nodes: usize, with_cluster: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = block_in_place(|| PostgresServer::start(&[("max_connections", "200")], ""));
        let name = database.database().await;
        let cluster = with_cluster.then(|| block_in_place(Cluster::start));
        let counters = cluster.as_ref().map_or("memory:".to_owned(), Cluster::url);
        let (mut gates, mut all) = (Vec::new(), Vec::new());
        for number in 0..nodes {
            let gate = Gate::before(SocketAddr::from(([127, 0, 0, 1], database.port()))).await;
            let url = format!("postgres://postgres@{}/{name}", gate.address);
            let variables =
                [("HUSTINGS_DATABASE", url.as_str()), ("HUSTINGS_COUNTERS", &counters), ("HUSTINGS_SECRET", SECRET)];
            let mut node = Node::new(&folder.path().join(format!("node-{number}")), &variables);
            node.start().await;
            gates.push(gate);
            all.push(node);
        }
        let addresses: Vec<_> = all.iter().map(Node::address).collect();
        let nginx = block_in_place(|| Nginx::start(&addresses));
        Self { nodes: all, gates, nginx, cluster, database, name, _folder: folder }
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
