//! Nodes that go: what is safe to ask twice goes to another node, a vote that was sent does not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::client::{Reply, ask};
use super::node::{Node, ballot};
use crate::services::nginx::Nginx;

/// A node that takes whole requests and dies before it answers: whether it stored them, nobody can know.
struct Dying {
    address: SocketAddr,
    taken: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Dying {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !is_whole(&request) && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {}
                if is_whole(&request) {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { address, taken, accepting }
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

impl Drop for Dying {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Whether a head and the body that it announces are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    body.len() >= length
}

async fn vote(nginx: &Nginx, voter: &str) -> Reply {
    ask(nginx.address, "POST", Node::VOTES, "Content-Type: application/json\r\n", Some(&ballot(voter))).await
}

#[tokio::test]
async fn a_vote_that_a_node_took_with_it_is_not_given_to_another() {
    let (node, dying) = (Node::start(&[]).await, Dying::start().await);
    let nginx = Nginx::start(&[node.address(), dying.address]);
    let (mut counted, mut unknown) = (0, 0);
    for voter in 0..20 {
        let reply = vote(&nginx, &format!("voter {voter}")).await;
        match reply.status {
            201 => counted += 1,
            502 => {
                assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{reply:?}");
                assert!(
                    reply.body.contains("\"code\":\"no_answer\"") && reply.header("retry-after") == Some("1"),
                    "{reply:?}"
                );
                unknown += 1;
            }
            _ => panic!("{reply:?}"),
        }
    }
    assert!(unknown > 0 && unknown == dying.taken(), "{unknown} in doubt, {} taken", dying.taken());
    assert_eq!(node.ballots().await, counted, "a vote was given to a second node, which counted it");
}

#[tokio::test]
async fn a_question_that_a_node_took_with_it_is_asked_again() {
    let (node, dying) = (Node::start(&[]).await, Dying::start().await);
    let nginx = Nginx::start(&[node.address(), dying.address]);
    for _ in 0..10 {
        let reply = ask(nginx.address, "GET", Node::RESULTS, "", None).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert!(dying.taken() > 0, "the dying node was asked too");
}

#[tokio::test]
async fn a_node_that_is_killed_while_a_hall_votes_is_taken_out_and_nothing_is_doubled() {
    let mut nodes = [Node::start(&[]).await, Node::start(&[]).await];
    let nginx = Arc::new(Nginx::start(&nodes.each_ref().map(Node::address)));
    let mut hall = JoinSet::new();
    let answered = Arc::new(AtomicUsize::new(0));
    let (enough, is_enough) = tokio::sync::oneshot::channel();
    let mut enough = Some(enough);
    const VOTERS: u64 = 600;
    for line in 0..20 {
        let (nginx, answered) = (Arc::clone(&nginx), Arc::clone(&answered));
        let enough = if line == 0 { enough.take() } else { None };
        hall.spawn(async move {
            let (mut counted, mut enough) = (0, enough);
            for voter in 0..VOTERS / 20 {
                let reply = vote(&nginx, &format!("voter {line} {voter}")).await;
                assert!([201, 502].contains(&reply.status), "{reply:?}");
                counted += u64::from(reply.status == 201);
                answered.fetch_add(1, Ordering::SeqCst);
                if voter == 3
                    && let Some(enough) = enough.take()
                {
                    enough.send(()).expect("the test waits for it");
                }
            }
            counted
        });
    }
    is_enough.await.expect("votes");
    nodes[1].kill().await;
    let at_the_kill = answered.load(Ordering::SeqCst) as u64;
    assert!(at_the_kill < VOTERS, "void: all had voted before the kill");
    let counted: u64 = hall.join_all().await.into_iter().sum();

    // From here on everybody is served, at the first attempt.
    for voter in 0..40 {
        assert_eq!(ask(nginx.address, "GET", Node::RESULTS, "", None).await.status, 200);
        assert_eq!(vote(&nginx, &format!("late voter {voter}")).await.status, 201);
    }
    nodes[1].start_again().await;
    let stored = nodes[0].ballots().await + nodes[1].ballots().await;
    let (least, most) = (counted + 40, VOTERS + 40);
    assert!((least..=most).contains(&stored), "{stored} stored of {least} acknowledged and {most} sent");
    println!(
        "{at_the_kill} of {VOTERS} answered before the kill, {counted} acknowledged, {stored} stored with 40 more"
    );
}
