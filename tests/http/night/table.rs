//! Results as tables: the same figures as in the document, of every place, and none that are hidden.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::results::{filed, full};
use super::results_book::{report, short};
use super::support::Night;
use crate::support::{ADMIN, Answer, TestServer};

/// The rows of a table, each with the names of its columns.
fn rows(answer: &Answer) -> Vec<Value> {
    let text = answer.text();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().expect("a header").clone();
    let row =
        |record: csv::StringRecord| names.iter().zip(&record).map(|(name, cell)| (name, cell.to_owned())).collect();
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

/// What the document says of the contest in the unit of each row.
async fn agrees(server: &TestServer, night: &Night, rows: &[Value], as_of: &str) {
    for row in rows {
        let text = |name: &str| row[name].as_str().expect(name);
        let query = format!("/results?unit={}&contest={}{as_of}", text("unit"), text("contest"));
        let document = night.get(server, &query).await.is(200).json();
        let contest = &document["contests"][0];
        let choice =
            contest["choices"].as_array().expect("choices").iter().find(|choice| choice["code"] == text("choice"));
        let choice = choice.expect("the choice");
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string().replace("null", ""), str::to_owned);
        for (column, value) in [
            ("contest_title", &contest["title"]),
            ("status", &contest["status"]),
            ("name", &document["unit"]["name"]),
            ("kind", &document["unit"]["kind"]),
            ("title", &choice["title"]),
            ("party", &choice["party"]),
            ("votes", &choice["votes"]),
            ("cast", &contest["cast"]),
            ("blank", &contest["blank"]),
            ("invalid", &contest["invalid"]),
            ("registered", &contest["registered"]),
            ("boxes_reported", &contest["boxes"]["reported"]),
            ("boxes_final", &contest["boxes"]["final"]),
            ("boxes_expected", &contest["boxes"]["expected"]),
        ] {
            assert_eq!(text(column), shown(value), "{column} of {row:#}");
        }
    }
}

/// The places of rows: which unit stands in which, once for each contest.
fn places(rows: &[Value]) -> Vec<[&str; 3]> {
    let mut places: Vec<_> =
        rows.iter().map(|row| ["contest", "unit", "parent"].map(|name| row[name].as_str().expect(name))).collect();
    places.dedup();
    places
}

#[tokio::test]
async fn a_table_has_every_choice_in_every_contest_and_unit() {
    let server = TestServer::start().await;
    let night = full(&server).await;
    filed(&server, &night, "y1", "mayor", json!({ "ann": 60, "bob": 20 })).await;
    filed(&server, &night, "y1", "east-seat", json!({ "cat": 30, "dan": 40 })).await;
    let before = night.get(&server, "/results").await.is(200).json()["version"].as_str().expect("a version").to_owned();
    filed(&server, &night, "y3", "mayor", json!({ "ann": 1, "bob": 9 })).await;
    filed(&server, &night, "b1", "mayor", json!({ "ann": 0, "bob": 50 })).await;

    let (mayor, seat) = ("mayor", "east-seat");
    let nation = [[mayor, "nation", ""], [seat, "nation", ""]];
    let east = [[mayor, "east", "nation"], [seat, "east", "nation"]];
    let west = [[mayor, "west", "nation"]];
    let york = [[mayor, "york", "east"], [seat, "york", "east"]];
    let hull = [[mayor, "hull", "east"], [seat, "hull", "east"]];
    let bath = [[mayor, "bath", "west"]];
    let below_york = [[mayor, "hall", "york"], [seat, "hall", "york"], [mayor, "y3", "york"], [seat, "y3", "york"]];
    for (query, expected) in [
        ("", nation.to_vec()),
        ("&by=unit", [&nation[..], &east, &west].concat()),
        ("&by=place", [&nation[..], &east, &west, &york, &hull, &bath].concat()),
        ("&by=place&unit=east", [&east[..], &york, &hull].concat()),
        ("&by=place&unit=york", york.to_vec()),
        ("&by=unit&unit=york", [&york[..], &below_york].concat()),
        ("&by=unit&unit=b1", vec![[mayor, "b1", "bath"]]),
        ("&by=place&contest=east-seat", [&nation[1..], &east[1..], &york[1..], &hull[1..]].concat()),
    ] {
        for as_of in ["", &format!("&as_of={before}")] {
            let answer = night.get(&server, &format!("/results?format=csv{query}{as_of}")).await.is(200);
            let rows = rows(&answer);
            assert_eq!(places(&rows), expected, "{query}");
            assert_eq!(rows.len(), expected.len() * 2, "two choices each: {query}");
            agrees(&server, &night, &rows, as_of).await;
        }
    }
    // The document has the same places, page by page.
    let first = night.get(&server, "/results?by=place&limit=3").await.is(200).json();
    let after = format!("/results?by=place&limit=3&after={}", first["next"].as_str().expect("more"));
    let second = night.get(&server, &after).await.is(200).json();
    let children = |page: &Value| page["children"].as_array().expect("children").clone();
    let listed = [children(&first), children(&second)].concat();
    let codes: Vec<_> = listed.iter().map(|child| child["code"].as_str().expect("a code")).collect();
    assert_eq!((codes, &second["next"]), (vec!["east", "west", "york", "hull", "bath"], &Value::Null));
    assert_eq!(listed[0]["contests"][0]["choices"], json!({ "ann": 61, "bob": 29 }), "york and hull");
    server.finish().await;
}

