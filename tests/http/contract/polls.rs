//! Creating polls, finding them, and running them.

use serde_json::{Value, json};

use crate::support::{ADMIN, TestServer};

#[tokio::test]
async fn a_poll_needs_a_title_and_choices_only() {
    let server = TestServer::start().await;
    let body = json!({ "title": "Tea or coffee?", "choices": ["Tea", "Coffee"] });
    let answer = server.post("/api/v1/polls", &body).bearer(ADMIN).send().await;
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    let location = answer.header("location").unwrap_or_default().to_owned();
    assert_eq!(location, format!("/api/v1/polls/{}", answer.json()["id"].as_str().unwrap_or_default()));
    assert_eq!(answer.header("set-cookie"), None);
    answer.shows(
        201,
        json!({
            "id": "<uuid>", "code": code, "title": "Tea or coffee?", "status": "draft", "visibility": "always", "access": "device",
            "round": 1, "created": "<time>",
            "contest": { "id": "<uuid>", "method": "single", "change": "final", "choices": [
                { "id": "<uuid>", "code": "tea", "title": "Tea" },
                { "id": "<uuid>", "code": "coffee", "title": "Coffee" },
            ]},
            "urls": {
                "vote": format!("<base>/{code}"), "screen": format!("<base>/{code}/screen"),
                "host": format!("<base>/{code}/host"), "results": format!("<base>/{code}/results"),
                "embed": format!("<base>/{code}/embed"), "stream": "<base>/api/v1/polls/<uuid>/results/stream",
            },
        }),
    );
    server.get(&location).send().await.is(200);
    server.finish().await;
}

/// What is asked for beside title and choices, and what the poll then says of itself.
#[tokio::test]
async fn every_option_is_kept_and_shown() {
    async fn check(server: &TestServer, asked: Value, pointers: &[(&str, Value)]) {
        let poll = server.create(asked.clone()).await;
        for found in [poll.body.clone(), server.get(&poll.path("")).send().await.is(200).json()] {
            for (pointer, expected) in pointers {
                let shown = found.pointer(pointer).cloned().unwrap_or(Value::Null);
                assert_eq!(shown, *expected, "{pointer} of {asked}: {found:#}");
            }
        }
    }
    let server = TestServer::start().await;
    let with = |method: &str, min: Value, max: Value| json!({ "method": method, "min": min, "max": max });
    let bounds = |min: Value, max: Value| [("/contest/min", min), ("/contest/max", max)];
    check(&server, json!({}), &[("/status", json!("open"))]).await;
    check(&server, json!({ "open": false }), &[("/status", json!("draft"))]).await;
    check(&server, with("single", Value::Null, Value::Null), &bounds(Value::Null, Value::Null)).await;
    check(&server, with("approval", Value::Null, Value::Null), &bounds(json!(1), json!(2))).await;
    check(&server, with("approval", json!(0), json!(1)), &bounds(json!(0), json!(1))).await;
    check(&server, with("score", Value::Null, Value::Null), &bounds(json!(0), json!(5))).await;
    check(&server, with("score", json!(1), json!(100)), &bounds(json!(1), json!(100))).await;
    check(&server, json!({ "change": "until_close" }), &[("/contest/change", json!("until_close"))]).await;
    for visibility in ["always", "after_vote", "after_close", "on_reveal"] {
        check(&server, json!({ "visibility": visibility }), &[("/visibility", json!(visibility))]).await;
    }
    check(&server, json!({ "slug": "town-hall" }), &[("/slug", json!("town-hall"))]).await;
    check(&server, json!({ "accent": "#AABB0c" }), &[("/accent", json!("#aabb0c"))]).await;
    let (opens, closes) = ("2100-01-01T01:00:00+01:00", "2100-01-01T00:00:01Z");
    check(
        &server,
        json!({ "open": false, "opens_at": opens, "closes_at": closes }),
        &[
            ("/status", json!("draft")),
            ("/opens_at", json!("2100-01-01T00:00:00.000Z")),
            ("/closes_at", json!("2100-01-01T00:00:01.000Z")),
        ],
    )
    .await;
    check(
        &server,
        json!({ "choices": ["A b", "a B", "?!", "日本"] }),
        &[
            ("/contest/choices/0/code", json!("a-b")),
            ("/contest/choices/1/code", json!("a-b-2")),
            ("/contest/choices/2/code", json!("choice")),
            ("/contest/choices/3/code", json!("日本")),
        ],
    )
    .await;
    let again = json!({ "title": "x", "choices": ["A", "B"], "slug": "town-hall" });
    server.post("/api/v1/polls", &again).bearer(ADMIN).send().await.refused(422, "slug_taken");
    server.finish().await;
}

