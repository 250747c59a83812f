//! Redis is away: votes go on, each node counts by itself and says so, and nothing goes back when Redis returns.

use hustings::tally::TallyStatus;
use redis::cmd;

use super::rig::{Hall, Node};
use crate::services::redis::Redis;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_go_on_while_the_server_is_gone_and_it_is_healed_when_it_is_back() {
    let mut server = Redis::start(&[]);
    let url = server.url();
    let mut hall = Hall::open().await;
    let (voted, quiet) = (hall.poll().await, hall.poll().await);
    let nodes = [Node::start(&hall, &url, &[voted, quiet]).await, Node::start(&hall, &url, &[voted, quiet]).await];
    for _ in 0..2 {
        nodes[0].hand_on(hall.votes(voted, 3).await).await;
        server.kill();
        for round in 0..20 {
            let advance = hall.votes(voted, 1).await;
            nodes[round % 2].hand_on(advance).await;
        }
        // Elections that nobody had read before are counted too.
        let late = hall.poll().await;
        hall.votes(late, 4).await;
        for node in &nodes {
            node.reaches(voted, hall.head(voted).await).await;
            node.reaches(late, hall.head(late).await).await;
            node.is_degraded(voted, true).await;
            assert_eq!(node.tallies.status(voted), TallyStatus::Degraded);
        }
        server.restart();
        for node in &nodes {
            node.is_degraded(voted, false).await;
        }
        assert!(hall.is_healed_now(&url, quiet).await, "it was given back before it was healed");
        for election in [voted, quiet, late] {
            hall.is_healed(&url, election).await;
        }
        nodes[1].hand_on(hall.votes(voted, 2).await).await;
        for node in &nodes {
            node.reaches(voted, hall.head(voted).await).await;
            assert_eq!(node.tallies.status(voted), TallyStatus::Fresh);
        }
        hall.is_healed(&url, voted).await;
    }
    for node in &nodes {
        hall.was_right(node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_holds_up_nobody_for_long() {
    let server = Redis::start(&[]);
    let mut hall = Hall::open().await;
    let election = hall.poll().await;
    let node = Node::start(&hall, &server.url(), &[election]).await;
    let pid = server.pid();
    for _ in 0..2 {
        server.freeze();
        for _ in 0..10 {
            node.hand_on(hall.votes(election, 1).await).await;
        }
        node.reaches(election, hall.head(election).await).await;
        node.is_degraded(election, true).await;
        server.thaw(pid);
        node.is_degraded(election, false).await;
        hall.is_healed(&server.url(), election).await;
        // What it was asked while it stood still it has answered since, too late, and that changes nothing.
        node.hand_on(hall.votes(election, 1).await).await;
        hall.is_healed(&server.url(), election).await;
    }
    hall.was_right(&node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_becomes_anothers_is_left_alone() {
    let server = Redis::start(&[]);
    let mut hall = Hall::open().await;
    let election = hall.poll().await;
    let node = Node::start(&hall, &server.url(), &[election]).await;
    server.ask::<()>(cmd("SET").arg("hustings:installation").arg("7ea"));
    node.is_degraded(election, true).await;
    node.hand_on(hall.votes(election, 3).await).await;
    node.reaches(election, hall.head(election).await).await;
    let stands: String = server.ask(cmd("HGET").arg(format!("hustings:{{c0ffee:{}}}:tally", election.0)).arg("seq"));
    assert_eq!(stands, "1", "what is another's is not written");
    server.ask::<()>(cmd("DEL").arg("hustings:installation"));
    node.is_degraded(election, false).await;
    hall.is_healed(&server.url(), election).await;
    hall.was_right(&node).await;
}
