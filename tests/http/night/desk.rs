//! Single reports: what each is answered, and why one is refused.

use serde_json::{Value, json};

use super::support::Night;
use crate::support::{ADMIN, Answer, Ask, TestServer};

/// Two regions with a city each, three boxes, and two contests, one of them in leeds only.
pub(super) fn full() -> Value {
    json!({ "choices": null, "cities": null, "units": [
        { "code": "north", "kind": "region" }, { "code": "south", "kind": "region" },
        { "code": "leeds", "name": "City of Leeds", "kind": "city", "parent": "north" },
        { "code": "london", "kind": "city", "parent": "south" },
        { "code": "hall", "kind": "station", "parent": "leeds" },
        { "code": "hall-1", "kind": "box", "parent": "hall" },
        { "code": "hall-2", "kind": "box", "parent": "hall", "channel": "postal" },
        { "code": "london-1", "kind": "box", "parent": "london" },
    ], "contests": [
        { "code": "nation", "title": "The nation", "choices": [{ "code": "tories", "title": "Tories" },
            { "code": "labour", "title": "Labour" }] },
        { "code": "mayor", "title": "Mayor of Leeds", "unit": "leeds", "method": "approval", "min": 0, "max": 2,
            "choices": [{ "code": "ada", "title": "Ada" }, { "code": "bob", "title": "Bob" },
            { "code": "cy", "title": "Cy" }] },
    ] })
}

/// A report in the short form.
pub(super) fn short(ballot_box: &str, city: &str, tories: u64, labour: u64) -> Value {
    json!({ "ballot_box_id": ballot_box, "city": city, "votes": { "tories": tories, "labour": labour } })
}

/// One JSON object with the fields of another one; a null takes a field away.
pub(super) fn with(mut body: Value, more: Value) -> Value {
    let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
    fields.extend(more);
    fields.retain(|_, value| !value.is_null());
    body
}

/// Sends a report.
pub(super) async fn report(server: &TestServer, night: &Night, body: &Value) -> Answer {
    night.post(server, "/reports", body).send().await
}

/// The box as its history shows it: revision, status, whether it counts, for each report.
async fn told(server: &TestServer, night: &Night, ballot_box: &str) -> Vec<(u64, String, bool)> {
    let body = night.get(server, &format!("/boxes/{ballot_box}")).await.is(200).json();
    let one = |report: &Value| {
        let status = report["status"].as_str().expect("a status").to_owned();
        (report["revision"].as_u64().expect("a number"), status, report["counts"] == true)
    };
    body["reports"].as_array().expect("reports").iter().map(one).collect()
}

#[tokio::test]
async fn every_report_is_answered_by_what_became_of_it() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let at = |revision: u64, tories: u64| with(short("b-1", "london", tories, 80), json!({ "revision": revision }));
    let first = report(&server, &night, &at(1, 120)).await;
    let shown = json!({ "status": "counted", "receipt": { "id": "<receipt>", "time": "<time>", "seq": 5 }, "box": "b-1",
        "contest": "main", "revision": 1 });
    let first = first.shows(201, shown);
    let again = report(&server, &night, &at(1, 120)).await.is(200);
    assert_eq!((again.word().as_str(), again.receipt()), ("repeated", first.receipt()));
    let third = report(&server, &night, &at(3, 130)).await.is(201);
    assert_eq!(third.word(), "corrected");
    assert_eq!(report(&server, &night, &at(2, 125)).await.is(200).word(), "recorded");
    let old = report(&server, &night, &at(1, 120)).await.is(200);
    assert_eq!((old.word().as_str(), old.receipt()), ("superseded", first.receipt()));
    // Without a number a withdrawal is the next one; an id makes its retry one for ever, and while it counts, so does saying the same.
    let withdrawal =
        json!({ "box": "b-1", "reason": "the seal was broken", "id": "018f6a52-7b1e-7c3a-9d41-6f0e2b8a1c77" });
    let gone = night.post(&server, "/reports/withdraw", &withdrawal).send().await.is(201);
    assert_eq!((gone.word().as_str(), &gone.json()["revision"]), ("withdrawn", &json!(4)));
    let gone_again = night.post(&server, "/reports/withdraw", &withdrawal).send().await.is(200);
    assert_eq!((gone_again.word().as_str(), gone_again.receipt()), ("repeated", gone.receipt()));
    let same = with(withdrawal, json!({ "withdrawn": true, "id": null, "revision": 4 }));
    assert_eq!(report(&server, &night, &same).await.is(200).receipt(), gone.receipt());
    let nameless = json!({ "box": "b-1", "reason": "the seal was broken" });
    let again = night.post(&server, "/reports/withdraw", &nameless).send().await.is(200);
    assert_eq!((again.word().as_str(), again.receipt()), ("repeated", gone.receipt()));
    let other = json!({ "box": "b-1", "reason": "counted twice" });
    let twice =
        night.post(&server, "/reports/withdraw", &other).send().await.refused(409, "nothing_to_withdraw").json();
    assert_eq!(twice["detail"], "the report of this box is withdrawn already, as its newest revision says");
    assert_eq!(report(&server, &night, &at(5, 131)).await.is(201).word(), "corrected");
    let expected = [(1, "final"), (2, "final"), (3, "final"), (4, "withdrawn"), (5, "final")];
    let expected: Vec<_> = expected.map(|(number, status)| (number, status.to_owned(), number == 5)).into();
    assert_eq!(told(&server, &night, "b-1").await, expected);
    server.finish().await;
}

