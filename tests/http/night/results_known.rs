//! What is told only where it is known: how many boxes there will be, and how many may vote.

use serde_json::{Value, json};

use super::results_book::{report, short};
use super::support::Night;
use crate::support::{ADMIN, Ask, TestServer};

async fn results(server: &TestServer, night: &Night, query: &str) -> Value {
    night.get(server, &format!("/results{query}")).await.is(200).json()
}

async fn page(server: &TestServer, night: &Night, language: &str) -> String {
    let path = format!("/{}/results", night.code);
    server.get(&path).header("accept-language", language).send().await.is(200).text()
}

/// Where boxes are added by their reports, no number of them is all of them until no more can come.
#[tokio::test]
async fn a_count_whose_boxes_are_not_listed_is_complete_once_it_is_closed() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    report(&server, &night, 0, short("l1", "london", 1, 120, 80), "counted").await;
    let one = json!({ "expected": null, "reported": 1, "provisional": 0, "final": 1 });
    for (query, boxes) in [("", &one), ("?unit=london", &one), ("?by=unit", &one)] {
        let shown = results(&server, &night, query).await;
        assert_eq!((&shown["status"], &shown["boxes"]), (&json!("counting"), boxes), "{query}");
    }
    let children = results(&server, &night, "?by=unit").await;
    assert_eq!(children["children"][1]["contests"][0]["boxes"]["expected"], Value::Null, "{children:#}");
    // A box is one box.
    assert_eq!(results(&server, &night, "?unit=l1").await["boxes"]["expected"], 1);
    let (english, french) = (page(&server, &night, "en").await, page(&server, &night, "fr").await);
    assert!(english.contains("1 box so far") && english.contains("Counting"), "{english}");
    assert!(!english.contains("1 of 1") && !english.contains("All boxes are final"), "{english}");
    assert!(french.contains("1 urne pour l’instant") && !french.contains("urnes :"), "{french}");
    // What nobody has finished is told of the boxes that are known.
    report(&server, &night, 0, short("l2", "london", 1, 1, 1), "counted").await;
    report(&server, &night, 0, json!({ "box": "l2", "withdrawn": true, "reason": "a slip" }), "withdrawn").await;
    assert_eq!(night.act(&server, "close").await.is(200).json()["left"]["boxes_missing"], 1);
    assert_eq!(results(&server, &night, "").await["status"], "counting");
    night.post(&server, "/reopen", &json!({ "reason": "l2" })).send().await.is(200);
    report(&server, &night, 0, short("l2", "london", 3, 1, 1), "corrected").await;
    night.act(&server, "close").await.is(200);
    let shown = results(&server, &night, "").await;
    let boxes = json!({ "expected": 2, "reported": 2, "provisional": 0, "final": 2 });
    assert_eq!((&shown["status"], &shown["boxes"]), (&json!("complete"), &boxes));
    let early = results(&server, &night, "?as_of=2020-01-01").await;
    assert_eq!((&early["status"], &early["time"], &early["hidden"]), (&json!("draft"), &Value::Null, &json!(false)));
    assert!(early["version"].as_str().expect("a version").ends_with(".0"), "{early:#}");
    night.post(&server, "/reopen", &json!({ "reason": "one more" })).send().await.is(200);
    assert_eq!(results(&server, &night, "").await["status"], "counting");
    server.finish().await;
}

/// Or where every place says how many it will have.
#[tokio::test]
async fn a_count_is_complete_once_every_place_has_as_many_boxes_as_it_said() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "cities": null, "adds_boxes": true })).await;
    let units = "code,kind,parent,boxes\nnorth,region,,\nyork,city,north,2\nhull,city,north,1\n";
    night.csv(&server, "/units?reason=late", units).send().await.is(201);
    let boxes = |shown: &Value| (shown["status"].as_str().expect("a status").to_owned(), shown["boxes"].clone());
    let told = |status: &str, expected: Value, number: u32| {
        let boxes = json!({ "expected": expected, "reported": number, "provisional": 0, "final": number });
        (status.to_owned(), boxes)
    };
    for (number, (name, city)) in (1..).zip([("y1", "york"), ("y2", "york")]) {
        report(&server, &night, 0, short(name, city, 1, 1, 2), "counted").await;
        assert_eq!(boxes(&results(&server, &night, "").await), told("counting", json!(3), number));
    }
    report(&server, &night, 0, short("h1", "hull", 1, 1, 2), "counted").await;
    assert_eq!(boxes(&results(&server, &night, "").await), told("complete", json!(3), 3));
    // One place more that does not say it, and nobody knows any more.
    night.csv(&server, "/units?reason=forgotten", "code,kind,parent\nbath,city,\n").send().await.is(201);
    assert_eq!(boxes(&results(&server, &night, "").await), told("counting", Value::Null, 3));
    assert_eq!(results(&server, &night, "?unit=north").await["boxes"]["expected"], 3);
    server.finish().await;
}

