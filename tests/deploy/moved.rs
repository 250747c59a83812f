//! The manual's way from one file to three nodes, as it is written there. The shipped nginx stands before the one and
//! then before the three, and people vote and watch through it on both sides of the move.

use std::path::Path;
use std::time::Duration;

use hustings::load::{Api, EventStream};
use serde_json::{Value, json};

use crate::files::{good, hustings};
use crate::manual;
use crate::proxy::node::{ADMIN, Node};
use crate::services::guardian::{Guarded, Launch};
use crate::services::nginx::Nginx;
use crate::services::ports::Held;
use crate::services::postgres::PostgresServer;
use crate::services::redis::Cluster;

/// How long an event may take: far more than it ever does.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: &str = "/api/v1/polls/lunch";
/// Votes at each node after the move.
const EACH: u64 = 10;

/// Waits until it is told to end, and then ends each node whose number stands in its folder, and nobody else: a number
/// may belong to another process by then.
const END_NODES: &str = r#"
trap : TERM
sleep infinity & pause=$!
echo watching
wait; kill "$pause"
for node in "$1"/*; do
    pid=$(cat "$node/pid") && grep -qaF -- "$node" "/proc/$pid/cmdline" && kill -s KILL "$pid"
done
"#;

/// What ends the nodes that the manual leaves running, when it is dropped and when this process is killed.
fn end_of_nodes(folder: &Path) -> Guarded {
    let command = ["/bin/sh", "-c", END_NODES, "end-of-nodes"].map(Into::into).into_iter().chain([folder.into()]);
    let launch = Launch { command: command.collect(), ready: "watching", stop: "TERM", remove: None, user: None };
    Guarded::start(&launch).unwrap_or_else(|said| panic!("{said}"))
}

/// What is sent before the move and again after it: first votes, a change, a repeat under another id, one without id.
fn votes() -> Vec<Value> {
    let vote = |voter: u32, choice: &str, id: u32| {
        let id = format!("0193e2a0-0000-4000-8000-{id:012}");
        json!({ "voter": format!("voter {voter}"), "choices": [choice], "id": id })
    };
    let mut votes: Vec<_> = (0..12).map(|voter| vote(voter, "soup", voter)).collect();
    votes.extend([vote(0, "salad", 100), vote(1, "soup", 101)]);
    votes.push(json!({ "voter": "voter 12", "choices": ["salad"] }));
    votes
}

async fn send(api: &Api, vote: &Value) -> Value {
    api.json("POST", &format!("{POLL}/votes"), Some(vote)).await.expect("a vote that is taken")
}

async fn send_all(api: &Api, votes: &[Value]) -> Vec<Value> {
    let mut answers = Vec::new();
    for vote in votes {
        answers.push(send(api, vote).await);
    }
    answers
}

async fn results(api: &Api) -> Value {
    api.json("GET", &format!("{POLL}/results"), None).await.expect("results")
}

/// Results without their version, which each life of a ledger has its own of.
fn without_version(mut results: Value) -> Value {
    results.as_object_mut().and_then(|results| results.remove("version")).expect("a version");
    results
}

/// A screen that has seen this version.
async fn watch(api: &Api, seen: &str) -> EventStream {
    let path = format!("{POLL}/results/stream?last_event_id={seen}");
    EventStream::open(api, &path, PATIENCE).await.expect("a stream")
}

/// The first results on a screen that have so many ballots or more.
async fn shown(screen: &mut EventStream, ballots: u64) -> Value {
    loop {
        let next = tokio::time::timeout(PATIENCE, screen.next()).await;
        let event = next.unwrap_or_else(|_| panic!("{ballots} ballots are not shown")).expect("a line that holds");
        let shown: Value = serde_json::from_str(&event.expect("a stream that goes on").data).expect("results");
        if shown["ballots"].as_u64().is_some_and(|found| found >= ballots) {
            return shown;
        }
    }
}

/// New votes at each node, and their retries at the next one.
async fn vote_at_each(nodes: &[Api]) {
    for (number, node) in nodes.iter().enumerate() {
        let next = &nodes[(number + 1) % nodes.len()];
        for voter in 0..EACH {
            let vote = json!({ "voter": format!("voter {voter} at {number}"), "choices": ["salad"] });
            let (first, again) = (send(node, &vote).await, send(next, &vote).await);
            assert_eq!((&first["status"], &again["status"]), (&json!("counted"), &json!("repeated")));
            assert_eq!(first["receipt"], again["receipt"]);
        }
    }
}

/// No node panicked, met an alarm, or did without the cluster.
fn nothing_went_wrong(nodes: &Path) {
    for number in 1..=3 {
        let log = std::fs::read_to_string(nodes.join(number.to_string()).join("log")).expect("a log");
        for word in ["panicked", "alarm", "degraded"] {
            assert!(!log.contains(word), "`{word}` in the log of node {number}:\n{log}");
        }
    }
}

#[tokio::test]
async fn the_manual_moves_one_file_to_three_nodes() {
    let (postgres, counters) = (PostgresServer::start(&[], ""), Cluster::start());
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let mut one = Node::start(&[]).await;
    let nginx = Nginx::start(&[one.address()]);
    let front = Api::new(&nginx.url(), ADMIN).await.expect("the proxy's address");
    let poll = json!({ "title": "Lunch?", "choices": ["Soup", "Salad"], "slug": "lunch", "change": "until_close",
        "open": true });
    front.json("POST", "/api/v1/polls", Some(&poll)).await.expect("a poll");
    let votes = votes();
    send_all(&front, &votes).await;
    let (answers, before) = (send_all(&front, &votes).await, results(&front).await);
    assert_eq!(before["ballots"], 13);
    one.stop().await;

    let held = [Held::new(), Held::new(), Held::new()];
    let listen = held.each_ref().map(|held| held.address().to_string());
    let (data, backups, nodes) = (one.data().display().to_string(), place("backups"), place("nodes"));
    std::fs::create_dir(&backups).expect("a folder");
    let (database, counters_url) = (postgres.url(&postgres.empty().await), counters.url());
    let _end = end_of_nodes(Path::new(&nodes));
    let variables = [
        ("DATA", &*data),
        ("BACKUPS", &*backups),
        ("DATABASE", &*database),
        ("COUNTERS", &*counters_url),
        ("NODES", &*nodes),
        ("LISTEN_1", &*listen[0]),
        ("LISTEN_2", &*listen[1]),
        ("LISTEN_3", &*listen[2]),
        ("PUBLIC_URL", "https://vote.example"),
        ("PROXY", "127.0.0.1/32"),
        ("HUSTINGS_ADMIN_TOKEN", ADMIN),
    ];
    manual::run(&manual::blocks("from-one-to-three"), folder.path(), &variables);
    nginx.point_to(&held.each_ref().map(Held::address));

    // What was counted before the move.
    let seen = before["version"].as_str().expect("a version");
    let mut screen = watch(&front, seen).await;
    let after = shown(&mut screen, 0).await;
    assert_ne!(after["version"], before["version"], "a move begins a new epoch");
    assert_eq!(without_version(after), without_version(before));
    assert_eq!(send_all(&front, &votes).await, answers, "the same receipts for the same retries");

    let mut api = Vec::new();
    for listen in &listen {
        api.push(Api::new(&format!("http://{listen}"), ADMIN).await.expect("a node's address"));
    }
    vote_at_each(&api).await;
    let ballots = 13 + 3 * EACH;
    let last = shown(&mut screen, ballots).await;
    let figure = |choice: usize| last["choices"][choice]["votes"].as_u64();
    assert_eq!((last["ballots"].as_u64(), figure(0), figure(1)), (Some(ballots), Some(11), Some(2 + 3 * EACH)));
    for node in api.iter().chain([&front]) {
        let version = last["version"].as_str().expect("a version");
        let shown = shown(&mut watch(node, "").await, ballots).await;
        assert_eq!(shown, last, "the same everywhere at {version}, counted in the cluster");
    }
    let recounted = good(std::process::Command::new(hustings()).args(["recount", "--database", &database]));
    assert!(recounted.contains(&format!("round 1 (open): {ballots} ballots")), "{recounted}");
    nothing_went_wrong(Path::new(&nodes));
}
