//! What stands on the results page before any script runs.

use serde_json::json;

use crate::support::{ADMIN, Poll, TestServer};

pub(super) async fn page(server: &TestServer, poll: &Poll, query: &str) -> String {
    server.get(&format!("/{}/results{query}", poll.code)).send().await.is(200).text()
}

/// The texts of a page between tags, in order.
pub(super) fn between<'a>(html: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    html.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect()
}

#[tokio::test]
async fn a_table_tells_votes_shares_and_who_was_counted() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "choices": ["Tea", "Coffee", "Water"] })).await;
    for (voter, choice) in [("a", "coffee"), ("b", "coffee"), ("c", "water")] {
        server.vote(&poll, voter, json!({ "choices": [choice] })).await.is(201);
    }
    let open = page(&server, &poll, "").await;
    assert_eq!(between(&open, "class=\"name\">", "<"), ["Tea", "Coffee", "Water"], "as on the ballot paper");
    assert_eq!(between(&open, "class=\"votes\">", "<"), ["0", "2", "1"]);
    assert_eq!(between(&open, "figure share\">", "<"), ["0.0%", "66.7%", "33.3%"]);
    assert!(open.contains(">Of votes</th>") && open.contains("not “one person, one vote”"), "{open}");
    server.act(&poll, "close").await.is(200);
    let closed = page(&server, &poll, "").await;
    assert_eq!(between(&closed, "class=\"name\">", "<"), ["Coffee", "Water", "Tea"], "the most first");
    assert!(closed.contains("<p id=\"tie\" class=\"notice\" hidden>"), "{closed}");

    let several = json!({ "method": "approval", "min": 0, "access": "codes" });
    let approval = server.create(several).await;
    let made = server.post(&approval.path("/codes"), &json!({ "count": 2 })).bearer(ADMIN).send().await.is(201).json();
    for (at, choices) in [(0, json!(["tea", "coffee"])), (1, json!([]))] {
        let code = made["codes"][at]["code"].as_str().expect("a code");
        let vote = server.post(&approval.path("/votes"), &json!({ "choices": choices }));
        vote.header("authorization", &format!("Code {code}")).send().await.is(201);
    }
    let shown = page(&server, &approval, "").await;
    assert_eq!(between(&shown, "figure share\">", "<"), ["50.0%", "50.0%"]);
    assert!(shown.contains(">Of voters</th>") && shown.contains("<dd id=\"blank\">1</dd>"), "{shown}");
    assert!(shown.contains("Counted by access code"), "{shown}");
    server.act(&approval, "close").await.is(200);
    let tied = page(&server, &approval, "").await;
    assert_eq!(between(&tied, "class=\"mark\">", "<"), ["Tied", "Tied"]);
    assert!(tied.contains("<p id=\"tie\" class=\"notice\">The first place is shared."), "{tied}");

    let scored = server.create(json!({ "method": "score" })).await;
    server.vote(&scored, "a", json!({ "scores": { "tea": 5, "coffee": 1 } })).await.is(201);
    server.vote(&scored, "b", json!({ "scores": { "tea": 4 } })).await.is(201);
    let shown = page(&server, &scored, "").await;
    assert_eq!(between(&shown, "class=\"votes\">", "<"), ["9", "1"]);
    assert_eq!(between(&shown, "figure share\">", "<"), ["4.5", "1.0"]);
    assert_eq!(between(&shown, "data-given>", "<"), ["2", "1"]);
    let unrated = server.create(json!({ "method": "score" })).await;
    server.vote(&unrated, "a", json!({ "scores": { "tea": 0 } })).await.is(201);
    let shown = page(&server, &unrated, "").await;
    assert_eq!(between(&shown, "class=\"votes\">", "<"), ["0", "–"], "nobody rated one of them, badly or not");
    assert_eq!(between(&shown, "figure share\">", "<"), ["0.0", "–"]);
    let screen = server.get(&format!("/{}/screen", unrated.code)).send().await.is(200).text();
    assert_eq!(between(&screen, "class=\"votes\">", "<"), ["0", "–"]);
    assert_eq!(between(&screen, "class=\"share\">", "<"), ["mean 0.0", ""]);
    server.finish().await;
}

#[tokio::test]
async fn while_results_are_hidden_it_says_when_they_come() {
    let server = TestServer::start().await;
    for (visibility, said) in [
        ("after_vote", "each voter sees them after voting"),
        ("after_close", "all see them once voting is closed"),
        ("on_reveal", "whoever runs this poll reveals them"),
    ] {
        let times = json!({ "visibility": visibility, "closes_at": "2100-01-01T12:00:00Z", "public_ballots": true });
        let poll = server.create(times).await;
        server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
        for path in ["results", "embed"] {
            let shown = server.get(&format!("/{}/{path}", poll.code)).send().await.is(200).text();
            assert!(
                shown.contains(said) && shown.contains("Closes 1 January 2100, 12:00 UTC"),
                "{visibility}: {shown}"
            );
            for leak in ["When people voted", "Take the results away", "100.0%", "1 voter", "<time", "class=\"leads\""]
            {
                assert!(!shown.contains(leak), "{visibility} shows {leak}: {shown}");
            }
        }
    }
    let draft = server.create(json!({ "open": false })).await;
    assert!(page(&server, &draft, "").await.contains("Not open yet"));
    server.finish().await;
}

