//! What is told only where it is known: how many boxes there will be, and how many may vote.

use serde_json::{Value, json};

use super::results_book::{report, short};
use super::support::Night;
use crate::support::TestServer;

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
    assert_eq!(results(&server, &night, "?as_of=2020-01-01").await["status"], "draft");
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
