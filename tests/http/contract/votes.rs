//! Votes of every method, their receipts, and the addresses of the reference program.

use serde_json::{Value, json};

use crate::support::{ADMIN, TestServer};

#[tokio::test]
async fn a_vote_is_answered_with_its_receipt() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let receipt = json!({ "id": "<receipt>", "time": "<time>", "seq": 2 });
    let vote = json!({ "choices": ["tea"] });
    let counted = server.vote(&poll, "a", vote.clone()).await;
    assert_eq!(counted.header("set-cookie"), None);
    let counted = counted.shows(201, json!({ "status": "counted", "receipt": receipt }));
    let repeated = server.vote(&poll, "a", vote).await;
    let repeated = repeated.shows(200, json!({ "status": "repeated", "receipt": receipt }));
    assert_eq!(counted.receipt(), repeated.receipt());
    let shown = server.get(&format!("/api/v1/receipts/{}", counted.receipt())).send().await;
    shown.shows(200, json!({ "status": "counted", "poll": poll.code, "round": 1, "receipt": receipt }));
    let mut forged = counted.receipt();
    forged.replace_range(..1, if forged.starts_with('A') { "B" } else { "A" });
    for unknown in [forged.as_str(), "x", "%F0%9F%97%B3", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        server.get(&format!("/api/v1/receipts/{unknown}")).send().await.refused(404, "unknown_receipt");
    }
    server.finish().await;
}

/// Each method: a vote, and what it adds or why it is refused.
#[tokio::test]
async fn each_method_takes_its_own_votes() {
    async fn check(server: &TestServer, method: &Value, vote: Value, expected: Result<Value, &str>) {
        let mut asked = method.clone();
        asked["choices"] = json!(["A", "B", "C"]);
        let poll = server.create(asked).await;
        let answer = server.vote(&poll, "a", vote.clone()).await;
        match expected {
            Ok(expected) => {
                answer.is(201);
                let results = server.results(&poll).await;
                let figures = |choice: &Value| json!([choice["votes"], choice["points"]]);
                let choices: Vec<_> = results["choices"].as_array().expect("choices").iter().map(figures).collect();
                let found = json!({ "ballots": results["ballots"], "blank": results["blank"], "choices": choices });
                assert_eq!(found, expected, "{method}, {vote}");
            }
            Err(code) => {
                answer.refused(422, code);
                assert_eq!(server.results(&poll).await["ballots"], 0, "{method}, {vote}");
            }
        }
    }
    let server = TestServer::start().await;
    let single = json!({ "method": "single" });
    let one =
        |a: i32, b: i32, c: i32| json!({ "ballots": 1, "blank": null, "choices": [[a, null], [b, null], [c, null]] });
    check(&server, &single, json!({ "choices": ["b"] }), Ok(one(0, 1, 0))).await;
    check(&server, &single, json!({ "choices": [] }), Err("too_few_choices")).await;
    check(&server, &single, json!({ "choices": ["a", "b"] }), Err("too_many_choices")).await;
    check(&server, &single, json!({ "scores": { "a": 1 } }), Err("wrong_form")).await;
    let approval = json!({ "method": "approval", "min": 1, "max": 2 });
    check(&server, &approval, json!({ "choices": ["c", "a"] }), Ok(one(1, 0, 1))).await;
    check(&server, &approval, json!({ "choices": [] }), Err("too_few_choices")).await;
    check(&server, &approval, json!({ "choices": ["a", "b", "c"] }), Err("too_many_choices")).await;
    check(&server, &approval, json!({ "choices": ["a", "a"] }), Err("repeated_choice")).await;
    let blank = json!({ "method": "approval", "min": 0 });
    let empty = json!({ "ballots": 1, "blank": 1, "choices": [[0, null], [0, null], [0, null]] });
    check(&server, &blank, json!({ "choices": [] }), Ok(empty)).await;
    let score = json!({ "method": "score", "min": 1, "max": 4 });
    let scored = json!({ "ballots": 1, "blank": null, "choices": [[1, 4], [0, 0], [1, 1]] });
    check(&server, &score, json!({ "scores": { "c": 1, "a": 4 } }), Ok(scored)).await;
    check(&server, &score, json!({ "scores": {} }), Err("too_few_choices")).await;
    check(&server, &score, json!({ "scores": { "a": 0 } }), Err("score_out_of_range")).await;
    check(&server, &score, json!({ "scores": { "a": 5 } }), Err("score_out_of_range")).await;
    check(&server, &score, json!({ "scores": { "a": 300 } }), Err("score_out_of_range")).await;
    check(&server, &score, json!({ "choices": ["a"] }), Err("wrong_form")).await;
    server.finish().await;
}

#[tokio::test]
async fn choices_are_named_by_id_or_code() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let id = poll.body.pointer("/contest/choices/1/id").cloned();
    server.vote(&poll, "a", json!({ "choices": [id] })).await.is(201);
    server.vote(&poll, "b", json!({ "choices": ["coffee"] })).await.is(201);
    assert_eq!(server.results(&poll).await["choices"][1]["votes"], 2);
    // The poll too may be named in any way.
    let body = json!({ "choices": ["tea"], "voter": "vera c" });
    let lower = format!("/api/v1/polls/{}/votes", poll.code.to_lowercase());
    server.post(&lower, &body).bearer(ADMIN).send().await.is(201);
    server.finish().await;
}

#[tokio::test]
async fn a_voters_name_is_one_voter_however_it_is_written() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    let long = format!("vera {}", "x".repeat(123));
    for (name, status) in [
        ("vera \u{e9}", 201),
        ("  vera e\u{301} ", 200),
        ("Vera \u{e9}", 201),
        ("vera e", 201),
        (&long, 201),
        (&format!("{long}x"), 422),
        (" ", 422),
    ] {
        let answer = server.vote(&poll, "", json!({ "choices": ["tea"], "voter": name })).await;
        assert_eq!(answer.status, status, "{name:?}: {}", answer.text());
    }
    server.finish().await;
}

#[tokio::test]
async fn the_addresses_of_the_reference_program_still_work() {
    let server = TestServer::start().await;
    let body = json!({ "title": "Tea?", "choices": ["Yes", "No"], "open": true });
    let made = server.post("/polls/", &body).bearer(ADMIN).send().await.is(201).json();
    let id = made["id"].as_str().expect("an id");
    let vote = json!({ "poll": id, "choice": "yes", "voter": "vera a" });
    for (status, word) in [(201, "counted"), (200, "repeated")] {
        let answer = server.post("/votes/", &vote).bearer(ADMIN).send().await.is(status);
        assert_eq!(answer.json()["status"], word);
    }
    let other = json!({ "poll": made["code"], "choice": "no", "voter": "vera a" });
    server.post("/votes/", &other).bearer(ADMIN).send().await.refused(409, "already_voted");
    let unknown = json!({ "poll": "ABCDEF", "choice": "no", "voter": "vera a" });
    server.post("/votes/", &unknown).bearer(ADMIN).send().await.refused(404, "unknown_poll");
    server.post("/votes/", &vote).send().await.refused(401, "no_voter");
    let results = server.get(&format!("/polls/{id}/results/")).send().await;
    let choice =
        |code: &str, title: &str, votes: u32| json!({ "id": "<uuid>", "code": code, "title": title, "votes": votes });
    results.shows(
        200,
        json!({
            "status": "open", "version": "<epoch>.2", "round": 1, "title": "Tea?", "identified_by": "device",
            "method": "single", "hidden": false, "ballots": 1, "time": "<time>",
            "choices": [choice("yes", "Yes", 1), choice("no", "No", 0)],
        }),
    );
    server.finish().await;
}
