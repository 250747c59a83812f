//! A cluster changes under the counters: a primary is lost and its late replica takes over; slots move to other nodes.

use redis::cmd;

use super::rig::{Hall, Node};
use crate::services::redis::{Cluster, cluster_cmd};
use crate::services::until;

/// The primary of a slot, 0 to 2.
fn primary(slot: u16) -> usize {
    (1..=3).position(|third| usize::from(slot) < third * 16_384 / 3).expect("a slot")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_replica_that_takes_over_loses_no_vote() {
    let mut cluster = Cluster::start();
    let url = cluster.url();
    let mut hall = Hall::open().await;
    let election = hall.poll().await;
    let slot = cluster.slot(&format!("hustings:{{c0ffee:{}}}:tally", election.0));
    let primary = primary(slot);
    let replica = primary + 3;
    let node = Node::start(&hall, &url, &[election]).await;
    node.hand_on(hall.votes(election, 5).await).await;
    node.reaches(election, hall.head(election).await).await;
    cluster.nodes[primary].ask::<i64>(cmd("WAIT").arg(1).arg(10_000));

    // The replica stands still, and its primary lets go of it: what is counted now, it never hears of.
    let pid = cluster.nodes[replica].pid();
    cluster.nodes[replica].freeze();
    cluster.nodes[primary].ask::<i64>(cmd("CLIENT").arg(&["KILL", "TYPE", "replica"]));
    node.hand_on(hall.votes(election, 7).await).await;
    node.reaches(election, hall.head(election).await).await;
    hall.is_healed(&url, election).await;
    cluster.nodes[primary].kill();
    cluster.nodes[replica].thaw(pid);
    for _ in 0..30 {
        node.hand_on(hall.votes(election, 1).await).await;
    }
    node.reaches(election, hall.head(election).await).await;
    until("the replica takes over", || {
        cluster.nodes[replica].ask::<String>(cmd("INFO").arg("replication")).contains("role:master")
    });
    cluster.until("all slots are served", |node| node.ask::<String>(&cluster_cmd("INFO")).contains("cluster_state:ok"));
    hall.is_healed(&url, election).await;
    node.is_degraded(false).await;
    node.hand_on(hall.votes(election, 1).await).await;
    node.reaches(election, hall.head(election).await).await;
    hall.is_healed(&url, election).await;
    hall.was_right(&node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_move_under_load() {
    let cluster = Cluster::start();
    let mut hall = Hall::open().await;
    let election = hall.poll().await;
    let key = format!("hustings:{{c0ffee:{}}}:tally", election.0);
    let first = primary(cluster.slot(&key));
    let url = cluster.url();
    let nodes = [Node::start(&hall, &url, &[election]).await, Node::start(&hall, &url, &[election]).await];
    let moving = tokio::task::spawn_blocking(move || {
        for at in first..first + 6 {
            cluster.move_slot_of(&key, at % 3, (at + 1) % 3);
        }
        cluster
    });
    let mut rounds = 0;
    while !moving.is_finished() || rounds < 50 {
        nodes[rounds % 2].hand_on(hall.votes(election, 1).await).await;
        rounds += 1;
    }
    let cluster = moving.await.expect("moved");
    for node in &nodes {
        node.reaches(election, hall.head(election).await).await;
    }
    hall.is_healed(&cluster.url(), election).await;
    for node in &nodes {
        hall.was_right(node).await;
    }
}
