//! Totals: at every level, by every division, at every version, and hidden where they are hidden.

use serde_json::{Value, json};

use super::results_book::{Book, number_of, report, short};
use super::support::Night;
use crate::support::{ADMIN, TestServer};

/// An election with all there is: regions, stations, channels, parties, registered voters, two contests.
pub(super) async fn full(server: &TestServer) -> Night {
    let unit = |code: &str, kind: &str, parent: &str| json!({ "code": code, "kind": kind, "parent": parent });
    let ballot_box = |code: &str, parent: &str, channel: &str, registered: u32| json!({ "code": code, "kind": "box", "parent": parent, "channel": channel, "registered": registered });
    let body = json!({
        "title": "General election", "zone": "America/Toronto", "open": true,
        "units": [
            unit("east", "region", "nation"), unit("west", "region", "nation"),
            unit("york", "city", "east"), unit("hull", "city", "east"), unit("bath", "city", "west"),
            unit("hall", "station", "york"),
            ballot_box("y1", "hall", "in_person", 100), ballot_box("y2", "hall", "in_person", 100),
            ballot_box("y3", "york", "postal", 50), ballot_box("h1", "hull", "in_person", 100),
            ballot_box("b1", "bath", "in_person", 100),
        ],
        "parties": [{ "code": "red", "name": "The Reds" }, { "code": "blue", "name": "The Blues" }],
        "contests": [
            { "code": "mayor", "title": "Mayor", "choices": [
                { "code": "ann", "title": "Ann", "party": "red" }, { "code": "bob", "title": "Bob", "party": "blue" }] },
            { "code": "east-seat", "title": "Seat of the east", "unit": "east", "choices": [
                { "code": "cat", "title": "Cat", "party": "red" }, { "code": "dan", "title": "Dan" }] },
        ],
    });
    Night::of(server.post("/api/v1/elections", &body).bearer(ADMIN).send().await.is(201).json())
}

pub(super) async fn filed(server: &TestServer, night: &Night, ballot_box: &str, contest: &str, votes: Value) -> Value {
    let body = json!({ "box": ballot_box, "contest": contest, "votes": votes });
    report(server, night, 0, body, "counted").await
}

async fn results(server: &TestServer, night: &Night, query: &str) -> Value {
    night.get(server, &format!("/results{query}")).await.is(200).json()
}

