//! `docs/SQL.md`: its examples are asked of the store that the run is for, and say what the program says.

use serde_json::{Value, json};

use super::results_book::{report, short};
use super::support::Night;
use crate::support::TestServer;

const SQL: &str = include_str!("../../../docs/SQL.md");
const CHOICES: [&str; 2] = ["tories", "labour"];

/// The examples, asked of the election with this code.
fn examples(code: &str) -> Vec<String> {
    let blocks = SQL.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sql\n"));
    blocks.map(|sql| sql.replace("CODE", code)).collect()
}

#[tokio::test]
async fn the_examples_say_what_the_program_says() {
    let server = TestServer::start().await;
    let unit = |code: &str, kind: &str, parent: &str| json!({ "code": code, "kind": kind, "parent": parent });
    let units = [
        unit("north", "region", "nation"),
        unit("upper", "region", "north"),
        unit("london", "city", "nation"),
        unit("leeds", "city", "upper"),
        unit("l1", "box", "london"),
        unit("l2", "box", "london"),
        unit("e1", "box", "leeds"),
        unit("n1", "box", "nation"),
    ];
    let contest = |code: &str, unit: &str| json!({ "code": code, "title": code, "unit": unit, "choices": CHOICES });
    let contests = [contest("main", "nation"), contest("council", "north"), contest("mayor", "london")];
    let more = json!({ "choices": null, "cities": null, "units": units, "contests": contests });
    let night = Night::create(&server, more).await;
    let file = async |contest: &str, mut body: Value, word: &str| {
        body["contest"] = json!(contest);
        report(&server, &night, 0, body, word).await
    };
    file("main", short("l1", "london", 1, 120, 80), "counted").await;
    file("main", short("l1", "london", 2, 100, 80), "corrected").await;
    file("main", short("e1", "leeds", 1, 1, 2), "counted").await;
    file("main", json!({ "box": "e1", "withdrawn": true, "reason": "wrong box" }), "withdrawn").await;
    let national = json!({ "box": "n1", "contest": "main", "votes": { "labour": 7 } });
    file("main", national.clone(), "counted").await;
    file("main", short("l1", "london", 2, 1, 1), "exists_with_different_votes").await;
    file("council", short("e1", "leeds", 1, 3, 4), "counted").await;
    file("mayor", short("l2", "london", 1, 5, 6), "counted").await;
    let expected: [&[&[&str]]; 5] = [
        &[&["council", "north"], &["main", "nation"], &["mayor", "london"]],
        &[
            &["council", "leeds", "7", "1"],
            &["main", "london", "180", "1"],
            &["main", "nation", "7", "1"],
            &["mayor", "london", "11", "1"],
        ],
        &[&["main", "1", "final", "200", "0"], &["main", "2", "final", "180", "1"]],
        &[&["main", "e1"], &["main", "l2"], &["mayor", "l1"]],
        &[&["main", "l1", "2", "HUSTINGS_ADMIN_TOKEN"]],
    ];
    let examples = examples(&night.code);
    assert_eq!(examples.len(), expected.len(), "examples of the document");
    for (sql, expected) in examples.iter().zip(expected) {
        let mut rows = server.rows(sql).await;
        // The last column of reports is their time.
        rows.iter_mut().for_each(|row| row.truncate(expected[0].len()));
        assert_eq!(rows, expected, "{sql}");
    }
    for (view, rows) in [("v_choice", 6), ("v_contest", 3), ("v_unit", 8), ("v_report", 7)] {
        let all = server.rows(&format!("SELECT * FROM {view}")).await;
        assert_eq!(all.len(), rows, "{view}: {all:?}");
    }
    let request = server.rows("SELECT length(request) FROM v_report WHERE box = 'n1'").await;
    assert_eq!(request, [[national.to_string().len().to_string()]]);
    server.finish().await;
}
