//! Earlier versions and times, what came in between, what changed and why, who is missing, who was first.

use serde_json::{Value, json};

use super::results::{filed, full};
use super::results_book::{Book, number_of, report, short};
use super::support::Night;
use crate::support::{ADMIN, TestServer};

async fn told(server: &TestServer, night: &Night, path: &str) -> Value {
    night.get(server, path).await.is(200).json()
}

/// Reports of a night: two cities, a correction, a withdrawal, a late revision.
async fn played(server: &TestServer) -> Night {
    let night = Night::create(server, json!({})).await;
    report(server, &night, 0, short("l1", "london", 1, 120, 80), "counted").await;
    report(server, &night, 0, short("e1", "leeds", 2, 50, 60), "counted").await;
    report(server, &night, 0, short("l1", "london", 2, 100, 80), "corrected").await;
    report(server, &night, 0, short("e1", "leeds", 1, 5, 6), "recorded").await;
    report(server, &night, 0, short("l2", "london", 1, 7, 3), "counted").await;
    let gone = json!({ "box": "l2", "withdrawn": true, "reason": "wrong box" });
    report(server, &night, 0, gone, "withdrawn").await;
    night
}

/// Every version of the night, asked for by name, is what an independent count gives.
#[tokio::test]
async fn any_version_can_be_asked_for() {
    let server = TestServer::start().await;
    let night = played(&server).await;
    let book = Book::read(&server, &night).await;
    let now = told(&server, &night, "/results").await;
    let (epoch, head) = now["version"].as_str().and_then(|version| version.split_once('.')).expect("a version");
    let head: u64 = head.parse().expect("a place");
    for seq in 1..=head {
        let document = told(&server, &night, &format!("/results?by=unit&as_of={epoch}.{seq}")).await;
        assert_eq!(document["version"], format!("{epoch}.{seq}"));
        book.check(&document);
        book.check(&told(&server, &night, &format!("/results?unit=london&as_of={epoch}.{seq}")).await);
        // A box is known from the entry that adds it.
        let of_box = night.get(&server, &format!("/results?unit=l1&as_of={epoch}.{seq}")).await;
        match book.lines().iter().any(|line| line["unit"] == "l1" && line["seq"].as_u64() <= Some(seq)) {
            true => book.check(&of_box.is(200).json()),
            false => drop(of_box.refused(422, "unknown_unit")),
        }
    }
    // A time shows what stood just before it.
    for line in book.lines() {
        let time = line["time"].as_str().expect("a time");
        let document = told(&server, &night, &format!("/results?as_of={time}")).await;
        let before = book.lines().iter().filter(|other| other["time"].as_str() < Some(time)).count();
        assert_eq!(document["version"], format!("{epoch}.{before}"), "{line}");
        book.check(&document);
    }
    let ahead = format!("/results?as_of={epoch}.{}", head + 1);
    night.get(&server, &ahead).await.refused(422, "unknown_version");
    server.finish().await;
}

/// A box that was withdrawn and retired since is told of earlier versions as it stood, one that came since is not.
#[tokio::test]
async fn earlier_versions_show_the_units_of_their_time() {
    let server = TestServer::start().await;
    let night = played(&server).await;
    let retired = night.post(&server, "/units/l2/retire", &json!({ "reason": "burnt" })).send().await.is(200).json();
    let late = json!({ "units": [{ "code": "l3", "kind": "box", "parent": "london", "registered": 90 }],
        "reason": "In its place" });
    night.post(&server, "/units", &late).send().await.is(201);
    let book = Book::read(&server, &night).await;
    let (epoch, _) = retired["version"].as_str().and_then(|version| version.split_once('.')).expect("a version");
    let counted = book.lines().iter().find(|line| line["box"] == "l2" && line["revision"] == 1).expect("a report");
    let [counted, last] = [&counted["seq"], &book.lines().last().expect("entries")["seq"]];
    let retired = last.as_u64().expect("a place") - 1;
    for (seq, boxes, expected) in [
        (counted.as_u64().expect("a place"), json!(["l1", "l2"]), [1, 0]),
        (retired - 1, json!(["l1", "l2"]), [1, 0]),
        (retired, json!(["l1"]), [0, 0]),
        (retired + 1, json!(["l1", "l3"]), [0, 1]),
    ] {
        let path = |unit: &str| format!("/results?unit={unit}&as_of={epoch}.{seq}");
        let london = told(&server, &night, &format!("{}&by=unit", path("london"))).await;
        book.check(&london);
        let codes: Vec<&Value> = london["children"].as_array().expect("children").iter().map(|c| &c["code"]).collect();
        assert_eq!(json!(codes), boxes, "as of {seq}");
        for (unit, expected) in ["l2", "l3"].into_iter().zip(expected) {
            let of_box = night.get(&server, &path(unit)).await;
            // A box is known from the entry that adds it.
            if unit == "l3" && seq <= retired {
                of_box.refused(422, "unknown_unit");
                continue;
            }
            let of_box = of_box.is(200).json();
            book.check(&of_box);
            assert_eq!(of_box["contests"][0]["boxes"]["expected"], expected, "{unit} as of {seq}");
        }
    }
    server.finish().await;
}