#[tokio::test]
async fn the_short_form_shows_choices_and_boxes() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    report(&server, &night, 0, short("l1", "london", 1, 120, 80), "counted").await;
    report(&server, &night, 1, short("l2", "london", 1, 10, 30), "counted").await;
    report(&server, &night, 0, short("e1", "leeds", 1, 5, 5), "counted").await;
    report(&server, &night, 1, short("l1", "london", 2, 100, 80), "corrected").await;
    let path = night.path("/results");
    // Only the node that answered is sure to have heard of it; others are told by the version.
    let version = server.ask_node(1, "GET", &path).send().await.is(200).json()["version"].clone();
    for node in 0..2 {
        let asked = format!("{path}?min_version={}", version.as_str().expect("a version"));
        let shown = server.ask_node(node, "GET", &asked).send().await.is(200).json();
        let votes: Vec<u64> =
            shown["choices"].as_array().expect("choices").iter().map(|c| number_of(c, "votes")).collect();
        assert_eq!(votes, [115, 115], "{shown:#}");
        assert_eq!(shown["boxes"], json!({ "expected": null, "reported": 3, "provisional": 0, "final": 3 }));
        assert_eq!(
            shown["contests"][0]["leader"],
            json!({ "choices": ["tories", "labour"], "margin": 0, "tie": true })
        );
        assert_eq!(shown["status"], "counting");
    }
    let london = results(&server, &night, "?unit=london").await;
    assert_eq!(number_of(&london["choices"][0], "votes"), 110, "{london:#}");
    let figure = results(&server, &night, "?unit=london&choice=labour").await;
    let version = &london["version"];
    let expected = json!({ "version": version, "unit": "london", "contest": "main", "choice": "labour", "votes": 110 });
    assert_eq!(figure, expected);
    // Rendered once, and not sent again to who has it.
    let first = server.get(&night.path("/results")).send().await.is(200);
    let tag = first.header("etag").expect("a tag").to_owned();
    assert_eq!(first.header("cache-control"), Some("public, max-age=1, stale-if-error=60"));
    for path in ["/results", "/results?by=unit"] {
        server.get(&night.path(path)).header("if-none-match", &tag).send().await.is(304);
    }
    let book = Book::read(&server, &night).await;
    for query in ["", "?unit=london", "?unit=l1", "?by=unit", "?unit=london&by=unit"] {
        book.check(&results(&server, &night, query).await);
    }
    server.finish().await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn totals_are_told_at_every_level_and_by_every_division() {
    let server = TestServer::start().await;
    let night = full(&server).await;
    assert_eq!(results(&server, &night, "").await["status"], "counting");
    filed(&server, &night, "y1", "mayor", json!({ "ann": 40, "bob": 10 })).await;
    filed(&server, &night, "y3", "mayor", json!({ "ann": 5, "bob": 20 })).await;
    filed(&server, &night, "b1", "mayor", json!({ "bob": 30 })).await;
    filed(&server, &night, "y1", "east-seat", json!({ "cat": 12, "dan": 13 })).await;
    let blank = json!({ "box": "h1", "contest": "mayor", "status": "provisional", "votes": { "ann": 7 }, "blank": 2,
        "invalid": 1, "cast": 10 });
    report(&server, &night, 0, blank, "counted").await;

    let nation = results(&server, &night, "?by=party").await;
    assert_eq!(nation["zone"], "America/Toronto");
    let mayor = &nation["contests"][0];
    assert_eq!([number_of(mayor, "votes"), number_of(mayor, "cast"), number_of(mayor, "registered")], [112, 115, 450]);
    assert_eq!(mayor["turnout"], 0.2556);
    assert_eq!(mayor["boxes"], json!({ "expected": 5, "reported": 4, "provisional": 1, "final": 3 }));
    assert_eq!(mayor["leader"], json!({ "choices": ["bob"], "margin": 8, "tie": false }));
    assert_eq!(mayor["channels"]["postal"], json!({ "votes": 25, "cast": 25, "boxes": 1 }));
    let seat = &nation["contests"][1];
    assert_eq!((&seat["unit"], number_of(seat, "registered")), (&json!("east"), 350));
    let party = |code: Value, name: Value, votes: u32, leads: u32| json!({ "code": code, "name": name, "votes": votes, "leads": leads });
    let parties = [
        party(json!("red"), json!("The Reds"), 64, 0),
        party(json!("blue"), json!("The Blues"), 60, 1),
        party(Value::Null, Value::Null, 13, 1),
    ];
    assert_eq!(nation["parties"], json!(parties));

    // A contest is told where it is held, and only there.
    let codes = |document: &Value| -> Vec<String> {
        let contests = document["contests"].as_array().expect("contests").iter();
        contests.map(|contest| contest["code"].as_str().expect("a code").to_owned()).collect()
    };
    for (unit, held) in [("west", vec!["mayor"]), ("hall", vec!["mayor", "east-seat"]), ("b1", vec!["mayor"])] {
        assert_eq!(codes(&results(&server, &night, &format!("?unit={unit}")).await), held, "{unit}");
    }
    let hall = results(&server, &night, "?unit=hall&contest=mayor").await;
    let mayor = &hall["contests"][0];
    assert_eq!((number_of(mayor, "votes"), number_of(mayor, "registered")), (50, 200));
    assert_eq!(mayor["boxes"], json!({ "expected": 2, "reported": 1, "provisional": 0, "final": 1 }));
    let by_channel = results(&server, &night, "?contest=mayor&by=channel").await;
    assert_eq!(by_channel["contests"][0]["channels"]["postal"]["choices"], json!({ "ann": 5, "bob": 20 }));
    let figure = results(&server, &night, "?unit=york&choice=ann").await;
    assert_eq!((&figure["contest"], number_of(&figure, "votes")), (&json!("mayor"), 45));

    let book = Book::read(&server, &night).await;
    for query in ["", "?by=channel", "?by=unit&contest=mayor", "?unit=york&by=unit&contest=mayor", "?unit=y1"] {
        let document = results(&server, &night, query).await;
        // Regions are no cities of the book: their sums are held against the whole.
        if query.starts_with("?by=unit") {
            let sums = document["children"].as_array().expect("children").iter();
            let sum: u64 = sums.map(|child| number_of(&child["contests"][0], "cast")).sum();
            assert_eq!(sum, number_of(&document["contests"][0], "cast"));
        } else if query.starts_with("?unit=york") {
            let station =
                document["children"].as_array().expect("children").iter().find(|child| child["code"] == "hall");
            assert_eq!(number_of(&station.expect("the station")["contests"][0], "cast"), 50);
        } else {
            book.check(&document);
        }
    }
    // Pages of units.
    let first = results(&server, &night, "?unit=york&by=unit&limit=1").await;
    assert_eq!((first["children"].as_array().map(Vec::len), &first["next"]), (Some(1), &json!("hall")));
    let second = results(&server, &night, "?unit=york&by=unit&limit=1&after=hall").await;
    assert_eq!((&second["children"][0]["code"], &second["next"]), (&json!("y3"), &Value::Null));
    server.finish().await;
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = TestServer::start().await;
    let night = full(&server).await;
    for (query, code, pointer) in [
        ("?unit=atlantis", "unknown_unit", "/unit"),
        ("?contest=pope", "unknown_contest", "/contest"),
        ("?choice=zoe", "unknown_choice", "/choice"),
        ("?unit=west&choice=cat", "unknown_choice", "/choice"),
        ("?by=colour", "invalid_query", "/by"),
        ("?colour=red", "invalid_query", "/colour"),
        ("?as_of=noon", "invalid_time", "/as_of"),
        ("?as_of=2999-01-01T00:00", "invalid_time", "/as_of"),
        ("?as_of=0011223344556677.1", "unknown_version", "/as_of"),
        ("?by=unit&after=atlantis", "unknown_unit", "/after"),
    ] {
        let answer = night.get(&server, &format!("/results{query}")).await.refused(422, code);
        assert_eq!(answer.json()["pointer"], pointer, "{query}");
    }
    server.get("/api/v1/elections/nothing/results").send().await.refused(404, "unknown_election");
    let poll = server.create(json!({})).await;
    server.get(&format!("/api/v1/elections/{}/results", poll.id)).send().await.refused(404, "unknown_election");
    server.finish().await;
}