#[tokio::test]
async fn votes_over_time_are_a_picture_and_a_table_for_who_may_see_results() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "after_close", "change": "until_close" })).await;
    let mut voters = 0;
    // Until two of them came in different seconds.
    let columns = loop {
        voters += 1;
        server.vote(&poll, &voters.to_string(), json!({ "choices": ["tea"] })).await.is(201);
        server.vote(&poll, &voters.to_string(), json!({ "choices": ["coffee"] })).await.is(201);
        let entries = server.entries(&poll).await;
        let first = entries.iter().filter(|entry| entry["kind"] == "ballot_cast" && entry["replaces"].is_null());
        let mut seconds: Vec<String> =
            first.filter_map(|entry| Some(entry["time"].as_str()?.get(..19)?.to_owned())).collect();
        seconds.dedup();
        if seconds.len() > 1 {
            break seconds;
        }
    };
    assert!(!page(&server, &poll, "").await.contains("<svg class=\"columns\""), "hidden");
    server.act(&poll, "close").await.is(200);
    // What is not made in time for one reader is there for the next.
    let shown = loop {
        let shown = page(&server, &poll, "").await;
        if shown.contains("<svg class=\"columns\"") {
            break shown;
        }
    };
    let (_, table) = shown.split_once("id=\"chart-table\"").expect("a table");
    let (table, _) = table.split_once("</table>").expect("its end");
    let figures = between(table, "class=\"number\">", "<");
    let counts: Vec<u64> = figures[2..].iter().step_by(2).map(|figure| figure.parse().expect("a number")).collect();
    assert_eq!(counts.iter().sum::<u64>(), voters, "who votes again came once");
    assert_eq!((figures[0], figures[1], figures.last().expect("a figure").parse()), ("Voters", "So far", Ok(voters)));
    assert!(counts.len() <= columns.len() && table.contains(&columns[0]), "{columns:?}: {table}");
    let drawn = between(&shown, "<rect x=\"", "\"");
    assert_eq!(drawn.len(), counts.len(), "a column for each line");
    assert!(shown.contains("role=\"img\" aria-labelledby=\"chart-name chart-told\""), "{shown}");
    server.finish().await;
}

#[tokio::test]
async fn earlier_rounds_stay_under_the_same_code() {
    let server = TestServer::start().await;
    let poll = server.create(json!({ "visibility": "on_reveal" })).await;
    assert!(!page(&server, &poll, "").await.contains(">Rounds<"));
    server.vote(&poll, "a", json!({ "choices": ["tea"] })).await.is(201);
    server.act(&poll, "close").await.is(200);
    server.act(&poll, "reveal").await.is(200);
    server.post(&poll.path("/rounds"), &json!({ "open": true })).bearer(ADMIN).send().await.is(201);
    server.vote(&poll, "b", json!({ "choices": ["coffee"] })).await.is(201);
    let latest = page(&server, &poll, "").await;
    assert!(latest.contains(&format!("<a href=\"/{}/results?round=1\">Round 1</a>", poll.code)), "{latest}");
    assert!(latest.contains("<b aria-current=\"page\">Round 2</b>") && latest.contains("data-hidden"), "{latest}");
    let first = page(&server, &poll, "?round=1").await;
    assert_eq!(between(&first, "class=\"votes\">", "<"), ["1", "0"]);
    assert!(first.contains("data-status=\"archived\"") && !first.contains("data-stream"), "it is not live: {first}");
    assert!(page(&server, &poll, "?round=2").await.contains("<b aria-current=\"page\">Round 2</b>"));
    // Who follows a link to a round that is not there is told so, and where the others are.
    for other in ["0", "3", "4294967296", "x", ""] {
        let missing = server.get(&format!("/{}/results?round={other}", poll.code)).send().await.is(404).text();
        let back = format!("<a class=\"button\" href=\"/{}/results\">", poll.code);
        assert!(missing.contains("There is no such round") && missing.contains(&back), "{other}: {missing}");
    }
    for other in [0, 3] {
        let path = poll.path(&format!("/results?round={other}"));
        server.get(&path).send().await.refused(404, "unknown_round");
        server.get(&path).bearer(ADMIN).send().await.refused(404, "unknown_round");
    }
    // A round that was never shown stays hidden, also when it is an earlier one.
    server.act(&poll, "close").await.is(200);
    server.post(&poll.path("/rounds"), &json!({})).bearer(ADMIN).send().await.is(201);
    assert!(page(&server, &poll, "?round=2").await.contains("data-hidden"));
    server.finish().await;
}
