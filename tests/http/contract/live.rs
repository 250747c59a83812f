//! Streams, sockets, and the tickets that open them.

use serde_json::json;

use crate::support::{ADMIN, Events, Poll, Socket, TestServer};

#[tokio::test]
async fn every_way_to_watch_shows_the_same_document() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    let results = server.get(&poll.path("/results")).send().await.is(200);
    let mut events = Events::open(server.get(&poll.path("/results/stream"))).await;
    for (name, value) in
        [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
    {
        assert_eq!(events.head.header(name), Some(value), "{name}");
    }
    assert_eq!(events.head.header("set-cookie"), None);
    let retry = events.block().await.expect("a block");
    let retry: u32 = retry.strip_prefix("retry: ").and_then(|ms| ms.parse().ok()).expect("when to come back");
    assert!((1_000..5_000).contains(&retry), "{retry}");
    let frame = events.next().await.expect("a frame");
    assert_eq!(
        (frame.data.as_str(), frame.version.as_str()),
        (&*results.text(), results.json()["version"].as_str().unwrap())
    );
    let mut socket = Socket::open(server.address(), &poll.path("/results/ws"), &[]).await.expect("a socket");
    assert_eq!(socket.next().await.as_deref(), Some(&*results.text()));
    server.get(&poll.path("/results/ws")).send().await.refused(426, "upgrade_required");
    let unknown = server.get("/api/v1/polls/ABCDEF/results/stream").send().await;
    unknown.refused(404, "unknown_poll");
    assert_eq!(Socket::open(server.address(), "/api/v1/polls/ABCDEF/results/ws", &[]).await.err(), Some(404));
    drop((events, socket));
    server.finish().await;
}

#[tokio::test]
async fn a_ticket_opens_one_full_stream_of_its_own_poll() {
    async fn ticket(server: &TestServer, poll: &Poll) -> String {
        let answer = server.ask("POST", &poll.path("/results/tickets")).bearer(ADMIN).send().await.is(201).json();
        assert_eq!(answer["expires_in"], 60);
        answer["ticket"].as_str().expect("a ticket").to_owned()
    }
    let mut server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "on_reveal" })).await;
    let other = server.create(json!({ "visibility": "on_reveal" })).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    let stream = |poll: &Poll, ticket: &str| poll.path(&format!("/results/stream?ticket={ticket}"));

    let first = ticket(&server, &poll).await;
    let mut events = Events::open(server.get(&stream(&poll, &first))).await;
    let shown = events.next().await.expect("a frame").json();
    assert_eq!((&shown["hidden"], &shown["ballots"]), (&json!(false), &json!(1)));
    server.get(&stream(&poll, &first)).send().await.refused(401, "invalid_ticket");

    let second = ticket(&server, &poll).await;
    server.get(&stream(&other, &second)).send().await.refused(401, "invalid_ticket");
    let path = poll.path(&format!("/results/ws?ticket={}", ticket(&server, &poll).await));
    let mut socket = Socket::open(server.address(), &path, &[]).await.expect("a socket");
    assert!(socket.next().await.expect("a frame").contains("\"ballots\":1"));
    assert_eq!(Socket::open(server.address(), &path, &[]).await.err(), Some(401));
    server.get(&stream(&poll, "nonsense")).send().await.refused(401, "invalid_ticket");

    // Time is made to pass where it is written down.
    let late = ticket(&server, &poll).await;
    drop((events, socket));
    server.stop().await;
    server.execute("UPDATE ticket SET expires = expires - 60000").await;
    server.start_again().await;
    server.get(&stream(&poll, &late)).send().await.refused(401, "invalid_ticket");
    server.finish().await;
}