#[tokio::test]
async fn a_poll_is_found_by_id_code_and_slug_in_any_case() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "slug": "town-hall" })).await;
    let id = poll.id.to_uppercase();
    for name in [&poll.id, &id, &poll.code, &poll.code.to_lowercase(), "town-hall", "Town-Hall"] {
        let found = server.get(&format!("/api/v1/polls/{name}")).send().await.is(200).json();
        assert_eq!(found["id"], *poll.id, "{name}");
    }
    for name in ["ABCDEF", "no-such-poll", "0193e2a0-1111-7222-8333-444455556666", "%20", "a%2Fb"] {
        server.get(&format!("/api/v1/polls/{name}")).send().await.refused(404, "unknown_poll");
    }
    server.finish().await;
}

#[tokio::test]
async fn polls_are_listed_page_by_page_in_the_order_they_were_made() {
    let server = TestServer::start().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(server.create(json!({})).await.id);
    }
    for limit in [1, 3, 7, 100] {
        let mut listed = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = server.get(&format!("/api/v1/polls?limit={limit}{cursor}")).bearer(ADMIN).send().await;
            let page = page.is(200).json();
            let polls = page["polls"].as_array().expect("polls").clone();
            assert!(polls.len() <= limit);
            listed.extend(polls.iter().map(|poll| poll["id"].as_str().expect("an id").to_owned()));
            let Some(next) = page["next"].as_u64() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(listed, made, "{limit} a page");
    }
    server.finish().await;
}

/// Every act in every status: the status after, or the code of the refusal. `docs/STATES.md` draws it.
#[tokio::test]
async fn acts_move_a_poll_as_its_states_allow() {
    async fn check(server: &TestServer, before: &[&str], act: &str, expected: (u16, &str)) {
        let poll = server.create(json!({ "open": false, "visibility": "on_reveal" })).await;
        for act in before {
            let answer = server.act(&poll, act).await;
            assert!(answer.status < 300, "{before:?}: {answer:?}");
        }
        let entries = server.entries(&poll).await.len();
        let answer = server.act(&poll, act).await;
        assert_eq!((answer.status, answer.word().as_str()), expected, "{before:?}, {act}: {}", answer.text());
        // A repeated act says so and writes nothing, and neither does one that is refused.
        let repeated = server.act(&poll, act).await;
        let grown = server.entries(&poll).await.len() - entries;
        let twice = act == "rounds" && repeated.status < 300;
        assert!(!twice, "a draft was left for another round: {}", repeated.text());
        assert_eq!(grown, usize::from(moves(before, act) && answer.status < 300), "{before:?}, {act}");
    }
    /// Whether an accepted act changes anything after those before it.
    fn moves(before: &[&str], act: &str) -> bool {
        match act {
            "open" => before.last().is_none_or(|last| *last == "pause"),
            "reopen" => before.last() == Some(&"close"),
            other => !before.contains(&other),
        }
    }
    let server = TestServer::start().await;
    let wrong = (409, "wrong_status");
    for (before, acts) in [
        (&[][..], [(200, "open"), wrong, wrong, wrong, wrong, wrong]),
        (&["open"], [(200, "open"), (200, "paused"), (200, "closed"), (200, "open"), (200, "open"), wrong]),
        (&["open", "pause"], [(200, "open"), (200, "paused"), (200, "closed"), wrong, (200, "paused"), wrong]),
        (&["open", "close"], [wrong, wrong, (200, "closed"), (200, "open"), (200, "closed"), (201, "draft")]),
        (
            &["open", "close", "reveal"],
            [wrong, wrong, (200, "closed"), (409, "results_revealed"), (200, "closed"), (201, "draft")],
        ),
    ] {
        for (act, expected) in ["open", "pause", "close", "reopen", "reveal", "rounds"].into_iter().zip(acts) {
            check(&server, before, act, expected).await;
        }
    }
    server.finish().await;
}

