//! The audit: every entry in words, filtered, and as files that say the same.

use serde_json::{Value, json};

use super::results_book::{report, short};
use super::support::Night;
use crate::support::{ADMIN, TestServer};

async fn lines(server: &TestServer, night: &Night, query: &str) -> Vec<Value> {
    let page = night.get(server, &format!("/audit{query}")).await.is(200).json();
    page["lines"].as_array().expect("lines").clone()
}

fn places(lines: &[Value]) -> Vec<u64> {
    lines.iter().map(|line| line["seq"].as_u64().expect("a place")).collect()
}

async fn played(server: &TestServer) -> Night {
    let night = Night::create(server, json!({})).await;
    report(server, &night, 0, short("l1", "london", 1, 120, 80), "counted").await;
    report(server, &night, 0, short("e1", "leeds", 1, 50, 60), "counted").await;
    report(server, &night, 0, short("l1", "london", 2, 100, 80), "corrected").await;
    let gone = json!({ "box": "e1", "withdrawn": true, "reason": "=cmd|'/c calc'!A0, \"quoted\"" });
    report(server, &night, 0, gone, "withdrawn").await;
    night
}

#[tokio::test]
async fn every_entry_is_told_once_and_found_by_every_filter() {
    let server = TestServer::start().await;
    let night = played(&server).await;
    let all = lines(&server, &night, "").await;
    let seqs = places(&all);
    assert_eq!(seqs, (1..=u64::try_from(seqs.len()).expect("small")).collect::<Vec<_>>());
    let by = |wanted: &dyn Fn(&Value) -> bool| {
        let passing: Vec<Value> = all.iter().filter(|line| wanted(line)).cloned().collect();
        places(&passing)
    };
    let time = all[all.len() - 2]["time"].as_str().expect("a time").to_owned();
    for (query, expected) in [
        (
            "?kind=correction,withdrawal".to_owned(),
            by(&|line| ["correction", "withdrawal"].contains(&line["kind"].as_str().unwrap_or(""))),
        ),
        ("?box=l1".to_owned(), by(&|line| line["box"] == "l1")),
        ("?unit=leeds&kind=first,withdrawal".to_owned(), by(&|line| line["city"] == "leeds")),
        ("?by=HUSTINGS_ADMIN_TOKEN".to_owned(), by(&|line| line["by"] == "HUSTINGS_ADMIN_TOKEN")),
        ("?by=nobody".to_owned(), vec![]),
        (format!("?from={time}"), by(&|line| line["time"].as_str() >= Some(time.as_str()))),
        (format!("?to={time}"), by(&|line| line["time"].as_str() < Some(time.as_str()))),
        ("?after=3".to_owned(), seqs[3..].to_vec()),
    ] {
        assert_eq!(places(&lines(&server, &night, &query).await), expected, "{query}");
    }
    let report = &lines(&server, &night, "?box=l1").await[1];
    assert_eq!(report["reported"]["votes"], json!({ "tories": 100, "labour": 80 }));
    assert_eq!(report["votes"], json!({ "tories": -20 }));
    assert_eq!(report["request"], short("l1", "london", 2, 100, 80).to_string());
    let page = night.get(&server, "/audit?limit=2").await.is(200).json();
    assert_eq!(page["next"], 2);
    for (query, code) in
        [("?kind=rumour", "unknown_value"), ("?box=l9", "unknown_box"), ("?format=pdf", "invalid_query")]
    {
        night.get(&server, &format!("/audit{query}")).await.refused(422, code);
    }
    server.get(&night.path("/audit")).send().await.refused(401, "no_token");
    server.finish().await;
}

#[tokio::test]
async fn files_say_the_same() {
    let server = TestServer::start().await;
    let night = played(&server).await;
    let all = lines(&server, &night, "").await;
    let ndjson = night.get(&server, "/audit?format=ndjson").await.is(200);
    assert_eq!(ndjson.header("content-type"), Some("application/x-ndjson"));
    let told: Vec<Value> = ndjson.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(told, all);
    let asked = server.get(&night.path("/audit")).bearer(ADMIN).header("accept", "text/csv").send().await.is(200);
    assert_eq!(
        asked.header("content-disposition"),
        Some(&*format!("attachment; filename=\"audit-{}.csv\"", night.code))
    );
    let mut table = csv::Reader::from_reader(asked.body.as_slice());
    let header = table.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|column| column == name).expect(name);
    let rows: Vec<csv::StringRecord> = table.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), all.len());
    let (last, line) = (rows.last().expect("a row"), all.last().expect("a line"));
    assert_eq!(&last[at("votes_change")], "labour=-60 tories=-50");
    // A column of numbers can be summed, whichever way they go.
    for (row, line) in rows.iter().zip(&all) {
        let cast = line["cast"].as_i64().map(|cast| cast.to_string()).unwrap_or_default();
        assert_eq!(&row[at("cast_change")], &*cast, "{line}");
    }
    assert!(rows.iter().any(|row| row[at("cast_change")].starts_with('-')));
    // A reason that a spreadsheet would run is only text in it.
    assert_eq!(&last[at("reason")], &*format!("'{}", line["reason"].as_str().expect("a reason")));
    // So is a receipt that begins with a sign.
    assert_eq!(last[at("receipt")].trim_start_matches('\''), line["receipt"].as_str().expect("a receipt"));
    let sheet = night.get(&server, "/audit?format=xlsx").await.is(200);
    assert!(sheet.body.starts_with(b"PK"), "no sheet");
    server.finish().await;
}
