//! Exports that anybody can recount, and exports that tell nothing about voters.

use std::fs;

use serde_json::{Value, json};

use crate::support::{ADMIN, Poll, TestServer, command};

pub(super) async fn export(server: &TestServer, poll: &Poll, what: &str, format: &str) -> (bool, String, String) {
    server.command(&["export", what, "--poll", &poll.code, "--format", format]).await
}

/// A closed poll with a second round, changed votes and a repeat.
pub(super) async fn eventful(server: &TestServer) -> Poll {
    let poll = server.create(json!({ "change": "until_close", "choices": ["Tea", "=1+1", "Water"] })).await;
    for (voter, choice) in [("a", "tea"), ("b", "1-1"), ("c", "tea"), ("a", "water"), ("a", "water"), ("d", "water")] {
        assert!(server.vote(&poll, voter, json!({ "choices": [choice] })).await.status < 300);
    }
    server.act(&poll, "close").await.is(200);
    server.act(&poll, "rounds").await.is(201);
    server.act(&poll, "open").await.is(200);
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.act(&poll, "close").await.is(200);
    poll
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The export with one line changed.
fn changed(lines: &[&str], number: usize, change: impl Fn(&mut Value)) -> Vec<String> {
    let mut lines = owned(lines);
    let mut line: Value = serde_json::from_str(&lines[number]).expect("JSON");
    change(&mut line);
    lines[number] = line.to_string();
    lines
}

/// Every way to lie that we know of, with what it is.
fn tampered(lines: &[&str]) -> Vec<(String, Vec<String>)> {
    let last = lines.len() - 1;
    let flip = |line: &mut Value| {
        let mut bytes = line["bytes"].as_str().expect("bytes").to_owned();
        let at = bytes.len() - 1;
        let digit = if bytes.ends_with('0') { "1" } else { "0" };
        bytes.replace_range(at.., digit);
        line["bytes"] = json!(bytes);
    };
    let mut tampered: Vec<(String, Vec<String>)> = Vec::new();
    for number in 1..last {
        tampered.push((format!("a flipped byte in line {number}"), changed(lines, number, flip)));
        let mut dropped = owned(lines);
        dropped.remove(number);
        tampered.push((format!("without line {number}"), dropped));
        let mut doubled = owned(lines);
        doubled.insert(number, lines[number].to_owned());
        tampered.push((format!("line {number} twice"), doubled));
        if number + 1 < last {
            let mut swapped = owned(lines);
            swapped.swap(number, number + 1);
            tampered.push((format!("lines {number} and {} swapped", number + 1), swapped));
        }
    }
    tampered
        .push(("a ballot that reads otherwise".into(), changed(lines, 2, |line| line["choices"] = json!(["water"]))));
    tampered.push((
        "a time that reads otherwise".into(),
        changed(lines, 2, |line| line["time"] = json!("2026-01-01T00:00:00.000Z")),
    ));
    tampered.push((
        "another title of a choice".into(),
        changed(lines, 0, |line| line["election"]["contests"][0]["choices"][0]["title"] = json!("Beer")),
    ));
    tampered.push((
        "other totals".into(),
        changed(lines, last, |line| line["totals"]["rounds"][0]["choices"][0]["votes"] = json!(9)),
    ));
    tampered
        .push(("another chain".into(), changed(lines, last, |line| line["totals"]["chain"] = json!("0".repeat(64)))));
    tampered.push(("cut short".into(), owned(&lines[..last])));
    tampered.push(("without its head".into(), owned(&lines[1..])));
    tampered.push(("empty".into(), Vec::new()));
    tampered
}

#[tokio::test]
async fn an_export_is_recounted_and_a_tampered_one_is_refused() {
    let server = TestServer::start().await;
    let poll = eventful(&server).await;
    let (good, text, said) = export(&server, &poll, "entries", "ndjson").await;
    assert!(good, "{said}");
    let lines: Vec<&str> = text.lines().collect();
    let file = server.folder().join("export.ndjson");
    let recount = async |lines: &[String]| {
        fs::write(&file, lines.join("\n") + "\n").expect("written");
        command(server.folder(), &["recount", &file.display().to_string(), "--json"], &[]).await
    };
    let (good, out, said) = recount(&owned(&lines)).await;
    assert!(good, "{said}");
    let (_, verdict, _) = command(server.folder(), &["recount", &file.display().to_string()], &[]).await;
    assert!(verdict.contains("chain verified") && verdict.ends_with("at the end of the file\n"), "{verdict}");
    let (_, verdict, _) = server.command(&["recount"]).await;
    assert!(verdict.contains("chain verified"), "{verdict}");
    assert!(verdict.ends_with("1 ledger recounted, and its chain is that of its head\n"), "{verdict}");
    let (_, folder, _) = server.command(&["recount", "--json"]).await;
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON")["elections"][0].clone();
    assert_eq!(parsed(&out), parsed(&folder));
    let counts: Vec<_> =
        parsed(&out)["rounds"].as_array().expect("rounds").iter().map(|r| r["ballots"].clone()).collect();
    assert_eq!(counts, [json!(4), json!(1)]);

    for (what, lines) in tampered(&lines) {
        let (good, out, said) = recount(&lines).await;
        assert!(!good && out.is_empty(), "{what} was accepted: {out}");
        assert!(said.starts_with("hustings: ") && !said.contains("panicked"), "{what}: {said}");
    }
    server.finish().await;
}

#[tokio::test]
async fn totals_are_exported_for_people_and_programs() {
    let server = TestServer::start().await;
    let poll = eventful(&server).await;
    let (good, out, said) = export(&server, &poll, "totals", "ndjson").await;
    assert!(good, "{said}");
    let totals: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&totals["code"], &totals["ballots"]), (&json!(poll.code), &json!(1)));
    let (_, out, _) = export(&server, &poll, "totals", "csv").await;
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            "round,status,ballots,blank,choice,title,votes,points",
            "1,archived,4,0,tea,Tea,1,",
            "1,archived,4,0,1-1,'=1+1,1,",
            "1,archived,4,0,water,Water,2,",
            "2,closed,1,0,tea,Tea,1,",
            "2,closed,1,0,1-1,'=1+1,0,",
            "2,closed,1,0,water,Water,0,",
        ]
    );
    let (_, out, _) = export(&server, &poll, "entries", "csv").await;
    assert_eq!(out.lines().count(), server.entries(&poll).await.len() + 1);
    assert!(out.starts_with("seq,time,kind,contest,voter,id,selections,replaces,bytes\n"), "{out}");
    let file = server.folder().join("out.csv").display().to_string();
    let into = ["export", "totals", "--poll", &poll.code, "--out", &file];
    assert!(server.command(&into).await.0 && fs::metadata(&file).is_ok_and(|file| file.len() > 0));
    let (good, _, said) = server.command(&["export", "totals", "--poll", "ABCDEF"]).await;
    assert!(!good && said.contains("there is no poll `ABCDEF`"), "{said}");
    server.finish().await;
}

