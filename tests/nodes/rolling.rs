//! Nodes that are replaced one after the other while a hall votes: the drain loses nothing, nothing is doubled, and two
//! programs side by side are one installation.

use std::path::Path;

use hustings::load::{Api, ApiError, EventStream, Poll};
use hustings_core::Format;
use serde_json::{Value, json};

use crate::hall::Hall;
use crate::installation::Installation;
use crate::{PATIENCE, program, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_upgraded_one_by_one_and_nobody_notices() {
    let (old, new) = (program::old(), program::new());
    let mut installation = Installation::of(&old, 3, true).await;
    let hall = Hall::open(&installation, seed(), 1_000_000, 400.0).await;
    hall.more(200).await;

    installation.command(&new, &["migrate"]).await;
    hall.more(200).await;
    replace(&mut installation, &hall, 0, &new).await;
    half_and_half(&installation, &hall).await;
    // One that did not do goes back, and comes again.
    replace(&mut installation, &hall, 0, &old).await;
    replace(&mut installation, &hall, 0, &new).await;
    replace(&mut installation, &hall, 1, &new).await;
    half_and_half(&installation, &hall).await;
    replace(&mut installation, &hall, 2, &new).await;
    let newest = Format::NEWEST.to_string();
    installation.command(&new, &["migrate", "--format", &newest]).await;
    hall.more(200).await;

    let poll = hall.poll.clone();
    let screens = hall.close(&installation).await;
    let moves: u64 = screens.iter().map(|screen| screen.moves).sum();
    assert!(moves > 0, "void: no screen was ever sent to another node");
    println!("screens moved {moves} times");
    outdated(&mut installation, &poll).await;
    installation.finish().await;
}

/// Drains a node and starts another program in its place, while votes go on.
async fn replace(installation: &mut Installation, hall: &Hall, number: usize, program: &Path) {
    installation.nodes[number].stop().await;
    hall.more(100).await;
    installation.nodes[number].run(program);
    installation.nodes[number].start().await;
    hall.more(100).await;
}

/// Holds an upgrade in its middle until each node has taken many votes, and lets the two programs answer for each other.
async fn half_and_half(installation: &Installation, hall: &Hall) {
    let mut nodes = Vec::new();
    for number in 0..installation.nodes.len() {
        let node = installation.node(number).await;
        let before = submissions(&node).await;
        nodes.push((node, before));
    }
    let all = async {
        for (node, before) in &nodes {
            while submissions(node).await < before + 200 {
                hall.more(50).await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("each node takes votes");
    for maker in [0, 2] {
        understand(&nodes[maker].0, &nodes[2 - maker].0).await;
    }
}

/// How many submissions a node has decided since its start.
async fn submissions(node: &Api) -> u64 {
    let metrics = node.metrics().await.expect("the metrics");
    let value = metrics.lines().find_map(|line| line.strip_prefix("hustings_submissions_total "));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// What one node has made, the other takes votes for, answers retries of, and shows.
async fn understand(maker: &Api, other: &Api) {
    let poll = maker.create_poll("Made by one", &["A", "B"]).await.expect("a poll");
    let vote = |choice: &str, voter: &str| json!({ "choices": [choice], "voter": voter, "id": uuid(voter) });
    let mut receipts = Vec::new();
    for (voter, first, second) in [("ann", maker, other), ("bob", other, maker)] {
        let ask = async |node: &Api| {
            let vote = vote("a", voter);
            node.json("POST", &poll.path("votes"), Some(&vote)).await.expect("an answer")
        };
        let (counted, repeated) = (ask(first).await, ask(second).await);
        assert_eq!((&counted["status"], &repeated["status"]), (&json!("counted"), &json!("repeated")), "{repeated}");
        assert_eq!(counted["receipt"], repeated["receipt"], "two programs, two receipts");
        let again = second.json("POST", &poll.path("votes"), Some(&json!({ "choices": ["b"], "voter": voter }))).await;
        assert_eq!(code(again), "already_voted");
        receipts.push(counted["receipt"]["id"].as_str().expect("an id").to_owned());
    }
    other.close(&poll).await.expect("a close");
    for node in [maker, other] {
        let late = node.json("POST", &poll.path("votes"), Some(&vote("a", "cat"))).await;
        assert_eq!(code(late), "contest_closed");
        let shown = node.json("GET", &poll.path("results"), None).await.expect("results");
        assert_eq!((&shown["ballots"], &shown["status"]), (&json!(2), &json!("closed")), "{shown}");
        for receipt in &receipts {
            node.json("GET", &format!("/api/v1/receipts/{receipt}"), None).await.expect("a receipt");
        }
    }
}

fn uuid(voter: &str) -> String {
    format!("0193e2a0-0000-4000-8000-{:0>12}", voter.bytes().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn code(answer: Result<Value, ApiError>) -> String {
    match answer {
        Err(ApiError::Refused { code, .. }) => code,
        other => panic!("no refusal: {other:?}"),
    }
}

/// A format that comes next, written by hand, makes this program the old one: it stops taking part, and does not start.
async fn outdated(installation: &mut Installation, poll: &Poll) {
    let node = installation.node(0).await;
    let mut screen = EventStream::open(&node, &poll.path("results/stream"), PATIENCE).await.expect("a stream");
    let client = installation.client().await;
    let next = Format(Format::NEWEST.0 + 1).to_string();
    let raise = "INSERT INTO installation (name, value) VALUES ('format', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    client.execute(raise, &[&next.as_bytes()]).await.expect("a later format");
    let marked = async {
        loop {
            let frame = screen.next().await.expect("a frame").expect("a stream that goes on");
            let results: Value = serde_json::from_str(&frame.data).expect("results");
            if results["stale"] == true {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, marked).await.expect("a mark beside the results");
    for number in 0..installation.nodes.len() {
        let node = installation.node(number).await;
        assert_eq!(code(node.json("GET", "/readyz", None).await), "upgrade_needed");
        let vote = json!({ "choices": ["a"], "voter": "dan" });
        assert_eq!(code(node.json("POST", &poll.path("votes"), Some(&vote)).await), "upgrade_needed");
    }
    drop(screen);
    installation.nodes[0].stop().await;
    let said = installation.nodes[0].refused().await;
    let sentence = format!("ledger format {next}, and this program knows up to {}: upgrade", Format::NEWEST);
    assert!(said.contains(&sentence), "{said}");
}
