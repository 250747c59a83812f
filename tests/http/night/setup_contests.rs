//! Contests and parties: in JSON and CSV, all or none, and what they are when they are opened, closed and certified.

use serde_json::{Value, json};

use super::support::{Night, faults};
use crate::support::{ADMIN, Answer, TestServer};

const SHEET: &str = "contest,title,unit,choice,name,party,party_name\n\
    mayor,Mayor,london,ann,Ann Archer,red,The Reds\n\
    mayor,,,bob,\"Bob, the elder\",blue,The Blues\n\
    council,Council,leeds,,Ann Archer,red,\n\
    council,,,,Dora,,\n";

async fn draft(server: &TestServer) -> Night {
    Night::create(server, json!({ "open": false, "choices": null })).await
}

fn contests(answer: &Answer) -> Value {
    let contest = |contest: &Value| {
        let choice = |choice: &Value| json!([choice["code"], choice["title"], choice["party"]["name"]]);
        let choices = contest["choices"].as_array().expect("choices").iter().map(choice).collect::<Vec<_>>();
        json!([contest["code"], contest["title"], contest["unit"], contest["status"], choices])
    };
    answer.json()["contests"].as_array().expect("contests").iter().map(contest).collect()
}

#[tokio::test]
async fn contests_come_as_a_sheet_and_the_same_again_adds_nothing() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    let added = night.csv(&server, "/contests", SHEET).send().await.is(201);
    let expected = json!([
        [
            "mayor",
            "Mayor",
            "london",
            "draft",
            [["ann", "Ann Archer", "The Reds"], ["bob", "Bob, the elder", "The Blues"]]
        ],
        ["council", "Council", "leeds", "draft", [["ann-archer", "Ann Archer", "The Reds"], ["dora", "Dora", null]]],
    ]);
    assert_eq!(contests(&added), expected);
    assert_eq!(contests(&night.csv(&server, "/contests", SHEET).send().await.is(200)), expected);
    for node in 0..2 {
        let shown = server.ask_node(node, "GET", &night.path("")).send().await.is(200);
        assert_eq!(contests(&shown), expected);
    }
    // A party that an earlier request has sent can be named, also one that only a contest carries.
    night.csv(&server, "/parties", "name,code\nThe Greens,green\n").send().await.is(201);
    let body = json!({ "contests": [{ "title": "Judge", "choices": [{ "title": "Eve", "party": "green" },
        { "title": "Flo", "party": "blue" }] }] });
    let added = night.post(&server, "/contests", &body).send().await.is(201);
    let judge =
        json!(["judge", "Judge", "nation", "draft", [["eve", "Eve", "The Greens"], ["flo", "Flo", "The Blues"]]]);
    assert_eq!(contests(&added)[2], judge);
    let parties = night.get(&server, "/parties").await.is(200).json();
    let party = |code: &str, name: &str| json!({ "code": code, "name": name });
    let all = [party("blue", "The Blues"), party("green", "The Greens"), party("red", "The Reds")];
    assert_eq!(parties["parties"], json!(all));
    server.finish().await;
}

#[tokio::test]
async fn everything_that_is_wrong_with_contests_is_said_at_once_and_nothing_is_taken() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    night.csv(&server, "/contests", SHEET).send().await.is(201);
    let file = "contest,title,unit,choice,name,party,party_name\n\
        new,New,,a,A,green,The Greens\n\
        new,Other,,b,B,grey,\n\
        mayor,Mayor,leeds,ann,Ann Archer,red,\n\
        third,,,c,C,,\n\
        fourth,Fourth,nowhere,d,D,red,The Rouges\n\
        fourth,,,d,Another,,\n";
    let answer = night.csv(&server, "/contests", file).send().await.refused(422, "invalid_contests");
    let expected = [
        ("3", "contest_differs"),
        ("3", "unknown_party"),
        ("5", "empty_text"),
        ("6", "party_differs"),
        ("6", "unknown_unit"),
        ("7", "code_twice"),
    ];
    let mut found = faults(&answer);
    found.sort();
    assert_eq!(found, expected.map(|(line, code)| (line.to_owned(), code.to_owned())), "{}", answer.text());
    // Good by itself, and still not what is there.
    let file = "contest,title,unit,choice,name\nnew,New,,a,A\nmayor,Mayor,leeds,ann,Ann Archer\n";
    let answer = night.csv(&server, "/contests", file).send().await.refused(422, "invalid_contests");
    assert_eq!(faults(&answer), [("3".to_owned(), "contest_taken".to_owned())]);
    let body = json!({ "parties": [{ "code": "green", "name": "The Greens" }, { "code": "red", "name": "Rouges" }] });
    let answer = night.post(&server, "/parties", &body).send().await.refused(422, "invalid_parties");
    assert_eq!(faults(&answer), [("/parties/1/name".to_owned(), "party_differs".to_owned())]);
    let left = night.get(&server, "").await.is(200);
    assert_eq!(contests(&left).as_array().map(Vec::len), Some(2));
    let parties = night.get(&server, "/parties").await.is(200).json();
    assert_eq!(parties["parties"].as_array().map(Vec::len), Some(2), "{parties}");
    server.finish().await;
}