#[tokio::test]
async fn a_box_tells_who_reported_what_and_what_it_moved() {
    let server = TestServer::start().await;
    let night = Night::create(&server, full()).await;
    let body = json!({ "box": "hall-1", "contest": "nation", "votes": { "tories": 10, "labour": 5 }, "blank": 1, "invalid": 2,
        "cast": 18, "status": "provisional", "channel": "in_person", "reported_at": "2026-11-22T18:00:00Z", "city": "leeds" });
    report(&server, &night, &body).await.is(201);
    let correction = with(
        body.clone(),
        json!({ "revision": 2, "status": "final", "votes": { "labour": 9, "tories": 10 },
        "cast": 22, "reason": "a second bag", "city": "Leeds" }),
    );
    report(&server, &night, &correction).await.is(201);
    let mayor = json!({ "box": "hall-1", "contest": "mayor", "votes": { "ada": 4, "bob": 5 }, "cast": 6 });
    report(&server, &night, &mayor).await.is(201);
    let told = night.get(&server, "/boxes/hall-1").await.is(200).json();
    assert_eq!(told["within"], json!(["nation", "north", "leeds", "hall"]));
    assert_eq!((&told["city"], &told["channel"]), (&json!("leeds"), &json!("in_person")));
    let reports = told["reports"].as_array().expect("reports");
    assert_eq!(reports.len(), 3);
    assert_eq!(reports[0]["votes"], json!({ "tories": 10, "labour": 5 }));
    assert_eq!(reports[0]["reported_at"], "2026-11-22T18:00:00.000Z");
    assert_eq!(reports[0]["request"], body.to_string(), "byte for byte");
    assert_eq!(reports[0]["difference"]["cast"], 18);
    assert_eq!((&reports[1]["reason"], &reports[1]["by"]), (&json!("a second bag"), &json!("HUSTINGS_ADMIN_TOKEN")));
    let moved = json!({ "votes": { "labour": 4 }, "blank": 0, "invalid": 0, "cast": 4 });
    assert_eq!((&reports[1]["difference"], &reports[1]["standing"]), (&moved, &json!("replaces")));
    assert_eq!((&reports[0]["counts"], &reports[1]["counts"]), (&json!(false), &json!(true)));
    assert_eq!(reports[2]["contest"], "mayor");

    let arrived = async |query: &str| night.get(&server, &format!("/boxes/hall-1/receipt{query}")).await;
    let arrived_now = arrived("?contest=nation").await.is(200).json();
    assert_eq!((&arrived_now["revision"], &arrived_now["receipt"]), (&json!(2), &reports[1]["receipt"]));
    let first = arrived("?contest=nation&revision=1").await.is(200).json();
    assert_eq!((&first["counts"], &first["receipt"]), (&json!(false), &reports[0]["receipt"]));
    arrived("?contest=nation&revision=3").await.refused(404, "no_report");
    arrived("").await.refused(422, "missing_field");
    night.get(&server, "/boxes/hall-9").await.refused(404, "unknown_box");
    night.get(&server, "/boxes/leeds").await.refused(404, "unknown_box");
    server.finish().await;
}

