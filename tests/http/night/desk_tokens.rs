//! Who may report what, and until when.

use serde_json::{Value, json};

use super::desk::{full, report, short, with};
use super::support::Night;
use crate::support::TestServer;

/// Tokens of an election for these units, none for all of it.
async fn tokens(server: &TestServer, night: &Night, units: &[Option<&str>]) -> Vec<String> {
    let wanted: Vec<_> = units.iter().map(|unit| json!({ "name": unit.unwrap_or("all"), "unit": unit })).collect();
    let made = night.post(server, "/tokens", &json!({ "tokens": wanted })).send().await.is(201).json();
    let token = |made: &Value| made["token"].as_str().expect("a token").to_owned();
    made["tokens"].as_array().expect("tokens").iter().map(token).collect()
}

#[tokio::test]
async fn a_token_reports_its_own_unit_and_no_other() {
    let server = TestServer::start().await;
    let (night, other) = (Night::create(&server, full()).await, Night::create(&server, json!({})).await);
    let made = tokens(&server, &night, &[Some("hall"), Some("london"), None]).await;
    let [hall, london, all] = made.as_slice() else { panic!("three tokens") };
    let body = |ballot_box: &str| json!({ "box": ballot_box, "contest": "nation", "votes": { "tories": 1 } });
    let ask = |token: &str, tail: &str, body: &Value| server.post(&night.path(tail), body).bearer(token);
    ask(hall, "/reports", &body("hall-1")).send().await.is(201);
    ask(hall, "/reports", &body("london-1")).send().await.refused(403, "outside_unit");
    ask(london, "/reports", &body("hall-1")).send().await.refused(403, "outside_unit");
    let gone = json!({ "box": "hall-1", "contest": "nation", "reason": "not mine" });
    ask(london, "/reports/withdraw", &gone).send().await.refused(403, "outside_unit");
    ask(all, "/reports", &body("london-1")).send().await.is(201);
    for tail in ["/reports", "/reports/bulk"] {
        server
            .post(&other.path(tail), &short("b", "leeds", 1, 1))
            .bearer(all)
            .send()
            .await
            .refused(403, "outside_election");
    }
    // In bulk each line is looked at by itself.
    let lines = format!("{}\n{}\n{}", body("hall-1"), body("london-1"), body("hall-2"));
    let answer = server.ask("POST", &night.path("/reports/bulk")).bearer(hall).body(lines).send().await.is(200).text();
    let told: Vec<_> = answer.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).collect();
    assert_eq!((&told[0]["status"], &told[1]["code"]), (&json!("repeated"), &json!("outside_unit")), "{answer}");
    assert_eq!(told[2]["status"], "counted");
    // Did mine arrive? The token that reports a box may ask.
    let look = |token: &str, tail: &str| server.get(&night.path(tail)).bearer(token);
    for tail in ["/boxes/hall-1", "/boxes/hall-1/receipt?contest=nation"] {
        look(hall, tail).send().await.is(200);
        look(all, tail).send().await.is(200);
        look(london, tail).send().await.refused(403, "outside_unit");
    }
    look(hall, "/boxes/nowhere").send().await.refused(403, "outside_unit");
    look(all, "/boxes/nowhere").send().await.refused(404, "unknown_box");
    let history = look(hall, "/boxes/hall-1").send().await.json();
    let by = history["reports"][0]["by"].as_str().and_then(|by| by.split_once(" #")).expect("a name and a number");
    assert!(by.0 == "hall" && by.1.parse::<u32>().is_ok(), "the name and the number of the token: {by:?}");
    server.finish().await;
}

#[tokio::test]
async fn a_token_adds_unlisted_boxes_in_its_own_unit_only() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "create_units": true })).await;
    let made = tokens(&server, &night, &[Some("leeds"), None]).await;
    let ask = |token: &str, body: &Value| server.post(&night.path("/reports"), body).bearer(token);
    ask(&made[0], &short("b-1", "leeds", 1, 1)).send().await.is(201);
    ask(&made[0], &short("b-2", "london", 1, 1)).send().await.refused(403, "outside_unit");
    ask(&made[0], &short("b-3", "paris", 1, 1)).send().await.refused(403, "outside_unit");
    ask(&made[1], &short("b-3", "paris", 1, 1)).send().await.is(201);
    let units = night.get(&server, "/units?kind=box").await.is(200).json();
    let codes: Vec<_> = units["units"].as_array().expect("units").iter().map(|unit| unit["code"].clone()).collect();
    assert_eq!(codes, ["b-1", "b-3"]);
    server.finish().await;
}

#[tokio::test]
async fn a_contest_takes_reports_while_it_is_open_and_receipts_stay() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "open": false })).await;
    report(&server, &night, &short("b-1", "leeds", 1, 1)).await.refused(409, "contest_not_open");
    night.act(&server, "open").await.is(200);
    let counted = report(&server, &night, &short("b-1", "leeds", 1, 1)).await.is(201);
    night.act(&server, "close").await.is(200);
    let late = with(short("b-1", "leeds", 2, 1), json!({ "revision": 2 }));
    let refused = report(&server, &night, &late).await;
    assert_eq!(refused.json()["pointer"], "/contest");
    refused.refused(409, "contest_closed");
    let again = report(&server, &night, &short("b-1", "leeds", 1, 1)).await.is(200);
    assert_eq!((again.word().as_str(), again.receipt()), ("repeated", counted.receipt()));
    report(&server, &night, &short("b-1", "leeds", 3, 1)).await.refused(409, "exists_with_different_votes");
    // No box comes into an election that takes no reports.
    report(&server, &night, &short("b-2", "leeds", 1, 1)).await.refused(409, "contest_closed");
    let units = night.get(&server, "/units?kind=box").await.is(200).json();
    assert_eq!(units["units"].as_array().map(Vec::len), Some(1), "{units}");
    server.finish().await;
}

#[tokio::test]
async fn boxes_and_contests_that_come_in_the_night_are_known_on_every_node_at_once() {
    let server = TestServer::start().await;
    let night = Night::create(&server, full()).await;
    let body = json!({ "box": "hall-1", "contest": "nation", "votes": { "tories": 1 } });
    for node in 0..2 {
        server.ask_node(node, "POST", &night.path("/reports")).bearer(crate::support::ADMIN).json(&body).send().await;
    }
    let more = json!({ "reason": "found", "units": [{ "code": "hall-3", "kind": "box", "parent": "hall" }] });
    night.post(&server, "/units", &more).send().await.is(201);
    let more = json!({ "contests": [{ "code": "senate", "title": "Senate", "choices": ["Ayes", "Noes"] }] });
    night.post(&server, "/contests", &more).send().await;
    night.post(&server, "/open", &json!({ "contest": "senate", "reason": "late" })).send().await.is(200);
    let body = json!({ "box": "hall-3", "contest": "senate", "votes": { "ayes": 1 } });
    let ask =
        |node: usize| server.ask_node(node, "POST", &night.path("/reports")).bearer(crate::support::ADMIN).json(&body);
    ask(1).send().await.is(201);
    ask(0).send().await.is(200);
    night.post(&server, "/units/hall-2/retire", &json!({ "reason": "burnt" })).send().await.is(200);
    let body = json!({ "box": "hall-2", "contest": "nation", "votes": { "tories": 1 } });
    let ask = server.ask_node(1, "POST", &night.path("/reports")).bearer(crate::support::ADMIN).json(&body);
    ask.send().await.refused(409, "box_retired");
    server.finish().await;
}