#[tokio::test]
async fn many_who_add_contests_at_once_get_all_of_theirs_or_none() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    let sheets = (0..8).map(|who| {
        let contest =
            |number: usize| json!({ "code": format!("w{who}-{number}"), "title": "T", "choices": ["A", "B"] });
        let mut contests: Vec<_> = (0..5).map(contest).collect();
        // All of them claim this one, each with another title.
        contests.push(json!({ "code": "claimed", "title": format!("By {who}"), "choices": ["A", "B"] }));
        let body = json!({ "contests": contests });
        server.ask_node(who, "POST", &night.path("/contests")).json(&body).bearer(ADMIN).send()
    });
    let answers = futures_util::future::join_all(sheets).await;
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(faults(answer), [("/contests/5/code".to_owned(), "contest_taken".to_owned())]);
    }
    assert_eq!(won, 1);
    let shown = server.ask_node(1, "GET", &night.path("")).send().await.is(200);
    assert_eq!(contests(&shown).as_array().map(Vec::len), Some(6), "those who were refused have left nothing");
    server.finish().await;
}

#[tokio::test]
async fn contests_are_opened_from_zero_closed_and_certified() {
    let server = TestServer::start().await;
    let night = draft(&server).await;
    night.act(&server, "open").await.refused(422, "no_contests");
    night.csv(&server, "/contests", SHEET).send().await.is(201);
    let status = |answer: &Answer| {
        let body = answer.json();
        let of = |at: usize| body["contests"][at]["status"].as_str().unwrap_or_default().to_owned();
        (body["status"].as_str().unwrap_or_default().to_owned(), of(0), of(1))
    };
    let stand = |of_all: &str, one: &str, other: &str| (of_all.to_owned(), one.to_owned(), other.to_owned());
    let act = async |act: &str, body: Value| night.post(&server, &format!("/{act}"), &body).send().await;
    let mayor = || json!({ "contest": "mayor", "reason": "Polls closed" });
    act("open", json!({ "contest": "sheriff" })).await.refused(422, "unknown_contest");
    act("open", json!({ "contests": "mayor" })).await.refused(422, "unknown_field");
    let refused = act("close", json!({})).await.refused(409, "wrong_status");
    assert!(refused.text().contains("open it first") && refused.text().contains("`mayor`"), "{}", refused.text());
    assert_eq!(status(&act("open", mayor()).await.is(200)), stand("counting", "open", "draft"));
    assert_eq!(status(&act("open", json!({})).await.is(200)), stand("counting", "open", "open"));
    let before = night.get(&server, "/units").await.is(200).text();
    assert_eq!(status(&act("open", json!({})).await.is(200)), stand("counting", "open", "open"));
    assert_eq!(night.get(&server, "/units").await.is(200).text(), before);
    act("certify", mayor()).await.refused(409, "wrong_status");
    assert_eq!(status(&act("pause", mayor()).await.is(200)), stand("counting", "paused", "open"));
    let report = json!({ "box": "l-1", "city": "london", "contest": "mayor", "votes": { "ann": 1 } });
    night.post(&server, "/reports", &report).send().await.refused(409, "contest_paused");
    assert_eq!(status(&act("open", mayor()).await.is(200)), stand("counting", "open", "open"));
    assert_eq!(status(&act("close", mayor()).await.is(200)), stand("counting", "closed", "open"));
    // One of the two refuses: then neither moves.
    act("certify", json!({})).await.refused(409, "wrong_status");
    assert_eq!(status(&night.get(&server, "").await.is(200)), stand("counting", "closed", "open"));
    act("open", mayor()).await.refused(409, "wrong_status");
    assert_eq!(status(&act("reopen", mayor()).await.is(200)), stand("counting", "open", "open"));
    assert_eq!(status(&act("close", json!({})).await.is(200)), stand("counting", "closed", "closed"));
    assert_eq!(status(&act("certify", json!({})).await.is(200)), stand("certified", "certified", "certified"));
    assert_eq!(status(&act("certify", json!({})).await.is(200)), stand("certified", "certified", "certified"));
    for what in ["open", "reopen", "close"] {
        let refused = act(what, json!({})).await.refused(409, "wrong_status");
        assert!(refused.text().contains("nothing changes any more"), "{}", refused.text());
    }
    // What was signed stays as it is; the same again is no change.
    let units = json!({ "units": [{ "code": "late", "kind": "city" }], "reason": "Forgotten" });
    let refused = night.post(&server, "/units", &units).send().await.refused(422, "invalid_units");
    assert_eq!(faults(&refused), [("/units/0/parent".to_owned(), "wrong_status".to_owned())]);
    night.post(&server, "/units/leeds/retire", &json!({ "reason": "Late" })).send().await.refused(409, "wrong_status");
    let more = json!({ "contests": [{ "code": "late", "title": "Late", "choices": ["A", "B"] }] });
    night.post(&server, "/contests", &more).send().await.refused(422, "invalid_contests");
    night.csv(&server, "/contests", SHEET).send().await.is(200);
    assert_eq!(status(&night.get(&server, "").await.is(200)), stand("certified", "certified", "certified"));
    let id = night.get(&server, "").await.json()["contests"][0]["id"].clone();
    act("reveal", json!({ "contest": id })).await.is(200);
    server.finish().await;
}