/// Each refusal with what it points to.
#[tokio::test]
async fn what_cannot_be_counted_is_refused_and_named() {
    let server = TestServer::start().await;
    let night = Night::create(&server, full()).await;
    let good = json!({ "box": "hall-1", "contest": "nation", "votes": { "tories": 10 } });
    let id = "018f6a52-7b1e-7c3a-9d41-6f0e2b8a1c77";
    report(&server, &night, &with(good.clone(), json!({ "box": "london-1", "id": id }))).await.is(201);
    for (more, status, code, pointer) in [
        (json!({ "box": "hall-9" }), 422, "unknown_box", "/box"),
        (json!({ "box": null, "ballot_box_id": "hall-9" }), 422, "unknown_box", "/ballot_box_id"),
        (json!({ "box": "hall-9", "city": "leeds" }), 422, "unknown_box", "/box"),
        (json!({ "box": null }), 422, "missing_field", "/box"),
        (json!({ "ballot_box_id": "hall-1" }), 422, "wrong_form", "/ballot_box_id"),
        (json!({ "box": "hall" }), 422, "not_a_box", "/box"),
        (json!({ "contest": "senate" }), 422, "unknown_contest", "/contest"),
        (json!({ "contest": null }), 422, "missing_field", "/contest"),
        (json!({ "city": "paris" }), 422, "unknown_unit", "/city"),
        (json!({ "city": "london" }), 409, "box_belongs_elsewhere", "/city"),
        (json!({ "channel": "postal" }), 409, "box_belongs_elsewhere", "/channel"),
        (json!({ "channel": "pigeon" }), 422, "unknown_value", "/channel"),
        (
            json!({ "box": "london-1", "contest": "mayor", "votes": { "ada": 1 }, "cast": 1 }),
            422,
            "box_outside_contest",
            "/box",
        ),
        (json!({ "contest": "mayor", "votes": { "ada": 1 } }), 422, "missing_field", "/cast"),
        (json!({ "votes": { "greens": 1 } }), 422, "unknown_choice", "/votes/greens"),
        (json!({ "votes": null }), 422, "missing_field", "/votes"),
        (json!({ "votes": [1] }), 422, "wrong_type", "/votes"),
        (json!({ "votes": { "tories": -1 } }), 422, "wrong_type", "/votes/tories"),
        (json!({ "votes": { "tories": 1.5 } }), 422, "wrong_type", "/votes/tories"),
        (json!({ "votes": { "tories": "1" } }), 422, "wrong_type", "/votes/tories"),
        (json!({ "votes": { "tories": 1_000_000_001 } }), 422, "number_too_large", "/votes/tories"),
        (json!({ "votes": { "tories": u64::MAX } }), 422, "number_too_large", "/votes/tories"),
        (json!({ "blank": 1_000_000_001 }), 422, "number_too_large", "/blank"),
        (json!({ "cast": -5 }), 422, "wrong_type", "/cast"),
        (json!({ "cast": 11 }), 422, "counts_disagree", "/cast"),
        (json!({ "contest": "mayor", "votes": { "ada": 5 }, "cast": 4 }), 422, "counts_disagree", "/cast"),
        (json!({ "revision": 0 }), 422, "invalid_revision", "/revision"),
        (json!({ "revision": -1 }), 422, "wrong_type", "/revision"),
        (json!({ "status": "done" }), 422, "unknown_value", "/status"),
        (json!({ "reported_at": "yesterday" }), 422, "invalid_time", "/reported_at"),
        (json!({ "definition": "abc" }), 422, "invalid_definition", "/definition"),
        (json!({ "definition": "00".repeat(32) }), 409, "stale_definition", "/definition"),
        (json!({ "id": "seven" }), 422, "wrong_type", "/id"),
        (json!({ "id": id }), 409, "id_reused", "/id"),
        (json!({ "withdrawn": true }), 422, "wrong_form", "/votes"),
        (json!({ "withdrawn": true, "votes": null }), 422, "missing_field", "/reason"),
        (json!({ "withdrawn": true, "votes": null, "reason": "x" }), 409, "nothing_to_withdraw", "/withdrawn"),
        (json!({ "reason": "\u{202E}" }), 422, "forbidden_character", "/reason"),
        (json!({ "ballots": 3 }), 422, "unknown_field", "/ballots"),
    ] {
        let body = with(good.clone(), more);
        let answer = report(&server, &night, &body).await;
        assert_eq!(answer.json()["pointer"], pointer, "{body}: {}", answer.text());
        answer.refused(status, code);
    }
    assert!(told(&server, &night, "hall-1").await.is_empty(), "nothing was counted");
    server.finish().await;
}

