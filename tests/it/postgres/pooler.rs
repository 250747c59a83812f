//! A pooler that gives each transaction another connection.

use std::sync::OnceLock;

use hustings::ledger::{PostgresOptions, postgres_migrate};
use tokio::task::JoinSet;

use super::{ballots, changing_poll, final_poll};
use crate::conformance::support::*;
use crate::conformance::{Backend, Postgres, audit};
use crate::services::guardian::{Guarded, Launch, program, user};
use crate::services::ports;
use crate::services::postgres::PostgresServer;

/// A pgbouncer in front of the shared server, with three connections for all.
struct Pooler {
    port: u16,
    _guarded: Guarded,
}

impl Pooler {
    fn start() -> Self {
        let pgbouncer = program("pgbouncer", "pgbouncer", &["/usr/sbin".into()]);
        let folder = tempfile::Builder::new().prefix("hustings-pgbouncer-").tempdir().expect("a folder").keep();
        let port = ports::free();
        let settings = folder.join("pgbouncer.ini");
        let server = PostgresServer::shared().port();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n"
        );
        std::fs::write(&settings, text).expect("its settings");
        let user = rustix::process::geteuid().is_root().then(|| {
            let user = user("postgres").or_else(|| user("nobody")).expect("a user that is not root");
            std::os::unix::fs::chown(&folder, Some(user.0), Some(user.1)).expect("a folder for that user");
            user
        });
        let command = vec![pgbouncer.into(), settings.into()];
        let launch = Launch { command, ready: "process up", stop: "TERM", remove: Some(folder), user };
        Self { port, _guarded: Guarded::start(&launch).unwrap_or_else(|log| panic!("pgbouncer: {log}")) }
    }

    fn options(&self, database: &str) -> PostgresOptions {
        let url = format!("postgres://postgres@127.0.0.1:{}/{database}", self.port);
        PostgresOptions::new(&url).expect("an address")
    }
}

fn shared() -> &'static Pooler {
    static SHARED: OnceLock<Pooler> = OnceLock::new();
    SHARED.get_or_init(Pooler::start)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_behind_a_pooler_count_each_voter_once() {
    let database = PostgresServer::shared().empty().await;
    let options = || shared().options(&database);
    let (one, other) =
        tokio::join!(async { postgres_migrate(&options()).await }, async { postgres_migrate(&options()).await });
    let mut found = [one.expect("the tables"), other.expect("the tables")];
    found.sort_unstable();
    let newest = found[0].1;
    assert_eq!(found, [(0, newest), (newest, newest)]);
    let nodes = [Postgres::with(options(), 1).await, Postgres::with(options(), 2).await];
    let [standing, changing] = [final_poll(&nodes[0]).await, changing_poll(&nodes[1]).await];
    let mut tasks = JoinSet::new();
    for attempt in 0..6_u32 {
        for first in (0..100).step_by(10) {
            let ledger = nodes[attempt as usize % 2].ledger();
            let choice = u16::try_from(attempt % 3).expect("a choice");
            let batch = (first..first + 10)
                .flat_map(|from| [vote(from, TEA).id(from + 1).to(standing), vote(from, choice).to(changing)])
                .collect();
            tasks.spawn(async move { ledger.append(batch).await.expect("a batch").answers });
        }
    }
    let accepted = tasks.join_all().await.concat();
    let accepted = accepted.iter().filter(|answer| words(answer).starts_with("accepted")).count();
    assert_eq!(accepted, 200);
    for node in &nodes {
        assert_eq!([ballots(node, standing).await, ballots(node, changing).await], [100, 100]);
        audit(node).await;
    }
}
