//! One box, many senders, on all nodes at once: it counts once, and everybody is told the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hustings::load::Connection;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::desk::{short, with};
use super::support::Night;
use crate::support::{ADMIN, Ask, PATIENCE, TestServer};

const SENDERS: usize = 64;
const BOXES: usize = 20;

/// What one sender was told about one box.
struct Told {
    ballot_box: usize,
    tories: usize,
    status: u16,
    word: String,
    receipt: Option<String>,
    case: Option<String>,
}

/// Every sender reports every box; all reports of a box are in flight together.
async fn storm(server: &TestServer, night: &Night, body: fn(usize, usize) -> (Value, usize)) -> Vec<Told> {
    let barrier = Arc::new(Barrier::new(SENDERS));
    let sender = |number: usize| {
        let ask = server.ask_node(number, "POST", &night.path("/reports")).bearer(ADMIN);
        tokio::spawn(send(ask, Arc::clone(&barrier), number, body))
    };
    let senders: Vec<_> = (0..SENDERS).map(sender).collect();
    let mut told = Vec::new();
    for sender in senders {
        told.extend(sender.await.expect("no panic"));
    }
    told
}

async fn send(ask: Ask, barrier: Arc<Barrier>, number: usize, body: fn(usize, usize) -> (Value, usize)) -> Vec<Told> {
    let mut connection = Connection::open(ask.address, PATIENCE).await.expect("a connection");
    let mut told = Vec::new();
    for ballot_box in 0..BOXES {
        let (body, tories) = body(ballot_box, number);
        let request = ask.clone().json(&body).bytes(false);
        barrier.wait().await;
        let answer = connection.exchange(&request).await.expect("an answer");
        let json: Value = serde_json::from_slice(answer.body).expect("JSON");
        let word = if answer.status < 300 { &json["status"] } else { &json["code"] };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (word, receipt) = (text(word).unwrap_or_default(), text(&json["receipt"]["id"]));
        told.push(Told { ballot_box, tories, status: answer.status, word, receipt, case: text(&json["case"]) });
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_from_sixty_four_senders_counts_once_and_others_are_kept() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    // Unlisted boxes, so that all senders add them at once too; every fourth sender counts otherwise.
    let told = storm(&server, &night, |ballot_box, number| {
        let tories = 100 + number % 4 / 3;
        (short(&format!("b-{ballot_box}"), "london", tories as u64, 50), tories)
    })
    .await;
    assert_eq!(told.len(), SENDERS * BOXES);
    let firsts: HashMap<usize, &Told> =
        told.iter().filter(|told| told.word == "counted").map(|told| (told.ballot_box, told)).collect();
    assert_eq!(firsts.len(), BOXES);
    assert_eq!(told.iter().filter(|told| told.word == "counted").count(), BOXES, "each box counts once");
    let mut cases = HashSet::new();
    for told in &told {
        let first = firsts[&told.ballot_box];
        assert_eq!(told.receipt, first.receipt, "everybody holds the receipt of what counts");
        match (told.status, told.word.as_str()) {
            (201, "counted") => {}
            (200, "repeated") => assert_eq!(told.tories, first.tories),
            (409, "exists_with_different_votes") => {
                assert_ne!(told.tories, first.tories);
                cases.insert(told.case.clone().expect("a case"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(cases.len(), BOXES, "a contradiction is one case, however often it is sent");
    let waiting = night.get(&server, "/quarantine?waiting=true&limit=100").await.is(200).json();
    assert_eq!(waiting["cases"].as_array().map(Vec::len), Some(BOXES));
    let units = night.get(&server, "/units?kind=box").await.is(200).json();
    assert_eq!(units["units"].as_array().map(Vec::len), Some(BOXES), "each box was added once");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_in_any_order_end_in_the_highest() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let told = storm(&server, &night, |ballot_box, number| {
        let revision = number + 1;
        let body = short(&format!("b-{ballot_box}"), "leeds", number as u64, 50);
        (with(body, json!({ "revision": revision })), number)
    })
    .await;
    for told in &told {
        let known = matches!((told.status, told.word.as_str()), (201, "counted" | "corrected") | (200, "recorded"));
        assert!(known, "{} {}", told.status, told.word);
    }
    let receipts: HashSet<_> = told.iter().map(|told| told.receipt.clone()).collect();
    assert_eq!(receipts.len(), SENDERS * BOXES, "each revision has a receipt of its own");
    for ballot_box in 0..BOXES {
        let history = night.get(&server, &format!("/boxes/b-{ballot_box}")).await.is(200).json();
        let reports = history["reports"].as_array().expect("reports");
        assert_eq!(reports.len(), SENDERS);
        let counting: Vec<_> = reports.iter().filter(|report| report["counts"] == true).collect();
        assert_eq!((counting.len(), &counting[0]["revision"]), (1, &json!(SENDERS)));
        // What the reports have moved, one after the other, is what counts at the end.
        let moved: i64 =
            reports.iter().filter_map(|report| report["difference"]["votes"].get("tories")?.as_i64()).sum();
        assert_eq!(Some(moved), counting[0]["votes"]["tories"].as_i64());
        let firsts = reports.iter().filter(|report| report["standing"] == "first").count();
        assert_eq!(firsts, 1);
    }
    server.finish().await;
}