/// An act that the status does not allow says which one it allows.
#[tokio::test]
async fn a_refused_act_says_what_to_do_next() {
    let server = TestServer::start().await;
    for (before, act, advice) in [
        (&["open"][..], "rounds", "open: close it first"),
        (&["open", "pause"], "rounds", "paused: close it first"),
        (&[], "rounds", "draft: nobody could vote in it yet; open it"),
        (&[], "pause", "draft: open it first"),
        (&[], "close", "draft: open it first"),
        (&[], "reveal", "draft: open it first"),
        (&[], "reopen", "draft: it was not closed; open it"),
        (&["open", "pause"], "reopen", "paused: it was not closed; open it"),
        (&["open", "close"], "open", "closed: reopen it, or start a new round"),
        (&["open", "close"], "pause", "closed: voting has ended; reopen it, or start a new round"),
    ] {
        let poll = server.create(json!({ "open": false, "visibility": "on_reveal" })).await;
        for act in before {
            server.act(&poll, act).await.is(200);
        }
        let refused = server.act(&poll, act).await.refused(409, "wrong_status").json();
        assert_eq!(
            refused["detail"],
            format!("this cannot be done while the contest is {advice}"),
            "{before:?}, {act}"
        );
    }
    let poll = server.create(json!({})).await;
    server.act(&poll, "close").await.is(200);
    server.act(&poll, "rounds").await.is(201);
    let earlier = server.post(&poll.path("/open"), &json!({ "round": 1 })).bearer(ADMIN).send().await;
    let detail = earlier.refused(409, "wrong_status").json()["detail"].to_string();
    assert!(detail.contains("archived: a later round has begun"), "{detail}");
    server.finish().await;
}

#[tokio::test]
async fn a_round_repeats_the_question_under_the_same_code() {
    let server = TestServer::start().await;
    let poll = server.create(json!({})).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.act(&poll, "close").await.is(200);
    let body = json!({ "open": true, "reason": "a tie" });
    let second = server.post(&poll.path("/rounds"), &body).bearer(ADMIN).send().await.is(201).json();
    assert_eq!((&second["code"], &second["round"], &second["status"]), (&json!(poll.code), &json!(2), &json!("open")));
    for choice in [0, 1] {
        let id = format!("/contest/choices/{choice}/id");
        assert_ne!(second.pointer(&id), poll.body.pointer(&id), "choices of a new round have ids of their own");
    }
    server.vote(&poll, "a", json!({ "choices": ["coffee"] })).await.is(201);
    for (query, round, status, tea, coffee) in
        [("", 2, "open", 0, 1), ("?round=2", 2, "open", 0, 1), ("?round=1", 1, "archived", 1, 0)]
    {
        let results = server.get(&poll.path(&format!("/results{query}"))).send().await.is(200).json();
        let found =
            (&results["round"], &results["status"], &results["choices"][0]["votes"], &results["choices"][1]["votes"]);
        assert_eq!(found, (&json!(round), &json!(status), &json!(tea), &json!(coffee)), "{query}");
    }
    for query in ["?round=0", "?round=3", "?round=4294967295"] {
        server.get(&poll.path(&format!("/results{query}"))).send().await.refused(404, "unknown_round");
    }
    let reasons: Vec<_> = server.entries(&poll).await.iter().map(|entry| entry["reason"].clone()).collect();
    assert!(reasons.contains(&json!("a tie")), "{reasons:?}");
    server.finish().await;
}