/// Ballots of boxes whose registered voters are not known are part of no turnout.
#[tokio::test]
async fn a_turnout_needs_the_registered_voters_of_every_box() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "cities": null, "adds_boxes": true })).await;
    let units = "code,kind,parent,registered\neast,region,,\na,city,east,100\nb,city,east,\nc,city,,\n";
    night.csv(&server, "/units?reason=late", units).send().await.is(201);
    let told = |shown: &Value| {
        let contest = &shown["contests"][0];
        json!([contest["registered"], contest["turnout"], contest["registered_in_part"]])
    };
    // A city without boxes has nobody whose voters could be missing.
    report(&server, &night, 0, short("a1", "a", 1, 10, 0), "counted").await;
    let before = results(&server, &night, "").await;
    assert_eq!(told(&before), json!([100, 0.1, null]));
    report(&server, &night, 0, short("b1", "b", 1, 60, 0), "counted").await;
    for (query, figures) in [
        ("", json!([null, null, 100])),
        ("?unit=east", json!([null, null, 100])),
        ("?unit=a", json!([100, 0.1, null])),
        ("?unit=b", json!([null, null, null])),
        ("?unit=a1", json!([null, null, null])),
        (&format!("?as_of={}", before["version"].as_str().expect("a version")), json!([100, 0.1, null])),
    ] {
        assert_eq!(told(&results(&server, &night, query).await), figures, "{query}");
    }
    let children = results(&server, &night, "?unit=east&by=unit").await;
    let turnouts: Vec<&Value> = children["children"]
        .as_array()
        .expect("children")
        .iter()
        .map(|child| &child["contests"][0]["turnout"])
        .collect();
    assert_eq!(turnouts, [&json!(0.1), &Value::Null]);
    let (english, french) = (page(&server, &night, "en").await, page(&server, &night, "fr").await);
    assert!(english.contains("turnout – (registered voters are not known everywhere)"), "{english}");
    assert!(french.contains("participation – (") && !french.contains("participation de"), "{french}");
    // A box that was withdrawn and retired has no voters.
    report(&server, &night, 0, json!({ "box": "b1", "withdrawn": true, "reason": "a slip" }), "withdrawn").await;
    night.post(&server, "/units/b1/retire", &json!({ "reason": "a slip" })).send().await.is(200);
    assert_eq!(told(&results(&server, &night, "").await), json!([100, 0.1, null]));
    report(&server, &night, 0, short("a1", "a", 3, 150, 0), "corrected").await;
    assert_eq!(told(&results(&server, &night, "").await), json!([100, 1.5, null]));
    let (english, french) = (page(&server, &night, "en").await, page(&server, &night, "fr").await);
    assert!(english.contains("more ballots than registered voters"), "{english}");
    assert!(french.contains("plus de bulletins que de personnes inscrites"), "{french}");
    server.finish().await;
}

