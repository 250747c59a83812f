//! `docs/REPORTS.md`: what stands there is sent, and does what is said there.

use serde_json::{Value, json};

use super::desk::report;
use super::support::Night;
use crate::support::{ADMIN, TestServer, soon};

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

#[tokio::test]
async fn what_a_report_leaves_out_is_as_the_manual_says() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    let spaced = json!({ "box": " b-1 ", "city": " london ", "votes": { "tories": 5 } });
    report(&server, &night, &spaced).await.is(201);
    let first = json!({ "box": "b-1", "city": "london", "revision": 1, "blank": 0, "invalid": 0, "cast": 5,
        "votes": { "tories": 5, "labour": 0 } });
    assert_eq!(report(&server, &night, &first).await.is(200).word(), "repeated");
    let choice = json!({ "box": "b-1", "city": "london", "votes": { " tories ": 5 } });
    report(&server, &night, &choice).await.refused(422, "unknown_choice");
    night.post(&server, "/reports/withdraw", &json!({ "box": "b-1", "reason": "the wrong box" })).send().await.is(201);
    let anew = json!({ "box": "b-1", "votes": { "tories": 6 } });
    report(&server, &night, &anew).await.refused(409, "exists_with_different_votes");
    let third = json!({ "box": "b-1", "revision": 3, "votes": { "tories": 6 } });
    assert_eq!(report(&server, &night, &third).await.is(201).word(), "corrected");
    server.finish().await;
}

#[tokio::test]
async fn the_loop_of_the_manual_decides_many_cases() {
    let server = TestServer::start().await;
    let night = Night::create(&server, json!({})).await;
    for number in 1..=3 {
        let at = |votes: u32| json!({ "box": format!("b-{number}"), "city": "leeds", "votes": { "tories": votes } });
        report(&server, &night, &at(1)).await.is(201);
        report(&server, &night, &at(2)).await.refused(409, "exists_with_different_votes");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let run = async |beginning: &str| {
        let mut bash = tokio::process::Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", example("sh", beginning)]).current_dir(folder.path()).kill_on_drop(true);
        bash.envs([("URL", server.url().as_str()), ("E", &night.code), ("TOKEN", ADMIN)]);
        let output = soon(beginning, bash.output()).await.expect("bash");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run("curl").await;
    let list = folder.path().join("cases.txt");
    let cases = std::fs::read_to_string(&list).expect("the list");
    assert_eq!(cases.lines().count(), 3, "{cases}");
    let (other, same): (Vec<_>, Vec<_>) = cases.lines().partition(|case| case.contains(" b-2 "));
    std::fs::write(&list, same.join("\n") + "\n").expect("the list");
    let said = run("while").await;
    assert_eq!((said.lines().count(), said.matches("dismissed: main b-").count()), (2, 2), "{said}");
    let waiting = night.get(&server, "/quarantine?waiting=true").await.is(200).json();
    let waiting: Vec<_> = waiting["cases"].as_array().expect("cases").iter().map(|case| &case["case"]).collect();
    assert_eq!(waiting, [other[0].split(' ').next().expect("a case")]);
    server.finish().await;
}
