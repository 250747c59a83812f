//! The manual's backup and verified restore, as they are written there.

use hustings::load::{Api, ServerProcess};

use crate::manual;
use crate::proxy::node::{ADMIN, Node};

#[tokio::test]
async fn the_manual_restores_what_was_counted() {
    let mut node = Node::start(&[]).await;
    node.vote("ada").await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (data, backups, restored) = (node.data().display().to_string(), place("backups"), place("restored"));
    std::fs::create_dir(&backups).expect("a folder");
    let variables = [("DATA", &*data), ("BACKUPS", &*backups), ("RESTORED", &*restored)];
    manual::run(&manual::blocks("backup-and-restore"), folder.path(), &variables);

    let launch = node.launch_on(restored.into());
    let copy = ServerProcess::start(&launch).await.unwrap_or_else(|error| panic!("{error}"));
    let results = Api::new(copy.url(), ADMIN).await.expect("an address").json("GET", Node::RESULTS, None).await;
    let (restored, before) = (results.expect("results"), node.results().await);
    assert_eq!((&restored["ballots"], &restored["choices"]), (&before["ballots"], &before["choices"]));
    assert_eq!(restored["ballots"], 1);
    assert_ne!(restored["version"], before["version"], "a restore begins a new epoch");
    copy.stop().await.expect("a stop in order");
    node.kill().await;
}
