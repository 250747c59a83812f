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

/// What was entered wrongly is entered anew: a draft goes, with its slug; an election that took reports stays, a rehearsal not.
#[tokio::test]
async fn drafts_and_rehearsals_are_removed() {
    let server = TestServer::start().await;
    let slug = || json!({ "slug": "the-night", "open": false });
    let remove = async |night: &Night, title: &str, token: &str| {
        let ask = server.ask("DELETE", &night.path("")).bearer(token).json(&json!({ "title": title }));
        ask.send().await
    };
    let night = Night::create(&server, slug()).await;
    let reader = server.token(&["results", "report"]).await;
    remove(&night, "The night", &reader).await.refused(403, "wrong_scope");
    remove(&night, "The day", ADMIN).await.refused(422, "title_differs");
    let removed = remove(&night, "The night", ADMIN).await.is(200).json();
    assert_eq!((&removed["kind"], &removed["slug"]), (&json!("election"), &json!("the-night")));
    night.get(&server, "").await.refused(404, "unknown_election");
    remove(&night, "The night", ADMIN).await.refused(404, "unknown_election");
    let again = Night::create(&server, slug()).await;
    again.act(&server, "open").await.is(200);
    remove(&again, "The night", ADMIN).await.refused(409, "already_opened");
    let rehearsal = Night::create(&server, json!({ "rehearsal": true })).await;
    let report = json!({ "ballot_box_id": "b-1", "city": "london", "votes": { "tories": 1 } });
    rehearsal.post(&server, "/reports", &report).send().await.is(201);
    remove(&rehearsal, "The night", ADMIN).await.is(200);
    rehearsal.post(&server, "/reports", &report).send().await.refused(404, "unknown_election");
    server.finish().await;
}

/// A field behind a `?` is never passed over where something is done.
#[tokio::test]
async fn what_is_done_takes_no_query() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let body = json!({ "ballot_box_id": "b-1", "city": "london", "votes": { "tories": 1 } });
    let acts = ["open", "pause", "close", "reopen", "reveal", "certify"];
    let sent =
        ["reports", "reports/withdraw", "reports/bulk", "parties", "tokens", "units/london/retire", "quarantine/ab"];
    let removal = server.ask("DELETE", &format!("{}?dry_run=true", night.path(""))).bearer(ADMIN);
    removal.json(&json!({ "title": "The night" })).send().await.refused(422, "invalid_query");
    for call in acts.into_iter().chain(sent) {
        let answer = night.post(&server, &format!("/{call}?dry_run=true"), &body).send().await;
        answer.refused(422, "invalid_query");
    }
    assert_eq!(night.get(&server, "/results").await.is(200).json()["boxes"]["reported"], 0);
    server.finish().await;
}

/// However a city is written first, the same name is the same city, and boxes that are not listed are added only where that was
/// said.
#[tokio::test]
async fn reports_add_what_was_agreed_and_nothing_twice() {
    let server = TestServer::start().await;
    let report =
        |ballot_box: &str, city: &str| json!({ "ballot_box_id": ballot_box, "city": city, "votes": { "tories": 1 } });
    for order in [["London", "LONDON", "london"], ["london", "LONDON", "London"]] {
        let night = Night::create(&server, json!({ "cities": null, "create_units": true })).await;
        for (number, city) in order.into_iter().enumerate() {
            night.post(&server, "/reports", &report(&format!("b-{number}"), city)).send().await.is(201);
        }
        let shown = night.get(&server, "/results?by=unit").await.is(200).json();
        let codes: Vec<&Value> = shown["children"].as_array().expect("children").iter().map(|c| &c["code"]).collect();
        assert_eq!(codes, ["london"], "{order:?}");
        night.get(&server, "/results?unit=LonDon").await.is(200);
    }
    // Names that are codes are cities of their own, listed or not, in any order.
    for order in [["12.1", "12-1"], ["12-1", "12.1"]] {
        for cities in [json!(null), json!(order)] {
            let night = Night::create(&server, json!({ "cities": cities, "create_units": true })).await;
            for (number, city) in order.into_iter().enumerate() {
                night.post(&server, "/reports", &report(&format!("b-{number}"), city)).send().await.is(201);
            }
            let shown = night.get(&server, "/results?by=unit").await.is(200).json();
            let codes: Vec<&Value> =
                shown["children"].as_array().expect("children").iter().map(|c| &c["code"]).collect();
            assert_eq!(codes, order, "{cities}");
        }
    }
    for (more, adds) in [
        (json!({ "cities": null }), false),
        (json!({ "cities": null, "adds_boxes": true }), true),
        (json!({}), true),
        (json!({ "adds_boxes": false }), false),
        (json!({ "cities": null, "create_units": true }), true),
    ] {
        let night = Night::create(&server, more.clone()).await;
        assert_eq!(night.body["adds_boxes"], adds, "{more}");
        let file = "code,kind,parent\nyork,city,\ny-1,box,york\n";
        night.csv(&server, "/units?reason=Listed", file).send().await.is(201);
        night.post(&server, "/reports", &report("y-1", "york")).send().await.is(201);
        let answer = night.post(&server, "/reports", &report("Y1", "york")).send().await;
        if adds { drop(answer.is(201)) } else { drop(answer.refused(422, "unknown_box")) }
    }
    let both = short(json!({ "cities": null, "create_units": true, "adds_boxes": false }));
    server.post("/api/v1/elections", &both).bearer(ADMIN).send().await.refused(422, "conflicting_fields");
    server.finish().await;
}

/// A box that would be added where a contest is certified is refused by itself: those beside it in the same upload count.
#[tokio::test]
async fn boxes_are_added_where_nothing_is_certified() {
    let server = TestServer::start().await;
    let contests = json!([{ "code": "nation", "title": "The nation", "choices": ["A", "B"] },
        { "code": "mayor", "title": "Mayor of York", "unit": "york", "choices": ["C", "D"] }]);
    let units = json!([{ "code": "york", "kind": "city" }, { "code": "leeds", "kind": "city" }]);
    let night = Night::create(
        &server,
        json!({ "choices": null, "cities": null, "units": units, "contests": contests,
        "adds_boxes": true }),
    )
    .await;
    let mayor = json!({ "contest": "mayor" });
    night.post(&server, "/close", &mayor).send().await.is(200);
    night.post(&server, "/certify", &mayor).send().await.is(200);
    let line = |ballot_box: &str, city: &str| format!("{ballot_box},nation,{city},1\n");
    let lines =
        [("y-1", "york"), ("l-1", "leeds"), ("l-2", "leeds"), ("y-2", "york")].map(|(one, city)| line(one, city));
    let answers =
        night.csv(&server, "/reports/bulk", format!("box,contest,city,votes.a\n{}", lines.concat())).send().await;
    let codes: Vec<Value> = answers
        .is(200)
        .text()
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).expect("a line");
            if answer["code"].is_string() { answer["code"].clone() } else { answer["status"].clone() }
        })
        .collect();
    assert_eq!(codes, ["wrong_status", "counted", "counted", "wrong_status"]);
    assert_eq!(night.get(&server, "/results?contest=nation").await.is(200).json()["boxes"]["reported"], 2);
    server.finish().await;
}
