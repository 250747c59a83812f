//! An address with several hosts: one that says nothing does not keep the others from being asked.

use std::net::SocketAddr;
use std::sync::Arc;

use hustings::clock::HeldClock;
use hustings::ledger::{PostgresError, PostgresLedger, PostgresOptions, postgres_facts};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::final_poll;
use crate::conformance::support::*;
use crate::conformance::{Postgres, START, Seeded};
use crate::services::ports;
use crate::services::postgres::PostgresServer;

/// A host that says nothing. Dropped, it is gone.
struct Silent {
    address: SocketAddr,
    taking: JoinHandle<()>,
}

impl Silent {
    /// Takes every connection and never answers on it.
    async fn mute() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let taking = tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                taken.push(connection);
            }
        });
        Self { address, taking }
    }

    /// Takes no connection either, as a machine that is switched off: its queue is full.
    async fn black_hole() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let listener = socket.listen(1).expect("a queue");
        let address = listener.local_addr().expect("an address");
        let mut queued = Vec::new();
        // The last one waits for ever, which is what whoever comes now does too.
        while let Ok(connection) =
            tokio::time::timeout(std::time::Duration::from_millis(200), TcpStream::connect(address)).await
        {
            queued.push(connection.expect("a place in the queue"));
        }
        let taking = tokio::spawn(async move {
            let _full = (listener, queued);
            std::future::pending::<()>().await;
        });
        Self { address, taking }
    }

    /// An address that names this host first.
    fn before(&self, second: SocketAddr, database: &str) -> String {
        format!("postgres://postgres@{},{second}/{database}", self.address)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.taking.abort();
    }
}

fn server() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], PostgresServer::shared().port()))
}

#[tokio::test]
async fn a_silent_host_leaves_time_for_the_next_one() {
    let database = PostgresServer::shared().database().await;
    for silent in [Silent::mute().await, Silent::black_hole().await] {
        let url = silent.before(server(), &database);
        let node = Postgres::at(&url, 1).await;
        let key = final_poll(&node).await;
        assert_eq!(answers(&node, vec![vote(ANN, TEA).to(key)]).await, ["accepted 2"]);
        let options = PostgresOptions::new(&url).expect("an address");
        postgres_facts(&options).await.expect("the facts of the second host");
    }
}

#[tokio::test]
async fn each_host_that_was_asked_is_named() {
    let silent = Silent::mute().await;
    let refusing = SocketAddr::from(([127, 0, 0, 1], ports::free()));
    for (second, database, reason) in [(refusing, "votes", "refused"), (server(), "nowhere", "does not exist")] {
        let options = PostgresOptions::new(&silent.before(second, database)).expect("an address");
        let (clock, random) = (Arc::new(HeldClock::at(START)), Arc::new(Seeded::new(5)));
        let refused = PostgresLedger::connect(options, None, clock, random).await.err().expect("a refusal");
        let is_missing = matches!(refused, PostgresError::NoDatabase { .. });
        assert_eq!(is_missing, database == "nowhere", "{refused:?}");
        let said = refused.to_string();
        assert!(said.contains(&format!("{}: it did not answer in time; {second}: ", silent.address)), "{said}");
        assert!(said.contains(reason), "{said}");
    }
}
