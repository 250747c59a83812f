//! Nodes that are replaced one after the other while a hall votes: the drain loses nothing, and nothing is doubled.

use crate::hall::Hall;
use crate::installation::Installation;
use crate::seed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_replaced_one_by_one_and_nobody_notices() {
    let mut installation = Installation::start(3, false).await;
    let hall = Hall::open(&installation, seed(), 1_000_000, 600.0).await;
    hall.more(200).await;
    for number in 0..3 {
        installation.nodes[number].stop().await;
        hall.more(100).await;
        installation.nodes[number].start().await;
        hall.more(100).await;
    }
    let screens = hall.close(&installation).await;
    let moves: u64 = screens.iter().map(|screen| screen.moves).sum();
    assert!(moves > 0, "void: no screen was ever sent to another node");
    println!("screens moved {moves} times");
    installation.finish().await;
}
