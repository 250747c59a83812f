//! The screen of a hall, before any script runs.

use std::time::Duration;

use serde_json::json;

use crate::support::{ADMIN, Events, TestServer};

#[tokio::test]
async fn the_screen_says_where_to_vote_and_how_it_stands() {
    let server = TestServer::with(&["--public-url", "https://vote.example"]).await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    let page = server.get(&format!("/{}/screen", poll.code)).send().await.is(200).text();
    assert!(page.contains("<span>vote.example/</span>") && page.contains("scale(1.000 1)"), "{page}");
    assert!(page.contains(">1 voter<") && !page.contains("Phones cannot reach"), "{page}");
    let picture = server.get(&format!("/{}/qr.svg", poll.code)).send().await.is(200);
    assert_eq!((picture.header("content-type"), picture.header("set-cookie")), (Some("image/svg+xml"), None));
    assert!(picture.text().starts_with("<svg"));
    server.get("/ZZZZZZ/qr.svg").send().await.is(404);
    server.get("/ZZZZZZ/screen").send().await.is(404);
    // An earlier round stays to be shown.
    server.act(&poll, "close").await.is(200);
    server.post(&poll.path("/rounds"), &json!({ "open": true })).bearer(ADMIN).send().await.is(201);
    let screen = async |query: &str| server.get(&format!("/{}/screen{query}", poll.code)).send().await.is(200).text();
    assert!(screen("").await.contains("data-round=\"2\" data-latest=\"2\""));
    assert!(screen("?round=1").await.contains("data-round=\"1\" data-latest=\"2\""));
    assert!(screen("?round=2").await.contains("data-round=\"2\" data-latest=\"2\""));
    // Another one is never taken for a round that is not there.
    for query in ["?round=0", "?round=3", "?round=x"] {
        let page = server.get(&format!("/{}/screen{query}", poll.code)).send().await.is(404).text();
        assert!(page.contains(&format!("href=\"/{}/results\"", poll.code)), "{query}: {page}");
    }
    server.finish().await;
}

/// Who has come stands beside the code, while results are hidden too: it says nothing about votes.
#[tokio::test]
async fn the_screen_says_how_many_have_joined() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "on_reveal" })).await;
    let screen = async || server.get(&format!("/{}/screen", poll.code)).send().await.is(200).text();
    assert!(screen().await.contains("<p id=\"joined\" class=\"joined\"></p>"), "nobody yet, and no nought");
    server.get(&format!("/{}", poll.code)).send().await.is(200);
    server.get(&format!("/{}", poll.code)).send().await.is(200);
    let asked = async || server.get(&format!("/{}/screen/joined", poll.code)).send().await.is(200).json();
    let come = async { while asked().await != json!({ "joined": 2 }) {} };
    tokio::time::timeout(Duration::from_secs(60), come).await.expect("two devices that came");
    let page = screen().await;
    assert!(page.contains(">2 have joined<") && page.contains("data-hidden"), "{page}");
    server.get("/ZZZZZZ/screen/joined").send().await.is(404);
    server.finish().await;
}

/// Who has voted sees results on the own page, and not on a wall that others look at.
#[tokio::test]
async fn a_hall_does_not_see_what_only_voters_may() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "after_vote" })).await;
    let cookie = server.device(&poll).await;
    server.post(&poll.path("/votes"), &json!({ "choices": ["tea"] })).cookie(&cookie).send().await.is(201);
    let page = server.get(&format!("/{}/screen", poll.code)).cookie(&cookie).send().await.is(200).text();
    assert!(page.contains("data-hidden") && !page.contains("1 voter<"), "{page}");
    assert!(page.contains("Phones cannot reach"), "{page}");
    let stream = server.get(&format!("/{}/screen/stream", poll.code)).cookie(&cookie).bearer(ADMIN);
    let frame = Events::open(stream).await.next().await.expect("a frame").json();
    assert_eq!((&frame["hidden"], &frame["ballots"]), (&json!(true), &json!(null)));
    server.finish().await;
}
