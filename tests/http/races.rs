//! Invariant 2, at once: a thousand voters press sixty-four times each, all together.
//!
//! All attempts of a voter are in flight at the same moment: each connection carries one attempt of each of a group of
//! voters, and a group begins when all connections are ready for it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hustings::load::Connection;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::support::{Ask, Events, PATIENCE, Poll, TestServer, seed};

const VOTERS: u64 = 1_000;
/// Voters in the storms that look at something else.
const FEWER: u64 = 200;
const ATTEMPTS: u64 = 64;
/// Voters whose attempts are in flight together.
const GROUP: u64 = 4;

/// One attempt of one voter, and what became of it.
struct Attempt {
    voter: u64,
    id: Option<Uuid>,
    choice: &'static str,
    status: u16,
    word: String,
    receipt: Option<String>,
}

/// Which choice and id an attempt has: a function of the seed, so that a run can be replayed.
fn plan(seed: u64, voter: u64, attempt: u64) -> (Option<Uuid>, &'static str) {
    // SplitMix64: one number gives another that looks unrelated.
    let mix = |mut x: u64| {
        x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let random = mix(mix(seed ^ voter) ^ attempt);
    let id = match random % 3 {
        0 => None,
        // Several attempts share an id: the same request sent again, or an id used for another choice.
        1 => Some(u128::from(voter) << 64 | u128::from(random >> 8 & 7)),
        _ => Some(u128::from(voter) << 64 | 1 << 32 | u128::from(attempt)),
    };
    (id.map(Uuid::from_u128), if random >> 16 & 3 == 0 { "coffee" } else { "tea" })
}

/// Sends every attempt and gives back every answer.
async fn storm(server: &TestServer, poll: &Poll, token: &str, voters: u64) -> Vec<Attempt> {
    let seed = seed();
    let connections = ATTEMPTS * GROUP;
    let barrier = Arc::new(Barrier::new(usize::try_from(connections).unwrap()));
    let ask = |connection: u64| {
        let node = usize::try_from(connection).unwrap();
        server.ask_node(node, "POST", &poll.path("/votes")).bearer(token)
    };
    let tasks: Vec<_> = (0..connections)
        .map(|connection| tokio::spawn(attempts(ask(connection), Arc::clone(&barrier), seed, connection, voters)))
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("no panic"));
    }
    all
}

async fn attempts(ask: Ask, barrier: Arc<Barrier>, seed: u64, number: u64, voters: u64) -> Vec<Attempt> {
    let mut connection = Connection::open(ask.address, PATIENCE).await.expect("a connection");
    let mut made = Vec::new();
    for group in 0..voters / GROUP {
        let (voter, attempt) = (group * GROUP + number % GROUP, number / GROUP);
        let (id, choice) = plan(seed, voter, attempt);
        let body = json!({ "choices": [choice], "id": id, "voter": format!("vera {voter}") });
        let request = ask.clone().json(&body).bytes(false);
        barrier.wait().await;
        let answer = connection.exchange(&request).await.expect("an answer");
        let json: Value = serde_json::from_slice(answer.body).expect("JSON");
        let word = if answer.status < 300 { &json["status"] } else { &json["code"] };
        let receipt = json["receipt"]["id"].as_str().map(str::to_owned);
        let word = word.as_str().unwrap_or_default().to_owned();
        made.push(Attempt { voter, id, choice, status: answer.status, word, receipt });
    }
    made
}

