//! The nemesis: everything that can break does, in an order that a seed decides, while a hall votes and screens watch.
//!
//! Each kind of fault happens at least once, or the run is void. `HUSTINGS_TEST_FAULTS` says how many there are in all.

use std::collections::BTreeMap;
use std::time::Duration;

use hustings::load::Api;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use redis::cmd;
use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::hall::Hall;
use crate::installation::Installation;
use crate::services::gate::Mode;
use crate::{PATIENCE, seed};

/// What can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    NodeKilled,
    DatabaseKilled,
    PrimaryKilled,
    CountersEmptied,
    ConnectionsCut,
    ConnectionsLate,
    CommitReplyLost,
}

const ALL: [Fault; 7] = [
    Fault::NodeKilled,
    Fault::DatabaseKilled,
    Fault::PrimaryKilled,
    Fault::CountersEmptied,
    Fault::ConnectionsCut,
    Fault::ConnectionsLate,
    Fault::CommitReplyLost,
];

/// The faults of a run: each kind once, then more of them, all in an order of the seed's.
fn faults(random: &mut StdRng) -> Vec<Fault> {
    let asked = std::env::var("HUSTINGS_TEST_FAULTS").ok().and_then(|faults| faults.parse().ok());
    let more = asked.unwrap_or(ALL.len()).saturating_sub(ALL.len());
    let mut faults: Vec<Fault> = ALL.into_iter().chain((0..more).map(|_| ALL[random.random_range(0..7)])).collect();
    faults.shuffle(random);
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_every_vote_counts_once() {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut installation = Installation::start(3, true).await;
    let hall = Hall::open(&installation, seed, 1_000_000, 400.0).await;
    hall.more(100).await;
    let (mut happened, mut healed): (BTreeMap<Fault, u64>, Vec<Duration>) = (BTreeMap::new(), Vec::new());
    for fault in faults(&mut random) {
        *happened.entry(fault).or_default() += u64::from(strike(&mut installation, &hall, fault, &mut random).await);
        let ended = Instant::now();
        heal(&installation, &hall).await;
        healed.push(ended.elapsed());
        println!("{fault:?}: healed after {} ms", ended.elapsed().as_millis());
    }
    let screens = hall.close(&installation).await;
    healed.sort_unstable();
    let at = |share: usize| healed[(healed.len() * share).div_ceil(100) - 1].as_millis();
    println!("{happened:?}; time to heal p50 {} ms, p99 {} ms", at(50), at(99));
    let missed: Vec<_> = ALL.iter().filter(|fault| happened.get(fault).is_none_or(|count| *count == 0)).collect();
    assert!(missed.is_empty(), "void: these never happened: {missed:?}");
    assert!(screens.iter().any(|screen| screen.moves > 0), "void: no screen ever lost its stream");
    installation.finish().await;
}

/// Breaks something under load and mends it again; says whether it really broke.
async fn strike(installation: &mut Installation, hall: &Hall, fault: Fault, random: &mut StdRng) -> bool {
    let node = random.random_range(0..installation.nodes.len());
    let pause = Duration::from_millis(random.random_range(200..900));
    match fault {
        Fault::NodeKilled => {
            installation.nodes[node].kill().await;
            hall.more(20).await;
            installation.nodes[node].start().await;
            true
        }
        Fault::DatabaseKilled => {
            block_in_place(|| installation.database.kill());
            tokio::time::sleep(pause).await;
            block_in_place(|| installation.database.restart());
            true
        }
        Fault::PrimaryKilled => {
            let cluster = installation.cluster.as_mut().expect("a cluster");
            block_in_place(|| cluster.fail_over());
            true
        }
        Fault::CountersEmptied => {
            let cluster = installation.cluster.as_ref().expect("a cluster");
            let emptied = block_in_place(|| {
                let primaries = cluster.nodes.iter().filter(|node| node.is_running() && node.replicas().is_some());
                primaries.map(|node| node.ask::<()>(&cmd("FLUSHALL"))).count()
            });
            emptied > 0
        }
        Fault::ConnectionsCut => {
            let before = installation.gates[node].cut();
            installation.gates[node].set(Mode::Shut);
            tokio::time::sleep(pause).await;
            installation.gates[node].set(Mode::Open);
            installation.gates[node].cut() > before
        }
        Fault::ConnectionsLate => {
            installation.gates[node].set(Mode::Late(Duration::from_millis(50)));
            tokio::time::sleep(pause).await;
            hall.more(5).await;
            installation.gates[node].set(Mode::Open);
            true
        }
        Fault::CommitReplyLost => {
            let before: u64 = installation.gates.iter().map(|gate| gate.eaten()).sum();
            installation.gates.iter().for_each(|gate| gate.set(Mode::EatsCommits));
            let eaten = || installation.gates.iter().map(|gate| gate.eaten()).sum::<u64>() - before;
            let some = async {
                while eaten() < 3 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(PATIENCE, some).await.expect("answers to commits are lost");
            installation.gates.iter().for_each(|gate| gate.set(Mode::Open));
            true
        }
    }
}

/// Returns once votes are acknowledged again, and every node shows the ledger's end without a mark.
async fn heal(installation: &Installation, hall: &Hall) {
    let healed = async {
        hall.more(5).await;
        for number in 0..installation.nodes.len() {
            let node = installation.node(number).await;
            let path = hall.poll.path("results");
            while !is_fresh(&node, &path).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, healed).await.expect("it heals");
}

async fn is_fresh(node: &Api, path: &str) -> bool {
    let Ok(results) = node.json("GET", path, None).await else { return false };
    results["stale"].is_null() && results["degraded"].is_null()
}
