//! Live totals: every frame is what an independent count gives at its version, and none is older than the one before.

use serde_json::{Value, json};

use super::results_book::{Book, report, short};
use super::support::Night;
use crate::support::{ADMIN, Events, Frame, Socket, TestServer, seed};

/// Numbers that a seed gives.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// First reports, corrections, withdrawals and late revisions in any order, on both nodes.
async fn count(server: &TestServer, night: &Night, numbers: &mut Numbers, rounds: u32) {
    for round in 0..rounds {
        let at = numbers.below(8);
        let (ballot_box, city) = (format!("box-{at}"), if at < 5 { "london" } else { "leeds" });
        let revision = numbers.below(u64::from(round) + 3) + 1;
        let mut body = short(&ballot_box, city, u32::try_from(revision).expect("small"), 0, 0);
        let votes = json!({ "tories": numbers.below(100), "labour": numbers.below(100) });
        match numbers.below(6) {
            0 => {
                body = json!({ "box": ballot_box, "withdrawn": true, "reason": "counted again", "revision": revision });
            }
            1 => {
                body = json!({ "ballot_box_id": ballot_box, "city": city, "revision": revision, "votes": votes,
                "status": "provisional", "blank": 3, "invalid": 1 });
            }
            _ => body["votes"] = votes,
        }
        let node = usize::try_from(round % 2).expect("small");
        let answer = server.ask_node(node, "POST", &night.path("/reports")).bearer(ADMIN).json(&body).send().await;
        // A box that never reported cannot withdraw, and the same revision is not told twice; both change nothing.
        assert!([200, 201, 409, 422].contains(&answer.status), "{body}: {}", answer.text());
    }
}

fn only_forward(frames: &[Frame]) {
    assert!(frames.windows(2).all(|pair| pair[0].place() < pair[1].place()), "{frames:?}");
}

/// Opens the door of the last frame: a report that all streams must show.
async fn until_last(events: &mut Events, place: u64) -> Vec<Frame> {
    let is_last = |json: &Value| {
        let version = json["version"].as_str().expect("a version");
        version.split_once('.').and_then(|(_, seq)| seq.parse::<u64>().ok()).is_some_and(|seq| seq >= place)
    };
    events.until("the last report", is_last).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_is_an_independent_count() {
    let server = TestServer::with(&["--frame-interval-ms", "20"]).await;
    let night = Night::create(&server, json!({})).await;
    let mut numbers = Numbers(seed());
    report(&server, &night, 0, short("box-0", "london", 1, 1, 1), "counted").await;
    let mut streams = Vec::new();
    for (node, query) in [(0, ""), (1, ""), (0, "?unit=nation"), (1, "?unit=london"), (0, "?unit=leeds")] {
        streams.push(Events::open(server.ask_node(node, "GET", &night.path(&format!("/results/stream{query}")))).await);
    }
    let watching = streams.into_iter().map(async |mut events| {
        let frames = until_last(&mut events, 100).await;
        only_forward(&frames);
        frames
    });
    let counting = async {
        let mut place = 0;
        while place < 100 {
            count(&server, &night, &mut numbers, 20).await;
            place = night.get(&server, "/status").await.is(200).json()["head"]["seq"].as_u64().expect("a place");
        }
    };
    let (frames, ()) = tokio::join!(futures_util::future::join_all(watching), counting);
    let book = Book::read(&server, &night).await;
    let mut checked = 0;
    for frame in frames.iter().flatten() {
        let document = frame.json();
        assert_eq!(document["version"], frame.version.as_str());
        book.check(&document);
        checked += 1;
    }
    assert!(checked >= 10, "only {checked} frames");
    server.finish().await;
}

/// A correction moves its box, its city and the nation by the same difference, in one frame.
#[tokio::test]
async fn a_correction_moves_every_level_at_once() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    report(&server, &night, 0, short("l1", "london", 1, 120, 80), "counted").await;
    let mut nation = Events::open(server.get(&night.path("/results/stream?unit=nation"))).await;
    let first = nation.next().await.expect("a frame").json();
    report(&server, &night, 0, short("l1", "london", 2, 100, 90), "corrected").await;
    let frame = nation.next().await.expect("a frame").json();
    let moved = |path: &str| {
        let number = |document: &Value| document.pointer(path).and_then(Value::as_i64).expect(path);
        number(&frame) - number(&first)
    };
    for (path, by) in [
        ("/contests/0/choices/0/votes", -20),
        ("/contests/0/choices/1/votes", 10),
        ("/children/0/contests/0/choices/tories", -20),
        ("/children/0/contests/0/choices/labour", 10),
        ("/contests/0/cast", -10),
        ("/children/0/contests/0/boxes/reported", 0),
    ] {
        assert_eq!(moved(path), by, "{path}: {frame:#}");
    }
    drop(nation);
    server.finish().await;
}

#[tokio::test]
async fn sockets_show_the_same_and_who_comes_back_gets_what_is_new() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    report(&server, &night, 0, short("l1", "london", 1, 120, 80), "counted").await;
    let opened = Socket::open(server.address(), &night.path("/results/ws?unit=london"), &[]).await;
    let mut socket = opened.expect("a socket");
    let first: Value = serde_json::from_str(&socket.next().await.expect("a frame")).expect("JSON");
    assert_eq!(first["children"][0]["code"], "l1", "{first:#}");
    let version = first["version"].as_str().expect("a version").to_owned();
    let path = night.path(&format!("/results/stream?last_event_id={version}"));
    let mut events = Events::open(server.get(&path)).await;
    report(&server, &night, 0, short("l2", "london", 1, 1, 1), "counted").await;
    // The entry that adds the box may have a frame of its own; what was seen has none.
    let frames = events.until("two boxes", |json| json["boxes"]["reported"] == 2).await;
    assert!(frames.iter().all(|frame| frame.version != version), "{frames:?}");
    server.get(&night.path("/results/stream?unit=atlantis")).send().await.refused(422, "unknown_unit");
    // Results that are hidden are streamed to who has a ticket.
    let hidden = Night::create(&server, json!({ "visibility": "on_reveal" })).await;
    let ticket = hidden.post(&server, "/results/tickets", &json!({})).send().await.is(201).json();
    let path = hidden.path(&format!("/results/stream?ticket={}", ticket["ticket"].as_str().expect("a ticket")));
    let mut full = Events::open(server.get(&path)).await;
    assert_eq!(full.next().await.expect("a frame").json()["hidden"], false);
    let mut masked = Events::open(server.get(&hidden.path("/results/stream"))).await;
    assert_eq!(masked.next().await.expect("a frame").json()["hidden"], true);
    drop((events, full, masked, socket));
    server.finish().await;
}