/// Everything that shows totals says the same, and it is what was acknowledged.
async fn all_agree(server: &TestServer, poll: &Poll, events: &mut Events, acknowledged: &[String]) {
    let entries = server.entries(poll).await;
    let ballots: Vec<_> = entries.iter().filter(|entry| entry["kind"] == "ballot_cast").collect();
    let voters: HashSet<_> = ballots.iter().map(|entry| entry["voter"].to_string()).collect();
    assert_eq!(voters.len(), acknowledged.len());
    let count = |choice: &str| acknowledged.iter().filter(|counted| *counted == choice).count();
    let last = ["tea", "coffee"].map(|choice| json!(count(choice)));
    let seq = entries.len() as u64;
    let frame = events
        .until("the last frame", |json| json["version"].as_str().is_some_and(|v| v.ends_with(&format!(".{seq}"))))
        .await;
    for results in [server.results(poll).await, frame.last().expect("a frame").json()] {
        assert_eq!(results["ballots"], acknowledged.len());
        assert_eq!([results["choices"][0]["votes"].clone(), results["choices"][1]["votes"].clone()], last);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_voters_who_press_sixty_four_times_are_counted_once_each() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let token = server.token(&["vote"]).await;
    let mut events = Events::open(server.get(&poll.path("/results/stream"))).await;
    let made = storm(&server, &poll, &token, VOTERS).await;
    assert_eq!(made.len() as u64, VOTERS * ATTEMPTS);

    let mut counted: HashMap<u64, &Attempt> = HashMap::new();
    for attempt in made.iter().filter(|attempt| attempt.word == "counted") {
        assert!(counted.insert(attempt.voter, attempt).is_none(), "voter {} was counted twice", attempt.voter);
        assert_eq!(attempt.status, 201);
    }
    assert_eq!(counted.len() as u64, VOTERS);
    let receipts: HashSet<_> = counted.values().map(|attempt| attempt.receipt.clone()).collect();
    assert_eq!(receipts.len() as u64, VOTERS, "receipts are not shared");
    let mut words: HashMap<&str, u32> = HashMap::new();
    for attempt in &made {
        *words.entry(&attempt.word).or_default() += 1;
        let first = counted[&attempt.voter];
        let same = attempt.choice == first.choice;
        match (attempt.status, attempt.word.as_str()) {
            (201, "counted") => {}
            (200, "repeated") => assert!(same && attempt.receipt == first.receipt),
            (409, "already_voted") => assert!(!same && attempt.receipt == first.receipt),
            // Another attempt with this id was there first, with the other choice, and its id was kept.
            (409, "id_reused") => assert!(attempt.id.is_some() && !same && attempt.receipt.is_none()),
            other => panic!("{other:?}"),
        }
    }
    println!("{words:?}");
    assert!(["counted", "repeated", "already_voted", "id_reused"].iter().all(|word| words.contains_key(word)));
    let acknowledged: Vec<_> = counted.values().map(|attempt| attempt.choice.to_owned()).collect();
    all_agree(&server, &poll, &mut events, &acknowledged).await;
    drop(events);
    server.finish().await;
}

/// The same storm where votes may be changed: who is counted last is decided by the ledger, and nobody counts twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_changes_leaves_one_ballot_for_each_voter() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "change": "until_close" })).await;
    let token = server.token(&["vote"]).await;
    let mut events = Events::open(server.get(&poll.path("/results/stream"))).await;
    let made = storm(&server, &poll, &token, FEWER).await;
    let entries = server.entries(&poll).await;
    let accepted = made.iter().filter(|attempt| attempt.status == 201).count();
    assert_eq!(entries.iter().filter(|entry| entry["kind"] == "ballot_cast").count(), accepted);
    let receipts: HashSet<_> =
        made.iter().filter(|attempt| attempt.status == 201).map(|attempt| &attempt.receipt).collect();
    assert_eq!(receipts.len(), accepted, "each entry has a receipt of its own");
    for attempt in &made {
        let known = matches!(
            (attempt.status, attempt.word.as_str()),
            (201, "counted" | "changed") | (200, "repeated" | "superseded") | (409, "id_reused")
        );
        assert!(known, "{} {}", attempt.status, attempt.word);
    }
    // What the last entry of a voter says, from the ledger's own order.
    let mut last: HashMap<String, String> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry["kind"] == "ballot_cast") {
        last.insert(entry["voter"].to_string(), entry["choices"][0].as_str().unwrap_or_default().to_owned());
    }
    let acknowledged: Vec<_> = last.into_values().collect();
    all_agree(&server, &poll, &mut events, &acknowledged).await;
    drop(events);
    server.finish().await;
}

/// A close in the middle of a storm: the ledger's order decides, and everybody is told what it decided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_in_the_middle_cuts_the_ledger_and_not_the_answers() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let token = server.token(&["vote"]).await;
    let closing = async {
        while server.results(&poll).await["ballots"].as_u64().is_none_or(|ballots| ballots < 40) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.act(&poll, "close").await.is(200)
    };
    let (made, _) = tokio::join!(storm(&server, &poll, &token, FEWER), closing);
    let counted: HashSet<u64> =
        made.iter().filter(|attempt| attempt.word == "counted").map(|attempt| attempt.voter).collect();
    for attempt in &made {
        let late = attempt.word == "contest_closed";
        assert_eq!(late, !counted.contains(&attempt.voter), "{} {}", attempt.voter, attempt.word);
    }
    let entries = server.entries(&poll).await;
    assert_eq!(entries.last().expect("an entry")["kind"], "contest_closed");
    assert_eq!(entries.len(), counted.len() + 2);
    assert!(counted.len() >= 40 && (counted.len() as u64) < FEWER, "{}", counted.len());
    server.finish().await;
}
