//! Results as files: the same figures, and cells that are only text.

use serde_json::{Value, json};

use crate::support::{ADMIN, TestServer};

#[tokio::test]
async fn results_are_taken_away_as_tables_and_as_a_document() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "choices": ["=1+1", "Tea, green", "Water"] })).await;
    server.vote(&poll, "a", json!({ "choices": ["1-1"] })).await.is(201);
    server.vote(&poll, "b", json!({ "choices": ["tea-green"] })).await.is(201);
    let page = server.get(&format!("/{}/results", poll.code)).send().await.is(200).text();
    let links: Vec<String> = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.contains("format="))
        .map(|link| link.replace("&amp;", "&"))
        .collect();
    assert_eq!(links.len(), 3, "{page}");
    let csv = server.get(&links[0]).send().await.is(200);
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let name = format!("attachment; filename=\"{}-round-1.csv\"", poll.code);
    assert_eq!(csv.header("content-disposition"), Some(name.as_str()));
    let expected = "round,status,ballots,blank,choice,title,votes,points\n1,open,2,0,1-1,'=1+1,1,\n\
        1,open,2,0,tea-green,\"Tea, green\",1,\n1,open,2,0,water,Water,0,\n";
    assert_eq!(csv.text(), expected);
    let xlsx = server.get(&links[1]).send().await.is(200);
    assert!(xlsx.body.starts_with(b"PK"), "an archive, as books are");
    let document: Value = server.get(&links[2]).send().await.is(200).json();
    assert_eq!(document, server.get(&poll.path("/results")).send().await.is(200).json());
    server.get(&poll.path("/results?format=pdf")).send().await.refused(422, "invalid_query");
    server.get(&poll.path("/results?round=2&format=csv")).send().await.refused(404, "unknown_round");
    server.finish().await;
}

/// The page, the document and the tables name the same blank ballots, and all ballots are there.
#[tokio::test]
async fn blank_ballots_are_in_every_file() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "method": "approval", "min": 0, "max": 1 })).await;
    for (voter, choices) in [("a", json!(["tea"])), ("b", json!([])), ("c", json!([])), ("d", json!(["coffee"]))] {
        server.vote(&poll, voter, json!({ "choices": choices })).await.is(201);
    }
    let page = server.get(&format!("/{}/results", poll.code)).send().await.is(200).text();
    assert!(page.contains("<dt>Blank votes</dt><dd id=\"blank\">2</dd>"), "{page}");
    assert_eq!(server.results(&poll).await["blank"], 2);
    let csv = server.get(&poll.path("/results?format=csv")).send().await.is(200).text();
    let cells: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let number = |line: usize, name: &str| {
        let column = cells[0].iter().position(|cell| *cell == name).expect(name);
        cells[line][column].parse::<u64>().expect("a number")
    };
    let votes: u64 = (1..cells.len()).map(|line| number(line, "votes")).sum();
    assert_eq!((number(1, "ballots"), number(1, "blank"), votes), (4, 2, 2), "{csv}");
    let (good, totals, said) = server.command(&["export", "totals", "--poll", &poll.code, "--format", "csv"]).await;
    assert!(good && totals == csv, "{said}\n{totals}\n{csv}");
    server.finish().await;
}

#[tokio::test]
async fn hidden_results_are_no_file_but_for_who_may_see_them() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "on_reveal" })).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    for format in ["csv", "xlsx"] {
        let path = poll.path(&format!("/results?format={format}"));
        server.get(&path).send().await.refused(403, "results_hidden");
        let answer = server.get(&path).bearer(ADMIN).send().await.is(200);
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    }
    let masked = server.get(&poll.path("/results?format=json")).send().await.is(200).json();
    assert_eq!((&masked["hidden"], &masked["ballots"], &masked["time"]), (&json!(true), &Value::Null, &Value::Null));
    server.finish().await;
}
