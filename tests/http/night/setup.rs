//! Creating elections, short and full, and what is refused.

use serde_json::{Value, json};

use super::support::{Night, short};
use crate::support::{ADMIN, TestServer};

#[tokio::test]
async fn the_short_form_makes_an_open_election() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let choice = |code: &str| json!({ "id": "<uuid>", "code": code, "title": code });
    let shown = json!({
        "id": "<uuid>", "code": night.code, "title": "The night", "kind": "election", "status": "counting",
        "rehearsal": false, "zone": "UTC", "visibility": "always", "adds_boxes": true, "adds_cities": false,
        "created": "<time>",
        "contests": [{
            "id": "<uuid>", "code": "main", "title": "The night", "unit": "nation", "method": "single",
            "definition": night.body["contests"][0]["definition"], "status": "open",
            "choices": [choice("tories"), choice("labour")],
        }],
        "units": { "count": 3, "boxes": 0 },
        "urls": {
            "results": "<base>/api/v1/elections/<uuid>/results", "stream": "<base>/api/v1/elections/<uuid>/results/stream",
            "changes": "<base>/api/v1/elections/<uuid>/changes", "page": format!("<base>/{}/results", night.code),
        },
    });
    for name in [&night.id, &night.code, &night.code.to_lowercase()] {
        for node in 0..2 {
            let path = format!("/api/v1/elections/{name}");
            server.ask_node(node, "GET", &path).send().await.shows(200, shown.clone());
        }
    }
    // An election is no poll, and a poll no election.
    let poll = server.create(json!({})).await;
    server.get(&format!("/api/v1/polls/{}", night.id)).send().await.refused(404, "unknown_poll");
    server.get(&format!("/api/v1/elections/{}", poll.id)).send().await.refused(404, "unknown_election");
    server.finish().await;
}

#[tokio::test]
async fn lists_keep_polls_and_elections_apart() {
    let server = TestServer::start().await;
    let mut nights = Vec::new();
    for number in 0..3 {
        nights.push(Night::create(&server, json!({ "title": format!("Night {number}") })).await.id);
        server.create(json!({})).await;
    }
    let list = async |path: &str, name: &str| {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("{path}?limit=2{cursor}")).bearer(ADMIN).send().await.is(200).json();
            let listed = page[name].as_array().expect("a list");
            ids.extend(listed.iter().map(|one| one["id"].as_str().expect("an id").to_owned()));
            let Some(next) = page["next"].as_u64() else { return ids };
            cursor = format!("&cursor={next}");
        }
    };
    assert_eq!(list("/api/v1/elections", "elections").await, nights);
    assert_eq!(list("/api/v1/polls", "polls").await.len(), 3);
    server.get("/api/v1/elections").send().await.refused(401, "no_token");
    server.finish().await;
}

