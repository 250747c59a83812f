//! The ledger format while servers run: what it does not allow yet, and a server that is too old for it.

use hustings_core::Format;
use serde_json::json;

use crate::support::{ADMIN, Events, TestServer};

async fn force_format(server: &TestServer, format: &str) {
    server.execute(&format!("UPDATE installation SET value = '{format}' WHERE name = 'format'")).await;
}

#[tokio::test]
async fn what_needs_a_later_format_is_refused_with_the_command_that_raises_it() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    // One that allows nothing: what there is stands for what will be new.
    force_format(&server, "0").await;
    let body = json!({ "title": "Which?", "choices": ["A", "B"] });
    for answer in [
        server.vote(&poll, "a", json!({ "choices": ["tea"] })).await,
        server.act(&poll, "close").await,
        server.post("/api/v1/polls", &body).bearer(ADMIN).send().await,
    ] {
        let answer = answer.refused(409, "format_too_old").json();
        let detail = answer["detail"].as_str().expect("a sentence");
        assert!(detail.contains("raise it with: hustings migrate --database URL --format 1"), "{detail}");
    }
    server.stop().await;
    let newest = Format::NEWEST;
    let later = format!("this program knows ledger formats up to {newest}: raise it to 999 with the newer hustings");
    for (format, sentence) in [("999", later.as_str()), ("65536", "--format"), ("all", "--format")] {
        let (good, out, said) = server.raise_format(format).await;
        assert!(!good && out.is_empty() && said.contains(sentence), "{format}: {out}{said}");
    }
    for sentence in ["had ledger format 0 and has ledger format 1 now", "has ledger format 1 already"] {
        let (good, out, said) = server.raise_format("1").await;
        assert!(good && out.trim_end().ends_with(sentence), "{out}{said}");
    }
    let (good, _, said) = server.raise_format("0").await;
    assert!(!good && said.contains("has ledger format 1, which never falls"), "{said}");
    server.start_again().await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.post("/api/v1/polls", &body).bearer(ADMIN).send().await.is(201);
    server.finish().await;
}

#[tokio::test]
async fn a_server_takes_no_part_in_what_it_does_not_know() {
    let mut server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let vote = json!({ "choices": ["tea"], "id": "0193e2a0-0000-4000-8000-000000000000" });
    server.vote(&poll, "a", vote.clone()).await.is(201);
    let mut screen = Events::open(server.get(&poll.path("/results/stream"))).await;
    screen.until("all votes", |results| results["ballots"] == 1 && results["stale"].is_null()).await;

    force_format(&server, "999").await;
    let marked = screen.until("a mark", |results| results["stale"] == true).await;
    assert_eq!(marked.last().expect("a frame").json()["ballots"], 1, "what was right once stays");
    server.get("/readyz").send().await.refused(503, "upgrade_needed");
    server.get("/livez").send().await.is(200);
    for (voter, vote) in [("a", vote.clone()), ("b", json!({ "choices": ["tea"] }))] {
        server.vote(&poll, voter, vote).await.refused(503, "upgrade_needed");
    }
    let results = server.get(&poll.path("/results")).send().await.is(200).json();
    assert_eq!((&results["ballots"], &results["stale"]), (&json!(1), &json!(true)), "{results}");
    drop(screen);

    server.stop().await;
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["recount"], &["token", "list"]] {
        let (good, _, said) = server.command(arguments).await;
        let sentence = format!("ledger format 999, and this program knows up to {}: upgrade Hustings", Format::NEWEST);
        assert!(!good && said.contains(&sentence), "{arguments:?}: {said}");
    }
    force_format(&server, "1").await;
    server.start_again().await;
    assert_eq!(server.vote(&poll, "a", vote).await.is(200).word(), "repeated");
    server.finish().await;
}