/// Hidden results do not tell which boxes and cities have reported, by whatever address.
#[tokio::test]
async fn a_hidden_unit_is_like_one_that_is_not_there() {
    let server = TestServer::start().await;
    let hidden = json!({ "visibility": "after_close", "create_units": true });
    let night = Night::create(&server, hidden).await;
    report(&server, &night, 0, short("first-box", "hull", 1, 1, 2), "counted").await;
    // Codes that no id and no hash of a file has in it by chance.
    for (there, not_there) in [("first-box", "other-box"), ("hull", "bath")] {
        let paths = ["/results?unit=", "/results/stream?unit=", "/results?by=unit&after="];
        for path in paths {
            let told = async |unit: &str| {
                let answer = server.get(&night.path(&format!("{path}{unit}"))).send().await;
                answer.refused(422, "unknown_unit").text().replace(unit, "…")
            };
            assert_eq!(told(there).await, told(not_there).await, "{path}{there}");
            // Who says wrongly that they may see it learns no more.
            let stream = async |unit: &str| {
                let path = night.path(&format!("/results/stream?unit={unit}&ticket=none"));
                server.get(&path).send().await.refused(401, "invalid_ticket").text()
            };
            assert_eq!(stream(there).await, stream(not_there).await);
        }
        let page = async |unit: &str| {
            server.get(&format!("/{}/results?unit={unit}", night.code)).send().await.is(422).text().replace(unit, "…")
        };
        assert_eq!(page(there).await, page(not_there).await);
        night.get(&server, &format!("/results?unit={there}")).await.is(200);
    }
    server.get(&night.path("/results?unit=nation")).send().await.is(200);
    // Nor are they in the list of units, or counted beside it.
    let listed = async |ask: Ask| {
        let units = ask.send().await.is(200).json();
        let codes = units["units"].as_array().expect("units").iter().map(|unit| unit["code"].clone());
        Value::Array(codes.collect())
    };
    let all = json!(["nation", "london", "leeds", "hull", "first-box"]);
    let path = night.path("/units");
    assert_eq!(listed(server.get(&path)).await, json!(["nation"]));
    assert_eq!(listed(server.get(&path).bearer(ADMIN)).await, all);
    for query in ["under", "after"] {
        let told = async |unit: &str| {
            let answer = server.get(&format!("{path}?{query}={unit}")).send().await;
            answer.refused(422, "unknown_unit").text().replace(unit, "…")
        };
        for (there, not_there) in [("first-box", "other-box"), ("hull", "bath")] {
            assert_eq!(told(there).await, told(not_there).await, "{query}={there}");
        }
    }
    assert_eq!(server.get(&night.path("")).send().await.is(200).json()["units"], Value::Null);
    night.act(&server, "close").await.is(200);
    server.get(&night.path("/results?unit=first-box")).send().await.is(200);
    assert_eq!(listed(server.get(&path)).await, all);
    assert_eq!(server.get(&night.path("")).send().await.is(200).json()["units"], json!({ "count": 5, "boxes": 1 }));
    // Where reports add boxes only, cities tell nothing.
    let boxes_only = Night::create(&server, json!({ "visibility": "after_close" })).await;
    report(&server, &boxes_only, 0, short("first-box", "leeds", 1, 1, 2), "counted").await;
    assert_eq!(listed(server.get(&boxes_only.path("/units"))).await, json!(["nation", "london", "leeds"]));
    // Units that somebody listed tell nothing.
    let listed = json!([{ "code": "york", "kind": "city" }, { "code": "y1", "kind": "box", "parent": "york" }]);
    let listed = json!({ "visibility": "after_close", "cities": null, "units": listed });
    let night = Night::create(&server, listed).await;
    server.get(&night.path("/results?unit=y1")).send().await.is(200);
    server.finish().await;
}

#[tokio::test]
async fn numbers_out_of_range_are_refused() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    for (path, name, range, inside) in [
        ("/results?by=unit&", "limit", "1 to 5000", [1_u32, 5_000]),
        ("/history?", "limit", "1 to 10000", [1, 10_000]),
        ("/missing?", "limit", "1 to 5000", [1, 5_000]),
        ("/boxes?", "limit", "1 to 1000", [1, 1_000]),
        ("/audit?", "limit", "1 to 10000", [1, 10_000]),
        ("/changes?", "limit", "1 to 1000", [1, 1_000]),
        ("/changes?", "wait_s", "0 to 30", [0, 30]),
    ] {
        for number in inside {
            night.get(&server, &format!("{path}{name}={number}")).await.is(200);
        }
        for number in [inside[0].checked_sub(1), Some(inside[1] + 1)].into_iter().flatten() {
            let refused =
                night.get(&server, &format!("{path}{name}={number}")).await.refused(422, "invalid_query").json();
            assert_eq!(refused["pointer"], format!("/{name}"), "{path}");
            assert!(refused["detail"].as_str().expect("words").contains(range), "{refused}");
        }
    }
    server.finish().await;
}

/// Choices come in the order of the ballot, everywhere.
#[tokio::test]
async fn the_order_of_choices_is_that_of_the_ballot() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "choices": ["zoe", "ann", "mia"] })).await;
    let body = json!({ "box": "b1", "city": "london", "votes": { "ann": 1, "mia": 2, "zoe": 3 } });
    report(&server, &night, 0, body, "counted").await;
    for query in ["?by=unit", "?by=channel"] {
        let text = night.get(&server, &format!("/results{query}")).await.is(200).text();
        assert!(text.contains(r#"{"zoe":3,"ann":1,"mia":2}"#), "{query}: {text}");
    }
    let ask = ["results", "--by", "unit", "--url", &server.url(), "--token", ADMIN, "--election", &night.code];
    let (well, out, said) = server.command(&ask).await;
    assert!(well && out.contains("main: zoe 3  ann 1  mia 2"), "{out} {said}");
    server.finish().await;
}