#[tokio::test]
async fn tables_are_files_that_the_page_leads_to() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "title": "=1+1", "choices": ["-1", "labour"] })).await;
    for (unit, by) in [("nation", "place"), ("london", "unit")] {
        let page = server.get(&format!("/{}/results?unit={unit}", night.code)).send().await.is(200).text();
        let links = page.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let links: Vec<_> =
            links.filter(|link| link.contains("format=")).map(|link| link.replace("&amp;", "&")).collect();
        let link = |by, format| night.path(&format!("/results?unit={unit}&by={by}&format={format}"));
        assert_eq!(links, [link(by, "csv"), link(by, "xlsx"), link("unit", "json")], "{page}");
        let csv = server.get(&links[0]).send().await.is(200);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let name = format!("attachment; filename=\"{}-results.csv\"", night.code);
        assert_eq!(csv.header("content-disposition"), Some(name.as_str()));
        assert!(csv.text().contains(",'-1,,0,"), "what people wrote is only text: {}", csv.text());
        let xlsx = server.get(&links[1]).send().await.is(200);
        assert!(xlsx.body.starts_with(b"PK"), "an archive, as books are");
        let document = server.get(&links[2]).send().await.is(200).json();
        assert_eq!(document["unit"]["code"], unit);
    }
    for (query, pointer) in [
        ("by=party", "/by"),
        ("by=channel", "/by"),
        ("choice=labour", "/choice"),
        ("by=unit&after=london", "/after"),
        ("by=unit&limit=3", "/limit"),
    ] {
        let refused = server.get(&night.path(&format!("/results?format=csv&{query}"))).send().await;
        let refused = refused.refused(422, "invalid_query");
        assert_eq!(refused.json()["pointer"], pointer, "{query}");
    }
    server.get(&night.path("/results?format=pdf")).send().await.refused(422, "invalid_query");
    server.finish().await;
}

#[tokio::test]
async fn hidden_results_are_no_table_but_for_who_may_see_them() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "visibility": "on_reveal" })).await;
    report(&server, &night, 0, short("l1", "london", 1, 120, 80), "counted").await;
    for format in ["csv", "xlsx"] {
        let path = night.path(&format!("/results?by=place&format={format}"));
        server.get(&path).send().await.refused(403, "results_hidden");
        let answer = server.get(&path).bearer(ADMIN).send().await.is(200);
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    }
    let page = server.get(&format!("/{}/results", night.code)).send().await.is(200).text();
    assert!(!page.contains("format="), "{page}");
    server.finish().await;
}

/// More rows than are made at once: each unit comes once, and the sums are those of the nation.
#[tokio::test]
async fn a_table_of_thousands_of_places_is_whole() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({ "cities": null, "adds_boxes": true })).await;
    let mut units = "code,kind,parent\nr0,region,\nr1,region,\nr2,region,\n".to_owned();
    units.extend((0..3_000).map(|city| format!("c{city},city,r{}\n", city % 3)));
    night.csv(&server, "/units?reason=late", units).send().await.is(201);
    for city in [0, 1, 1_499, 2_998, 2_999] {
        report(&server, &night, 0, short(&format!("b{city}"), &format!("c{city}"), 1, city, 1), "counted").await;
    }
    let rows = rows(&night.get(&server, "/results?by=place&format=csv").await.is(200));
    let units: BTreeSet<_> = rows.iter().map(|row| row["unit"].as_str().expect("a unit")).collect();
    assert_eq!((rows.len(), units.len()), (3_004 * 2, 3_004));
    let sum = |kind: &str| {
        let votes = rows.iter().filter(|row| row["kind"] == kind).map(|row| row["votes"].as_str().expect("votes"));
        votes.map(|votes| votes.parse::<u32>().expect("a number")).sum::<u32>()
    };
    assert_eq!(["nation", "region", "city"].map(sum), [7_502; 3]);
    let xlsx = night.get(&server, "/results?by=place&format=xlsx").await.is(200);
    assert!(xlsx.body.starts_with(b"PK"));
    server.finish().await;
}
