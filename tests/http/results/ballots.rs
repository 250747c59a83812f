//! Public ballots: enough to count again, and nothing that leads to a voter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{ADMIN, Poll, TestServer};

async fn ballots(server: &TestServer, poll: &Poll, query: &str) -> String {
    server.get(&poll.path(&format!("/ballots{query}"))).send().await.is(200).text()
}

#[tokio::test]
async fn public_ballots_count_to_the_results_and_tell_nothing_else() {
    let server = TestServer::start().await;
    let body = json!({ "method": "approval", "min": 0, "max": 2, "change": "until_close", "public_ballots": true,
        "choices": ["Tea", "Coffee", "Water"] });
    let poll = server.create(body).await;
    assert_eq!(poll.body["public_ballots"], true);
    for (voter, chosen) in [
        ("d", &["water"][..]),
        ("a", &["tea"]),
        ("b", &["tea", "coffee"]),
        ("c", &[]),
        ("a", &["coffee", "water"]),
        ("e", &["tea", "coffee"]),
    ] {
        assert!(server.vote(&poll, voter, json!({ "choices": chosen })).await.status < 300);
    }
    server.get(&poll.path("/ballots")).send().await.refused(409, "ballots_not_yet");
    server.get(&poll.path("/ballots")).bearer(ADMIN).send().await.refused(409, "ballots_not_yet");
    // Undone, and closed again: of two lists, what came in between could be told.
    for act in ["close", "reopen"] {
        server.act(&poll, act).await.is(200);
        server.get(&poll.path("/ballots")).send().await.refused(409, "ballots_not_yet");
    }
    server.vote(&poll, "f", json!({ "choices": ["water"] })).await.is(201);
    server.act(&poll, "close").await.is(200);
    server.get(&poll.path("/ballots")).send().await.refused(409, "ballots_not_yet");
    server.act(&poll, "reveal").await.is(200);
    server.act(&poll, "reopen").await.refused(409, "results_revealed");
    let lines = ballots(&server, &poll, "").await;
    let expected = [
        r#"{"choices":[],"round":1}"#,
        r#"{"choices":["tea","coffee"],"round":1}"#,
        r#"{"choices":["tea","coffee"],"round":1}"#,
        r#"{"choices":["coffee","water"],"round":1}"#,
        r#"{"choices":["water"],"round":1}"#,
        r#"{"choices":["water"],"round":1}"#,
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected, "sorted by what was chosen");
    let table = server.get(&poll.path("/ballots?format=csv")).send().await.is(200);
    assert_eq!(table.text(), "tea,coffee,water\n,,\n1,1,\n1,1,\n,1,1\n,,1\n,,1\n");
    let name = format!("attachment; filename=\"{}-round-1-ballots.csv\"", poll.code);
    assert_eq!(table.header("content-disposition"), Some(name.as_str()));

    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines.lines() {
        let ballot: Value = serde_json::from_str(line).expect("JSON");
        for choice in ballot["choices"].as_array().expect("choices") {
            *counted.entry(choice.as_str().expect("a code").to_owned()).or_default() += 1;
        }
    }
    let results = server.get(&poll.path("/results")).send().await.is(200).json();
    for choice in results["choices"].as_array().expect("choices") {
        assert_eq!(counted.get(choice["code"].as_str().expect("a code")).copied(), choice["votes"].as_u64());
    }

    // An earlier round stays what it was while a later one goes on.
    server.post(&poll.path("/rounds"), &json!({ "open": true })).bearer(ADMIN).send().await.is(201);
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.get(&poll.path("/ballots")).send().await.refused(409, "ballots_not_yet");
    assert_eq!(ballots(&server, &poll, "?round=1").await.lines().count(), 6);
    for round in [0, 3] {
        server.get(&poll.path(&format!("/ballots?round={round}"))).send().await.refused(404, "unknown_round");
    }
    server.get(&poll.path("/ballots?voter=a")).send().await.refused(422, "invalid_query");
    server.finish().await;
}

#[tokio::test]
async fn marks_are_summed_by_column() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "method": "score", "public_ballots": true })).await;
    server.vote(&poll, "a", json!({ "scores": { "tea": 5, "coffee": 0 } })).await.is(201);
    server.vote(&poll, "b", json!({ "scores": { "tea": 3 } })).await.is(201);
    server.act(&poll, "close").await.is(200);
    server.act(&poll, "reveal").await.is(200);
    assert_eq!(ballots(&server, &poll, "?format=csv").await, "tea,coffee\n3,\n5,0\n");
    assert_eq!(ballots(&server, &poll, "").await.lines().next(), Some(r#"{"round":1,"scores":{"tea":3}}"#));
    server.finish().await;
}

#[tokio::test]
async fn only_polls_that_said_so_before_give_ballots_out_and_only_once_all_see_results() {
    let server = TestServer::start().await;
    let private = server.create(json!({})).await;
    server.vote(&private, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.act(&private, "close").await.is(200);
    let refused = server.get(&private.path("/ballots")).bearer(ADMIN).send().await;
    refused.refused(403, "ballots_not_public");
    assert!(!private.body.as_object().expect("a poll").contains_key("public_ballots"));

    let hidden = server.create(json!({ "visibility": "on_reveal", "public_ballots": true })).await;
    server.vote(&hidden, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.act(&hidden, "close").await.is(200);
    server.get(&hidden.path("/ballots")).bearer(ADMIN).send().await.refused(409, "ballots_not_yet");
    let page = async || server.get(&format!("/{}/results", hidden.code)).send().await.is(200).text();
    assert!(!page().await.contains("/ballots"));
    server.act(&hidden, "reveal").await.is(200);
    assert_eq!(ballots(&server, &hidden, "").await, "{\"choices\":[\"tea\"],\"round\":1}\n");
    assert!(page().await.contains("/ballots?round=1&amp;format=ndjson"), "{}", page().await);

    // A copy promises the same, and voters are told before they vote.
    let copy = server.post(&hidden.path("/clone"), &json!({})).bearer(ADMIN).send().await.is(201).json();
    assert_eq!(copy["public_ballots"], true);
    let code = copy["code"].as_str().expect("a code");
    assert!(server.get(&format!("/{code}")).send().await.is(200).text().contains("anybody can have all ballots"));
    server.finish().await;
}