/// What came between any two entries: newly reported and net, by city and by box, is what the entries say.
#[tokio::test]
async fn intervals_tell_what_came_in_them() {
    let server = TestServer::start().await;
    let night = played(&server).await;
    let book = Book::read(&server, &night).await;
    let all = told(&server, &night, "/history").await;
    let group = |code: &str, votes: u64, boxes: u64, tories: i64, labour: i64, net_boxes: i64| {
        json!({ "code": code, "name": code, "newly_reported": { "votes": votes, "boxes": boxes },
            "net": { "votes": { "tories": tories, "labour": labour }, "boxes": net_boxes, "cast": tories + labour } })
    };
    assert_eq!(all["groups"], json!([group("london", 210, 2, 100, 80, 1), group("leeds", 110, 1, 50, 60, 1)]));
    assert_eq!(all["total"]["newly_reported"], json!({ "votes": 320, "boxes": 3 }));
    let boxes = told(&server, &night, "/history?by=box&unit=london").await;
    assert_eq!(boxes["groups"][0], group("l1", 200, 1, 100, 80, 1));
    let second = json!({ "code": "l2", "name": "l2", "newly_reported": { "votes": 10, "boxes": 1 },
        "net": { "votes": {}, "boxes": 0, "cast": 0 } });
    assert_eq!(boxes["groups"][1], second);
    // Half open: what came at an interval's end is in the next one, and nothing is in two or in none.
    let times: Vec<&str> = book.lines().iter().map(|line| line["time"].as_str().expect("a time")).collect();
    for by in ["city", "box", "contest"] {
        let (mut votes, mut boxes) = (0, 0);
        let last = "2999-01-01T00:00:00Z";
        let mut bounds = times.clone();
        bounds.push(last);
        bounds.dedup();
        for pair in bounds.windows(2) {
            let path = format!("/history?by={by}&from={}&to={}", pair[0], pair[1]);
            for group in told(&server, &night, &path).await["groups"].as_array().expect("groups") {
                votes += number_of(&group["newly_reported"], "votes");
                boxes += group["net"]["boxes"].as_i64().expect("boxes");
            }
        }
        assert_eq!((votes, boxes), (320, 2), "{by}");
    }
    let hours = told(&server, &night, "/history?interval=1h").await;
    let intervals = hours["intervals"].as_array().expect("intervals");
    let sum: u64 = intervals.iter().map(|interval| number_of(&interval["newly_reported"], "votes")).sum();
    assert_eq!((sum, &intervals[0]["from"]), (320, &hours["from"]));
    for (query, code) in [
        ("?from=2013-11-03&to=2013-11-02", "invalid_interval"),
        ("?interval=soon", "invalid_interval"),
        ("?from=2013-11-03&interval=1s", "invalid_interval"),
        ("?from=yesterday", "invalid_time"),
        ("?by=street", "invalid_query"),
    ] {
        night.get(&server, &format!("/history{query}")).await.refused(422, code);
    }
    server.finish().await;
}

/// Hours are those of the election's own zone: five hours earlier in Toronto's winter.
#[tokio::test]
async fn local_times_are_those_of_the_zone() {
    let server = TestServer::start().await;
    let night = full(&server).await;
    let asked = |from: &str| format!("/history?contest=mayor&from={from}&to=2030-01-01T00:00");
    for (from, utc) in [
        ("2013-11-02T18:00", "2013-11-02T22:00:00.000Z"),
        ("2013-11-03T18:00", "2013-11-03T23:00:00.000Z"),
        ("2013-11-03T18:00:00-08:00", "2013-11-04T02:00:00.000Z"),
        ("2013-11-03T18:00:00Z", "2013-11-03T18:00:00.000Z"),
    ] {
        let history = told(&server, &night, &asked(from)).await;
        assert_eq!((&history["from"], &history["zone"]), (&json!(utc), &json!("America/Toronto")), "{from}");
    }
    server.finish().await;
}

