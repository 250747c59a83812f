//! What happens by itself: exactly once, only when due, also over a restart, and never after somebody did it by hand.

use std::time::Duration;

use hustings::clock::{Clock, SystemClock, rfc3339};
use hustings_core::Time;
use serde_json::{Value, json};

use crate::support::{Events, Poll, TestServer, soon};

/// A time so many milliseconds from now, as it is written.
fn from_now(milliseconds: u64) -> (Time, String) {
    let at = Time(SystemClock.now().0 + milliseconds);
    (at, rfc3339(at))
}

/// Waits until the clock on the wall shows this time: what is tested is what happens then.
async fn passed(at: Time) {
    while SystemClock.now() <= at {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn status(server: &TestServer, poll: &Poll) -> Value {
    server.get(&poll.path("")).send().await.is(200).json()["status"].clone()
}

async fn until_status(server: &TestServer, poll: &Poll, wanted: &str) {
    let mut events = Events::open(server.get(&poll.path("/results/stream"))).await;
    soon(wanted, events.until(wanted, |json| json["status"] == wanted)).await;
}

/// The entries about the state: kind, and whether the schedule made it.
async fn acts(server: &TestServer, poll: &Poll) -> Vec<(String, bool)> {
    let entries = server.entries(poll).await;
    let states = entries.iter().filter(|entry| entry["kind"] != "ballot_cast");
    let act = |entry: &Value| (entry["kind"].as_str().unwrap_or_default().to_owned(), entry["scheduled"] == true);
    let found: Vec<_> = states.map(act).collect();
    for (entry, (_, scheduled)) in entries.iter().filter(|entry| entry["kind"] != "ballot_cast").zip(&found) {
        assert_eq!(entry["by"] == "schedule", *scheduled, "{entry}");
    }
    found
}

fn by_itself(kind: &str) -> (String, bool) {
    (kind.to_owned(), true)
}

fn by_hand(kind: &str) -> (String, bool) {
    (kind.to_owned(), false)
}

#[tokio::test]
async fn a_poll_opens_and_closes_by_itself_once() {
    let mut server = TestServer::start().await;
    let ((opens, opens_at), (closes, closes_at)) = (from_now(1_500), from_now(3_500));
    let poll = server.create(json!({ "open": false, "opens_at": opens_at, "closes_at": closes_at })).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.refused(409, "contest_not_open");
    until_status(&server, &poll, "open").await;
    assert!(SystemClock.now() >= opens);
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    until_status(&server, &poll, "closed").await;
    assert!(SystemClock.now() >= closes);
    server.vote(&poll, "b", json!({ "choices": ["tea"] })).await.refused(409, "contest_closed");
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(200);
    let expected = [by_itself("contest_opened"), by_itself("contest_closed")];
    assert_eq!(acts(&server, &poll).await, expected);
    // Entry times are those of the schedule or later, and in order.
    let times: Vec<String> =
        server.entries(&poll).await.iter().map(|entry| entry["time"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(times.is_sorted() && times[0] >= opens_at && times[2] >= closes_at, "{times:?}");
    server.restart().await;
    assert_eq!(acts(&server, &poll).await, expected);
    server.finish().await;
}

/// A time that has come opens at once: the clock of who asks may be a little behind, and a close to come is kept.
#[tokio::test]
async fn an_opening_time_that_is_over_opens_at_once() {
    let server = TestServer::start().await;
    let (_, later) = from_now(86_400_000);
    for opens_at in ["2026-01-01T00:00:00Z".to_owned(), from_now(0).1] {
        let poll = server.create(json!({ "open": false, "opens_at": opens_at, "closes_at": later })).await;
        let shown = (&poll.body["status"], &poll.body["opens_at"], &poll.body["closes_at"]);
        assert_eq!(shown, (&json!("open"), &Value::Null, &json!(later)));
        server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
        assert_eq!(acts(&server, &poll).await, [by_hand("contest_opened")]);
    }
    server.finish().await;
}

/// What was due while the server was down happens when it is up again, once, however often it is started.
#[tokio::test]
async fn a_schedule_survives_a_restart() {
    let mut server = TestServer::start().await;
    let (opens, opens_at) = from_now(500);
    let (closes, closes_at) = from_now(1_000);
    let (_, never) = from_now(86_400_000);
    let opening = server.create(json!({ "open": false, "opens_at": opens_at })).await;
    let both = server.create(json!({ "open": false, "opens_at": opens_at, "closes_at": closes_at })).await;
    let closing = server.create(json!({ "closes_at": closes_at })).await;
    let later = server.create(json!({ "open": false, "opens_at": never })).await;
    server.stop().await;
    passed(opens).await;
    passed(closes).await;
    for _ in 0..3 {
        server.start_again().await;
        until_status(&server, &opening, "open").await;
        until_status(&server, &both, "closed").await;
        until_status(&server, &closing, "closed").await;
        assert_eq!(status(&server, &later).await, "draft");
        server.stop().await;
    }
    server.start_again().await;
    assert_eq!(acts(&server, &opening).await, [by_itself("contest_opened")]);
    assert_eq!(acts(&server, &both).await, [by_itself("contest_opened"), by_itself("contest_closed")]);
    assert_eq!(acts(&server, &closing).await, [by_hand("contest_opened"), by_itself("contest_closed")]);
    assert_eq!(acts(&server, &later).await, []);
    server.finish().await;
}

/// Who opens or closes by hand uses the schedule up. A poll that opens later, by itself, tells when the time is over.
#[tokio::test]
async fn what_was_done_by_hand_is_not_done_again() {
    let server = TestServer::start().await;
    let ((_, soon_at), (_, later)) = (from_now(1_500), from_now(2_500));
    let opened = server.create(json!({ "open": false, "opens_at": soon_at })).await;
    let closed = server.create(json!({ "closes_at": soon_at })).await;
    let reopened = server.create(json!({ "closes_at": soon_at })).await;
    let paused = server.create(json!({ "closes_at": soon_at })).await;
    let moved = server.create(json!({ "open": false, "opens_at": soon_at, "closes_at": soon_at_plus(1_000) })).await;
    let marker = server.create(json!({ "open": false, "opens_at": later })).await;
    for (poll, act) in [
        (&opened, "open"),
        (&opened, "pause"),
        (&closed, "close"),
        (&reopened, "close"),
        (&reopened, "reopen"),
        (&paused, "pause"),
        (&moved, "open"),
    ] {
        server.act(poll, act).await.is(200);
    }
    // What is used up is not announced any more.
    let shown = |poll: Value| (poll["opens_at"].is_string(), poll["closes_at"].is_string());
    for (poll, expected) in
        [(&opened, (false, false)), (&closed, (false, false)), (&reopened, (false, false)), (&moved, (false, true))]
    {
        assert_eq!(shown(server.get(&poll.path("")).send().await.is(200).json()), expected);
    }
    until_status(&server, &marker, "open").await;
    until_status(&server, &paused, "closed").await;
    until_status(&server, &moved, "closed").await;
    for (poll, expected) in [
        (&opened, vec![by_hand("contest_opened"), by_hand("contest_paused")]),
        (&closed, vec![by_hand("contest_opened"), by_hand("contest_closed")]),
        (&reopened, vec![by_hand("contest_opened"), by_hand("contest_closed"), by_hand("contest_reopened")]),
        (&paused, vec![by_hand("contest_opened"), by_hand("contest_paused"), by_itself("contest_closed")]),
        (&moved, vec![by_hand("contest_opened"), by_itself("contest_closed")]),
        (&marker, vec![by_itself("contest_opened")]),
    ] {
        assert_eq!(acts(&server, poll).await, expected);
    }
    server.finish().await;
}

fn soon_at_plus(milliseconds: u64) -> String {
    from_now(1_500 + milliseconds).1
}