/// Votes of an approval contest need not add up, so each of its rules is told in its own words.
#[tokio::test]
async fn counts_of_several_choices_are_refused_by_the_rule_they_break() {
    let server = TestServer::start().await;
    let night = Night::create(&server, full()).await;
    for (votes, blank, rule) in [
        (json!({ "ada": 1 }), 5, "blank and invalid are more than the ballots cast"),
        (json!({ "ada": 4 }), 1, "a choice has more votes than the 3 ballots cast that are neither blank nor invalid"),
        (
            json!({ "ada": 3, "bob": 3, "cy": 1 }),
            1,
            "the votes are 7, and 3 valid ballots with 0 to 2 choices on each hold from 0 to 6",
        ),
    ] {
        let body = json!({ "box": "hall-1", "contest": "mayor", "votes": votes, "blank": blank, "cast": 4 });
        let wrong = report(&server, &night, &body).await.refused(422, "counts_disagree").json();
        assert_eq!(wrong["detail"], rule, "{body}");
    }
    server.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_report_is_named_at_once() {
    let server = TestServer::start().await;
    let night = Night::create(&server, full()).await;
    let good = json!({ "box": "hall-1", "contest": "nation", "votes": { "tories": 10 } });
    let body = with(good.clone(), json!({ "votes": { "greens": 1, "tories": 2_000_000_000_u64, "whigs": 3 } }));
    let wrong = report(&server, &night, &body).await.refused(422, "unknown_choice").json();
    let pointers: Vec<_> = wrong["errors"].as_array().expect("errors").iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(pointers, ["/votes/greens", "/votes/tories", "/votes/whigs"]);
    assert!(["greens", "whigs"].iter().all(|name| wrong["detail"].as_str().expect("a detail").contains(name)));
    let twice = r#"{"box":"hall-1","contest":"nation","votes":{"tories":1,"tories":2}}"#;
    let ask = server.ask("POST", &night.path("/reports")).bearer(ADMIN);
    ask.clone().body(twice).send().await.refused(422, "duplicate_key");
    ask.clone().body(" ".repeat(1024 * 1024 + 1)).send().await.refused(413, "body_too_large");
    ask.body("{\"box\":").send().await.refused(422, "invalid_json");
    assert!(told(&server, &night, "hall-1").await.is_empty(), "nothing was counted");
    // The definition that a report was made for is its own.
    let definition = night.body["contests"][0]["definition"].as_str().expect("a definition").to_uppercase();
    report(&server, &night, &with(good, json!({ "definition": definition }))).await.is(201);
    server.finish().await;
}

#[tokio::test]
async fn unlisted_boxes_are_added_to_the_city_they_name_and_no_city_is() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    report(&server, &night, &short("b-1", "London", 1, 2)).await.is(201);
    let units = night.get(&server, "/units?under=london&kind=box").await.is(200).json();
    assert_eq!(units["units"][0]["code"], "b-1");
    let answer = report(&server, &night, &short("b-2", "paris", 1, 2)).await;
    assert_eq!(answer.json()["pointer"], "/city");
    answer.refused(422, "unknown_unit");
    let mut nameless = short("b-2", "", 1, 2);
    nameless.as_object_mut().expect("an object").remove("city");
    report(&server, &night, &nameless).await.refused(422, "unknown_box");
    report(&server, &night, &short("b 2", "london", 1, 2)).await.refused(422, "invalid_code");
    report(&server, &night, &with(short("b-2", "london", 1, 2), json!({ "votes": { "greens": 1 } })))
        .await
        .refused(422, "unknown_choice");
    let elsewhere = with(short("b-1", "leeds", 1, 2), json!({ "revision": 2 }));
    report(&server, &night, &elsewhere).await.refused(409, "box_belongs_elsewhere");
    let units = night.get(&server, "/units?kind=box").await.is(200).json();
    assert_eq!(units["units"].as_array().map(Vec::len), Some(1), "what was refused has added nothing: {units}");

    let open = Night::create(&server, json!({ "create_units": true })).await;
    report(&server, &open, &with(short("p-1", "Saint Denis", 1, 2), json!({ "channel": "postal" }))).await.is(201);
    report(&server, &open, &short("p-2", "saint-denis", 1, 2)).await.is(201);
    report(&server, &open, &short("p-1", "Lyon", 1, 2)).await.refused(409, "box_belongs_elsewhere");
    let told = open.get(&server, "/boxes/p-1").await.is(200).json();
    assert_eq!((&told["within"], &told["channel"]), (&json!(["nation", "saint-denis"]), &json!("postal")));
    server.finish().await;
}