/// Hidden results are in no output, by whatever address; who may see them does.
#[tokio::test]
async fn hidden_results_are_hidden_everywhere() {
    // No id and no hash has such a number by chance.
    const VOTES: u32 = 987_654_321;
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "visibility": "after_close" })).await;
    let before = server.get(&night.path("/results")).send().await.is(200);
    report(&server, &night, 0, short("l1", "london", 1, VOTES, 80), "counted").await;
    let after = server.get(&night.path("/results")).send().await.is(200);
    assert_eq!(before.text(), after.text(), "a report shows in a hidden document");
    let shown = after.json();
    assert_eq!((&shown["hidden"], &shown["status"], &shown["time"]), (&json!(true), &json!("counting"), &Value::Null));
    for path in ["/results?by=unit", "/results?unit=london", "/results?by=party", "/results?by=channel"] {
        let text = server.get(&night.path(path)).send().await.is(200).text();
        for word in ["votes", "cast", "boxes", "987654321", "children", "parties", "expected"] {
            assert!(!text.contains(word), "`{word}` in {path}: {text}");
        }
    }
    for path in
        ["/results?choice=labour", "/results?as_of=2030-01-01", "/changes", "/status", "/missing", "/boxes", "/history"]
    {
        server.get(&night.path(path)).send().await.refused(403, "results_hidden");
    }
    let page = server.get(&format!("/{}/results", night.code)).send().await.is(200).text();
    assert!(page.contains("Results are hidden"), "{page}");
    for figure in ["987654321", "987,654,321"] {
        assert!(!page.contains(figure), "`{figure}` in {page}");
    }
    assert_eq!(results(&server, &night, "").await["choices"][0]["votes"], VOTES);
    night.act(&server, "close").await.is(200);
    let shown = server.get(&night.path("/results")).send().await.is(200).json();
    assert_eq!((&shown["choices"][0]["votes"], &shown["hidden"]), (&json!(VOTES), &json!(false)));
    server.finish().await;
}

#[tokio::test]
async fn the_page_shows_totals_and_the_way_down() {
    let server = TestServer::start().await;
    let night = full(&server).await;
    filed(&server, &night, "y1", "mayor", json!({ "ann": 1234, "bob": 10 })).await;
    let page = server.get(&format!("/{}/results", night.code)).send().await.is(200).text();
    for word in ["General election", "Mayor", "1,234", "1 of 5 boxes", "?unit=east", "counting"] {
        assert!(page.contains(word), "no `{word}` in {page}");
    }
    // Hours are told in the election's zone, as the terminal does.
    let told = night.get(&server, "/results").await.is(200).json()["time"].as_str().expect("a time").to_owned();
    let zoned = told.parse::<jiff::Timestamp>().expect("a time").in_tz("America/Toronto").expect("a zone");
    let clock = zoned.strftime("%H:%M UTC%:z").to_string();
    for language in ["en", "fr"] {
        let ask = server.get(&format!("/{}/results", night.code)).header("accept-language", language);
        let page = ask.send().await.is(200).text();
        assert!(page.contains(&clock), "no `{clock}` in {page}");
    }
    let city = server.get(&format!("/{}/results?unit=york", night.code)).send().await.is(200).text();
    assert!(city.contains("1 of 3 boxes") && city.contains("?unit=east"), "{city}");
    let unknown = server.get(&format!("/{}/results?unit=atlantis", night.code)).header("accept-language", "fr");
    let unknown = unknown.send().await.is(422).text();
    assert!(unknown.contains("Ce lieu n’existe pas ici") && !unknown.contains("Un instant"), "{unknown}");
    assert!(unknown.contains(&format!("href=\"/{}/results\"", night.code)), "{unknown}");
    server.finish().await;
}
