//! `docs/REPORTS.md`: what stands there is sent, and does what is said there.

use serde_json::{Value, json};

use super::desk::report;
use super::support::Night;
use crate::support::TestServer;

const MANUAL: &str = include_str!("../../../docs/REPORTS.md");

/// The example of a language that begins so.
fn example(language: &str, beginning: &str) -> &'static str {
    let examples = MANUAL.split("```").skip(1).step_by(2).filter_map(|example| example.split_once('\n'));
    let mut found = examples.filter(|(name, text)| *name == language && text.starts_with(beginning));
    found.next().unwrap_or_else(|| panic!("there is no example that begins with {beginning}")).1
}

#[tokio::test]
async fn the_examples_of_the_manual_report_boxes() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let json = |beginning: &str| -> Value { serde_json::from_str(example("json", beginning)).expect("JSON") };
    assert_eq!(report(&server, &night, &json("{\"id\"")).await.is(201).word(), "counted");
    assert_eq!(report(&server, &night, &json("{\"ballot_box_id\"")).await.is(201).word(), "counted");
    let gone = night.post(&server, "/reports/withdraw", &json("{\"box\"")).send().await.is(201).json();
    assert_eq!((&gone["status"], &gone["revision"]), (&json!("withdrawn"), &json!(2)));
    let answer = night.csv(&server, "/reports/bulk", example("csv", "box")).send().await.is(200).text();
    let told: Vec<Value> = answer.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let shown: Vec<_> = told.iter().map(|told| (&told["line"], &told["status"], &told["code"])).collect();
    let (counted, null) = (json!("counted"), Value::Null);
    let other = json!("exists_with_different_votes");
    let lines = [json!(2), json!(3), json!(4)];
    assert_eq!(shown, [(&lines[0], &counted, &null), (&lines[1], &counted, &null), (&lines[2], &null, &other)]);
    let case = told[2]["case"].as_str().expect("a case");
    let decided =
        night.post(&server, &format!("/quarantine/{case}"), &json("{\"decision\"")).send().await.is(200).json();
    assert_eq!((&decided["status"], &decided["decided"]["revision"]), (&json!("filed"), &json!(2)));
    let receipt = night.get(&server, "/boxes/leeds-1/receipt").await.is(200).json();
    assert_eq!(receipt["receipt"], decided["decided"]["receipt"]);
    server.finish().await;
}