#[tokio::test]
async fn who_may_not_report_is_told_so_before_anything_is_read() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let body = short("b-1", "london", 1, 2);
    let ask = |tail: &str| server.post(&night.path(tail), &body);
    let (manage, results) = (server.token(&["manage"]).await, server.token(&["results"]).await);
    let sender = server.token(&["report"]).await;
    for tail in ["/reports", "/reports/withdraw", "/reports/bulk"] {
        ask(tail).send().await.refused(401, "no_token");
        ask(tail).bearer("hst_unknown").send().await.refused(401, "invalid_token");
        ask(tail).bearer(&manage).send().await.refused(403, "wrong_scope");
        ask(tail).bearer(&results).send().await.refused(403, "wrong_scope");
    }
    ask("/reports").bearer(&sender).send().await.is(201);
    server
        .post("/api/v1/elections/ABCDEF/reports", &body)
        .bearer(&sender)
        .send()
        .await
        .refused(404, "unknown_election");
    let poll = server.create(json!({})).await;
    let at_poll = format!("/api/v1/elections/{}/reports", poll.code);
    server.post(&at_poll, &body).bearer(&sender).send().await.refused(404, "unknown_election");
    let look = |token: &str| -> [Ask; 2] {
        ["/boxes/b-1", "/boxes/b-1/receipt"].map(|tail| server.get(&night.path(tail)).bearer(token))
    };
    for ask in look(&sender).into_iter().chain(look(&results)) {
        ask.send().await.is(200);
    }
    for ask in look(&manage) {
        ask.send().await.refused(403, "wrong_scope");
    }
    for tail in ["/quarantine", "/quarantine/00"] {
        server.get(&night.path(tail)).bearer(&sender).send().await.refused(403, "wrong_scope");
        server.get(&night.path(tail)).send().await.refused(401, "no_token");
    }
    server.finish().await;
}

#[tokio::test]
async fn hidden_results_give_no_place_away() {
    let server = TestServer::start().await;
    for (visibility, tells) in [("always", true), ("after_close", false), ("on_reveal", false)] {
        let night = Night::create(&server, json!({ "visibility": visibility })).await;
        let counted = report(&server, &night, &short("b-1", "london", 1, 2)).await.is(201).json();
        let bulk = night.post(&server, "/reports/bulk", &short("b-2", "london", 1, 2)).send().await.is(200).json();
        let told = night.get(&server, "/boxes/b-1/receipt").await.is(200).json();
        for answer in [counted, bulk, told] {
            assert_eq!(answer["receipt"]["seq"].is_u64(), tells, "{visibility}: {answer}");
        }
    }
    server.finish().await;
}

