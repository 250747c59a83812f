//! Redis is away: votes go on, each node counts by itself and says so, and nothing goes back when Redis returns.

use hustings::ledger::ElectionKey;
use hustings::tally::{Counters, TallyStatus};
use redis::cmd;

use super::rig::{Hall, Node};
use crate::services::gate::{Gate, Mode};
use crate::services::redis::Redis;
use crate::services::until;

fn key(election: ElectionKey) -> String {
    format!("hustings:{{c0ffee:{}}}:tally", election.0)
}

/// Where the counters in Redis stand.
fn stands(server: &Redis, election: ElectionKey) -> String {
    server.ask(cmd("HGET").arg(key(election)).arg("seq"))
}

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
    assert_eq!(stands(&server, election), "1", "what is another's is not written");
    server.ask::<()>(cmd("DEL").arg("hustings:installation"));
    node.is_degraded(election, false).await;
    hall.is_healed(&server.url(), election).await;
    hall.was_right(&node).await;
}

/// What it holds then is whole in itself, and older: a dump of some time ago, or a late replica.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_older_is_put_right_before_it_is_used() {
    let server = Redis::start(&[]);
    let mut hall = Hall::open().await;
    let election = hall.poll().await;
    let node = Node::start(&hall, &server.url(), &[election]).await;
    let old: Vec<u8> = server.ask(cmd("DUMP").arg(key(election)));
    node.hand_on(hall.votes(election, 5).await).await;
    node.reaches(election, hall.head(election).await).await;
    // As long as it is another's, the node touches nothing there.
    server.ask::<()>(cmd("SET").arg("hustings:installation").arg("7ea"));
    node.is_degraded(election, true).await;
    server.ask::<()>(cmd("RESTORE").arg(key(election)).arg(0).arg(old).arg("REPLACE"));
    assert_eq!(stands(&server, election), "1");
    server.ask::<()>(cmd("DEL").arg("hustings:installation"));
    node.is_degraded(election, false).await;
    assert_eq!(stands(&server, election), hall.head(election).await.to_string(), "it was used before it was put right");
    hall.is_healed(&server.url(), election).await;
    hall.was_right(&node).await;
}

/// Between a connection that passed the checks and its use lies the healing, which is held up here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_given_back_only_when_it_is_healed() {
    let server = Redis::start(&[]);
    let gate = Gate::before(server.place().parse().expect("a place")).await;
    let mut hall = Hall::open().await;
    let election = hall.poll().await;
    let node = Node::start(&hall, &format!("redis://{}", gate.address), &[election]).await;
    gate.set(Mode::Shut);
    node.is_degraded(election, true).await;
    node.hand_on(hall.votes(election, 5).await).await;
    node.reaches(election, hall.head(election).await).await;
    gate.set(Mode::Holds("HGETALL"));
    tokio::task::block_in_place(|| until("it is looked at what the server holds", || gate.held() > 0));
    assert!(node.told.counters.is_degraded(election), "it was given back before it was healed");
    assert_eq!(stands(&server, election), "1");
    gate.set(Mode::Open);
    node.is_degraded(election, false).await;
    assert_eq!(
        stands(&server, election),
        hall.head(election).await.to_string(),
        "it was given back before it was healed"
    );
    hall.was_right(&node).await;
}
