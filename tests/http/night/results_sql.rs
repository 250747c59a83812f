//! `docs/SQL.md`: its examples are asked of the store that the run is for, and say what the program says.

use serde_json::json;

use super::results_book::{report, short};
use super::support::Night;
use crate::support::TestServer;

const SQL: &str = include_str!("../../../docs/SQL.md");

#[tokio::test]
async fn the_examples_say_what_the_program_says() {
    let server = TestServer::start().await;
    let unit = |code: &str, kind: &str, parent: &str| json!({ "code": code, "kind": kind, "parent": parent });
    let units = [
        unit("london", "city", "nation"),
        unit("leeds", "city", "nation"),
        unit("l1", "box", "london"),
        unit("l2", "box", "london"),
        unit("e1", "box", "leeds"),
        unit("n1", "box", "nation"),
    ];
    let night = Night::create(&server, json!({ "cities": null, "units": units })).await;
    report(&server, &night, 0, short("l1", "london", 1, 120, 80), "counted").await;
    report(&server, &night, 0, short("l1", "london", 2, 100, 80), "corrected").await;
    report(&server, &night, 0, short("e1", "leeds", 1, 1, 2), "counted").await;
    let gone = json!({ "box": "e1", "withdrawn": true, "reason": "wrong box" });
    report(&server, &night, 0, gone, "withdrawn").await;
    report(&server, &night, 0, json!({ "box": "n1", "votes": { "labour": 7 } }), "counted").await;
    report(&server, &night, 0, short("l1", "london", 2, 1, 1), "exists_with_different_votes").await;
    let examples: Vec<String> = SQL
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix("sql\n"))
        .map(|sql| sql.replace("CODE", &night.code))
        .collect();
    let expected: [&[&[&str]]; 4] = [
        &[&["london", "180", "1"], &["nation", "7", "1"]],
        &[&["1", "final", "200", "0"], &["2", "final", "180", "1"]],
        &[&["e1"], &["l2"]],
        &[&["l1", "2", "HUSTINGS_ADMIN_TOKEN"]],
    ];
    assert_eq!(examples.len(), expected.len(), "examples of the document");
    for (sql, expected) in examples.iter().zip(expected) {
        let mut rows = server.rows(sql).await;
        // The last column of reports is their time.
        rows.iter_mut().for_each(|row| row.truncate(expected[0].len()));
        assert_eq!(rows, expected, "{sql}");
    }
    for (view, rows) in [("v_choice", 2), ("v_contest", 1), ("v_unit", 6), ("v_report", 5)] {
        let all = server.rows(&format!("SELECT * FROM {view}")).await;
        assert_eq!(all.len(), rows, "{view}: {all:?}");
    }
    let request = server.rows("SELECT length(request) FROM v_report WHERE box = 'n1'").await;
    assert_eq!(request, [[json!({ "box": "n1", "votes": { "labour": 7 } }).to_string().len().to_string()]]);
    server.finish().await;
}
