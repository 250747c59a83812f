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
    server.finish().await;
}
