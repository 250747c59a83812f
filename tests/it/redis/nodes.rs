//! Several nodes over one ledger and one Redis; and a ledger that becomes another one under them.

use std::sync::Arc;

use hustings::clock::{Random, SystemRandom};
use hustings::ledger::{Advance, ElectionKey, Removal};
use hustings::tally::Counters;
use hustings_core::Seq;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use redis::cmd;

use super::rig::{Hall, Node};
use crate::conformance::Backend;
use crate::conformance::backends::Told;
use crate::conformance::support::text;
use crate::services::redis::{Cluster, Redis};

/// Hands batches on to random nodes, in random order, some of them twice and some not at all.
async fn scatter(hall: &mut Hall, nodes: &[Node], election: ElectionKey, random: &mut StdRng) {
    for _ in 0..20 {
        let mut advances: Vec<Arc<Advance>> = Vec::new();
        for _ in 0..random.random_range(1..8) {
            let count = random.random_range(1..6);
            advances.push(hall.votes(election, count).await);
        }
        let again = advances.clone();
        advances.extend(again.into_iter().filter(|_| random.random_ratio(1, 4)));
        advances.shuffle(random);
        for advance in advances {
            if random.random_ratio(4, 5) {
                nodes[random.random_range(0..nodes.len())].hand_on(advance).await;
            }
        }
    }
}

/// `HUSTINGS_TEST_SEED` replays a run.
fn random() -> StdRng {
    let seed = std::env::var("HUSTINGS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        SystemRandom.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    });
    println!("HUSTINGS_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

async fn nodes_agree(url: &str) {
    let mut hall = Hall::open().await;
    let election = hall.poll().await;
    let nodes = [
        Node::start(&hall, url, &[election]).await,
        Node::start(&hall, url, &[election]).await,
        Node::start(&hall, url, &[election]).await,
    ];
    scatter(&mut hall, &nodes, election, &mut random()).await;
    for node in &nodes {
        node.reaches(election, hall.head(election).await).await;
    }
    hall.is_healed(url, election).await;
    for node in &nodes {
        hall.was_right(node).await;
    }
}

/// Whoever saw the election counts it no more once it is removed, and Redis holds nothing of it.
async fn nothing_is_left(url: &str) {
    let mut hall = Hall::open().await;
    let (removed, other) = (hall.poll().await, hall.poll().await);
    let nodes = [Node::start(&hall, url, &[removed, other]).await, Node::start(&hall, url, &[removed, other]).await];
    for election in [removed, other] {
        let advance = hall.votes(election, 3).await;
        nodes[0].hand_on(advance).await;
        hall.is_healed(url, election).await;
    }
    let removal = Removal { by: text("host"), reason: None };
    hall.store.registry().remove(removed, removal).await.expect("no error").expect("it was there");
    hall.elections.forget(removed);
    for node in &nodes {
        node.is_let_go(removed).await;
    }
    let found = Told::connect(url).await.counters.read(removed).await.expect("read");
    assert!(found.is_none(), "left behind: {found:?}");
    hall.is_healed(url, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_elections_leave_no_counters() {
    nothing_is_left(&Redis::start(&[]).url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_elections_leave_no_counters_in_a_cluster() {
    nothing_is_left(&Cluster::start().url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_agree_whatever_they_hear_of_first() {
    nodes_agree(&Redis::start(&[]).url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_agree_where_no_hint_arrives() {
    let server = Redis::start(&[]);
    // May do all but publish and subscribe.
    server.ask::<()>(cmd("ACL").arg(&["SETUSER", "deaf", "on", ">secret", "~*", "resetchannels", "+@all"]));
    nodes_agree(&format!("redis://deaf:secret@{}", server.place())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_follow_a_ledger_that_was_restored_under_them() {
    for epochs_are_renewed in [true, false] {
        let server = Redis::start(&[]);
        let mut hall = Hall::open().await;
        let election = hall.poll().await;
        let first = Node::start(&hall, &server.url(), &[election]).await;
        first.hand_on(hall.votes(election, 5).await).await;
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("copy.db");
        hall.ledger().backup(&copy).await.expect("a backup");
        first.hand_on(hall.votes(election, 9).await).await;
        first.reaches(election, hall.head(election).await).await;
        hall.was_right(&first).await;
        drop(first);

        // Without new epochs, as somebody does who copies the file back: votes that were shown are in no ledger now.
        let mut restored = Hall::over(hall.store.restore(&copy).await);
        if epochs_are_renewed {
            restored.ledger().renew_epochs(None).await.expect("renewed");
        }
        let before = restored.ledger().heads(&[election]).await.expect("heads")[0].1;
        assert_eq!(before.seq, Seq(6));
        let second = Node::start(&restored, &server.url(), &[election]).await;
        restored.is_healed(&server.url(), election).await;
        let after = restored.ledger().heads(&[election]).await.expect("heads")[0].1;
        assert_eq!(after.epoch == before.epoch, epochs_are_renewed, "shown versions come again in a new epoch only");
        second.hand_on(restored.votes(election, 2).await).await;
        second.reaches(election, Seq(8)).await;
        restored.is_healed(&server.url(), election).await;
        restored.was_right(&second).await;
    }
}

/// The restored ledger has grown beyond where the counters stand, on another way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_of_a_ledger_that_went_another_way_are_rebuilt() {
    for votes_since in [4, 9, 20] {
        let server = Redis::start(&[]);
        let mut hall = Hall::open().await;
        let election = hall.poll().await;
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("copy.db");
        hall.ledger().backup(&copy).await.expect("a backup");
        let mut other = Hall::over(hall.store.restore(&copy).await);
        let first = Node::start(&hall, &server.url(), &[election]).await;
        first.hand_on(hall.votes(election, 9).await).await;
        first.reaches(election, Seq(10)).await;
        drop(first);
        other.votes(election, votes_since).await;
        let second = Node::start(&other, &server.url(), &[election]).await;
        other.is_healed(&server.url(), election).await;
        other.was_right(&second).await;
    }
}