#[tokio::test]
async fn the_full_form_makes_units_contests_and_parties() {
    let server = TestServer::start().await;
    let body = json!({
        "title": "Gemeinderat", "slug": "rat-2026", "accent": "#AA0000", "rehearsal": true, "zone": "Europe/Berlin",
        "units": [
            { "code": "b1", "kind": "box", "parent": "west", "channel": "postal" },
            { "code": "west", "name": "The West", "kind": "city", "parent": "land", "registered": 900 },
            { "code": "land", "kind": "region" },
        ],
        "parties": [{ "code": "red", "name": "The Reds" }],
        "contests": [
            { "title": "Mayor", "unit": "west",
              "choices": ["Ann", { "title": "Bob", "party": "red" }, { "code": "x", "title": "Cid" }] },
            { "code": "council", "title": "Council", "method": "approval", "max": 2, "choices": ["Ann", "ann!", "Dora"] },
        ],
    });
    let made = server.post("/api/v1/elections", &body).bearer(ADMIN).send().await.is(201);
    assert!(made.header("location").is_some_and(|place| place.starts_with("/api/v1/elections/")));
    let made = made.json();
    assert_eq!(
        (&made["slug"], &made["accent"], &made["status"], &made["zone"], &made["adds_boxes"]),
        (&json!("rat-2026"), &json!("#aa0000"), &json!("rehearsal"), &json!("Europe/Berlin"), &json!(false))
    );
    assert_eq!(made["units"], json!({ "count": 4, "boxes": 1 }));
    let contest = |at: usize| {
        let contest = &made["contests"][at];
        let choices = contest["choices"].as_array().expect("choices");
        let choices: Vec<_> = choices.iter().map(|choice| json!([choice["code"], choice["party"]["name"]])).collect();
        json!([
            contest["code"],
            contest["unit"],
            contest["method"],
            contest["min"],
            contest["max"],
            contest["status"],
            choices
        ])
    };
    let parties = [json!(["ann", null]), json!(["bob", "The Reds"]), json!(["x", null])];
    assert_eq!(contest(0), json!(["mayor", "west", "single", null, null, "draft", parties]));
    let codes = [json!(["ann", null]), json!(["ann-2", null]), json!(["dora", null])];
    assert_eq!(contest(1), json!(["council", "nation", "approval", 1, 2, "draft", codes]));
    server.get("/api/v1/elections/rat-2026").send().await.is(200);
    server.finish().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let server = TestServer::start().await;
    let many: Vec<String> = (0..5_001).map(|number| format!("Choice {number}")).collect();
    for (more, code, pointer) in [
        (json!({ "title": "" }), "empty_text", "/title"),
        (json!({ "kind": "poll" }), "unknown_value", "/kind"),
        (json!({ "zone": "Mars/Olympus" }), "unknown_zone", "/zone"),
        (json!({ "zone": "+02:00" }), "unknown_zone", "/zone"),
        (json!({ "slug": "x" }), "invalid_slug", "/slug"),
        (json!({ "accent": "red" }), "invalid_accent", "/accent"),
        (json!({ "choices": [] }), "too_few_choices", "/choices"),
        (json!({ "choices": many }), "too_many_choices", "/choices"),
        (json!({ "choices": null }), "no_contests", "/open"),
        (json!({ "contests": [] }), "conflicting_fields", "/choices"),
        (json!({ "units": [] }), "conflicting_fields", "/cities"),
        (json!({ "cities": ["London", "london"] }), "repeated_city", "/cities/1"),
        (json!({ "cities": ["Nation"] }), "repeated_city", "/cities/0"),
        (json!({ "city": [] }), "unknown_field", "/city"),
        (json!({ "cities": ["a".repeat(65)] }), "text_too_long", "/cities/0"),
    ] {
        let answer = server.post("/api/v1/elections", &short(more.clone())).bearer(ADMIN).send().await;
        let answer = answer.refused(422, code);
        assert_eq!(answer.json()["pointer"], pointer, "{more}: {}", answer.text());
    }
    let everything = json!({
        "title": "All of it", "contests": [
            { "title": "", "choices": ["Ann", "Ann", { "title": "Bob", "party": "blue" }] },
            { "title": "Mayor", "unit": "nowhere", "method": "score", "choices": [] },
            { "title": "Council", "method": "approval", "min": 3, "max": 2, "choices": ["A", "B", "C"] },
            { "code": "a b", "title": "Judge", "min": 1, "choices": [{ "code": "y", "title": "" }] },
        ],
        "parties": [{ "code": "red", "name": "Reds" }, { "code": "red", "name": "Rouges" }, { "code": "", "name": "" }],
    });
    let answer = server.post("/api/v1/elections", &everything).bearer(ADMIN).send().await;
    let mut faults = super::support::faults(&answer.refused(422, "invalid_contests"));
    faults.sort();
    let expected = [
        ("/contests/0/choices/1/title", "repeated_choice"),
        ("/contests/0/choices/2/party", "unknown_party"),
        ("/contests/0/title", "empty_text"),
        ("/contests/1/choices", "too_few_choices"),
        ("/contests/1/method", "unknown_value"),
        ("/contests/1/unit", "unknown_unit"),
        ("/contests/2/max", "invalid_bounds"),
        ("/contests/3/choices/0/title", "empty_text"),
        ("/contests/3/code", "invalid_code"),
        ("/contests/3/min", "invalid_bounds"),
        ("/parties/1/name", "party_differs"),
        ("/parties/2/code", "empty_text"),
        ("/parties/2/name", "empty_text"),
    ];
    assert_eq!(faults, expected.map(|(place, code)| (place.to_owned(), code.to_owned())));
    let reader = server.token(&["results"]).await;
    server.post("/api/v1/elections", &short(json!({}))).bearer(&reader).send().await.refused(403, "wrong_scope");
    server.post("/api/v1/elections", &short(json!({}))).send().await.refused(401, "no_token");
    let none = server.get("/api/v1/elections").bearer(ADMIN).send().await.is(200).json();
    assert_eq!(none["elections"], Value::Array(Vec::new()), "nothing is left of what was refused");
    server.finish().await;
}
