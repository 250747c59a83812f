//! A cluster changes under the counters: a primary is lost and its late replica takes over; slots move to other nodes.

use std::sync::Arc;

use hustings::ledger::ElectionKey;
use hustings::tally::{RedisCounters, RedisOptions, TallyStatus};
use redis::cmd;

use super::rig::{Hall, Node};
use crate::services::redis::{Cluster, cluster_cmd};
use crate::services::until;

fn key(election: ElectionKey) -> String {
    format!("hustings:{{c0ffee:{}}}:tally", election.0)
}

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
    let slot = cluster.slot(&key(election));
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
    node.is_degraded(election, false).await;
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
    let key = key(election);
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

/// A poll on each shard, by the number of its primary.
async fn poll_on_each_shard(hall: &Hall, cluster: &Cluster) -> [ElectionKey; 3] {
    let mut polls = [None; 3];
    while polls.contains(&None) {
        let election = hall.poll().await;
        polls[primary(cluster.slot(&key(election)))] = Some(election);
    }
    polls.map(|poll| poll.expect("a poll on this shard"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_is_gone_takes_only_its_own_elections_along() {
    // Also where the note whose counters these are is gone with it.
    for holds_the_marker in [true, false] {
        println!("it holds the marker: {holds_the_marker}");
        let mut cluster = Cluster::start_that_serves_in_part();
        let marker = primary(cluster.slot("hustings:installation"));
        let names = primary(cluster.slot("hustings:{c0ffee}:processes"));
        let gone = if holds_the_marker { marker } else { (marker + 1) % 3 };
        let mut hall = Hall::open().await;
        let polls = poll_on_each_shard(&hall, &cluster).await;
        let node = Node::start(&hall, &cluster.url(), &polls).await;
        cluster.nodes[gone].kill();
        cluster.nodes[gone + 3].kill();
        for round in 0..3 {
            for (shard, &election) in polls.iter().enumerate() {
                node.hand_on(hall.votes(election, 2).await).await;
                let head = hall.head(election).await;
                node.reaches(election, head).await;
                if shard == gone {
                    node.is_degraded(election, true).await;
                    assert_eq!(node.tallies.status(election), TallyStatus::Degraded, "round {round}");
                    continue;
                }
                assert_eq!(node.tallies.status(election), TallyStatus::Fresh, "round {round}");
                let stands: String = cluster.nodes[shard].ask(cmd("HGET").arg(key(election)).arg("seq"));
                assert_eq!(stands, head.to_string(), "round {round}: what can be reached is counted there");
            }
        }
        hall.was_right(&node).await;
        // Who starts now must be able to read whose counters these are, and to take a name.
        let options = RedisOptions::new(&cluster.url()).expect("a URL");
        let started = RedisCounters::connect(options, "c0ffee", Arc::new(|_| {})).await;
        assert_eq!(started.is_ok(), ![marker, names].contains(&gone), "{:?}", started.err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_comes_back_is_brought_to_where_the_mirror_is() {
    let cluster = Cluster::start_that_serves_in_part();
    let mut hall = Hall::open().await;
    let polls = poll_on_each_shard(&hall, &cluster).await;
    let node = Node::start(&hall, &cluster.url(), &polls).await;
    let gone = 1;
    let pids = [gone, gone + 3].map(|number| (number, cluster.nodes[number].pid()));
    pids.iter().for_each(|(number, _)| cluster.nodes[*number].freeze());
    for election in polls {
        node.hand_on(hall.votes(election, 3).await).await;
        node.reaches(election, hall.head(election).await).await;
    }
    node.is_degraded(polls[gone], true).await;
    pids.iter().for_each(|(number, pid)| cluster.nodes[*number].thaw(*pid));
    for election in polls {
        node.is_degraded(election, false).await;
    }
    cluster.until("all slots are served", |node| {
        let info = node.ask::<String>(&cluster_cmd("INFO"));
        info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
    });
    // Nothing was voted since: what is there now was put there when the shard was back.
    for election in polls {
        hall.is_healed(&cluster.url(), election).await;
        assert_eq!(node.tallies.status(election), TallyStatus::Fresh);
    }
    hall.was_right(&node).await;
}