/// Registered voters that are told of a city are held against all its boxes, where everybody may see these.
#[tokio::test]
async fn a_report_that_takes_its_city_over_its_voters_is_doubtful() {
    let server = TestServer::start().await;
    let units = json!([
        { "code": "hull", "kind": "city", "registered": 100 }, { "code": "york", "kind": "city" },
        { "code": "hall", "kind": "station", "parent": "york", "registered": 10 },
        { "code": "h-1", "kind": "box", "parent": "hull" }, { "code": "h-2", "kind": "box", "parent": "hull" },
        { "code": "y-1", "kind": "box", "parent": "hall" },
    ]);
    let doubtful = json!("more_cast_than_registered");
    for (visibility, over) in [("always", &doubtful), ("after_close", &Value::Null)] {
        let more = json!({ "cities": null, "units": units, "visibility": visibility });
        let night = Night::create(&server, more).await;
        let warned = async |ballot_box: &str, city: &str, revision: u32, votes: u64| {
            let body = with(short(ballot_box, city, votes, 0), json!({ "revision": revision }));
            report(&server, &night, &body).await.is(201).json()["warning"].clone()
        };
        assert_eq!(warned("h-1", "hull", 1, 60).await, Value::Null);
        assert_eq!(warned("h-2", "hull", 1, 40).await, Value::Null, "as many as there are voters");
        // Hidden totals do not follow from trying out numbers.
        assert_eq!(&warned("h-2", "hull", 2, 41).await, over, "{visibility}");
        let lines =
            "{\"box\":\"h-1\",\"revision\":2,\"votes\":{\"tories\":61}}\n{\"box\":\"y-1\",\"votes\":{\"tories\":1}}";
        let ask = server.ask("POST", &night.path("/reports/bulk")).bearer(ADMIN);
        let answer = ask.header("content-type", "application/x-ndjson").body(lines).send().await.is(200).text();
        let told: Vec<Value> = answer.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((&told[0]["warning"], &told[1]["warning"]), (over, &Value::Null), "{answer}");
        assert_eq!(warned("h-2", "hull", 3, 39).await, Value::Null, "{visibility}");
        // What a report says itself is enough.
        assert_eq!(warned("h-2", "hull", 4, 101).await, doubtful);
        assert_eq!(warned("y-1", "york", 2, 11).await, doubtful);
    }
    server.finish().await;
}

/// What a person should look at is said where they look: with the receipt, and with the close.
#[tokio::test]
async fn what_is_doubtful_or_unfinished_is_said() {
    let server = TestServer::start().await;
    let units = json!([
        { "code": "hull", "kind": "city" },
        { "code": "h-1", "kind": "box", "parent": "hull", "registered": 100 },
        { "code": "h-2", "kind": "box", "parent": "hull", "registered": 100 },
        { "code": "h-3", "kind": "box", "parent": "hull" },
    ]);
    let night = Night::create(&server, json!({ "cities": null, "units": units, "open": true })).await;
    let full = report(&server, &night, &short("h-1", "hull", 60, 40)).await.is(201).json();
    assert_eq!(full["warning"], Value::Null, "{full}");
    let line = r#"{"box":"h-1","revision":2,"votes":{"tories":60,"labour":41}}"#;
    let ask = server.ask("POST", &night.path("/reports/bulk")).bearer(ADMIN);
    let answer = ask.header("content-type", "application/x-ndjson").body(line).send().await.is(200).json();
    assert_eq!((&answer["status"], &answer["warning"]), (&json!("corrected"), &json!("more_cast_than_registered")));
    let again = with(short("h-1", "hull", 60, 41), json!({ "revision": 2 }));
    let again = report(&server, &night, &again).await.is(200).json();
    assert_eq!((&again["status"], &again["warning"]), (&json!("repeated"), &json!("more_cast_than_registered")));
    let other = with(short("h-1", "hull", 1, 1), json!({ "revision": 2 }));
    report(&server, &night, &other).await.refused(409, "exists_with_different_votes");
    let early = with(short("h-2", "hull", 1, 1), json!({ "status": "provisional" }));
    report(&server, &night, &early).await.is(201);
    let closed = night.post(&server, "/close", &json!({})).send().await.is(200).json();
    assert_eq!(closed["left"], json!({ "boxes_missing": 1, "boxes_provisional": 1, "cases_waiting": 1 }), "{closed}");
    server.finish().await;
}