#[tokio::test]
async fn public_ballots_tell_what_was_chosen_and_nothing_else() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "on_reveal", "change": "until_close" })).await;
    let refused = async |advice: &str| {
        let (good, out, said) = export(&server, &poll, "ballots", "ndjson").await;
        assert!(!good && out.is_empty() && said.contains(advice), "{advice}: {out}{said}");
    };
    for (voter, choice) in [("a", "tea"), ("b", "coffee"), ("c", "tea"), ("b", "tea"), ("d", "coffee")] {
        server.vote(&poll, voter, json!({ "choices": [choice] })).await.is(201);
    }
    refused("it is open now").await;
    server.act(&poll, "pause").await.is(200);
    refused("it is paused now").await;
    server.act(&poll, "close").await.is(200);
    refused("results are hidden").await;
    server.act(&poll, "reveal").await.is(200);
    let (good, out, said) = export(&server, &poll, "ballots", "ndjson").await;
    assert!(good, "{said}");
    let (tea, coffee) = (r#"{"choices":["tea"],"round":1}"#, r#"{"choices":["coffee"],"round":1}"#);
    assert_eq!(out.lines().collect::<Vec<_>>(), [coffee, tea, tea, tea]);
    let (_, out, _) = export(&server, &poll, "ballots", "csv").await;
    assert_eq!(out.lines().count(), 5);
    for (number, entry) in server.entries(&poll).await.iter().enumerate() {
        for secret in ["voter", "time", "bytes"] {
            let secret = entry[secret].as_str().unwrap_or("-no-such-field-");
            assert!(!out.contains(secret), "entry {number}: {secret}");
        }
    }
    server.finish().await;
}

/// A round that is over can be published while the next one is open.
#[tokio::test]
async fn ballots_of_an_earlier_round_are_published_by_themselves() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "on_reveal" })).await;
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.act(&poll, "close").await.is(200);
    server.post(&poll.path("/rounds"), &json!({ "open": true })).bearer(ADMIN).send().await.is(201);
    server.vote(&poll, "a", json!({ "choices": ["coffee"] })).await.is(201);
    let round = async |arguments: &[&str]| {
        server.command(&[&["export", "ballots", "--poll", &poll.code], arguments].concat()).await
    };
    let refused = async |arguments: &[&str], advice: &str| {
        let (good, out, said) = round(arguments).await;
        assert!(!good && out.is_empty() && said.contains(advice), "{arguments:?}: {out}{said}");
    };
    refused(&["--round", "1"], "results are hidden").await;
    server.post(&poll.path("/reveal"), &json!({ "round": 1 })).bearer(ADMIN).send().await.is(200);
    refused(&[], "it is open now; an earlier round can be, with --round").await;
    refused(&["--round", "2"], "it is open now\n").await;
    for number in ["0", "3"] {
        refused(&["--round", number], "--round goes from 1 to 2").await;
    }
    let (good, out, said) = round(&["--round", "1"]).await;
    assert!(good, "{said}");
    assert_eq!(out, "{\"choices\":[\"tea\"],\"round\":1}\n");
    let (good, _, said) = server.command(&["export", "totals", "--poll", &poll.code, "--round", "1"]).await;
    assert!(!good && said.contains("--round is for ballots"), "{said}");
    server.finish().await;
}
