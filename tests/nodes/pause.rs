//! A node that stands still while it holds the head of a ledger stops nobody else for long, and does no harm afterwards.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use crate::hall::Hall;
use crate::installation::Installation;
use crate::{PATIENCE, seed};

/// How long the node stands still; `./test --long` takes the time that operators fear.
fn pause() -> Duration {
    let seconds = std::env::var("HUSTINGS_TEST_PAUSE_S").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(6))
}

/// How many sessions of the database wait for a lock that another session holds, which does nothing.
const HELD: &str = "SELECT count(*) FROM pg_stat_activity AS idle
    WHERE idle.state = 'idle in transaction'
        AND EXISTS (SELECT 1 FROM pg_stat_activity AS waiting WHERE idle.pid = ANY (pg_blocking_pids(waiting.pid)))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stands_still_with_a_head_in_its_hand_stops_nobody_for_long() {
    let installation = Installation::start(2, false).await;
    let client = installation.client().await;
    let hall = Hall::open(&installation, seed(), 1_000_000, 1_000.0).await;
    hall.more(200).await;
    let mut caught = false;
    for attempt in 0..400 {
        installation.nodes[0].signal(Signal::STOP);
        // Whoever waits for the head has noticed within this time.
        tokio::time::sleep(Duration::from_millis(30)).await;
        let held: i64 = client.query_one(HELD, &[]).await.expect("a look at the sessions").get(0);
        if held > 0 {
            println!("caught with a head in its hand at attempt {attempt}");
            caught = true;
            break;
        }
        installation.nodes[0].signal(Signal::CONT);
        hall.more(3).await;
    }
    assert!(caught, "void: the node never stood still with a head in its hand");
    let stopped = Instant::now();
    hall.more(20).await;
    println!("the others went on after {} ms", stopped.elapsed().as_millis());
    assert!(stopped.elapsed() < pause().min(PATIENCE), "the others waited until the node went on");
    tokio::time::sleep(pause().saturating_sub(stopped.elapsed())).await;
    installation.nodes[0].signal(Signal::CONT);
    hall.more(200).await;
    hall.close(&installation).await;
    installation.nodes.iter().for_each(|node| assert!(node.is_running()));
    installation.finish().await;
}
