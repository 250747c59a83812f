//! `docs/SETUP.md`: what stands there is sent, and does what is said there.

use serde_json::{Value, json};

use super::support::Night;
use crate::support::{ADMIN, TestServer};

const MANUAL: &str = include_str!("../../../docs/SETUP.md");

/// The example of a language that begins so.
fn example(language: &str, beginning: &str) -> &'static str {
    let examples = MANUAL.split("```").skip(1).step_by(2).filter_map(|example| example.split_once('\n'));
    let mut found = examples.filter(|(name, text)| *name == language && text.starts_with(beginning));
    found.next().unwrap_or_else(|| panic!("there is no example that begins with {beginning}")).1
}

#[tokio::test]
async fn the_examples_of_the_manual_set_a_night_up() {
    let server = TestServer::start().await;
    let shortest: Value = serde_json::from_str(example("json", "{\"title\"")).expect("JSON");
    let night = Night::of(server.post("/api/v1/elections", &shortest).bearer(ADMIN).send().await.is(201).json());
    assert_eq!((&night.body["status"], &night.body["units"]["count"]), (&json!("counting"), &json!(3)));

    let night = Night::create(&server, json!({ "open": false, "choices": null, "cities": null, "units": [] })).await;
    let send =
        async |tail: &str, beginning: &str| night.csv(&server, tail, example("csv", beginning)).send().await.is(201);
    assert_eq!(send("/units", "code,name,kind").await.json()["units"], json!({ "count": 7, "boxes": 2 }));
    send("/parties", "code,name\n").await;
    let contests = send("/contests", "contest,title").await.json()["contests"].clone();
    let shown = (&contests[0]["unit"], &contests[0]["choices"][1]["party"]["name"], &contests[1]["choices"][1]["code"]);
    assert_eq!(shown, (&json!("york"), &json!("The Blues"), &json!("dora")));
    let tokens = send("/tokens", "name,unit").await.text();
    assert_eq!(tokens.lines().count(), 4, "{tokens}");
    let opened = night.post(&server, "/open", &json!({ "contest": "mayor", "reason": "Polls closed" })).send().await;
    assert_eq!(opened.is(200).json()["status"], "counting");
    let again = send("/tokens", "name,unit").await.text();
    let listed = night.get(&server, "/tokens").await.is(200).json();
    assert_eq!(listed["tokens"].as_array().map(Vec::len), Some(6), "the same again makes a second set");
    assert_ne!(again, tokens);
    server.finish().await;
}

#[tokio::test]
async fn one_contest_that_is_certified_keeps_the_whole_from_moving_as_the_manual_says() {
    let server = TestServer::start().await;
    let contest = |code: &str| json!({ "code": code, "title": code, "choices": ["ann", "bob"] });
    let more = json!({ "choices": null, "contests": [contest("mayor"), contest("council")] });
    let night = Night::create(&server, more).await;
    let act = async |act: &str, body: Value| night.post(&server, &format!("/{act}"), &body).send().await;
    let file = |votes: u32| json!({ "box": "b-1", "city": "leeds", "contest": "mayor", "votes": { "ann": votes } });
    night.post(&server, "/reports", &file(1)).send().await.is(201);
    let case =
        night.post(&server, "/reports", &file(2)).send().await.refused(409, "exists_with_different_votes").json();
    let one = |name: &str| json!({ "contest": name });
    for name in ["close", "certify"] {
        let left = act(name, one("mayor")).await.is(200).json()["left"].clone();
        assert_eq!(left, json!({ "boxes_missing": 0, "boxes_provisional": 0, "cases_waiting": 1 }), "{name}");
    }
    for name in ["open", "pause", "close", "reopen"] {
        let refused = act(name, json!({})).await.refused(409, "wrong_status").json();
        assert!(refused["detail"].as_str().expect("a detail").contains("the contest `mayor`"), "{name}: {refused}");
    }
    let shown = night.get(&server, "").await.is(200).json();
    let status = |shown: &Value| json!([shown["contests"][0]["status"], shown["contests"][1]["status"]]);
    assert_eq!(status(&shown), json!(["certified", "open"]), "none has moved");
    for (name, now) in [("pause", "paused"), ("open", "open"), ("close", "closed"), ("reopen", "open")] {
        let shown = act(name, one("council")).await.is(200).json();
        assert_eq!(status(&shown), json!(["certified", now]), "{name}");
    }
    let decide = async |decision: &str| {
        let body = json!({ "decision": decision, "reason": "looked at the paper" });
        let path = format!("/quarantine/{}", case["case"].as_str().expect("a case"));
        night.post(&server, &path, &body).send().await
    };
    decide("file").await.refused(409, "contest_closed");
    decide("dismiss").await.is(200);
    server.finish().await;
}