#[tokio::test]
async fn changes_name_what_moved_and_why() {
    let server = TestServer::start().await;
    let night = played(&server).await;
    let all = told(&server, &night, "/changes").await;
    let kinds: Vec<&str> = all["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| change["kind"].as_str().expect("a kind"))
        .collect();
    let reports: Vec<&&str> =
        kinds.iter().filter(|kind| !["unit_added", "contest_added", "opened"].contains(kind)).collect();
    assert_eq!(reports, [&"first", &"first", &"correction", &"late", &"first", &"withdrawal"], "{all:#}");
    assert_eq!(all["more"], false);
    let change = |kind: &str| {
        all["changes"].as_array().and_then(|changes| changes.iter().rfind(|change| change["kind"] == kind))
    };
    assert_eq!(change("correction").expect("one")["votes"], json!({ "tories": -20 }));
    assert_eq!(change("late").expect("one")["votes"], json!({}));
    let withdrawal = change("withdrawal").expect("one");
    assert_eq!(withdrawal["votes"], json!({ "tories": -7, "labour": -3 }));
    assert_eq!((&withdrawal["reason"], &withdrawal["box"]), (&json!("wrong box"), &json!("l2")));
    // Page by page it is the same.
    let (mut after, mut paged) = (String::new(), Vec::new());
    loop {
        let page = told(&server, &night, &format!("/changes?limit=2{after}")).await;
        paged.extend(page["changes"].as_array().expect("changes").clone());
        after = format!("&after={}", page["version"].as_str().expect("a version"));
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(json!(paged), all["changes"]);
    // Who waits is told of the next one, whichever node took it.
    let next = async {
        report(&server, &night, 1, short("l3", "london", 1, 1, 2), "counted").await;
    };
    let waiting = async {
        loop {
            let heard = told(&server, &night, &format!("/changes?wait_s=30{after}")).await;
            after = format!("&after={}", heard["version"].as_str().expect("a version"));
            let changes = heard["changes"].as_array().expect("changes");
            assert!(!changes.is_empty(), "nothing was heard");
            if changes.iter().any(|change| change["kind"] == "first" && change["box"] == "l3") {
                return after;
            }
        }
    };
    let (after, ()) = tokio::join!(waiting, next);
    assert_eq!(told(&server, &night, &format!("/changes?limit=5{after}")).await["changes"], json!([]));
    for unit in ["l1", "nope"] {
        let code = if unit == "l1" { "wrong_kind" } else { "unknown_unit" };
        night.get(&server, &format!("/history?unit={unit}")).await.refused(422, code);
    }
    night.get(&server, "/changes?after=0011223344556677.1").await.refused(422, "unknown_version");
    night.get(&server, "/changes?after=soon").await.refused(422, "invalid_version");
    server.finish().await;
}

/// Boxes that report several contests are not counted once for each of them, nor are votes for different things added up.
#[tokio::test]
async fn history_is_told_of_one_contest() {
    let server = TestServer::start().await;
    let night = full(&server).await;
    filed(&server, &night, "y1", "mayor", json!({ "ann": 40, "bob": 10 })).await;
    filed(&server, &night, "y1", "east-seat", json!({ "cat": 12 })).await;
    filed(&server, &night, "b1", "mayor", json!({ "bob": 30 })).await;
    let ambiguous = ["", "?by=city", "?by=box", "?by=contest&interval=1h", "?unit=york", "?unit=east&by=box"];
    for query in ambiguous {
        let refused = night.get(&server, &format!("/history{query}")).await.refused(422, "contest_needed").json();
        assert_eq!(refused["pointer"], "/contest", "{query}");
        assert!(refused["detail"].as_str().expect("words").ends_with("`contest`: mayor, east-seat"), "{refused}");
    }
    // Where one contest is held, or named, it is told; and each by itself.
    let newly = |moved: &Value| moved["newly_reported"].clone();
    let some = |votes: u32, boxes: u32| json!({ "votes": votes, "boxes": boxes });
    for (query, groups, total) in [
        ("?contest=mayor", vec![some(50, 1), some(30, 1)], some(80, 2)),
        ("?contest=east-seat&by=box", vec![some(12, 1)], some(12, 1)),
        ("?contest=east-seat&unit=west", vec![], some(0, 0)),
        ("?unit=west", vec![some(30, 1)], some(30, 1)),
        ("?unit=bath&by=box&interval=1h", vec![some(30, 1)], some(30, 1)),
        ("?by=contest&contest=mayor", vec![some(80, 2)], some(80, 2)),
        ("?by=contest&unit=west", vec![some(30, 1)], some(30, 1)),
    ] {
        let history = told(&server, &night, &format!("/history{query}")).await;
        let found: Vec<Value> = history["groups"].as_array().expect("groups").iter().map(newly).collect();
        assert_eq!((found, newly(&history["total"])), (groups, total), "{query}");
        let intervals = history["intervals"].as_array().into_iter().flatten();
        let moved: Vec<Value> = intervals.map(newly).filter(|moved| moved["boxes"] != 0).collect();
        assert!(moved.is_empty() || moved == [newly(&history["total"])], "{history:#}");
    }
    let each = told(&server, &night, "/history?by=contest").await;
    assert_eq!(each["total"], Value::Null, "{each:#}");
    let groups: Vec<(&Value, Value)> =
        each["groups"].as_array().expect("groups").iter().map(|group| (&group["code"], newly(group))).collect();
    assert_eq!(groups, [(&json!("mayor"), some(80, 2)), (&json!("east-seat"), some(12, 1))]);
    // A terminal is told which option to give.
    let asked = |more: &[&str]| {
        let asked = ["history", "--url", &server.url(), "--token", ADMIN, "--election", &night.code];
        asked.iter().chain(more).map(ToString::to_string).collect::<Vec<_>>()
    };
    let run = async |more: &[&str]| {
        let arguments = asked(more);
        server.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let (well, _, said) = run(&[]).await;
    assert!(!well && said.contains("mayor, east-seat (--contest CODE)"), "{said}");
    let (well, out, said) = run(&["--by", "contest"]).await;
    assert!(well && out.contains("Seat of the east") && !out.contains("in all"), "{out} {said}");
    let (well, out, said) = run(&["--contest", "mayor"]).await;
    assert!(well && out.contains("in all") && out.contains("+80"), "{out} {said}");
    server.finish().await;
}

#[tokio::test]
async fn boxes_that_are_missing_are_listed() {
    let server = TestServer::start().await;
    let night = full(&server).await;
    let missing = async |query: &str| {
        let document = told(&server, &night, &format!("/missing{query}")).await;
        let boxes = document["missing"].as_array().expect("a list").iter();
        let pair = |one: &Value| (one["box"].as_str().expect("a box").to_owned(), one["contests"].clone());
        boxes.map(pair).collect::<Vec<_>>()
    };
    let line = |ballot_box: &str, contests: &[&str]| (ballot_box.to_owned(), json!(contests));
    let both = ["mayor", "east-seat"];
    filed(&server, &night, "y1", "mayor", json!({ "ann": 1 })).await;
    filed(&server, &night, "y2", "mayor", json!({ "ann": 1 })).await;
    filed(&server, &night, "y2", "east-seat", json!({ "cat": 1 })).await;
    let expected = [line("y1", &["east-seat"]), line("y3", &both), line("h1", &both), line("b1", &["mayor"])];
    assert_eq!(missing("").await, expected);
    assert_eq!(missing("?contest=mayor").await.len(), 3);
    assert_eq!(missing("?unit=york&contest=mayor").await, [line("y3", &["mayor"])]);
    assert_eq!(missing("?limit=2").await, expected[..2]);
    assert_eq!(missing("?limit=2&after=y3").await, expected[2..]);
    // What was withdrawn is missing again.
    let gone = json!({ "box": "y2", "contest": "mayor", "withdrawn": true, "reason": "recount" });
    report(&server, &night, 0, gone, "withdrawn").await;
    assert_eq!(missing("?unit=hall").await, [line("y1", &["east-seat"]), line("y2", &["mayor"])]);
    let place = told(&server, &night, "/missing?unit=hall").await["missing"][0].clone();
    assert_eq!((&place["station"], &place["city"]), (&json!("hall"), &json!("york")));
    night.get(&server, "/missing?unit=atlantis").await.refused(422, "unknown_unit");
    night.get(&server, "/missing?after=atlantis").await.refused(422, "unknown_box");
    server.finish().await;
}

#[tokio::test]
async fn the_first_and_the_last_boxes_are_listed() {
    let server = TestServer::start().await;
    let night = played(&server).await;
    let boxes = async |query: &str| {
        let list = told(&server, &night, &format!("/boxes{query}")).await;
        let boxes = list["boxes"].as_array().expect("boxes").iter();
        let names: Vec<String> = boxes.map(|one| one["box"].as_str().expect("a box").to_owned()).collect();
        (names, list["next"].clone())
    };
    assert_eq!(boxes("").await.0, ["l1", "e1", "l2"]);
    assert_eq!(boxes("?order=last").await.0, ["l2", "e1", "l1"]);
    assert_eq!(boxes("?order=last&unit=london").await.0, ["l2", "l1"]);
    for order in ["first", "last"] {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let (names, next) = boxes(&format!("?order={order}&limit=1{after}")).await;
            all.extend(names);
            let Some(next) = next.as_u64() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(all, boxes(&format!("?order={order}")).await.0);
    }
    server.finish().await;
}

#[tokio::test]
async fn deferred_work_is_visible() {
    let server = TestServer::start().await;
    let night = played(&server).await;
    let status = told(&server, &night, "/status").await;
    assert_eq!(status["head"]["seq"], status["counters"]["seq"], "{status:#}");
    assert_eq!(status["lag"], json!({ "entries": 0, "seconds": 0.0 }));
    assert_eq!((&status["oldest_pending"], &status["quarantine"]["waiting"]), (&Value::Null, &json!(0)));
    let other = short("l1", "london", 2, 1, 1);
    report(&server, &night, 0, other, "exists_with_different_votes").await;
    assert_eq!(told(&server, &night, "/status").await["quarantine"]["waiting"], 1);
    let metrics = server.get("/metrics").bearer(ADMIN).send().await.is(200).text();
    for name in ["hustings_lag_entries", "hustings_lag_seconds", "hustings_queue_waiting"] {
        assert!(metrics.lines().any(|line| line.starts_with(name)), "no {name}");
    }
    server.finish().await;
}

/// Entries hold whole requests, so a page of them may be shorter than it was asked to be.
#[tokio::test]
async fn large_requests_hide_no_box() {
    let server = TestServer::start().await;
    let body = json!({ "title": "A night", "kind": "election", "choices": ["Tories", "Labour"], "cities": ["London"],
        "open": true });
    let made = server.post("/api/v1/elections", &body).bearer(ADMIN).send().await.is(201).json();
    let path = format!("/api/v1/elections/{}", made["code"].as_str().expect("a code"));
    let boxes: Vec<String> = (1..=11).map(|number| format!("b{number}")).collect();
    for name in &boxes {
        let report = json!({ "box": name, "city": "london", "votes": { "tories": 1, "labour": 0 } }).to_string();
        let padded = format!("{report}{}", " ".repeat(1_000_000));
        let ask = server.ask("POST", &format!("{path}/reports")).bearer(ADMIN);
        ask.header("content-type", "application/json").body(padded).send().await.is(201);
    }
    let named = |page: &Value| -> Vec<String> {
        let found = page["boxes"].as_array().expect("boxes");
        found.iter().map(|one| one["box"].as_str().expect("a code").to_owned()).collect()
    };
    let first = server.get(&format!("{path}/boxes?limit=20")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(named(&first), boxes);
    let last = server.get(&format!("{path}/boxes?order=last&limit=20")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(named(&last), boxes.iter().rev().cloned().collect::<Vec<_>>());
    // Fewer than are found at once are told in the same order, and none is passed over between two answers.
    for (order, all) in [("first", &first), ("last", &last)] {
        let (mut told, mut after) = (Vec::new(), String::new());
        loop {
            let ask = format!("{path}/boxes?order={order}&limit=4{after}");
            let page = server.get(&ask).bearer(ADMIN).send().await.is(200).json();
            assert!(named(&page).len() <= 4, "{page}");
            told.extend(named(&page));
            let Some(next) = page["next"].as_u64() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(told, named(all), "{order}");
    }
    let audit = server.get(&format!("{path}/audit?kind=first")).bearer(ADMIN).send().await.is(200).json();
    assert_eq!(audit["lines"].as_array().map(Vec::len), Some(11));
    server.finish().await;
}
