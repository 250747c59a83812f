//! `docs/QUESTIONS.md`: what stands there is asked, and is answered as it says.

use hustings::clock::{Clock, SystemClock, parse_rfc3339};
use serde_json::{Value, json};

use super::results_book::report;
use super::support::Night;
use crate::support::{ADMIN, TestServer};

const QUESTIONS: &str = include_str!("../../../docs/QUESTIONS.md");

/// What stands for anything.
const ANYTHING: &str = "…";

/// Each question's address and answer.
fn examples() -> Vec<(&'static str, Value)> {
    let blocks: Vec<_> = QUESTIONS.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect();
    let pairs = blocks.windows(2).filter(|pair| pair[0].0 == "sh" && pair[1].0 == "json");
    let example = |pair: &[(&'static str, &'static str)]| {
        let path = pair[0].1.split_once("$URL").expect("an address").1.split('"').next().expect("its end");
        (path, serde_json::from_str(pair[1].1).unwrap_or_else(|error| panic!("{error} in {}", pair[1].1)))
    };
    pairs.map(example).collect()
}

/// Whether an answer says what is expected, and maybe more.
fn says(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (answer, Value::String(text)) if text == ANYTHING => !answer.is_null(),
        (Value::Object(answer), Value::Object(expected)) => {
            expected.iter().all(|(name, expected)| answer.get(name).is_some_and(|answer| says(answer, expected)))
        }
        (Value::Array(answer), Value::Array(expected)) => {
            answer.len() == expected.len()
                && answer.iter().zip(expected).all(|(answer, expected)| says(answer, expected))
        }
        (answer, expected) => answer == expected,
    }
}

fn votes(ballot_box: &str, city: &str, revision: u32, votes: Value, more: Value) -> Value {
    let mut body = json!({ "box": ballot_box, "city": city, "revision": revision, "votes": votes });
    let (Value::Object(fields), Value::Object(more)) = (&mut body, more) else { panic!("two objects") };
    fields.extend(more);
    body
}

#[tokio::test]
async fn every_question_is_answered_as_the_document_says() {
    let server = TestServer::start().await;
    let unit = |code: &str, kind: &str, parent: &str| json!({ "code": code, "kind": kind, "parent": parent });
    let units = [
        unit("london", "city", "nation"),
        unit("north", "region", "nation"),
        unit("leeds", "city", "north"),
        unit("l1", "box", "london"),
        unit("l2", "box", "london"),
        unit("e1", "box", "leeds"),
    ];
    let night = Night::create(&server, json!({ "zone": "Europe/London", "cities": null, "units": units })).await;
    let spoilt = json!({ "blank": 3, "invalid": 2 });
    let of_l1 = json!({ "tories": 120, "labour": 80 });
    let first = report(&server, &night, 0, votes("l1", "london", 1, of_l1.clone(), spoilt.clone()), "counted").await;
    let time = |answer: &Value| answer["receipt"]["time"].as_str().expect("a time").to_owned();
    // Six o'clock is the next millisecond, or a later one.
    while Some(SystemClock.now()) <= parse_rfc3339(&time(&first)) {
        tokio::task::yield_now().await;
    }
    let second = report(&server, &night, 0, votes("l1", "london", 2, of_l1, spoilt), "corrected").await;
    let six = time(&second);
    let before = night.get(&server, "/results").await.is(200).json()["version"].as_str().expect("a version").to_owned();
    report(
        &server,
        &night,
        0,
        votes("e1", "leeds", 1, json!({ "tories": 50, "labour": 60 }), json!({ "cast": 112, "blank": 2 })),
        "counted",
    )
    .await;
    let corrected = json!({ "blank": 3, "invalid": 2, "reason": "read the wrong line" });
    report(&server, &night, 0, votes("l1", "london", 3, json!({ "tories": 95, "labour": 85 }), corrected), "corrected")
        .await;
    report(&server, &night, 0, votes("l2", "london", 1, json!({ "tories": 10, "labour": 20 }), json!({})), "counted")
        .await;

    let examples = examples();
    assert_eq!(examples.len(), 12, "questions of the document");
    for (path, expected) in examples {
        let path = path.replace("$E", &night.id).replace("$VERSION", &before);
        let path = path.replace("2013-11-03T18:00", &six).replace("2013-11-03T19:00", "2999-01-01T00:00");
        let answer = server.get(&path).bearer(ADMIN).send().await.is(200).json();
        assert!(says(&answer, &expected), "{path} answers {answer:#}, the document says {expected:#}");
    }
    server.finish().await;
}
